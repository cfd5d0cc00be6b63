"""For how long tenants keep what was said in calls."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from domain.values import TenantName


class Kept(NamedTuple):
    """For how long a tenant keeps what was said in calls, None if for ever; and up to which position it expired."""

    period: timedelta | None
    expired: int


class DueCall(NamedTuple):
    """An event about a call that was recorded too long ago, before an instant; digest is of what was said in it."""

    position: int
    digest: str | None
    before: datetime


class RetentionStore(Protocol):
    """Where it is noted how long tenants keep what was said in calls. Every method raises Unavailable."""

    async def keep(self, tenant: TenantName, period: timedelta | None) -> None:
        """Keep it for a period, or for ever; what has expired stays so. Raises TenantNotFound."""

    async def keep_instead(self, tenant: TenantName, known: Kept, period: timedelta | None) -> bool:
        """Do what keep does, if what is noted is still what is known; return whether it is."""

    async def find(self, tenant: TenantName) -> Kept:
        """Return what is noted of a tenant; whoever said nothing keeps all."""

    async def limited(self) -> list[TenantName]:
        """Return the tenants that do not keep it for ever."""

    async def due(self, tenant: TenantName, types: Sequence[str], *, limit: int) -> list[DueCall]:
        """Return a tenant's next events of these types that are due, in ledger order."""

    async def expire(self, tenant: TenantName, upto: int) -> None:
        """Note that what was said in calls up to a position has expired. Never goes back."""
