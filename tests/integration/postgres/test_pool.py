"""The pool: connections are made when they are needed, lent in turn, and never waited for in vain."""

import asyncio
import time
from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from application.runtime.request_context import RequestContext, current
from domain.errors import Refused, Unavailable
from infrastructure.postgres import pool as module
from infrastructure.postgres.database import Pool, open_pool, reading
from infrastructure.postgres.patience import COMMANDS, Patience
from tests.proxy import Proxy

IMPATIENT = Patience(statement=None, lock=None, lease=0.3, turn=0.3)


@pytest.fixture
async def pool(proxy: Proxy) -> AsyncIterator[Pool]:
    async with open_pool(proxy.dsn, size=2) as opened:
        yield opened


async def ask(pool: Pool, statement: str = "SELECT pg_backend_pid()") -> int:
    async with reading(pool) as connection:
        row = await (await connection.execute(statement)).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return int(row[0] or 0)


async def test_a_connection_is_used_again(pool: Pool, proxy: Proxy) -> None:
    assert len({await ask(pool) for _ in range(5)}) == 1
    assert proxy.accepted == 1


async def test_no_more_than_so_many_are_lent_at_a_time_and_everybody_has_a_turn(pool: Pool, proxy: Proxy) -> None:
    pids = await asyncio.gather(*(ask(pool, "SELECT pg_backend_pid() FROM pg_sleep(0.01)") for _ in range(20)))

    assert len(set(pids)) == 2
    assert proxy.accepted == 2


async def test_who_waits_too_long_for_a_turn_is_told_so(proxy: Proxy) -> None:
    async with open_pool(proxy.dsn, size=1, patience=IMPATIENT) as pool, pool.connection(seconds=30):
        with pytest.raises(Unavailable, match="All connections to the database are in use"):
            await ask(pool)


async def test_who_gives_up_waiting_takes_no_connection_along(proxy: Proxy) -> None:
    async with open_pool(proxy.dsn, size=1) as pool:
        for _ in range(10):
            async with pool.connection():
                waiting = [asyncio.create_task(ask(pool)) for _ in range(3)]
                await asyncio.sleep(0)
                waiting[0].cancel()
            # It was handed on at this very moment.
            waiting[1].cancel()
            await asyncio.wait(waiting)
            assert waiting[2].result() == await ask(pool)
    assert proxy.accepted == 1


@pytest.mark.parametrize("idle", [False, True])
async def test_a_connection_that_broke_is_replaced(pool: Pool, proxy: Proxy, idle: bool) -> None:
    await ask(pool)

    if idle:
        proxy.cut()
        while not proxy.is_idle:  # noqa: ASYNC110 until both ends know
            await asyncio.sleep(0.001)
    else:
        proxy.lose("request")
        with pytest.raises(Unavailable):
            await ask(pool)

    assert await ask(pool)
    assert proxy.accepted == 2


async def test_a_connection_that_leads_nowhere_any_more_is_replaced(
    pool: Pool, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STALE_SECONDS", 0.0)
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.2)
    await ask(pool)

    proxy.forget()

    assert await ask(pool)
    assert proxy.accepted == 2


async def test_a_transaction_that_was_left_open_is_not_handed_on(pool: Pool) -> None:
    async with pool.connection() as connection:
        await connection.execute("BEGIN")

    async with pool.connection() as connection:
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


async def test_old_connections_and_those_that_nobody_needs_are_closed(
    pool: Pool, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pool.connection(), pool.connection():
        pass
    assert proxy.accepted == 2
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.0)
    await ask(pool)
    monkeypatch.setattr(module, "LIFETIME_SECONDS", 0.0)
    await ask(pool)
    monkeypatch.undo()

    await ask(pool)

    assert proxy.accepted == 3


