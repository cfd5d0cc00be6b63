"""Followers of one tail: each gets what it wants in order and once, however it keeps up."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from application.delivery.filters import EVERYTHING, EventFilter
from application.delivery.follower import QUEUE_EVENTS, End, Follower
from application.delivery.growth import Growth
from application.delivery.reading import LedgerReader
from application.delivery.tail import Tails, tails_of
from application.ledger.codec import encode
from application.ledger.port import ANY, Append, RecordedEvent, Write
from domain.errors import Unavailable
from domain.values import Position, TenantName
from tests.builders import ACME, a_service_event, an_event
from tests.fakes_delivery import WantedEventsOf
from tests.fakes_store import InMemoryEventStore

LONG = 30.0


class Hinting:
    """Hints of every append."""

    def __init__(self) -> None:
        self.unheard: asyncio.Queue[set[TenantName]] = asyncio.Queue()

    async def hints(self) -> AsyncGenerator[set[TenantName] | None, None]:
        while True:
            yield await self.unheard.get()


class Ledger(WantedEventsOf):
    """A ledger that grows, tells of it, counts how often it is read, and can be away."""

    def __init__(self) -> None:
        self.store = InMemoryEventStore(ACME)
        self.hinting = Hinting()
        self.finds = 0
        self.is_away = False
        super().__init__(self.store)

    async def append(self, *order_ids: str) -> None:
        writes = (Write(f"order-{order_id}", ANY, (encode(an_event(order_id=order_id)),)) for order_id in order_ids)
        for write in writes:
            await self.store.append(Append(ACME, (write,)))
        self.hinting.unheard.put_nowait({ACME})

    async def head(self, tenant: TenantName) -> Position:
        if self.is_away:
            raise Unavailable
        return await super().head(tenant)

    async def find(self, *arguments: object, **options: object) -> object:  # type: ignore[override]
        self.finds += 1
        return await super().find(*arguments, **options)  # type: ignore[arg-type]


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
async def tails(ledger: Ledger) -> AsyncIterator[Tails]:
    growth = Growth(ledger.hinting, rest_seconds=0)
    async with tails_of(LedgerReader(ledger), growth) as tails, asyncio.timeout(LONG):
        yield tails
    await growth.close()


async def take(follower: Follower, count: int) -> list[int]:
    """Return the positions of the next so many events."""
    events: list[RecordedEvent] = []
    while len(events) < count:
        events += [shared.event for shared in (await follower.more(LONG)).events]
    return [event.position for event in events]


async def test_what_is_appended_is_read_once_for_all_followers(tails: Tails, ledger: Ledger) -> None:
    followers = [tails.followed(ACME, EVERYTHING, after=Position(0), head=Position(0)) for _ in range(50)]
    opened = [follower.__enter__() for follower in followers]
    waiting = [asyncio.create_task(take(follower, 1)) for follower in opened]
    await asyncio.sleep(0)

    await ledger.append("A")

    assert await asyncio.gather(*waiting) == [[1]] * 50
    assert ledger.finds == 1
    for follower in followers:
        follower.__exit__(None, None, None)


async def test_a_follower_gets_only_what_it_wants_and_knows_how_far_it_is(tails: Tails, ledger: Ledger) -> None:
    wanted = EventFilter(orders=frozenset({"B"}))
    with tails.followed(ACME, wanted, after=Position(0), head=Position(0)) as follower:
        assert not (await follower.more(0)).events
        await ledger.append("A", "B", "A", "B", "A")

        assert await take(follower, 2) == [2, 4]
        assert follower.position == 5


async def test_one_that_falls_behind_reads_on_by_itself(tails: Tails, ledger: Ledger) -> None:
    with (
        tails.followed(ACME, EVERYTHING, after=Position(0), head=Position(0)) as slow,
        tails.followed(ACME, EVERYTHING, after=Position(0), head=Position(0)) as quick,
    ):
        await slow.more(0)
        await quick.more(0)
        for _ in range(3):
            await ledger.append(*["A"] * QUEUE_EVENTS)
            await take(quick, QUEUE_EVENTS)
        await ledger.append("A")

        assert len(slow._queue) <= QUEUE_EVENTS
        assert await take(slow, 3 * QUEUE_EVENTS + 1) == list(range(1, 3 * QUEUE_EVENTS + 2))


async def test_followers_that_come_and_go_at_random_miss_nothing(tails: Tails, ledger: Ledger) -> None:
    dice = random.Random(7)
    filters = [EVERYTHING, EventFilter(orders=frozenset({"A"})), EventFilter(types=frozenset({"no.such"}))]
    await ledger.append("A", "B")
    streams = [f"order-{dice.choice('AB')}" for _ in range(400)]

    async def follow(wanted: EventFilter) -> tuple[EventFilter, list[int]]:
        seen: list[int] = []
        position = Position(0)
        while position < len(streams) + 2:
            head = await ledger.head(ACME)
            with tails.followed(ACME, wanted, after=position, head=head) as follower:
                for _ in range(dice.randint(1, 8)):
                    batch = await follower.more(0.01)
                    seen += [shared.event.position for shared in batch.events]
                    position = batch.next
        return wanted, seen

    following = [asyncio.create_task(follow(wanted)) for wanted in filters * 4]
    for stream in streams:
        await ledger.append(stream.removeprefix("order-"))
        if dice.random() < 0.3:
            await asyncio.sleep(0)

    everything = await ledger.store.read_ledger(ACME)
    for wanted, seen in await asyncio.gather(*following):
        assert seen == [event.position for event in everything if wanted.wants(event)]


async def test_a_follower_that_wants_more_than_before_misses_nothing_of_it(tails: Tails, ledger: Ledger) -> None:
    with tails.followed(ACME, EventFilter(orders=frozenset({"A"})), after=Position(0), head=Position(0)) as follower:
        await follower.more(0)
        await ledger.append("A")
        assert await take(follower, 1) == [1]

        await ledger.append("B")
        follower.want(EventFilter(orders=frozenset({"A", "B"})))

        assert await take(follower, 1) == [2]


async def test_a_tail_goes_on_after_an_outage(tails: Tails, ledger: Ledger) -> None:
    with tails.followed(ACME, EVERYTHING, after=Position(0), head=Position(0)) as follower:
        await follower.more(0)
        ledger.is_away = True
        await ledger.append("A")
        ledger.is_away = False
        await ledger.append("B")

        assert await take(follower, 2) == [1, 2]


async def test_a_ledger_that_was_restored_from_an_earlier_copy_ends_its_followers(tails: Tails, ledger: Ledger) -> None:
    await ledger.append("A", "B")
    with tails.followed(ACME, EVERYTHING, after=Position(2), head=Position(2)) as follower:
        await follower.more(0)
        ledger.store.create_tenant(ACME)
        await ledger.append("A")

        assert not (await follower.more(LONG)).events
        assert follower.ended is End.BEYOND_HEAD


async def test_an_end_is_told_at_once_and_the_first_reason_counts(tails: Tails, ledger: Ledger) -> None:
    with tails.followed(ACME, EVERYTHING, after=Position(0), head=Position(0)) as follower:
        waiting = asyncio.create_task(follower.more(LONG))
        await asyncio.sleep(0)
        await asyncio.sleep(0)

        follower.end(End.SLOW)
        follower.end(End.SHUTDOWN)

        assert (await waiting).next == 0
        assert follower.ended is End.SLOW


async def test_a_report_is_found_by_its_service(tails: Tails, ledger: Ledger) -> None:
    wanted = EventFilter(services=frozenset({"wms"}))
    with tails.followed(ACME, wanted, after=Position(0), head=Position(0)) as follower:
        await follower.more(0)
        for service in ("erp", "wms"):
            event = encode(a_service_event(service=service))
            await ledger.store.append(Append(ACME, (Write("order-A", ANY, (event,)),)))
        await ledger.append("A")

        assert await take(follower, 1) == [2]
        assert follower.position == 3
