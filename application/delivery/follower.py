"""A follower: gets the events that it wants one after the other, first those that are there, then those that come."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum
from time import monotonic
from typing import NamedTuple, Protocol

from application.delivery.filters import EventFilter
from application.delivery.reading import LedgerReader
from application.ledger.port import RecordedEvent
from domain.values import Position, TenantName

QUEUE_EVENTS = 1_000
QUEUE_BYTES = 2**20
"""How many events, and bytes of them, wait for one follower. One that falls behind further reads them itself."""
PART_EVENTS = 200
PART_BYTES = 256 * 1024
"""How much a follower, or a tail, reads at once."""


class End(Enum):
    """Why a follower gets no more: a word for programs, and a sentence for people."""

    SHUTDOWN = "shutdown", "This server is shutting down; connect again"
    LIFE_OVER = "life-over", "This stream has lasted as long as a stream may; connect again"
    SLOW = "slow", "Nothing was taken of this stream for too long; connect again and take it faster"
    CREDENTIAL_ENDED = "credential-ended", "The credential was revoked, has expired, or lost the scope it needs"
    BEYOND_HEAD = "beyond-head", "The ledger's head is before this position now: it was restored from an earlier copy"
    GONE = "gone", "What this stream is about does not exist any more"
    FAILED = "failed", "This stream failed on our side; connect again"

    def __init__(self, word: str, sentence: str) -> None:
        self.word, self.sentence = word, sentence


class Shared:
    """An event that several followers get, and what was made of it for the first of them."""

    __slots__ = ("_made", "event")

    def __init__(self, event: RecordedEvent) -> None:
        self.event = event
        self._made: dict[object, bytes] = {}

    def made(self, make: Callable[[RecordedEvent], bytes]) -> bytes:
        """Return what this function makes of the event. It is made once, so make has to be the same object."""
        if make not in self._made:
            self._made[make] = make(self.event)
        return self._made[make]


class Batch(NamedTuple):
    """The next events that a follower wants, and the position up to which there are no others."""

    events: Sequence[Shared]
    next: Position


class Source(Protocol):
    """What brings new events to the followers that have read all that was there."""

    position: Position
    """Up to where it has brought them."""

    def join(self, follower: "Follower") -> None:
        """From now on, bring this follower the events after position that it wants."""

    def leave(self, follower: "Follower") -> None:
        """Bring this follower no more."""


class Follower:
    """One that follows a ledger. Its position is up to where it has been given all that it wants."""

    def __init__(
        self, reader: LedgerReader, source: Source, tenant: TenantName, wanted: EventFilter, position: Position
    ) -> None:
        self.wanted = wanted
        self.position = position
        self._reader = reader
        self._source = source
        self._tenant = tenant
        self._queue: deque[Shared] = deque()
        self._queued_bytes = 0
        self._is_live = False
        self._news = asyncio.Event()
        self.ended: End | None = None

    async def more(self, seconds: float) -> Batch:
        """Return the next events. If there are none, wait for some: so long at most, or until the follower ends.

        Each event comes once, in ledger order. Raises BeyondHead, TenantNotFound, Unavailable.
        """
        deadline = monotonic() + seconds
        while self.ended is None:
            batch = self._taken() if self._is_live else await self._read()
            if batch.events or monotonic() >= deadline:
                return batch
            if self._is_live:
                self._news.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(deadline - monotonic()):
                        await self._news.wait()
        return Batch((), self.position)

    def take(self, shared: Shared) -> None:
        """Put an event into the queue. A queue that is full is given up: the follower reads on by itself."""
        if shared.event.position <= self.position:
            return
        self._queued_bytes += len(shared.event.data) + len(shared.event.metadata)
        self._queue.append(shared)
        if len(self._queue) > QUEUE_EVENTS or (self._queued_bytes > QUEUE_BYTES and len(self._queue) > 1):
            self._fall_behind()
        self._news.set()

    def want(self, wanted: EventFilter) -> None:
        """Want other events from now on. What was brought before is given up, and read again with the new filter."""
        self._fall_behind()
        self.wanted = wanted

    def end(self, why: End) -> None:
        """Give this follower no more. The first reason counts."""
        if self.ended is None:
            self.ended = why
        self._fall_behind()
        self._news.set()

    def _fall_behind(self) -> None:
        self._source.leave(self)
        self._queue.clear()
        self._queued_bytes = 0
        self._is_live = False

    def _taken(self) -> Batch:
        events = list(self._queue)
        self._queue.clear()
        self._queued_bytes = 0
        self.position = max(self.position, self._source.position)
        return Batch(events, self.position)

    async def _read(self) -> Batch:
        part = await self._reader.read_after(
            self._tenant, self.wanted, self.position, limit=PART_EVENTS, max_bytes=PART_BYTES
        )
        self.position = part.next
        if self.position >= self._source.position and self.ended is None:
            # What the source brings next begins at its own position, so nothing is missed in between.
            self._is_live = True
            self._source.join(self)
        return Batch([Shared(event) for event in part.events], self.position)
