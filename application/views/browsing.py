"""What people look through: calls of all orders, failures over time, and how a ledger has grown."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from application.ledger.port import Page, RecordedEvent
from domain.values import TenantName

GROWTH_POINTS = 60
"""At how many places of a ledger its growth is looked at."""
MAX_TIED = 200
"""How many of the orders that an integration concerns are listed."""
MAX_COUNTED = 10_000
"""How many of the calls that were found are counted by their durations: the newest."""
MAX_CARRIERS = 200
"""How many carriers are listed."""


class Newest(NamedTuple):
    """The newest event about an order."""

    order_id: str
    position: int
    type: str
    occurred_at: datetime


class CallSearch(NamedTuple):
    """The calls to find; None does not restrict. All bounds are inclusive.

    With is_failed, only calls that were answered by an error, or not at all.
    """

    order_id: str | None = None
    correlation_id: str | None = None
    carrier_id: str | None = None
    response_from: int | None = None
    response_to: int | None = None
    is_failed: bool = False
    least_milliseconds: int | None = None


class DurationCount(NamedTuple):
    """How many calls took how long, and how many of them failed.

    place is how many of the limits they reached; None if they do not say how long they took.
    """

    place: int | None
    number: int
    failed: int


class Failures(NamedTuple):
    """How many calls of an integration failed on a day (by UTC) with one type of exception."""

    day: datetime
    exception_type: str | None
    number: int


class ViewStanding(NamedTuple):
    """How far a view of one tenant is, and what stopped it."""

    projection: str
    position: int
    error: str | None
    updated_at: datetime


class Browsing(Protocol):
    """Looks through a tenant's views. Every method raises Unavailable."""

    async def newest(self, tenant: TenantName, order_ids: Sequence[str]) -> dict[str, Newest]:
        """Return the newest event of each of these orders that has one."""

    async def calls(
        self, tenant: TenantName, wanted: CallSearch, *, before: int | None, limit: int
    ) -> Page[RecordedEvent]:
        """Return logged calls, newest first, from those before this ledger position."""

    async def durations(self, tenant: TenantName, wanted: CallSearch, limits: Sequence[int]) -> list[DurationCount]:
        """Return how many calls took how long, of the MAX_COUNTED newest. limits are milliseconds, the least first."""

    async def carriers(self, tenant: TenantName) -> list[str]:
        """Return the carriers of all calls, by name: MAX_CARRIERS at most."""

    async def failures(self, tenant: TenantName, integration_id: int, since: datetime) -> list[Failures]:
        """Return how many calls failed on each day since an instant, the first day first."""

    async def tied_orders(self, tenant: TenantName, integration_id: int) -> list[str]:
        """Return the orders that an integration's exceptions concern: MAX_TIED at most."""

    async def growth(self, tenant: TenantName, head: int) -> list[tuple[int, datetime]]:
        """Return when the ledger came to some of its positions, the first and the last among them."""

    async def standings(self, tenant: TenantName) -> list[ViewStanding]:
        """Return how far each view is, by name."""
