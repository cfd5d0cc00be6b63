"""What is read is what was appended: in order, without gaps, byte for byte, and nobody else's."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.fix_store import Ledger, new_event

EVERY_BYTE = bytes(range(256))


async def test_positions_and_versions_have_no_gaps(ledger: Ledger) -> None:
    for n in range(1, 31):
        await ledger.append(f"order-{n % 3}", *(new_event() for _ in range(n % 4 + 1)))

    events = await ledger.read()

    assert [event.position for event in events] == list(range(1, len(events) + 1))
    assert await ledger.store.head(ledger.tenant) == len(events)
    for stream in ("order-0", "order-1", "order-2"):
        of_stream = [event for event in events if event.stream == stream]
        assert [event.version for event in of_stream] == list(range(1, len(of_stream) + 1))
        assert await ledger.read_stream(stream) == of_stream


@pytest.mark.parametrize("content", [EVERY_BYTE, b"", b'{"b": 1.0, "a" : "\\u0000", "a":2}', "größe €".encode()])
async def test_data_and_metadata_keep_their_exact_bytes(ledger: Ledger, content: bytes) -> None:
    await ledger.append("order-1", new_event(data=content, metadata=content[::-1]))

    [event] = await ledger.read()

    assert (event.data, event.metadata) == (content, content[::-1])
    assert type(event.data) is type(event.metadata) is bytes


async def test_large_data_keeps_its_exact_bytes(ledger: Ledger) -> None:
    content = EVERY_BYTE * 2**14

    await ledger.append("order-1", new_event("a", data=content), new_event("b"))

    assert (await ledger.read())[0].data == content


async def test_names_keep_their_exact_characters(ledger: Ledger) -> None:
    event = new_event("größe 'quoted' \"twice\" \\ {,} NULL 🚚", "order.größe")

    await ledger.append("order-ß %s -- 🚚", event)

    [recorded] = await ledger.read_stream("order-ß %s -- 🚚")
    assert (recorded.event_id, recorded.type) == event[:2]


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 3, 1, 12, 30, 15, 123_456, tzinfo=UTC),
        datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=45))),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
    ids=str,
)
async def test_the_time_an_event_occurred_at_is_kept_to_the_microsecond(ledger: Ledger, moment: datetime) -> None:
    await ledger.append("order-1", new_event(occurred_at=moment))

    [event] = await ledger.read()

    assert event.occurred_at == moment
    assert event.occurred_at.utcoffset() == timedelta(0)


async def test_an_event_without_a_time_occurred_when_it_was_recorded(ledger: Ledger) -> None:
    appended = await ledger.append("order-1")

    [event] = await ledger.read()

    assert event.occurred_at == event.recorded_at == appended.recorded_at


async def test_recorded_times_never_run_backwards(ledger: Ledger) -> None:
    for _ in range(20):
        await ledger.append("order-1")

    times = [event.recorded_at for event in await ledger.read()]

    assert times == sorted(times)


async def test_a_range_of_a_stream_is_read_by_version(ledger: Ledger) -> None:
    await ledger.append("order-0")
    await ledger.append("order-1", *(new_event(f"{n}") for n in range(1, 6)))

    async def versions(**bounds: int) -> list[int]:
        return [event.version for event in await ledger.store.read_stream(ledger.tenant, "order-1", **bounds)]

    assert await versions() == [1, 2, 3, 4, 5]
    assert await versions(after=2) == [3, 4, 5]
    assert await versions(upto=2) == [1, 2]
    assert await versions(after=1, upto=4) == [2, 3, 4]
    assert await versions(after=1, upto=4, limit=2) == [2, 3]
    assert await versions(after=5) == await versions(upto=0) == await versions(after=3, upto=3) == []


async def test_a_stream_is_read_by_type(ledger: Ledger) -> None:
    await ledger.append("order-1", *(new_event(type="odd" if n % 2 else "even") for n in range(1, 6)))

    async def versions(*types: str, **bounds: int) -> list[int]:
        events = await ledger.store.read_stream(ledger.tenant, "order-1", types=types, **bounds)
        return [event.version for event in events]

    assert await versions("odd") == [1, 3, 5]
    assert await versions("odd", "even", after=1, upto=4) == [2, 3, 4]
    assert await versions("even", limit=1) == [2]
    assert await versions("unheard of") == []


async def test_a_range_of_the_ledger_is_read_by_position(ledger: Ledger) -> None:
    for n in range(1, 7):
        await ledger.append(f"order-{n % 2}", new_event(type="odd" if n % 2 else "even"))

    async def positions(types: tuple[str, ...] = (), **bounds: int) -> list[int]:
        return [e.position for e in await ledger.store.read_ledger(ledger.tenant, types=types, **bounds)]

    assert await positions() == await positions(("odd", "even")) == [1, 2, 3, 4, 5, 6]
    assert await positions(after=2, upto=5) == [3, 4, 5]
    assert await positions(after=2, limit=2) == [3, 4]
    assert await positions(("odd",)) == [1, 3, 5]
    assert await positions(("odd", "unheard of"), after=1, limit=1) == [3]
    assert await positions(("even",), after=2, upto=5) == [4]
    assert await positions(("unheard of",)) == await positions(after=6) == await positions(upto=0) == []


async def test_an_empty_ledger_has_no_events_and_its_head_is_at_zero(ledger: Ledger) -> None:
    assert await ledger.read() == []
    assert await ledger.read_stream("order-1") == []
    assert await ledger.store.head(ledger.tenant) == 0


async def test_tenants_do_not_see_each_other(ledger: Ledger) -> None:
    other = await ledger.another()

    await ledger.append("order-1", new_event("a", data=b"ours"))
    await other.append("order-1", new_event("a", data=b"theirs"))
    await ledger.append("order-1", new_event("b", data=b"ours"))

    for each, data in ((ledger, b"ours"), (other, b"theirs")):
        events = await each.read()
        assert {event.data for event in events} == {data}
        assert [event.position for event in events] == list(range(1, len(events) + 1))
        assert await each.read_stream("order-1") == events
