"""The tails of ledgers: what is appended is read once in a process, however many follow."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import Context

from application.delivery.filters import EVERYTHING, EventFilter, of_streams
from application.delivery.follower import PART_BYTES, PART_EVENTS, End, Follower, Shared
from application.delivery.growth import Growth
from application.delivery.reading import LedgerReader
from application.ledger.port import RecordedEvent
from application.runtime.loops import keep_going
from domain.errors import BeyondHead, TenantNotFound
from domain.values import Position, TenantName

NO_TYPE = frozenset({""})
"""The types of no event."""
POLL_SECONDS = 5.0
"""How often a tail looks for new events although nothing woke it."""


class _Interests:
    """The live followers, by what each wants, so that an event finds those that may want it."""

    def __init__(self) -> None:
        self.changes = 0
        """Counts the followers that were added."""
        self._of_all: set[Follower] = set()
        self._by_stream: dict[str, set[Follower]] = defaultdict(set)
        self._by_type: dict[str, set[Follower]] = defaultdict(set)

    @property
    def all(self) -> EventFilter:
        """A filter that wants at least what all of them want together."""
        if self._of_all or (self._by_stream and self._by_type):
            return EVERYTHING
        return (
            of_streams(self._by_stream) if self._by_stream else EventFilter(types=frozenset(self._by_type) or NO_TYPE)
        )

    def add(self, follower: Follower) -> None:
        self.changes += 1
        for followers in self._places_of(follower):
            followers.add(follower)

    def remove(self, follower: Follower) -> None:
        for followers in self._places_of(follower):
            followers.discard(follower)
        for by_name, names in self._names_of(follower):
            for name in names:
                if not by_name[name]:
                    del by_name[name]

    def in_event(self, event: RecordedEvent) -> Iterator[Follower]:
        """Yield the followers that want this event."""
        for followers in (self._of_all, self._by_stream.get(event.stream, ()), self._by_type.get(event.type, ())):
            for follower in tuple(followers):
                if follower.wanted.wants(event):
                    yield follower

    def _places_of(self, follower: Follower) -> list[set[Follower]]:
        named = self._names_of(follower)
        return [by_name[name] for by_name, names in named for name in names] if named else [self._of_all]

    def _names_of(self, follower: Follower) -> list[tuple[dict[str, set[Follower]], frozenset[str]]]:
        """Return the names under which a follower is found: those of streams or else of types. None: it wants all."""
        wanted = follower.wanted
        if wanted.streams is not None:
            return [(self._by_stream, wanted.streams)]
        return [] if wanted.read_types is None else [(self._by_type, wanted.read_types)]


class Tail:
    """Reads one ledger on from its head, and brings each event to the live followers that want it."""

    def __init__(self, reader: LedgerReader, tenant: TenantName, position: Position) -> None:
        self.position = position
        self.followers: set[Follower] = set()
        """All that follow, whether or not they are live."""
        self._reader = reader
        self._tenant = tenant
        self._interests = _Interests()

    def join(self, follower: Follower) -> None:
        self._interests.add(follower)

    def leave(self, follower: Follower) -> None:
        self._interests.remove(follower)

    def end(self, why: End) -> None:
        """End all followers."""
        for follower in tuple(self.followers):
            follower.end(why)

    async def run(self, growth: Growth) -> None:
        """Bring what is appended, for ever. After a lost connection it goes on where it was."""
        with growth.followed(self._tenant) as waker:

            async def bring() -> None:
                while await self._bring():
                    pass
                await waker.wait(POLL_SECONDS)

            await keep_going(f"tail of {self._tenant}", bring)

    async def _bring(self) -> bool:
        """Bring a part. Return whether more is there."""
        changes = self._interests.changes
        try:
            part = await self._reader.read_after(
                self._tenant, self._interests.all, self.position, limit=PART_EVENTS, max_bytes=PART_BYTES
            )
        except (BeyondHead, TenantNotFound) as error:
            self.end(End.BEYOND_HEAD if isinstance(error, BeyondHead) else End.GONE)
            return False
        if self._interests.changes != changes:
            return True  # somebody came meanwhile who may want what was not read: it is read once more
        for event in part.events:
            shared = Shared(event)
            for follower in self._interests.in_event(event):
                follower.take(shared)
        self.position = part.next
        return part.next < part.head


class Tails:
    """The tails of all ledgers that are followed in this process. A tail begins with its first follower."""

    def __init__(self, reader: LedgerReader, growth: Growth) -> None:
        self._reader = reader
        self._growth = growth
        self._tails: dict[TenantName, Tail] = {}
        self._running: dict[Tail, asyncio.Task[None]] = {}

    @contextmanager
    def followed(
        self, tenant: TenantName, wanted: EventFilter, *, after: Position, head: Position
    ) -> Iterator[Follower]:
        """Yield a follower of a ledger, from after this position. head is a position that the ledger has come to."""
        tail = self._tails.get(tenant) or self._begin(tenant, head)
        follower = Follower(self._reader, tail, tenant, wanted, after)
        tail.followers.add(follower)
        try:
            yield follower
        finally:
            tail.leave(follower)
            tail.followers.discard(follower)
            if not tail.followers:
                self._stop(tenant, tail)

    async def close(self) -> None:
        """End all followers and their tails."""
        running = list(self._running.values())
        for tenant, tail in list(self._tails.items()):
            tail.end(End.SHUTDOWN)
            self._stop(tenant, tail)
        await asyncio.gather(*running, return_exceptions=True)

    def _begin(self, tenant: TenantName, head: Position) -> Tail:
        tail = self._tails[tenant] = Tail(self._reader, tenant, head)
        # It belongs to no request, and waits as long as it takes.
        self._running[tail] = asyncio.create_task(tail.run(self._growth), name=f"tail of {tenant}", context=Context())
        return tail

    def _stop(self, tenant: TenantName, tail: Tail) -> None:
        if self._tails.get(tenant) is tail:
            del self._tails[tenant]
        if running := self._running.pop(tail, None):
            running.cancel()


@asynccontextmanager
async def tails_of(reader: LedgerReader, growth: Growth) -> AsyncIterator[Tails]:
    """Yield the tails of all ledgers, which end with this context."""
    tails = Tails(reader, growth)
    try:
        yield tails
    finally:
        await tails.close()
