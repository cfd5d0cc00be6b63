"""Reading on in PostgreSQL, with all kinds of filters, gives what the same filters give of all events."""

import asyncio
from collections.abc import AsyncIterator
from itertools import product

import pytest

from application.delivery.filters import EventFilter
from application.delivery.growth import growth_of
from application.delivery.reading import LedgerReader
from application.ledger.codec import encode
from application.ledger.port import RecordedEvent
from application.privacy.vault import Vault
from infrastructure.delivery.wanted_events import PostgresWantedEvents
from infrastructure.postgres.database import open_pool
from infrastructure.postgres.listener import Listener
from tests.builders import a_service_event, an_event, an_exception
from tests.fakes_keys import FakeKeyRing
from tests.fix_store import Ledger, new_event, open_ledger

FILTERS = [
    EventFilter(frozenset(types), frozenset(orders), frozenset(services), frozenset(integrations))
    for types, orders, services, integrations in product(
        ((), ("order.status_updated",), ("order.service_event_recorded", "integration.exception_logged"), ("no.such",)),
        ((), ("A",), ("A", "B", "C")),
        ((), ("wms",)),
        ((), (7,), (8,)),
    )
]


@pytest.fixture(params=["shared_dsn", "postgres15_dsn"])
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Ledger, LedgerReader, str]]:
    """An empty ledger, a reader that looks at five positions at a time, and the DSN."""
    dsn = request.getfixturevalue(request.param)
    async with open_ledger(dsn) as ledger, open_pool(dsn, size=2) as pool:
        wanted = PostgresWantedEvents(ledger.store, pool, Vault(FakeKeyRing()))
        yield ledger, LedgerReader(wanted, look=5), dsn


async def read_on(reader: LedgerReader, ledger: Ledger, wanted: EventFilter, *, limit: int) -> list[RecordedEvent]:
    events: list[RecordedEvent] = []
    after = head = -1
    while after < head or head == -1:
        part = await reader.read_after(ledger.tenant, wanted, max(after, 0), limit=limit)
        assert part.next > max(after, 0) or part.next == part.head
        events += part.events
        after, head = part.next, part.head
    return events


async def test_reading_on_gives_the_wanted_events_in_order_and_each_once(
    opened: tuple[Ledger, LedgerReader, str],
) -> None:
    ledger, reader, _ = opened
    for n in range(8):
        for event in (
            an_event(order_id="AB"[n % 2]),
            a_service_event(service=("wms", "erp")[n % 2], order_id="A"),
            an_exception(7 + n % 2),
        ):
            await ledger.append(event.originator_id, encode(event))
    everything = await ledger.read()

    for wanted in FILTERS:
        expected = [event.position for event in everything if wanted.wants(event)]
        for limit in (2, 1_000):
            assert [event.position for event in await read_on(reader, ledger, wanted, limit=limit)] == expected


async def test_large_events_are_whole_and_bound_a_part(opened: tuple[Ledger, LedgerReader, str]) -> None:
    ledger, reader, _ = opened
    await ledger.append("order-A", *(new_event(data=b"x" * 10_000, type="library.event") for _ in range(4)))

    part = await reader.read_after(ledger.tenant, EventFilter(), 0, max_bytes=15_000)

    assert [len(event.data) for event in part.events] == [10_000, 10_000]
    assert part.next == 2


@pytest.mark.one_server("notifications do not leave a node")
async def test_an_append_wakes_its_followers(opened: tuple[Ledger, LedgerReader, str]) -> None:
    ledger, _, dsn = opened
    async with growth_of(Listener(dsn, poll_seconds=3_600)) as growth, asyncio.timeout(60):
        with growth.followed(ledger.tenant) as follower:
            assert await follower.wait(60)  # it has begun to listen

            await ledger.append("order-A")

            assert await follower.wait(60)
