"""Reads on in a ledger after a position, through a filter, a bounded part at a time."""

from time import monotonic
from typing import NamedTuple, Protocol

from application.delivery.filters import EventFilter
from application.ledger.port import PAGE_BYTES, RecordedEvent
from domain.errors import BeyondHead
from domain.values import Position, TenantName

LOOK = 10_000
"""How many positions one read looks at, whatever it finds. So a filter that matches nothing costs no more."""
SEARCH_SECONDS = 1.0
"""How long one page is searched for. After that, it is what was found."""
ENOUGH_BYTES = 256 * 1024
"""A page with so many bytes is not filled up by another read."""


class Found(NamedTuple):
    """Events that a read found. is_whole says whether it came to the end of what it was to look at."""

    events: list[RecordedEvent]
    is_whole: bool


class WantedEvents(Protocol):
    """The ledgers, as far as a filter can be put to them."""

    async def head(self, tenant: TenantName) -> Position:
        """Return the position of the ledger's newest event, 0 if there is none. Raises TenantNotFound."""

    async def find(
        self, tenant: TenantName, wanted: EventFilter, *, after: int, upto: int, limit: int, max_bytes: int
    ) -> Found:
        """Return events with after < position <= upto of the filter's types and streams, in ledger order.

        Their personal data is open. They end before the limit if they reach max_bytes of data and metadata.
        """


class LedgerPart(NamedTuple):
    """The events wanted of a part of a ledger.

    next is where to read on after: it is the last position that was looked at, also if nothing was found. All was
    read if it is the head.
    """

    events: list[RecordedEvent]
    next: Position
    head: Position


class LedgerReader:
    """Reads ledgers on, for all followers."""

    def __init__(self, ledgers: WantedEvents, *, look: int = LOOK) -> None:
        self._ledgers = ledgers
        self._look = look

    async def head(self, tenant: TenantName) -> Position:
        """Return the position of the ledger's newest event, 0 if there is none. Raises TenantNotFound."""
        return await self._ledgers.head(tenant)

    async def read_after(
        self, tenant: TenantName, wanted: EventFilter, after: int, *, limit: int = 1_000, max_bytes: int = PAGE_BYTES
    ) -> LedgerPart:
        """Return the next events after a position that the filter wants, as they are found in one bounded look.

        There can be more of them although it returns fewer than the limit: read on after next until next is the head.
        Whoever does that sees each event once, in ledger order. Raises BeyondHead, TenantNotFound.
        """
        head = await self._ledgers.head(tenant)
        if after > head:
            raise BeyondHead(after, head)
        upto = min(head, after + self._look)
        types = wanted.read_types
        if upto == after or (types is not None and not types):
            return LedgerPart([], Position(upto), head)
        found = await self._ledgers.find(tenant, wanted, after=after, upto=upto, limit=limit, max_bytes=max_bytes)
        reached = upto if found.is_whole else found.events[-1].position
        return LedgerPart([e for e in found.events if wanted.wants_service_of(e)], Position(reached), head)

    async def page_after(
        self, tenant: TenantName, wanted: EventFilter, after: int, *, limit: int, seconds: float = SEARCH_SECONDS
    ) -> LedgerPart:
        """Return what read_after does, but look further while there is room on the page, for a bounded time."""
        deadline = monotonic() + seconds
        events: list[RecordedEvent] = []
        while True:
            part = await self.read_after(tenant, wanted, after, limit=limit - len(events))
            events += part.events
            after = part.next
            is_full = len(events) >= limit or sum(len(e.data) + len(e.metadata) for e in events) >= ENOUGH_BYTES
            if is_full or part.next == part.head or monotonic() > deadline:
                return part._replace(events=events)
