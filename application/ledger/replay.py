"""Replay: the events and the orders of a ledger, page by page, as they may be shown now."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

from application.ledger.port import EventStore, RecordedEvent
from application.ledger.reading import ledger_pages, stream_pages
from domain.errors import BeyondHead
from domain.streams import order_id_of, order_stream
from domain.values import TenantName

PAGE = 1_000
INSTANT = timedelta(microseconds=1)

Bound = int | datetime
"""A position, or an instant of recording."""


class Replay:
    """Reads ledgers from one position to another. Only one page is held at a time, whatever the ledger's size."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def positions(self, tenant: TenantName, first: Bound | None, last: Bound | None) -> range:
        """Return the positions from one bound to another, both included, up to the ledger's present head.

        Raises TenantNotFound, and BeyondHead if there is nothing at the first and it is not the next to come.
        """
        head = await self._store.head(tenant)
        if isinstance(first, int) and first > head + 1:
            raise BeyondHead(first, head)
        if isinstance(first, datetime):
            first = await self._newest(tenant, first - INSTANT, head) + 1
        if isinstance(last, datetime):
            last = await self._newest(tenant, last, head)
        return range(min(max(first or 1, 1), head + 1), min(head if last is None else last, head) + 1)

    def events(
        self, tenant: TenantName, positions: range, order_id: str | None = None
    ) -> AsyncIterator[list[RecordedEvent]]:
        """Yield pages of the events at these positions in ledger order, of all streams or of this order's."""
        return self._ledger(tenant, positions) if order_id is None else self._order(tenant, positions, order_id)

    async def orders(self, tenant: TenantName, positions: range) -> AsyncIterator[tuple[int, Sequence[str]]]:
        """Yield, page by page, a position and the orders that began since the last yielded position, up to this one."""
        async for page in self._ledger(tenant, positions):
            begun = [event for event in page if event.version == 1 and event.type.startswith("order.")]
            yield page[-1].position, [order_id_of(event.stream) for event in begun]

    async def _newest(self, tenant: TenantName, instant: datetime, head: int) -> int:
        """Return the newest position recorded until an instant, 0 if there is none. Times never run backwards."""
        low, high = 0, head
        while low < high:
            middle = (low + high + 1) // 2
            [event] = await self._store.read_ledger(tenant, after=middle - 1, upto=middle, limit=1)
            low, high = (middle, high) if event.recorded_at <= instant else (low, middle - 1)
        return low

    async def _ledger(self, tenant: TenantName, positions: range) -> AsyncIterator[list[RecordedEvent]]:
        after, upto = positions.start - 1, positions.stop - 1
        async for page in ledger_pages(self._store, tenant, after=after, upto=upto, limit=PAGE):
            yield page

    async def _order(self, tenant: TenantName, positions: range, order_id: str) -> AsyncIterator[list[RecordedEvent]]:
        async for page in stream_pages(self._store, tenant, order_stream(order_id), limit=PAGE):
            if found := [event for event in page if event.position in positions]:
                yield found
            if page[-1].position >= positions.stop:
                return