async def test_without_a_database_everybody_is_told_at_once_and_served_at_once_when_it_is_back(
    pool: Pool, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FAILURE_SECONDS", 0.05)
    await proxy.close()

    for _ in range(3):
        outcomes = await asyncio.gather(*(ask(pool) for _ in range(10)), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [Unavailable] * 10
    assert all("refused" in outcome.said for outcome in outcomes if isinstance(outcome, Unavailable))
    await proxy.open()
    await asyncio.sleep(0.05)

    assert len(set(await asyncio.gather(*(ask(pool) for _ in range(10))))) <= 2


async def test_who_waits_beside_others_is_served_once_a_connection_can_be_made_again(proxy: Proxy) -> None:
    async with open_pool(proxy.dsn, size=2) as pool, pool.connection() as lent:
        await lent.execute("SELECT 1")
        proxy.refuse()
        waiting = asyncio.create_task(ask(pool))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await proxy.open()

        assert await waiting


async def test_who_uses_a_connection_for_too_long_is_told_so_and_the_next_one_is_served(proxy: Proxy) -> None:
    async with open_pool(proxy.dsn, size=1, patience=IMPATIENT) as pool:
        began = time.monotonic()
        with pytest.raises(Unavailable, match=r"did not answer within 0\.3 s"):
            await ask(pool, "SELECT pg_sleep(60)")

        assert time.monotonic() - began < 30
        assert await ask(pool)


async def test_a_statement_that_takes_too_long_is_given_up_by_the_server(proxy: Proxy) -> None:
    patience = Patience(statement=0.1, lock=None, lease=30, turn=30)
    async with open_pool(proxy.dsn, size=1, patience=patience) as pool:
        with pytest.raises(Unavailable, match="gave up a statement that took too long") as error:
            await ask(pool, "SELECT pg_sleep(60)")
        assert error.value.said.startswith("PostgreSQL: 57014 canceling statement due to statement timeout")
        assert await ask(pool)
    assert proxy.accepted == 1


async def test_commands_wait_as_long_as_it_takes_whatever_the_servers_default(proxy: Proxy) -> None:
    impatient = make_conninfo(proxy.dsn, options="-c statement_timeout=50 -c lock_timeout=50")

    async with open_pool(impatient, size=1, patience=COMMANDS) as pool:
        assert await ask(pool, "SELECT 1 FROM pg_sleep(0.3)")


async def test_all_statements_of_a_request_have_to_share_its_time(pool: Pool) -> None:
    current.set(RequestContext("r-1", seconds=0.5))

    await ask(pool)
    with pytest.raises(Unavailable, match="did not answer within"):
        await ask(pool, "SELECT pg_sleep(60)")
    with pytest.raises(Unavailable, match="took too long to answer this request"):
        await ask(pool)

    current.set(RequestContext("r-2"))
    assert await ask(pool)


async def test_a_pool_that_is_closed_lends_nothing_and_keeps_nobody_waiting(proxy: Proxy) -> None:
    async with open_pool(proxy.dsn, size=1) as pool:
        held = pool.connection()
        connection = await held.__aenter__()
        waiting = asyncio.create_task(ask(pool))
        await asyncio.sleep(0)

    with pytest.raises(Unavailable, match="shutting down"):
        await waiting
    with pytest.raises(Unavailable, match="shutting down"):
        await ask(pool)
    await held.__aexit__(None, None, None)
    assert connection.closed


@pytest.mark.parametrize(
    ("dsn", "why", "code"),
    [
        ({"dbname": "nowhere"}, "does not exist", "3D000"),
        ({"user": "nobody"}, "does not know our user", "28000"),
        ({"options": "-c no_such_setting=1"}, "refuses what we connect with", "42704"),
    ],
)
async def test_a_server_that_does_not_let_us_in_is_told_from_one_that_is_away(
    shared_dsn: str, dsn: dict[str, str], why: str, code: str
) -> None:
    async with open_pool(make_conninfo(shared_dsn, **dsn), size=1) as pool:
        with pytest.raises(Refused, match=why) as error:
            await ask(pool)

    assert error.value.said.startswith(f"PostgreSQL: {code}")
    assert not error.value.is_away
