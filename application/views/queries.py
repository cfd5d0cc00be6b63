"""Queries of the views. A read waits until the views have reached the events written before it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, TypeVar

from application.ledger.port import Page, RecordedEvent
from application.runtime.request_context import resting
from application.views.known import KnownEntries
from application.views.order_rows import shown_order
from application.views.projections.action_log import ActionLogRow
from application.views.projections.order_state import OrderStateRow
from application.views.projections.service_events import ServiceEventRow
from domain.errors import BeyondHead, OrderNotFound, Unavailable
from domain.order_state import OrderState
from domain.values import Position, TenantName

ACTION_LOG_SIZE = 100
"""SHOPLINE shows the newest 100 entries of an order's action log, and no more."""

FIRST_POLL_SECONDS = 0.002
LONGEST_POLL_SECONDS = 0.05


T = TypeVar("T")


class Edition(NamedTuple):
    """The edition of what a view shows of an order: as long as it is the same, the view shows the same.

    number counts changes without an event: destroyed keys and rebuilt views. newest is the position of the order's
    newest entry, 0 if it has none.
    """

    number: int
    newest: int


class ViewProgress(NamedTuple):
    """A ledger's head, how far some views are, whether one of them has stopped, and an order's edition in the first
    view.
    """

    head: int
    reached: int
    is_stopped: bool
    edition: Edition


class Freshness(NamedTuple):
    """The position that a read shows, how many events it lacks, and the order's edition in the first view."""

    position: Position
    lag: int
    edition: Edition

    def require_reached(self, cursor: int | None) -> None:
        """Raise BeyondHead if a cursor is of a position that the ledger has not come to."""
        head = self.position + self.lag
        if cursor is not None and cursor > head:
            raise BeyondHead(cursor, head)


class OrderFilter(NamedTuple):
    """The orders to list; None does not restrict.

    text is searched for in the id, the reference, the customer's id and the customer's name, in each by itself.
    """

    state: str | None = None
    status: str | None = None
    updated_from: datetime | None = None
    updated_to: datetime | None = None
    text: str | None = None
    service: str | None = None
    """A service that has reported about the order."""


class CallFilter(NamedTuple):
    """The calls about an order to list; None does not restrict. response_from and response_to are inclusive."""

    correlation_id: str | None = None
    carrier_id: str | None = None
    direction: str | None = None
    request_type: str | None = None
    response_from: int | None = None
    response_to: int | None = None


class TimelineFilter(NamedTuple):
    """The events of a timeline to list; None does not restrict. Times are occurred_at; occurred_from is inclusive."""

    kind: str | None = None
    type: str | None = None
    correlation_id: str | None = None
    occurred_from: datetime | None = None
    occurred_to: datetime | None = None
    order: Literal["asc", "desc"] = "asc"


class TimelineEntry(NamedTuple):
    """One event of a timeline, and its kind.

    group is the position of the timeline's first event with the same correlation id; its own position if it has none.
    """

    kind: str
    group: int
    event: RecordedEvent

    @property
    def position(self) -> int:
        return self.event.position


class Views(Protocol):
    """The views at this moment. Lists are in ledger order, newest first unless said otherwise.

    Every list ends before its limit with the entry that brings it to PAGE_BYTES of reported data; it has at least one
    entry. [redacted] stands for forgotten personal data. [unreadable] stands for personal data that cannot be opened;
    the metadata of events and the detail of orders then have a member named unreadable, which says why.
    """

    async def progress(self, tenant: TenantName, views: Sequence[str], order_id: str | None) -> ViewProgress:
        """Return how far these views are, and which edition the first shows of an order. Raises TenantNotFound."""

    async def action_log(self, tenant: TenantName, order_id: str, *, limit: int) -> list[ActionLogRow]:
        """Return actions of the 42 kinds on an order, newest first by when they occurred, then by position."""

    async def new_actions(
        self, tenant: TenantName, order_id: str, *, after: int, occurred_at: datetime
    ) -> list[ActionLogRow] | None:
        """Return the actions of action_log behind the one at a position, in any order.

        None if there are many, or a large one; or if the action at that position did not occur at this time: then the
        ledger is another one than before.
        """

    async def newest_actions(self, tenant: TenantName, order_id: str, *, limit: int) -> list[RecordedEvent]:
        """Return everything that people and programs did to an order, in the order of action_log."""

    async def service_events(self, tenant: TenantName, order_id: str, *, limit: int) -> Page[ServiceEventRow]: ...

    async def order(self, tenant: TenantName, order_id: str) -> OrderStateRow | None: ...

    async def order_id_of(self, tenant: TenantName, reference: str) -> str | None:
        """Return the newest order that is known by this reference."""

    async def orders(
        self, tenant: TenantName, wanted: OrderFilter, *, before: int | None, limit: int
    ) -> Page[OrderStateRow]:
        """Return orders, newest first, from those created before this ledger position."""

    async def timeline(
        self,
        tenant: TenantName,
        order_id: str,
        wanted: TimelineFilter,
        *,
        cursor: int | None,
        limit: int,
        known: KnownEntries | None = None,
    ) -> Page[TimelineEntry]:
        """Return an order's events in the filter's order, from those beyond this ledger position.

        Those that are known are returned as they are stored, with what is encrypted in them.
        """

    async def system_log(
        self, tenant: TenantName, order_id: str, wanted: CallFilter, *, offset: int, limit: int
    ) -> Page[RecordedEvent]:
        """Return the calls about an order, oldest first, after skipping the first offset of them.

        has_more says whether a larger limit would have returned more.
        """


