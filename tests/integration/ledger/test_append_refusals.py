"""One append's refusal never touches its neighbours, whatever it did wrong and however many share its call."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from application.ledger.port import ANY, NO_STREAM, STREAM_EXISTS, Append, Appended, Exactly, NewEvent, Write, written
from domain.errors import EventIdReused, InvalidEvent, KeyReused, OrderNotFound, VersionConflict
from infrastructure.ledger import append_call
from infrastructure.ledger.append_call import AppendCall
from infrastructure.postgres.database import connect
from tests.fix_store import Ledger, key, new_event

BAD_NAMES = ["nul\x00", "surrogate \ud800", "x" * 1_001, "€" * 334]
FAR_EAST, FAR_WEST = timezone(timedelta(hours=14)), timezone(-timedelta(hours=12))


@pytest.mark.parametrize("name", BAD_NAMES, ids=["nul", "surrogate", "long", "long in UTF-8"])
async def test_a_name_that_cannot_be_stored_is_invalid(ledger: Ledger, name: str) -> None:
    for stream, event, used_key in (
        (name, new_event(), None),
        ("order-1", new_event(name), None),
        ("order-1", new_event(type=name), None),
        ("order-1", new_event(), key(name)),
    ):
        with pytest.raises(InvalidEvent) as refused:
            await ledger.append(stream, event, key=used_key)
        assert str(refused.value).encode()
        assert len(str(refused.value)) < 200

    assert await ledger.read() == []


@pytest.mark.parametrize("width", [1_000])
async def test_the_longest_names_can_be_stored(ledger: Ledger, width: int) -> None:
    # Of characters that do not compress, since index entries are compressed.
    name = "".join(chr(33 + n * n * 7 % 94) for n in range(width))

    await ledger.append(name, new_event(name, name), key=key(name))

    assert await ledger.ids() == [name]


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 1),
        datetime(1, 1, 1, tzinfo=FAR_EAST),
        datetime(9999, 12, 31, 23, tzinfo=FAR_WEST),
    ],
    ids=str,
)
async def test_a_time_that_could_not_be_read_again_is_invalid(ledger: Ledger, moment: datetime) -> None:
    with pytest.raises(InvalidEvent, match="The time an event occurred at"):
        await ledger.append("order-1", new_event(occurred_at=moment))

    await ledger.append("order-1", new_event(occurred_at=datetime.now(UTC)))
    assert len(await ledger.read()) == 1


@pytest.mark.parametrize(
    ("writes", "message"),
    [
        ((), "There is nothing to append"),
        ((Write("order-1", ANY, ()),), "There is nothing to append"),
        ((Write("order-1", ANY, (new_event(),)), Write("order-2", ANY, ())), "There is nothing to append"),
        ((Write("order-1", ANY, (new_event("a"), new_event("a"))),), "Two events of one append have the same id"),
        (
            (Write("order-1", ANY, (new_event("a"),)), Write("order-1", ANY, (new_event("b"),))),
            "Two writes of one append are for the same stream",
        ),
    ],
)
async def test_an_append_that_makes_no_sense_is_invalid(
    ledger: Ledger, writes: tuple[Write, ...], message: str
) -> None:
    with pytest.raises(InvalidEvent, match=message):
        await ledger.write(*writes)


async def test_each_of_many_concurrent_appends_has_its_own_outcome(ledger: Ledger) -> None:
    await ledger.append("order-1", new_event("known"), key=key("used", b"one"))

    good = [ledger.append("order-1", new_event(f"good-{n}")) for n in range(50)]
    bad = [
        ledger.append("order-1", new_event("nul\x00")),
        ledger.append("order-1", new_event("surrogate\ud800")),
        ledger.append("order-1", expected=NO_STREAM),
        ledger.append("order-1", expected=Exactly(0)),
        ledger.append("order-2", expected=STREAM_EXISTS),
        ledger.append("order-2", key=key("used", b"two")),
        ledger.append("order-2", new_event("known")),
        ledger.append("order-1", new_event("known")),
        ledger.append("order-2", key=key("used", b"one")),
    ]
    mixed = [append for pair in zip(good, bad, strict=False) for append in pair] + good[len(bad) :]
    outcomes = await asyncio.gather(*mixed, return_exceptions=True)

    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert [type(error) for error in refused] == [
        InvalidEvent,
        InvalidEvent,
        VersionConflict,
        VersionConflict,
        OrderNotFound,
        KeyReused,
        EventIdReused,
    ]
    replayed = [o for o in outcomes if isinstance(o, Appended) and o.is_replayed]
    assert [(o.first_position, o.last_position) for o in replayed] == [(1, 1), (1, 1)]
    assert sorted(await ledger.ids()) == sorted(["known", *(f"good-{n}" for n in range(50))])


async def test_the_same_append_many_times_at_once_is_recorded_once(ledger: Ledger) -> None:
    appends = [ledger.append("order-1", new_event("a"), expected=NO_STREAM, key=key("k")) for _ in range(20)]

    outcomes = await asyncio.gather(*appends)

    assert [outcome.is_replayed for outcome in outcomes].count(False) == 1
    assert await ledger.ids() == ["a"]


async def test_only_one_of_many_that_expect_the_same_version_is_recorded(ledger: Ledger) -> None:
    appends = [ledger.append("order-1", expected=Exactly(0)) for _ in range(20)]

    outcomes = await asyncio.gather(*appends, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes].count(Appended) == 1
    assert [type(outcome) for outcome in outcomes].count(VersionConflict) == 19
    assert await ledger.store.head(ledger.tenant) == 1


@pytest.mark.parametrize("server", ["shared_dsn", "postgres15_dsn"])
async def test_one_call_of_the_append_function_returns_each_outcome(
    server: str, request: pytest.FixtureRequest, postgres_ledger: Ledger
) -> None:
    dsn = request.getfixturevalue(server)
    connection = await connect(dsn)
    try:
        tenant = postgres_ledger.tenant
        async with await connect(dsn, as_owner=True) as owner:
            await owner.execute("INSERT INTO ordertrail.ledgers VALUES (%s) ON CONFLICT DO NOTHING", [tenant])
        first = AppendCall(tenant)
        known = Append(tenant, (Write("order-1", ANY, (new_event("known"),)),), key("used", b"one"))
        first.add(known, written(known))
        await first.make(connection)

        call = AppendCall(tenant)
        appends = (
            _append(tenant, "order-1", new_event("a"), expected=Exactly(1)),
            _append(tenant, "order-1", new_event("b"), expected=Exactly(1)),
            _append(tenant, "order-2", new_event("c"), expected=STREAM_EXISTS),
            _append(tenant, "order-2", new_event("d"), new_event("e"), expected=NO_STREAM),
            _append(tenant, "order-2", new_event("f"), expected=STREAM_EXISTS),
            _append(tenant, "order-1", new_event("known"), expected=NO_STREAM),
            _append(tenant, "order-1", new_event("g"), expected=Exactly(2)),
            Append(tenant, (Write("order-1", ANY, (new_event("h"),)),), key("used", b"two")),
            Append(
                tenant,
                (Write("order-1", Exactly(3), (new_event("i"),)), Write("order-3", STREAM_EXISTS, (new_event("j"),))),
            ),
            Append(tenant, (Write("order-3", NO_STREAM, (new_event("k"),)), Write("order-1", ANY, (new_event("l"),)))),
        )
        for append in appends:
            assert call.add(append, written(append))
        outcomes = await call.make(connection)

        assert [_brief(outcome) for outcome in outcomes] == [
            (2, 2, (2,)),
            VersionConflict,
            OrderNotFound,
            (3, 4, (1,)),
            (5, 5, (3,)),
            (1, 1, ()),
            (6, 6, (3,)),
            KeyReused,
            OrderNotFound,
            (7, 8, (1, 4)),
        ]
        rows = await connection.execute(
            "SELECT stream, version, event_id FROM ordertrail.events WHERE tenant = %s ORDER BY position", [tenant]
        )
        assert await rows.fetchall() == [
            ("order-1", 1, "known"),
            ("order-1", 2, "a"),
            ("order-2", 1, "d"),
            ("order-2", 2, "e"),
            ("order-2", 3, "f"),
            ("order-1", 3, "g"),
            ("order-3", 1, "k"),
            ("order-1", 4, "l"),
        ]
    finally:
        await connection.close()


async def test_an_error_of_the_database_is_the_matter_of_the_append_that_caused_it(
    postgres_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Names that nobody checked: the server refuses the whole call, and each append is tried on its own.
    monkeypatch.setattr(append_call, "_check_name", lambda what, name: None)
    long = "".join(chr(33 + n * n * 7 % 94) + str(n) for n in range(4_000))

    appends = [postgres_ledger.append("order-1", new_event(f"a-{n}")) for n in range(10)]
    appends.insert(5, postgres_ledger.append(long))
    appends.insert(3, postgres_ledger.append("nul\x00"))
    outcomes = await asyncio.gather(*appends, return_exceptions=True)

    refused = [(n, type(outcome)) for n, outcome in enumerate(outcomes) if isinstance(outcome, Exception)]
    assert refused == [(3, InvalidEvent), (6, InvalidEvent)]
    assert sorted(await postgres_ledger.ids()) == [f"a-{n}" for n in range(10)]


def _append(tenant: object, stream: str, *events: NewEvent, expected: object) -> Append:
    return Append(tenant, (Write(stream, expected, events),))  # type: ignore[arg-type]


def _brief(outcome: object) -> object:
    match outcome:
        case Appended(first, last, versions):
            return first, last, versions
        case _:
            return type(outcome)
