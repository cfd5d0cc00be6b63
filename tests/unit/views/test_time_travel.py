"""Time travel on a ledger in memory: which events count at a version, at an instant, by either clock."""

from datetime import UTC, datetime

import pytest

from application.ledger.codec import encode
from application.ledger.port import ANY, Append, Write
from application.privacy.store import EncryptedEventStore
from application.privacy.vault import Vault
from application.views.time_travel import PAGE, TimeTravel
from domain.errors import OrderNotFound, OrderNotYet, VersionNotFound
from domain.events.event import Event
from domain.events.lifecycle import CommentAdded, Redacted
from domain.events.order_event import OrderEvent
from domain.events.records import ServiceEventRecorded, ServiceState
from domain.streams import order_stream
from domain.values import TenantName
from tests.builders import ACME, ORDER, a_created_event, a_foreign_event, a_moment, a_service_event, an_event
from tests.fakes_keys import FakeKeyRing
from tests.fakes_store import InMemoryEventStore

NAMES = {"web-1": ORDER}


class FakeReferences:
    """Implements application.orders.service.References."""

    async def find_by_reference(self, tenant: TenantName, reference: str) -> str | None:
        return NAMES.get(reference)


class Story:
    """An order's ledger, and travels through it."""

    def __init__(self) -> None:
        self.keys = FakeKeyRing()
        self.store = EncryptedEventStore(InMemoryEventStore(ACME), Vault(self.keys), secret=b"secret")
        self.travel = TimeTravel(self.store, FakeReferences())

    async def tell(self, *events: Event) -> datetime:
        """Append some events; return when they were recorded."""
        write = Write(events[0].originator_id, ANY, tuple(map(encode, events)))
        return (await self.store.append(Append(ACME, (write,)))).recorded_at

    async def status(self, *, version: int) -> str | None:
        return (await self.travel.at_version(ACME, ORDER, version)).state.status


@pytest.fixture
def story() -> Story:
    return Story()


async def test_at_a_version_the_events_up_to_it_count(story: Story) -> None:
    await story.tell(a_created_event(), an_event(status="open"), an_event(status="shipped"))

    assert [await story.status(version=n) for n in (1, 2, 3)] == [None, "open", "shipped"]


@pytest.mark.parametrize("version", [0, 3])
async def test_a_version_that_there_is_not_is_not_found(story: Story, version: int) -> None:
    await story.tell(a_created_event(), an_event())

    with pytest.raises(VersionNotFound, match="its newest is 2" if version else "before it there was no order"):
        await story.status(version=version)


async def test_at_an_instant_the_events_recorded_by_then_count(story: Story) -> None:
    first = await story.tell(a_created_event())
    second = await story.tell(an_event(status="open"), an_event(status="held"))
    await story.tell(an_event(status="shipped", timestamp=a_moment(-9_999)))

    assert (await story.travel.at(ACME, ORDER, first)).state.version == 1
    assert (await story.travel.at(ACME, ORDER, second)).state.status == "held"
    assert (await story.travel.at(ACME, ORDER, a_moment(10**9))).state.status == "shipped"
    with pytest.raises(OrderNotYet, match="none of its events had been recorded by 2026-"):
        await story.travel.at(ACME, ORDER, a_moment())


async def test_by_the_producers_clocks_the_events_that_had_occurred_count(story: Story) -> None:
    await story.tell(a_created_event(timestamp=a_moment(0)))
    await story.tell(an_event(status="shipped", timestamp=a_moment(20)))
    await story.tell(an_event(CommentAdded, text="Told late", timestamp=a_moment(10)))

    order = await story.travel.at(ACME, ORDER, a_moment(10), "occurred")

    assert (order.state.status, order.state.version, order.state.updated_at) == (None, 3, a_moment(10))
    with pytest.raises(OrderNotYet, match="none of its events had occurred by 2026-"):
        await story.travel.at(ACME, ORDER, a_moment(-1), "occurred")


async def test_of_what_had_occurred_by_then_what_was_recorded_last_is_the_newest(story: Story) -> None:
    await story.tell(an_event(status="shipped", timestamp=a_moment(2)), an_event(status="open", timestamp=a_moment(1)))

    at_the_end = await story.travel.at(ACME, ORDER, a_moment(9), "occurred")

    assert at_the_end.state == (await story.travel.at_version(ACME, ORDER, 2)).state
    assert at_the_end.state.status == "open"


