"""A call in which every append is recorded, and calls that only look so, answer as if they came one after the other."""

from itertools import pairwise

import pytest
from eventsourcing.persistence import StoredEvent

from application.ledger.port import ANY, NO_STREAM, STREAM_EXISTS, Append, Appended, Exactly, NewEvent, Write, written
from domain.errors import EventIdReused, KeyReused, OrderNotFound, OrdertrailError, VersionConflict
from infrastructure.ledger.append_call import AppendCall
from infrastructure.library.append import call_of
from infrastructure.postgres.database import Connection, connect
from tests.fix_store import Ledger, key, new_event


async def make(dsn: str, *appends: Append) -> list[Appended | OrdertrailError]:
    """Make one call of these appends."""
    call = AppendCall(appends[0].tenant)
    for append in appends:
        assert call.add(append, written(append))
    connection: Connection = await connect(dsn)
    try:
        return await call.make(connection)
    finally:
        await connection.close()


def to(ledger: Ledger, stream: str, expected: object, *events: NewEvent, name: str | None = None) -> Append:
    return Append(ledger.tenant, (Write(stream, expected, events),), key(name) if name else None)  # type: ignore[arg-type]


def briefly(outcomes: list[Appended | OrdertrailError]) -> list[object]:
    return [o[:3] if isinstance(o, Appended) else type(o) for o in outcomes]


async def test_appends_that_are_all_recorded_are_told_their_own_places(
    shared_dsn: str, postgres_ledger: Ledger
) -> None:
    await postgres_ledger.append("order-1", new_event("first"))

    outcomes = await make(
        shared_dsn,
        to(postgres_ledger, "order-1", Exactly(1), new_event("a"), new_event("b"), name="k1"),
        Append(
            postgres_ledger.tenant,
            (Write("order-2", NO_STREAM, (new_event("c"),)), Write("order-1", Exactly(3), (new_event("d"),))),
        ),
        to(postgres_ledger, "order-2", STREAM_EXISTS, new_event("e"), name="k2"),
        to(postgres_ledger, "order-1", ANY, new_event("f")),
    )

    assert briefly(outcomes) == [(2, 3, (2,)), (4, 5, (1, 4)), (6, 6, (2,)), (7, 7, (5,))]
    assert [(e.event_id, e.stream, e.version) for e in await postgres_ledger.read()] == [
        ("first", "order-1", 1),
        ("a", "order-1", 2),
        ("b", "order-1", 3),
        ("c", "order-2", 1),
        ("d", "order-1", 4),
        ("e", "order-2", 2),
        ("f", "order-1", 5),
    ]
    for name, places in (("k1", (2, 3)), ("k2", (6, 6))):
        found = await postgres_ledger.store.find_request(postgres_ledger.tenant, key(name))
        assert found is not None
        assert found[:2] == places


async def test_what_was_seen_before_is_found_out_by_the_insert_and_leaves_its_neighbours_alone(
    shared_dsn: str, postgres_ledger: Ledger
) -> None:
    await postgres_ledger.append("order-1", new_event("known"), key=key("used"))

    by_id = await make(
        shared_dsn,
        to(postgres_ledger, "order-2", ANY, new_event("a"), name="new"),
        to(postgres_ledger, "order-1", ANY, new_event("known")),
        to(postgres_ledger, "order-3", ANY, new_event("known too", data=b"1")),
    )
    by_key = await make(
        shared_dsn,
        to(postgres_ledger, "order-2", ANY, new_event("b")),
        to(postgres_ledger, "order-1", ANY, new_event(), name="used"),
        Append(postgres_ledger.tenant, (Write("order-1", ANY, (new_event(),)),), key("used 2")),
        Append(postgres_ledger.tenant, (Write("order-1", ANY, (new_event("known too"),)),)),
    )
    by_fingerprint = await make(
        shared_dsn, Append(postgres_ledger.tenant, (Write("order-1", ANY, (new_event(),)),), key("used", b"other"))
    )

    assert briefly(by_id) == [(2, 2, (1,)), (1, 1, ()), (3, 3, (1,))]
    assert briefly(by_key) == [(4, 4, (2,)), (1, 1, ()), (5, 5, (2,)), EventIdReused]
    assert briefly(by_fingerprint) == [KeyReused]
    assert (await postgres_ledger.ids())[:4] == ["known", "a", "known too", "b"]
    assert await postgres_ledger.store.head(postgres_ledger.tenant) == 5


