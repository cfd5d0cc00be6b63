"""Reading on: parts of a ledger through a filter, each bounded, and the place to go on from."""

import pytest

from application.delivery.filters import EVERYTHING, EventFilter
from application.delivery.reading import LedgerReader
from application.ledger.codec import encode
from application.ledger.port import ANY, Append, Write
from domain.errors import BeyondHead, TenantNotFound
from domain.values import TenantName
from tests.builders import ACME, a_service_event, an_event
from tests.fakes_delivery import WantedEventsOf
from tests.fakes_store import InMemoryEventStore

NOTHING = EventFilter(types=frozenset({"no.such"}))


@pytest.fixture
def store() -> InMemoryEventStore:
    return InMemoryEventStore(ACME)


@pytest.fixture
def reader(store: InMemoryEventStore) -> LedgerReader:
    return LedgerReader(WantedEventsOf(store), look=10)


async def fill(store: InMemoryEventStore, *services: str) -> None:
    """Append one event for each service; for an empty name, a change of status."""
    for service in services:
        event = a_service_event(service=service) if service else an_event()
        await store.append(Append(ACME, (Write(event.originator_id, ANY, (encode(event),)),)))


async def test_a_part_ends_where_the_look_ends_although_nothing_was_found(
    store: InMemoryEventStore, reader: LedgerReader
) -> None:
    await fill(store, *[""] * 25)

    parts = [await reader.read_after(ACME, NOTHING, after) for after in (0, 10, 20, 25)]

    assert [(part.events, part.next, part.head) for part in parts] == [
        ([], 10, 25),
        ([], 20, 25),
        ([], 25, 25),
        ([], 25, 25),
    ]


async def test_a_part_ends_at_its_last_event_if_it_is_full(store: InMemoryEventStore, reader: LedgerReader) -> None:
    await fill(store, *[""] * 9)

    part = await reader.read_after(ACME, EVERYTHING, 2, limit=3)

    assert [event.position for event in part.events] == [3, 4, 5]
    assert part.next == 5


async def test_events_of_other_services_do_not_hold_up_a_full_part(
    store: InMemoryEventStore, reader: LedgerReader
) -> None:
    await fill(store, "erp", "erp", "wms", "", "wms")
    wanted = EventFilter(services=frozenset({"wms"}))

    first = await reader.read_after(ACME, wanted, 0, limit=2)
    second = await reader.read_after(ACME, wanted, first.next, limit=2)

    assert (first.events, first.next) == ([], 2)
    assert [event.position for event in second.events] == [3, 5]


async def test_a_filter_that_nothing_can_match_reads_nothing_and_advances(
    store: InMemoryEventStore, reader: LedgerReader
) -> None:
    await fill(store, "", "wms")

    part = await reader.read_after(ACME, EventFilter(frozenset({"order.created"}), services=frozenset({"wms"})), 0)

    assert (part.events, part.next) == ([], 2)


async def test_a_position_beyond_the_head_is_refused(store: InMemoryEventStore, reader: LedgerReader) -> None:
    await fill(store, "", "")

    with pytest.raises(BeyondHead) as refused:
        await reader.read_after(ACME, EVERYTHING, 3)

    assert refused.value.head == 2


async def test_an_unknown_tenant_is_not_found(reader: LedgerReader) -> None:
    with pytest.raises(TenantNotFound):
        await reader.read_after(TenantName("nobody"), EVERYTHING, 0)
