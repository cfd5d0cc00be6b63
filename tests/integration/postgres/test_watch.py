"""The watch: whoever needs a database that is away is told so at once, and nobody else is disturbed."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from application.ledger.port import ANY, Append, Appended, Write
from application.runtime.request_context import RequestContext, current
from domain.errors import OutcomeUnknown, Unavailable
from infrastructure.ledger import append_writer
from infrastructure.ledger.append_call import AppendCall
from infrastructure.ledger.group_commit import GroupCommit, open_group_commit
from infrastructure.postgres import watch as module
from infrastructure.postgres.database import open_pool, reading, watching_database
from infrastructure.postgres.pool import Pool
from infrastructure.postgres.watch import Watch
from tests.fix_store import Ledger, blocked_calls, held, new_event
from tests.proxy import Proxy, open_proxy

SOON_SECONDS = 2.0 + 3.0
"""Within which everybody is answered, on a machine that may stand still meanwhile."""


@pytest.fixture
async def proxy(shared_dsn: str) -> AsyncIterator[Proxy]:
    async with open_proxy(make_conninfo(shared_dsn, application_name="watched")) as opened:
        yield opened


@pytest.fixture
async def watch(proxy: Proxy) -> AsyncIterator[Watch]:
    async with watching_database(proxy.dsn) as opened:
        yield opened


@pytest.fixture
async def pool(proxy: Proxy, watch: Watch) -> AsyncIterator[Pool]:
    async with open_pool(proxy.dsn, size=2, watch=watch) as opened:
        yield opened


@pytest.fixture
async def writer(proxy: Proxy, watch: Watch, postgres_ledger: Ledger) -> AsyncIterator[GroupCommit]:
    """A group commit of one connection, which is open."""
    async with open_group_commit(proxy.dsn, writers=1, reconnect_seconds=(0.0, 0.1, 0.1), watch=watch) as opened:
        await opened.append(an_append(postgres_ledger, "warm up"))
        yield opened


def an_append(ledger: Ledger, event_id: str) -> Append:
    return Append(ledger.tenant, (Write("order-1", ANY, (new_event(event_id),)),))


async def ask(pool: Pool, statement: str = "SELECT 1") -> None:
    async with reading(pool) as connection:
        await connection.execute(statement)  # type: ignore[arg-type]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 what is waited for is the watch
            await asyncio.sleep(0.01)


async def test_who_waits_for_a_server_that_has_fallen_silent_is_told_so_soon(
    pool: Pool, watch: Watch, proxy: Proxy
) -> None:
    asking = asyncio.create_task(ask(pool, "SELECT pg_sleep(60)"))
    waiting = [asyncio.create_task(ask(pool)) for _ in range(4)]
    await asyncio.sleep(0.1)
    proxy.fall_silent()
    began = time.monotonic()

    outcomes = await asyncio.gather(asking, *waiting, return_exceptions=True)
    assert time.monotonic() - began < SOON_SECONDS

    assert [str(outcome) for outcome in outcomes if isinstance(outcome, Unavailable)][:1] == [
        "The database does not answer; try again"
    ]
    began = time.monotonic()
    with pytest.raises(Unavailable, match="does not answer") as refused:
        await ask(pool)
    assert time.monotonic() - began < 0.5
    assert refused.value.is_told
    proxy.speak()
    await until(lambda: watch.away is None)
    await ask(pool)


async def test_a_host_that_accepts_and_says_nothing_is_away(proxy: Proxy) -> None:
    proxy.fall_silent()

    async with watching_database(proxy.dsn) as watch, open_pool(proxy.dsn, size=1, watch=watch) as pool:
        with pytest.raises(Unavailable, match="does not answer"):
            await ask(pool)


async def test_a_watch_that_loses_its_connection_makes_another_and_disturbs_nobody(
    pool: Pool, watch: Watch, proxy: Proxy, shared_dsn: str
) -> None:
    # One that has been answered: a watch that loses two in a row while it asks has reason to call the database away.
    end_the_watch = """
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'watched' AND state = 'idle'
          AND query LIKE '%pg_is_in_recovery()%'
    """
    async with await psycopg.AsyncConnection.connect(shared_dsn, autocommit=True) as admin, pool.connection() as lent:
        ended = 0
        while ended < 3:
            row = await (await admin.execute(end_the_watch)).fetchone()
            assert row is not None
            ended += row[0]
            await lent.execute("SELECT 1")
            watch.require()
        accepted = proxy.accepted
        await until(lambda: proxy.accepted > accepted or watch.away is not None)
        await lent.execute("SELECT 1")

    assert watch.away is None
    assert watch.epoch == 0


async def test_a_server_that_answers_somebody_is_not_away(
    pool: Pool, watch: Watch, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ASK", b"SELECT false, false FROM pg_sleep(60)")
    began = time.monotonic()

    while time.monotonic() < began + 2 * module.SILENCE_SECONDS:
        await ask(pool)
        await asyncio.sleep(0.05)

    assert watch.epoch == 0
    await until(lambda: watch.away is not None)


async def test_a_process_that_stood_still_itself_does_not_take_its_database_for_away(pool: Pool, watch: Watch) -> None:
    for _ in range(3):
        await ask(pool)
        time.sleep(1.5 * module.SILENCE_SECONDS)  # noqa: ASYNC251 that is what is tested
        for _ in range(5):
            await asyncio.sleep(0.01)

    assert watch.epoch == 0


async def test_a_server_that_takes_no_writes_is_told_of_and_used_for_reads(
    pool: Pool, watch: Watch, proxy: Proxy, writer: GroupCommit, postgres_ledger: Ledger, shared_dsn: str
) -> None:
    async with await psycopg.AsyncConnection.connect(shared_dsn, autocommit=True) as admin:
        database = admin.info.dbname
        await admin.execute(f'ALTER DATABASE "{database}" SET default_transaction_read_only = on')
        # For sessions that begin from now on.
        proxy.cut()
        try:
            await until(lambda: watch.refusal_of_writes is not None)
            with pytest.raises(Unavailable, match="takes no writes at the moment: it is set to read-only") as refused:
                await writer.append(an_append(postgres_ledger, "a"))
            assert refused.value.is_told
            await ask(pool)
        finally:
            await admin.execute("SET default_transaction_read_only = off")
            await admin.execute(f'ALTER DATABASE "{database}" RESET default_transaction_read_only')
    await until(lambda: watch.refusal_of_writes is None)

    # What was connected before might lead to a server that took no writes.
    assert watch.epoch == 1
    assert (await writer.append(an_append(postgres_ledger, "b"))).first_position == 2
    assert await postgres_ledger.ids() == ["warm up", "b"]


async def test_an_append_to_a_server_that_is_silent_already_was_never_attempted(
    watch: Watch, writer: GroupCommit, proxy: Proxy, postgres_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(append_writer, "IDLE_SECONDS", 0.0)
    proxy.fall_silent()
    began = time.monotonic()

    with pytest.raises(Unavailable):
        await writer.append(an_append(postgres_ledger, "a"))

    assert time.monotonic() - began < SOON_SECONDS
    proxy.speak()
    await until(lambda: watch.away is None)
    assert (await writer.append(an_append(postgres_ledger, "b"))).first_position == 2
    assert await postgres_ledger.ids() == ["warm up", "b"]


async def test_what_waits_in_the_queue_is_refused_and_what_is_on_its_way_is_looked_for(
    watch: Watch, writer: GroupCommit, proxy: Proxy, postgres_ledger: Ledger, shared_dsn: str
) -> None:
    async with held(shared_dsn, postgres_ledger.tenant) as let_go:
        on_its_way = asyncio.create_task(writer.append(an_append(postgres_ledger, "a")))
        await blocked_calls(shared_dsn, atleast=1)
        queued = [asyncio.create_task(writer.append(an_append(postgres_ledger, f"b-{n}"))) for n in range(3)]
        await asyncio.sleep(0)
        proxy.fall_silent()
        began = time.monotonic()
        outcomes = await asyncio.gather(*queued, return_exceptions=True)
        assert time.monotonic() - began < SOON_SECONDS
        assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
        with pytest.raises(OutcomeUnknown):
            await on_its_way
        await let_go()

    proxy.speak()
    await until(lambda: watch.away is None)
    again = await writer.append(an_append(postgres_ledger, "a"))
    assert (again.first_position, again.is_replayed) == (2, True)
    assert await postgres_ledger.ids() == ["warm up", "a"]


async def test_a_request_is_answered_in_time_though_its_call_is_not(
    postgres_ledger: Ledger, writer: GroupCommit, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = asyncio.Event()
    make = AppendCall.make

    async def slow(call: AppendCall, connection: object) -> object:
        await may_end.wait()
        return await make(call, connection)  # type: ignore[arg-type]

    async def request(event_id: str) -> Appended:
        current.set(RequestContext(event_id, seconds=1.0))
        return await writer.append(an_append(postgres_ledger, event_id))

    monkeypatch.setattr(AppendCall, "make", slow)
    called = asyncio.create_task(request("a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    queued = asyncio.create_task(request("b"))
    outcomes = await asyncio.gather(called, queued, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown, Unavailable]
    assert "this one waited too long" in str(outcomes[1])
    may_end.set()
    monkeypatch.undo()
    assert (await writer.append(an_append(postgres_ledger, "c"))).first_position == 3
    assert await postgres_ledger.ids() == ["warm up", "a", "c"]


@pytest.mark.one_server("a node waits for a lock as long as its own settings say")
async def test_a_lock_that_somebody_holds_is_named_and_nothing_is_stored(
    writer: GroupCommit, postgres_ledger: Ledger, shared_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(append_writer, "PATIENCE", append_writer.PATIENCE._replace(lock=0.1))

    async with open_group_commit(shared_dsn) as impatient, held(shared_dsn, postgres_ledger.tenant):
        with pytest.raises(Unavailable, match="Somebody else has locked what this needs") as refused:
            await impatient.append(an_append(postgres_ledger, "a"))

    assert refused.value.said.startswith("PostgreSQL: 55P03 canceling statement due to lock timeout")
    assert await postgres_ledger.ids() == ["warm up"]


@pytest.mark.parametrize("turns", range(4))
async def test_a_watch_ends_also_if_it_is_told_something_at_that_moment(dsn: str, turns: int) -> None:
    async with asyncio.timeout(30), watching_database(dsn) as watch:
        while watch._server is None:  # noqa: ASYNC110 what is waited for is the watch
            await asyncio.sleep(0.01)
        watch.suspect()
        for _ in range(turns):
            await asyncio.sleep(0)
