"""Group commit: what waits together is committed together; nobody waits for company, and nobody is forgotten."""

import asyncio
from collections.abc import Sequence

import psycopg
import pytest

from application.ledger.port import ANY, Append, Appended, Exactly, NewEvent, Write
from domain.errors import InvalidEvent, VersionConflict
from infrastructure.ledger import group_commit
from infrastructure.ledger.append_call import AppendCall
from tests.fix_store import Ledger, blocked_calls, held, new_event, start, transactions


async def queued(ledger: Ledger, count: int) -> list[asyncio.Task[Appended]]:
    """Start appends, and return when they are in the queue."""
    tasks = start([ledger.append("order-1", new_event(f"queued-{n}")) for n in range(count)])
    await asyncio.sleep(0)
    return tasks


async def test_an_idle_writer_takes_an_append_at_once_and_what_queues_meanwhile_goes_together(
    shared_dsn: str, postgres_ledger: Ledger
) -> None:
    async with held(shared_dsn, postgres_ledger.tenant) as let_go:
        first = start([postgres_ledger.append("order-1", new_event("first"))])
        assert await blocked_calls(shared_dsn, atleast=1) == 1
        rest = await queued(postgres_ledger, 30)
        await let_go()
        await asyncio.gather(*first, *rest)

    assert await transactions(shared_dsn, postgres_ledger.tenant) == [1, 30]
    assert await postgres_ledger.ids() == ["first", *(f"queued-{n}" for n in range(30))]


async def test_of_many_that_wait_half_go_together(shared_dsn: str, postgres_ledger: Ledger) -> None:
    async with held(shared_dsn, postgres_ledger.tenant) as let_go:
        first = start([postgres_ledger.append("order-1", new_event("first"))])
        await blocked_calls(shared_dsn, atleast=1)
        rest = await queued(postgres_ledger, 100)
        await let_go()
        await asyncio.gather(*first, *rest)

    assert await transactions(shared_dsn, postgres_ledger.tenant) == [1, 50, 32, 18]
    assert await postgres_ledger.ids() == ["first", *(f"queued-{n}" for n in range(100))]


async def test_nothing_sleeps_while_the_database_is_well(
    postgres_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sleep(_seconds: float) -> None:
        raise AssertionError("Somebody waits for company")

    monkeypatch.setattr(group_commit.asyncio, "sleep", sleep)

    for n in range(1, 4):
        assert (await postgres_ledger.append("order-1")).versions == (n,)


async def test_a_tenant_is_written_by_one_writer_and_others_go_on_meanwhile(
    shared_dsn: str, postgres_ledger: Ledger
) -> None:
    other = await postgres_ledger.another()

    async with held(shared_dsn, postgres_ledger.tenant) as let_go:
        blocked = [*await queued(postgres_ledger, 1)]
        await blocked_calls(shared_dsn, atleast=1)
        blocked += start([postgres_ledger.append("order-1") for _ in range(20)])
        for n in range(1, 6):
            assert (await other.append("order-1")).first_position == n
        assert await blocked_calls(shared_dsn, atleast=1) == 1
        assert not any(task.done() for task in blocked)
        await let_go()
        await asyncio.gather(*blocked)


async def test_four_tenants_are_written_at_the_same_time(shared_dsn: str, postgres_ledger: Ledger) -> None:
    ledgers = [postgres_ledger, *[await postgres_ledger.another() for _ in range(3)]]

    async with await psycopg.AsyncConnection.connect(shared_dsn) as connection:
        for ledger in ledgers:
            await connection.execute("SELECT FROM ordertrail.ledgers WHERE tenant = %s FOR UPDATE", [ledger.tenant])
        tasks = start([ledger.append("order-1") for ledger in ledgers])
        assert await blocked_calls(shared_dsn, atleast=4) == 4
        await connection.rollback()

    assert [(await task).first_position for task in tasks] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("limit", "value", "expected"),
    [
        ("MAX_EVENTS_PER_COMMIT", 10, [1, 10, 10, 5]),
        ("MAX_BYTES_PER_COMMIT", 40, [1, 10, 10, 5]),
    ],
)
async def test_a_long_queue_is_written_in_portions(
    shared_dsn: str, postgres_ledger: Ledger, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, expected: object
) -> None:
    monkeypatch.setattr(group_commit, limit, value)

    async with held(shared_dsn, postgres_ledger.tenant) as let_go:
        first = start([postgres_ledger.append("order-1")])
        await blocked_calls(shared_dsn, atleast=1)
        rest = await queued(postgres_ledger, 25)
        await let_go()
        await asyncio.gather(*first, *rest)

    assert await transactions(shared_dsn, postgres_ledger.tenant) == expected


async def test_an_append_that_is_larger_than_a_portion_is_written_whole(
    shared_dsn: str, postgres_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "MAX_EVENTS_PER_COMMIT", 10)

    await postgres_ledger.append("order-1", *(new_event() for _ in range(25)))

    assert await transactions(shared_dsn, postgres_ledger.tenant) == [25]