class References(Protocol):
    """The other names of orders."""

    async def find_by_reference(self, tenant: TenantName, reference: str) -> str | None:
        """Return the newest order that is known by this reference."""


class Queries:
    """Reads that see everything that was written before them."""

    def __init__(self, views: Views, *, wait_seconds: float, ring: Callable[[TenantName], object]) -> None:
        """ring tells the projector that somebody waits for a tenant's views. It may not be heard."""
        self.views = views
        self._wait_seconds = wait_seconds
        self.ring = ring

    async def wait(self, tenant: TenantName, pause: float) -> float:
        """Wait so many seconds for a tenant's views; return how long to wait the next time.

        From the second time on, the projector is told. A single write has woken it by itself.
        """
        if pause > FIRST_POLL_SECONDS:
            self.ring(tenant)
        with resting():
            await asyncio.sleep(pause)
        return min(pause * 1.5, LONGEST_POLL_SECONDS)

    async def fresh(self, tenant: TenantName, *views: str, order_id: str | None = None) -> Freshness:
        """Wait until these views have reached the ledger's present head, or until the time is up.

        Returns where the views are. lag is 0 or, if the time was up or a view has stopped, the number of events that
        the views have yet to read. Raises TenantNotFound.
        """
        deadline = time.monotonic() + self._wait_seconds
        progress = await self.views.progress(tenant, views, order_id)
        head, pause = progress.head, FIRST_POLL_SECONDS
        while progress.reached < head and not progress.is_stopped and time.monotonic() < deadline:
            pause = await self.wait(tenant, pause)
            progress = await self.views.progress(tenant, views, order_id)
        reached = min(progress.reached, progress.head)
        return Freshness(Position(reached), max(head - reached, 0), progress.edition)

    async def order(self, tenant: TenantName, name: str) -> OrderState:
        """Return an order as it is now, by its id or its reference. Raises OrderNotFound."""
        return shown_order(await self.find_order(tenant, name)).state

    async def find_order(self, tenant: TenantName, name: str) -> OrderStateRow:
        """Return the order with this id; if there is none, the one known by this reference. Raises OrderNotFound."""
        row = await self._order_named(tenant, name)
        if row is None:
            raise OrderNotFound(name)
        return row

    async def of_order(self, tenant: TenantName, name: str, read: Callable[[str], Awaitable[T]]) -> T:
        """Return what read finds for the order with this id; if that is empty, for the order with this name."""
        found = await read(name)
        if not found:
            row = await self._order_named(tenant, name)
            if row is not None and row.order_id != name:
                found = await read(row.order_id)
        return found

    async def _order_named(self, tenant: TenantName, name: str) -> OrderStateRow | None:
        row = await self.views.order(tenant, name)
        if row is None and (order_id := await self.views.order_id_of(tenant, name)) is not None:
            row = await self.views.order(tenant, order_id)
        return row

    async def find_by_reference(self, tenant: TenantName, reference: str) -> str | None:
        """Return the newest order known by this reference, among all orders created before this call.

        Raises Unavailable if none is found and not all orders could be searched.
        """
        freshness = await self.fresh(tenant, "order_state")
        order_id = await self.views.order_id_of(tenant, reference)
        if order_id is None and freshness.lag:
            raise Unavailable(f"It is not known yet whether an order has the reference {reference!r}; try again")
        return order_id

    async def order_id_of(self, tenant: TenantName, reference: str) -> str:
        """Return the id of the order that a partner knows by this reference. Raises OrderNotFound."""
        order_id = await self.find_by_reference(tenant, reference)
        if order_id is None:
            raise OrderNotFound(reference)
        return order_id
