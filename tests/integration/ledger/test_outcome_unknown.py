"""Lost connections: every append is answered, and its events are stored exactly once, or never if it says so."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from application.ledger.port import ANY, NO_STREAM, Append, Appended, Exactly, Write
from domain.errors import OutcomeUnknown, Unavailable, VersionConflict
from infrastructure.ledger.event_store import PostgresEventStore
from infrastructure.ledger.group_commit import GroupCommit, open_group_commit
from infrastructure.postgres import database
from infrastructure.postgres.database import open_pool
from tests.cluster import ACTIVITY
from tests.fix_store import NO_PATIENCE, Ledger, blocked_calls, held, key, new_event
from tests.proxy import Proxy


@pytest.fixture
async def writer(proxy: Proxy, postgres_ledger: Ledger) -> AsyncIterator[GroupCommit]:
    """A group commit behind the proxy, whose only connection has prepared its statements already."""
    async with open_group_commit(proxy.dsn, writers=1, reconnect_seconds=NO_PATIENCE) as opened:
        for _ in range(2):  # what was recorded before is answered by the other statement
            await opened.append(an_append(postgres_ledger, "warm up"))
        yield opened


def an_append(ledger: Ledger, *event_ids: str, stream: str = "order-1") -> Append:
    return Append(ledger.tenant, (Write(stream, ANY, tuple(new_event(event_id) for event_id in event_ids)),))


async def test_a_reply_that_is_lost_after_the_commit_is_asked_for_again(
    proxy: Proxy, writer: GroupCommit, postgres_ledger: Ledger
) -> None:
    proxy.lose("reply")

    appended = await writer.append(an_append(postgres_ledger, "a", "b"))

    assert appended[:3] == (2, 3, ())
    assert appended.is_replayed
    assert proxy.accepted == 2
    assert await postgres_ledger.ids() == ["warm up", "a", "b"]


async def test_a_request_that_is_lost_before_the_server_saw_it_is_sent_again(
    proxy: Proxy, writer: GroupCommit, postgres_ledger: Ledger
) -> None:
    proxy.lose("request")

    appended = await writer.append(an_append(postgres_ledger, "a"))

    assert appended[:3] == (2, 2, (2,))
    assert not appended.is_replayed
    assert await postgres_ledger.ids() == ["warm up", "a"]


@pytest.mark.parametrize("loss", ["request", "reply"])
async def test_everybody_in_a_lost_call_is_answered(
    proxy: Proxy, writer: GroupCommit, postgres_ledger: Ledger, shared_dsn: str, loss: str
) -> None:
    tenant = postgres_ledger.tenant
    appends = [
        an_append(postgres_ledger, "a", "b"),
        Append(tenant, (Write("order-1", NO_STREAM, (new_event(),)),)),
        Append(tenant, (Write("order-1", Exactly(3), (new_event("c"),)),), key("k")),
        Append(tenant, (Write("order-1", ANY, (new_event("d"),)), Write("order-2", NO_STREAM, (new_event("e"),)))),
        Append(tenant, (Write("order-3", NO_STREAM, (new_event("f"),)),)),
    ]

    async with held(shared_dsn, tenant) as let_go:
        first = asyncio.create_task(writer.append(an_append(postgres_ledger, "first", stream="order-0")))
        await blocked_calls(shared_dsn, atleast=1)
        tasks = [asyncio.create_task(writer.append(append)) for append in appends]
        await asyncio.sleep(0)
        await let_go()
        await first
        proxy.lose(loss)  # type: ignore[arg-type]
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [Appended, VersionConflict, Appended, Appended, Appended]
    assert await postgres_ledger.ids() == ["warm up", "first", "a", "b", "c", "d", "e", "f"]


async def test_a_call_that_is_still_running_when_it_is_asked_for_again_is_stored_once(
    proxy: Proxy, writer: GroupCommit, postgres_ledger: Ledger, shared_dsn: str
) -> None:
    async with held(shared_dsn, postgres_ledger.tenant) as let_go:
        task = asyncio.create_task(writer.append(an_append(postgres_ledger, "a")))
        assert await blocked_calls(shared_dsn, atleast=1) == 1
        proxy.cut()
        # The server does not notice: both calls wait for the ledger now.
        assert await blocked_calls(shared_dsn, atleast=2) == 2
        await let_go()
        appended = await task

    assert (appended.first_position, appended.is_replayed) == (2, True)
    assert await postgres_ledger.ids() == ["warm up", "a"]


async def test_a_second_call_that_the_server_gives_up_tells_nothing_of_the_first(
    proxy: Proxy, writer: GroupCommit, postgres_ledger: Ledger, shared_dsn: str
) -> None:
    give_up_the_second = f"""
        SELECT pg_cancel_backend(pid) FROM {ACTIVITY}
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%ordertrail.append%'
        ORDER BY backend_start DESC LIMIT 1
    """
    async with (
        held(shared_dsn, postgres_ledger.tenant) as let_go,
        await psycopg.AsyncConnection.connect(shared_dsn, autocommit=True) as connection,
    ):
        task = asyncio.create_task(writer.append(an_append(postgres_ledger, "a")))
        await blocked_calls(shared_dsn, atleast=1)
        proxy.cut()
        await blocked_calls(shared_dsn, atleast=2)
        await connection.execute(give_up_the_second)
        while proxy.accepted < 3 and not task.done():
            await connection.execute("SELECT 1")
        await let_go()
        appended = await task

    assert (appended.first_position, appended.is_replayed) == (2, True)
    assert await postgres_ledger.ids() == ["warm up", "a"]


@pytest.mark.parametrize(("loss", "is_stored"), [("request", False), ("reply", True)])
async def test_a_database_that_is_gone_for_good_leaves_the_outcome_unknown(
    proxy: Proxy, writer: GroupCommit, postgres_ledger: Ledger, loss: str, is_stored: bool
) -> None:
    append = an_append(postgres_ledger, "a", "b")
    proxy.lose(loss, and_stay_away=True)  # type: ignore[arg-type]

    with pytest.raises(OutcomeUnknown, match="Send the same request with the same event ids") as unknown:
        await writer.append(append)

    assert unknown.value.event_ids == ("a", "b")
    assert await postgres_ledger.ids() == ["warm up", *(["a", "b"] if is_stored else [])]
    await proxy.open()
    again = await writer.append(append)
    assert (again.first_position, again.last_position, again.is_replayed) == (2, 3, is_stored)
    assert await postgres_ledger.ids() == ["warm up", "a", "b"]


async def test_a_database_that_cannot_be_reached_is_unavailable(proxy: Proxy, postgres_ledger: Ledger) -> None:
    await proxy.close()

    async with open_group_commit(proxy.dsn, reconnect_seconds=NO_PATIENCE) as writer:
        outcomes = await asyncio.gather(
            *(writer.append(an_append(postgres_ledger, f"a-{n}")) for n in range(5)), return_exceptions=True
        )
        await proxy.open()
        appended = await writer.append(an_append(postgres_ledger, "b"))

    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 5
    assert appended.first_position == 1
    assert await postgres_ledger.ids() == ["b"]


async def test_a_connection_that_was_lost_while_idle_does_no_harm(
    proxy: Proxy, writer: GroupCommit, postgres_ledger: Ledger
) -> None:
    proxy.cut()

    appended = await writer.append(an_append(postgres_ledger, "a"))

    assert (appended.first_position, appended.is_replayed) == (2, False)


async def test_writers_that_are_terminated_again_and_again_store_each_event_once(
    shared_dsn: str, postgres_ledger: Ledger
) -> None:
    terminate = """
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE '%ordertrail.append%' AND pid <> pg_backend_pid()
    """
    terminated = 0

    async def keep_appending(name: int) -> None:
        nonlocal terminated
        for n in range(30):
            ids = f"{name}-{n}-a", f"{name}-{n}-b"
            one, other = (
                Write(f"order-{name}", Exactly(n), (new_event(ids[0]),)),
                Write("order-0", ANY, (new_event(ids[1]),)),
            )
            task = asyncio.create_task(writer.append(Append(postgres_ledger.tenant, (one, other))))
            if n % 5 == name - 1:
                # Others' appends are under way, and this one may be.
                [(count,)] = await (await connection.execute(terminate)).fetchall()
                terminated += count
            appended = await task
            assert appended.last_position == appended.first_position + 1

    async with (
        await psycopg.AsyncConnection.connect(shared_dsn, autocommit=True) as connection,
        open_group_commit(shared_dsn, reconnect_seconds=(0.0,) * 50) as writer,
    ):
        await asyncio.gather(*(keep_appending(name) for name in range(1, 7)))

    events = await postgres_ledger.read()
    assert terminated > 5
    assert sorted(event.event_id for event in events) == sorted(
        f"{name}-{n}-{which}" for name in range(1, 7) for n in range(30) for which in "ab"
    )
    assert [event.position for event in events] == list(range(1, 361))
    assert [event.version for event in await postgres_ledger.read_stream("order-0")] == list(range(1, 181))


async def test_a_statement_that_the_server_gives_up_was_not_stored_and_says_so(
    shared_dsn: str, postgres_ledger: Ledger
) -> None:
    cancel = f"""
        SELECT pg_cancel_backend(pid) FROM {ACTIVITY}
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%ordertrail.append%'
    """
    async with (
        held(shared_dsn, postgres_ledger.tenant),
        await psycopg.AsyncConnection.connect(shared_dsn, autocommit=True) as connection,
    ):
        task = asyncio.create_task(postgres_ledger.append("order-1"))
        await blocked_calls(shared_dsn, atleast=1)
        await connection.execute(cancel)
        with pytest.raises(Unavailable):
            await task

    assert await postgres_ledger.ids() == []
    assert (await postgres_ledger.append("order-1")).first_position == 1


async def test_readers_survive_lost_connections_and_say_when_there_are_none(
    proxy: Proxy, postgres_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "CONNECT_SECONDS", 3)
    await postgres_ledger.append("order-1", new_event("a"))

    async with open_pool(proxy.dsn, size=2) as pool:
        store = PostgresEventStore(pool, GroupCommit(""))
        for _ in range(3):
            assert len(await store.read_ledger(postgres_ledger.tenant)) == 1
            proxy.cut()
            await asyncio.sleep(0.01)  # until it is cut: a statement that is on its way meanwhile fails, and may
        await proxy.close()
        with pytest.raises(Unavailable):
            await store.read_ledger(postgres_ledger.tenant)
