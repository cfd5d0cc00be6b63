"""Expected versions: an append is recorded if its streams are as it says, and changes nothing if they are not."""

import pytest

from application.ledger.port import ANY, NO_STREAM, STREAM_EXISTS, Exactly, ExpectedVersion, Write
from domain.errors import IntegrationNotFound, InvalidEvent, NotFound, OrderNotFound, TenantNotFound, VersionConflict
from domain.values import TenantName
from tests.fix_store import Ledger, new_event


@pytest.mark.parametrize("expected", [ANY, NO_STREAM, Exactly(0)], ids=str)
async def test_a_stream_begins_at_version_one(ledger: Ledger, expected: ExpectedVersion) -> None:
    appended = await ledger.append("order-1", new_event("a"), new_event("b"), expected=expected)

    assert (appended.first_position, appended.last_position, appended.versions) == (1, 2, (1,))
    assert not appended.is_replayed
    assert [(e.position, e.stream, e.version, e.event_id) for e in await ledger.read()] == [
        (1, "order-1", 1, "a"),
        (2, "order-1", 2, "b"),
    ]


@pytest.mark.parametrize("expected", [ANY, STREAM_EXISTS, Exactly(2)], ids=str)
async def test_a_stream_goes_on_after_its_newest_version(ledger: Ledger, expected: ExpectedVersion) -> None:
    await ledger.append("order-1", new_event(), new_event())
    await ledger.append("order-2")

    appended = await ledger.append("order-1", expected=expected)

    assert (appended.first_position, appended.last_position, appended.versions) == (4, 4, (3,))


@pytest.mark.parametrize(
    "expected", [NO_STREAM, Exactly(0), Exactly(1), Exactly(3), Exactly(-1), Exactly(2**63), Exactly(10**30)], ids=str
)
async def test_a_stream_that_is_at_another_version_is_a_conflict(ledger: Ledger, expected: ExpectedVersion) -> None:
    await ledger.append("order-1", new_event(), new_event())

    with pytest.raises(VersionConflict, match=f"order-1 was expected to be at {expected}, but it is at 2") as conflict:
        await ledger.append("order-1", expected=expected)

    assert (conflict.value.stream, conflict.value.expected, conflict.value.actual) == ("order-1", str(expected), 2)
    assert await ledger.store.head(ledger.tenant) == 2
    assert (await ledger.append("order-1")).first_position == 3


async def test_a_version_of_a_stream_that_does_not_exist_is_a_conflict(ledger: Ledger) -> None:
    with pytest.raises(VersionConflict, match="expected to be at version 1, but it does not exist") as conflict:
        await ledger.append("order-1", expected=Exactly(1))

    assert conflict.value.actual is None
    assert await ledger.read() == []


async def test_a_version_that_no_stream_is_ever_at_is_invalid(ledger: Ledger) -> None:
    with pytest.raises(InvalidEvent, match="No stream can be at"):
        await ledger.append("order-1", expected=Exactly(-2))


async def test_the_eventsourcing_library_may_begin_a_stream_at_version_zero(ledger: Ledger) -> None:
    first = await ledger.append("book-1", new_event(), new_event(), expected=Exactly(-1))
    second = await ledger.append("book-1", expected=Exactly(1))

    assert (first.versions, second.versions) == ((0,), (2,))


@pytest.mark.parametrize(
    ("stream", "error", "message"),
    [
        ("order-1001", OrderNotFound, "There is no order '1001'"),
        ("integration-7", IntegrationNotFound, "There is no integration 7"),
        ("integration-²", NotFound, "There is no stream 'integration-²'"),
        ("book-1", NotFound, "There is no stream 'book-1'"),
    ],
)
async def test_a_stream_that_has_to_exist_and_does_not_is_not_found(
    ledger: Ledger, stream: str, error: type[NotFound], message: str
) -> None:
    with pytest.raises(error, match=message):
        await ledger.append(stream, expected=STREAM_EXISTS)

    assert await ledger.read() == []


async def test_an_unknown_tenant_is_named(ledger: Ledger) -> None:
    stranger = Ledger(ledger.store, TenantName("stranger"), ledger.another)

    with pytest.raises(TenantNotFound, match="There is no tenant 'stranger'"):
        await stranger.append("order-1")
    with pytest.raises(TenantNotFound, match="There is no tenant 'stranger'"):
        await ledger.store.head(stranger.tenant)

    assert await stranger.read() == []
    assert await stranger.read_stream("order-1") == []


@pytest.mark.parametrize("name", ["nul\x00", "surrogate\ud800"])
async def test_a_tenant_whose_name_cannot_be_stored_is_unknown(ledger: Ledger, name: str) -> None:
    with pytest.raises(TenantNotFound):
        await Ledger(ledger.store, TenantName(name), ledger.another).append("order-1")


async def test_an_append_to_two_streams_happens_in_the_order_of_its_writes(ledger: Ledger) -> None:
    await ledger.append("order-1", new_event("created"))

    appended = await ledger.write(
        Write("order-1", Exactly(1), (new_event("split"), new_event("changes"))),
        Write("order-1-1", NO_STREAM, (new_event("split from"),)),
    )

    assert (appended.first_position, appended.last_position, appended.versions) == (2, 4, (2, 1))
    assert await ledger.ids() == ["created", "split", "changes", "split from"]


@pytest.mark.parametrize(
    ("parent", "child"), [(Exactly(1), NO_STREAM), (Exactly(2), Exactly(7)), (STREAM_EXISTS, STREAM_EXISTS)], ids=str
)
async def test_an_append_to_two_streams_happens_to_both_or_neither(
    ledger: Ledger, parent: ExpectedVersion, child: ExpectedVersion
) -> None:
    await ledger.append("order-1", new_event(), new_event())
    before = await ledger.read()

    with pytest.raises((VersionConflict, OrderNotFound)):
        await ledger.write(Write("order-1", parent, (new_event(),)), Write("order-1-1", child, (new_event(),)))
    with pytest.raises((VersionConflict, OrderNotFound)):
        await ledger.write(Write("order-1-1", child, (new_event(),)), Write("order-1", parent, (new_event(),)))

    assert await ledger.read() == before


async def test_of_several_writes_that_are_not_as_expected_the_first_is_named(ledger: Ledger) -> None:
    await ledger.append("order-1")
    good = Write("order-2", NO_STREAM, (new_event(),))
    behind = Write("order-1", Exactly(7), (new_event(),))
    missing = Write("order-3", STREAM_EXISTS, (new_event(),))

    with pytest.raises(VersionConflict, match="order-1") as conflict:
        await ledger.write(good, behind, missing)
    assert conflict.value.actual == 1
    with pytest.raises(OrderNotFound, match="'3'"):
        await ledger.write(good, missing, behind)