async def test_a_stream_whose_only_event_has_version_zero_exists(shared_dsn: str, postgres_ledger: Ledger) -> None:
    await postgres_ledger.append("book-1", expected=Exactly(-1))

    outcomes = await make(
        shared_dsn,
        to(postgres_ledger, "book-1", NO_STREAM, new_event()),
        to(postgres_ledger, "book-1", STREAM_EXISTS, new_event("second")),
    )

    assert briefly(outcomes) == [VersionConflict, (2, 2, (1,))]


@pytest.mark.parametrize(
    ("expected", "refusal"),
    [(NO_STREAM, VersionConflict), (Exactly(2), VersionConflict), (Exactly(-1), VersionConflict)],
)
async def test_an_append_on_its_own_that_is_not_as_expected_is_refused_like_any_other(
    shared_dsn: str, postgres_ledger: Ledger, expected: object, refusal: type[OrdertrailError]
) -> None:
    await postgres_ledger.append("order-1", new_event("first"))

    outcomes = await make(shared_dsn, to(postgres_ledger, "order-1", expected, new_event("second")))
    elsewhere = await make(shared_dsn, to(postgres_ledger, "order-2", STREAM_EXISTS, new_event("third")))

    assert briefly(outcomes) == [refusal]
    assert briefly(elsewhere) == [OrderNotFound]
    assert await postgres_ledger.ids() == ["first"]
    assert await postgres_ledger.store.head(postgres_ledger.tenant) == 1


async def test_an_append_on_its_own_that_was_recorded_before_is_replayed(
    shared_dsn: str, postgres_ledger: Ledger
) -> None:
    event = new_event("once")

    outcomes = [await make(shared_dsn, to(postgres_ledger, "order-1", Exactly(0), event)) for _ in range(2)]
    reused = await make(shared_dsn, to(postgres_ledger, "order-1", ANY, new_event("once", data=b"other")))

    assert [briefly(outcome) for outcome in outcomes] == [[(1, 1, (1,))], [(1, 1, ())]]
    assert briefly(reused) == [EventIdReused]
    assert await postgres_ledger.ids() == ["once"]


async def test_appends_on_their_own_go_on_where_others_ended(shared_dsn: str, postgres_ledger: Ledger) -> None:
    await postgres_ledger.append("order-1", new_event(), new_event())

    for n, expected in enumerate((ANY, STREAM_EXISTS, Exactly(4)), 3):
        assert briefly(await make(shared_dsn, to(postgres_ledger, "order-1", expected, new_event()))) == [(n, n, (n,))]
    assert briefly(await make(shared_dsn, to(postgres_ledger, "order-2", NO_STREAM, new_event()))) == [(6, 6, (1,))]

    events = await postgres_ledger.read()
    assert [(event.position, event.version) for event in events] == [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 1)]
    assert all(earlier.recorded_at <= later.recorded_at for earlier, later in pairwise(events))


@pytest.mark.parametrize("first_version", [0, 1])
async def test_a_stream_that_comes_back_within_an_append_goes_on_after_its_events(
    shared_dsn: str, postgres_ledger: Ledger, first_version: int
) -> None:
    stored = [
        StoredEvent("book-1", first_version, "t", b""),
        StoredEvent("book-2", 1, "t", b""),
        StoredEvent("book-1", first_version + 1, "t", b""),
    ]
    connection = await connect(shared_dsn)
    try:
        outcomes = await call_of(postgres_ledger.tenant, stored).make(connection)
    finally:
        await connection.close()

    assert briefly(outcomes) == [(1, 3, (first_version, 1, first_version + 1))]
    assert [(e.stream, e.version) for e in await postgres_ledger.read()] == [
        ("book-1", first_version),
        ("book-2", 1),
        ("book-1", first_version + 1),
    ]