async def test_a_services_newest_report_is_the_newest_by_its_clock_in_every_past(story: Story) -> None:
    first = await story.tell(a_service_event("success", timestamp=a_moment(2)))
    await story.tell(a_service_event("pending", timestamp=a_moment(1)))

    now, at_first = await story.travel.at_version(ACME, ORDER, 2), await story.travel.at(ACME, ORDER, first)
    occurred = await story.travel.at(ACME, ORDER, a_moment(1), "occurred")
    _, changes = await story.travel.changes(ACME, ORDER, after=1, upto=2)

    assert [order.state.combined_state for order in (now, at_first, occurred)] == ["success", "success", "pending"]
    assert changes == []


async def test_a_report_that_nobody_dated_occurred_when_it_was_recorded(story: Story) -> None:
    undated = ServiceEventRecorded(
        originator_id=order_stream(ORDER), state=ServiceState.PENDING, service="wms", service_status="PICKING"
    )
    await story.tell(a_service_event("success", timestamp=datetime(2001, 1, 1, tzinfo=UTC)))

    recorded_at = await story.tell(undated)

    state = (await story.travel.at_version(ACME, ORDER, 2)).state
    assert (state.combined_state, state.services["wms"].occurred_at) == ("pending", recorded_at)


async def test_versions_are_compared(story: Story) -> None:
    await story.tell(a_created_event(), an_event(status="open"), an_event(status="shipped"))

    order, changes = await story.travel.changes(ACME, ORDER, after=1, upto=2)

    assert [(c.path, c.before, c.after) for c in changes] == [(("status",), None, "open")]
    assert order.state.version == 2
    order, changes = await story.travel.changes(ACME, ORDER, after=2, upto=None)
    assert [(c.path, c.before, c.after) for c in changes] == [(("status",), "open", "shipped")]
    assert order.state.version == 3
    assert (await story.travel.changes(ACME, ORDER, after=3, upto=3))[1] == []


@pytest.mark.parametrize(("after", "upto"), [(2, None), (2, 2), (0, 2), (1, 2)])
async def test_versions_that_there_are_not_are_not_compared(story: Story, after: int, upto: int | None) -> None:
    await story.tell(a_created_event())

    with pytest.raises(VersionNotFound, match="no version 2; its newest is 1"):
        await story.travel.changes(ACME, ORDER, after=after, upto=upto)


async def test_an_order_goes_by_its_reference_too(story: Story) -> None:
    await story.tell(a_created_event())

    assert (await story.travel.at_version(ACME, "web-1", 1)).order_id == ORDER
    with pytest.raises(OrderNotFound):
        await story.travel.at_version(ACME, "web-2", 1)


async def test_a_past_of_many_events_is_read_page_by_page(story: Story) -> None:
    events: list[OrderEvent] = [an_event(status=str(n)) for n in range(1, 2 * PAGE + 2)]
    recorded_at = await story.tell(*events)

    assert await story.status(version=2 * PAGE + 1) == str(2 * PAGE + 1)
    assert await story.status(version=PAGE + 1) == str(PAGE + 1)
    assert (await story.travel.at(ACME, ORDER, recorded_at)).state.version == 2 * PAGE + 1


async def test_the_past_of_an_order_that_was_redacted_since_is_redacted(story: Story) -> None:
    await story.tell(a_created_event(), an_event(status="open"))
    at = await story.tell(an_event(Redacted))
    await story.keys.destroy(ACME, order_stream(ORDER), by="a test")

    past = await story.travel.at_version(ACME, ORDER, 1)

    assert past.state.customer is not None
    assert set(past.state.customer.model_dump().values()) == {"[redacted]"}
    assert (await story.travel.at(ACME, ORDER, at)).state.customer is None
    _, changes = await story.travel.changes(ACME, ORDER, after=0, upto=2)
    assert "Grace" not in repr(changes)


async def test_what_another_application_wrote_to_the_stream_is_passed_over(story: Story) -> None:
    foreign = a_foreign_event()
    await story.tell(a_created_event())
    event = encode(an_event())._replace(type=foreign.type, data=foreign.data, metadata=foreign.metadata)
    await story.store.append(Append(ACME, (Write(f"order-{ORDER}", ANY, (event,)),)))
    await story.tell(an_event(status="open"))

    assert await story.status(version=3) == "open"
