"""Time travel: an order as it was at a version or at an instant, read from the ledger."""

from collections.abc import AsyncIterator
from datetime import datetime

from application.ledger.port import EventStore, RecordedEvent
from application.ledger.reading import stream_pages
from application.views.history import Clock, Comparison, FieldDifference, PastOrder
from application.views.queries import References
from domain.errors import OrderNotFound, OrderNotYet, VersionNotFound
from domain.streams import order_stream
from domain.values import TenantName

PAGE = 1_000
"""How many events of an order are held at a time."""


class TimeTravel:
    """Folds an order's events up to a point. It reads a view only to look up a reference.

    An order may be named by its id or its reference; the id is tried first. If the order was redacted since, its past
    shows no personal data of its customer either. If an event cannot be read, its changes are not known; the result
    lists such events. Every method raises OrderNotFound and, if a reference cannot be looked up yet, Unavailable.
    """

    def __init__(self, store: EventStore, references: References) -> None:
        self._store = store
        self._references = references

    async def order_id(self, tenant: TenantName, name: str) -> str:
        """Return the id of the order with this id; if there is none, of the one known by this reference."""
        if await self._store.read_stream(tenant, order_stream(name), limit=1):
            return name
        order_id = await self._references.find_by_reference(tenant, name)
        if order_id is None:
            raise OrderNotFound(name)
        return order_id

    async def at_version(self, tenant: TenantName, name: str, version: int) -> PastOrder:
        """Return an order as its events up to this version made it. Raises VersionNotFound."""
        order = PastOrder(await self.order_id(tenant, name))
        async for event in self._events(tenant, order.order_id, upto=version):
            order.take(event)
        if not order.state.version or order.state.version < version:
            raise VersionNotFound(order.order_id, version, order.state.version)
        return order

    async def at(self, tenant: TenantName, name: str, instant: datetime, clock: Clock = "recorded") -> PastOrder:
        """Return an order folded from the events that were recorded, or occurred, until an instant. Raises OrderNotYet.

        By either clock the events are folded in the order in which they were recorded. The clocks of several producers
        do not tell which of two events was later, and decisions build on what was recorded before them.
        """
        order = PastOrder(await self.order_id(tenant, name))
        recorded_until = instant if clock == "recorded" else None
        async for event in self._events(tenant, order.order_id, recorded_until=recorded_until):
            if clock == "recorded" or event.occurred_at <= instant:
                order.take(event)
        if not order.state.version:
            raise OrderNotYet(order.order_id, instant, clock)
        return order

    async def changes(
        self, tenant: TenantName, name: str, *, after: int, upto: int | None
    ) -> tuple[PastOrder, list[FieldDifference]]:
        """Return an order at a version (its newest, if none is named), and how it differs from an earlier one.

        Version 0 is an order without any event. Raises VersionNotFound.
        """
        order = await self.at_version(tenant, name, after) if after else PastOrder(await self.order_id(tenant, name))
        comparison = Comparison(order)
        async for event in self._events(tenant, order.order_id, after=after, upto=upto):
            comparison.take(event)
        if upto is not None and order.state.version < upto:
            raise VersionNotFound(order.order_id, upto, order.state.version)
        return order, comparison.changes()

    async def _events(
        self,
        tenant: TenantName,
        order_id: str,
        *,
        after: int = 0,
        upto: int | None = None,
        recorded_until: datetime | None = None,
    ) -> AsyncIterator[RecordedEvent]:
        """Yield an order's events as they may be shown now. Recording times never run backwards along a stream."""
        pages = stream_pages(self._store, tenant, order_stream(order_id), after=after, upto=upto, limit=PAGE)
        async for page in pages:
            for event in page:
                if recorded_until is not None and event.recorded_at > recorded_until:
                    return
                if event.type.startswith("order."):  # other applications may write to any stream
                    yield event
