"""Idempotency: what was seen before, by its key or its event ids, is answered as the first time, not stored twice."""

import pytest

from application.ledger.port import NO_STREAM, STREAM_EXISTS, Exactly, Write
from domain.errors import EventIdReused, KeyReused, VersionConflict
from domain.values import TenantName
from tests.fix_store import Ledger, key, new_event


async def test_a_replayed_key_returns_the_first_answer(ledger: Ledger) -> None:
    await ledger.append("order-0")
    first = await ledger.append("order-1", new_event(), new_event(), expected=NO_STREAM, key=key("k"))
    await ledger.append("order-1")

    again = await ledger.append("order-1", new_event(), new_event(), expected=NO_STREAM, key=key("k"))

    assert again == first._replace(versions=(), is_replayed=True)
    assert await ledger.store.head(ledger.tenant) == 4


async def test_a_key_with_another_request_is_refused(ledger: Ledger) -> None:
    await ledger.append("order-1", key=key("k", b"one"))

    with pytest.raises(KeyReused, match="'k' was used with another request"):
        await ledger.append("order-1", key=key("k", b"two"))
    with pytest.raises(KeyReused):
        await ledger.append("order-9", expected=STREAM_EXISTS, key=key("k", b"two"))

    assert await ledger.store.head(ledger.tenant) == 1


async def test_a_refused_append_leaves_its_key_unused(ledger: Ledger) -> None:
    with pytest.raises(VersionConflict):
        await ledger.append("order-1", expected=Exactly(5), key=key("k", b"one"))

    assert await ledger.store.find_request(ledger.tenant, key("k", b"one")) is None
    assert not (await ledger.append("order-1", key=key("k", b"two"))).is_replayed


async def test_a_request_is_found_by_its_key(ledger: Ledger) -> None:
    appended = await ledger.append("order-1", new_event(), new_event(), key=key("k"))

    found = await ledger.store.find_request(ledger.tenant, key("k"))

    assert found == appended._replace(versions=(), is_replayed=True)
    assert await ledger.store.find_request(ledger.tenant, key("other")) is None
    assert await ledger.store.find_request(TenantName("stranger"), key("k")) is None
    with pytest.raises(KeyReused):
        await ledger.store.find_request(ledger.tenant, key("k", b"another request"))


async def test_known_events_are_answered_as_the_first_time_whatever_became_of_their_stream(ledger: Ledger) -> None:
    events = new_event("a", data=b"1"), new_event("b", data=b"2")
    first = await ledger.append("order-1", *events, expected=NO_STREAM)
    await ledger.append("order-1")

    again = await ledger.append("order-1", *events, expected=NO_STREAM)

    assert again == first._replace(versions=(), is_replayed=True)
    assert await ledger.store.head(ledger.tenant) == 3


async def test_known_events_may_come_with_another_time_and_other_metadata(ledger: Ledger) -> None:
    await ledger.append("order-1", new_event("a", metadata=b"1"))

    again = await ledger.append("order-1", new_event("a", metadata=b"2"))

    assert again.is_replayed
    assert [event.metadata for event in await ledger.read()] == [b"1"]


@pytest.mark.parametrize(
    ("stream", "event"),
    [
        ("order-2", new_event("a", "order.created", b"1")),
        ("order-1", new_event("a", "order.edited", b"1")),
        ("order-1", new_event("a", "order.created", b"2")),
        ("order-1", new_event("a", "order.created", b"")),
    ],
    ids=["stream", "type", "data", "no data"],
)
async def test_an_event_id_of_another_event_is_refused(ledger: Ledger, stream: str, event: object) -> None:
    await ledger.append("order-1", new_event("a", "order.created", b"1"))

    with pytest.raises(EventIdReused, match="At least one of the event ids a belongs to another event") as refused:
        await ledger.append(stream, event)  # type: ignore[arg-type]

    assert refused.value.event_ids == ("a",)
    assert await ledger.store.head(ledger.tenant) == 1


async def test_known_and_new_events_do_not_mix(ledger: Ledger) -> None:
    await ledger.append("order-1", new_event("a"))

    for events in ((new_event("a"), new_event("b")), (new_event("b"), new_event("a"))):
        with pytest.raises(EventIdReused):
            await ledger.append("order-1", *events)

    assert await ledger.ids() == ["a"]


async def test_a_new_event_between_known_ones_is_not_taken_for_known(ledger: Ledger) -> None:
    await ledger.append("order-1", new_event("a"))
    await ledger.append("order-2", new_event("x"))
    await ledger.append("order-1", new_event("c"))

    with pytest.raises(EventIdReused):
        await ledger.append("order-1", new_event("a"), new_event("b"), new_event("c"))

    assert await ledger.ids() == ["a", "x", "c"]


async def test_known_events_that_were_not_recorded_together_are_refused(ledger: Ledger) -> None:
    await ledger.append("order-1", new_event("a"))
    await ledger.append("order-2", new_event("x"))
    await ledger.append("order-1", new_event("b"))

    with pytest.raises(EventIdReused):
        await ledger.append("order-1", new_event("a"), new_event("b"))


async def test_known_events_of_two_streams_are_replayed_together(ledger: Ledger) -> None:
    writes = (
        Write("order-1", NO_STREAM, (new_event("a"),)),
        Write("order-2", NO_STREAM, (new_event("b"), new_event("c"))),
    )
    first = await ledger.write(*writes)

    assert await ledger.write(*writes) == first._replace(versions=(), is_replayed=True)


async def test_a_key_that_came_with_known_events_is_used(ledger: Ledger) -> None:
    first = await ledger.append("order-1", new_event("a"))

    again = await ledger.append("order-1", new_event("a"), key=key("k", b"one"))

    assert again == first._replace(versions=(), is_replayed=True)
    assert await ledger.store.find_request(ledger.tenant, key("k", b"one")) == again
    with pytest.raises(KeyReused):
        await ledger.append("order-1", key=key("k", b"two"))


async def test_a_known_key_counts_before_known_events(ledger: Ledger) -> None:
    first = await ledger.append("order-1", key=key("k"))
    await ledger.append("order-1", new_event("a"))

    again = await ledger.append("order-1", new_event("a"), key=key("k"))

    assert again.last_position == first.last_position


async def test_keys_and_event_ids_are_each_tenants_own(ledger: Ledger) -> None:
    other = await ledger.another()

    for each in (ledger, other):
        appended = await each.append(
            "order-1", new_event("a", data=each.tenant.encode()), key=key("k", each.tenant.encode())
        )
        assert not appended.is_replayed

    assert [event.data for event in await other.read()] == [other.tenant.encode()]