async def test_an_append_that_is_cancelled_in_the_queue_is_not_written(
    shared_dsn: str, postgres_ledger: Ledger
) -> None:
    async with held(shared_dsn, postgres_ledger.tenant) as let_go:
        first = start([postgres_ledger.append("order-1", new_event("first"))])
        await blocked_calls(shared_dsn, atleast=1)
        rest = await queued(postgres_ledger, 3)
        rest[1].cancel()
        await let_go()
        outcomes = await asyncio.gather(*first, *rest, return_exceptions=True)

    assert isinstance(outcomes[2], asyncio.CancelledError)
    assert await postgres_ledger.ids() == ["first", "queued-0", "queued-2"]


async def test_an_append_that_is_cancelled_in_its_call_does_not_disturb_its_neighbours(
    shared_dsn: str, postgres_ledger: Ledger
) -> None:
    async with held(shared_dsn, postgres_ledger.tenant) as let_go:
        tasks = await queued(postgres_ledger, 3)
        await blocked_calls(shared_dsn, atleast=1)
        tasks[1].cancel()
        await let_go()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [Appended, asyncio.CancelledError, Appended]
    assert await postgres_ledger.ids() == ["queued-0", "queued-1", "queued-2"]
    assert (await postgres_ledger.append("order-1")).first_position == 4


async def test_a_queue_of_nothing_but_cancelled_appends_is_passed_over(
    shared_dsn: str, postgres_ledger: Ledger
) -> None:
    async with held(shared_dsn, postgres_ledger.tenant) as let_go:
        first = start([postgres_ledger.append("order-1")])
        await blocked_calls(shared_dsn, atleast=1)
        rest = await queued(postgres_ledger, 3)
        for task in rest:
            task.cancel()
        await let_go()
        await asyncio.gather(*first)
        await asyncio.gather(*rest, return_exceptions=True)

    assert (await postgres_ledger.append("order-1")).first_position == 2


async def test_a_bug_in_a_call_is_told_to_those_in_it_and_stops_nobody_else(
    postgres_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def make(_call: AppendCall, _connection: object) -> Sequence[Appended]:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(AppendCall, "make", make)
        tasks = start([postgres_ledger.append("order-1") for _ in range(5)])
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert {type(outcome) for outcome in outcomes} == {ZeroDivisionError}
    assert (await postgres_ledger.append("order-1")).first_position == 1


async def test_an_unstorable_append_fails_alone_among_those_it_waits_with(
    shared_dsn: str, postgres_ledger: Ledger
) -> None:
    async with held(shared_dsn, postgres_ledger.tenant) as let_go:
        first = start([postgres_ledger.append("order-1", new_event("first"))])
        await blocked_calls(shared_dsn, atleast=1)
        rest = start(
            [
                postgres_ledger.append("order-1", new_event("good-1")),
                postgres_ledger.append("order-1", new_event("nul \x00")),
                postgres_ledger.append("order-1", new_event("surrogate \udfff")),
                postgres_ledger.append("order-1", new_event("late"), expected=Exactly(0)),
                postgres_ledger.append("order-1", new_event("good-2")),
            ]
        )
        await asyncio.sleep(0)
        await let_go()
        outcomes = await asyncio.gather(*first, *rest, return_exceptions=True)

    assert [type(o) for o in outcomes] == [Appended, Appended, InvalidEvent, InvalidEvent, VersionConflict, Appended]
    assert await transactions(shared_dsn, postgres_ledger.tenant) == [1, 2]
    assert await postgres_ledger.ids() == ["first", "good-1", "good-2"]


class Unwritable(NewEvent):
    """An event whose JSON cannot be written."""

    def written(self) -> NewEvent:
        raise PermissionError("not this one")


async def test_an_append_whose_events_cannot_be_written_fails_alone_among_those_it_waits_with(
    shared_dsn: str, postgres_ledger: Ledger
) -> None:
    unwritable = Append(postgres_ledger.tenant, (Write("order-1", ANY, (Unwritable(*new_event("unwritable")),)),))

    async with held(shared_dsn, postgres_ledger.tenant) as let_go:
        first = start([postgres_ledger.append("order-1", new_event("first"))])
        await blocked_calls(shared_dsn, atleast=1)
        before = await queued(postgres_ledger, 1)
        [refused] = start([postgres_ledger.store.append(unwritable)])
        after = start([postgres_ledger.append("order-1", new_event("last"))])
        await let_go()
        await asyncio.gather(*first, *before, *after)

    with pytest.raises(PermissionError):
        await refused
    assert await postgres_ledger.ids() == ["first", "queued-0", "last"]
    assert await transactions(shared_dsn, postgres_ledger.tenant) == [1, 2]
