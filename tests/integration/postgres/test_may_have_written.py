"""What a request may have stored: it is noted whenever nobody can be sure that it stored nothing."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from application.ledger.port import ANY, NO_STREAM, Append, ExpectedVersion, Write
from application.runtime.request_context import RequestContext, current
from domain.errors import OutcomeUnknown, Unavailable, VersionConflict
from infrastructure.ledger.group_commit import open_group_commit
from infrastructure.postgres.database import Pool, open_pool, writing
from tests.fix_store import NO_PATIENCE, Ledger, blocked_calls, held, new_event, start
from tests.proxy import Proxy

NOTE = "UPDATE ordertrail.ledgers SET tenant = tenant"


@contextmanager
def a_request() -> Iterator[RequestContext]:
    """Be the current request inside this context."""
    request = RequestContext("r-1")
    token = current.set(request)
    try:
        yield request
    finally:
        current.reset(token)


@pytest.fixture
async def pool(proxy: Proxy) -> AsyncIterator[Pool]:
    """A pool behind the proxy that has a connection already."""
    async with open_pool(proxy.dsn, size=1, as_owner=True) as opened:
        async with opened.connection() as connection:
            await connection.execute("SELECT 1")
        yield opened


def an_append(ledger: Ledger, expected: ExpectedVersion = ANY) -> Append:
    return Append(ledger.tenant, (Write("order-1", expected, (new_event(),)),))


async def test_an_append_that_is_stored_is_noted_and_one_that_is_refused_is_not(
    shared_dsn: str, postgres_ledger: Ledger
) -> None:
    async with open_group_commit(shared_dsn) as writer:
        await writer.append(an_append(postgres_ledger))
        with a_request() as request:
            with pytest.raises(VersionConflict):
                await writer.append(an_append(postgres_ledger, NO_STREAM))
            assert not request.may_have_written

            await writer.append(an_append(postgres_ledger))
            assert request.may_have_written

            with pytest.raises(VersionConflict):
                await writer.append(an_append(postgres_ledger, NO_STREAM))
            assert request.may_have_written


async def test_a_cancelled_append_is_noted_once_it_was_sent(shared_dsn: str, postgres_ledger: Ledger) -> None:
    async with open_group_commit(shared_dsn) as writer, held(shared_dsn, postgres_ledger.tenant) as let_go:
        with a_request() as sent:
            tasks = start([writer.append(an_append(postgres_ledger))])
            await blocked_calls(shared_dsn, atleast=1)
        with a_request() as waiting:
            tasks += start([writer.append(an_append(postgres_ledger))])
            await asyncio.sleep(0)

        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await let_go()
        after = await writer.append(an_append(postgres_ledger))

    assert (sent.may_have_written, waiting.may_have_written) == (True, False)
    assert after.first_position == 2, "the append that was sent is stored, and the one that waited is not"


async def test_an_append_whose_outcome_is_unknown_is_noted(proxy: Proxy, postgres_ledger: Ledger) -> None:
    async with open_group_commit(proxy.dsn, writers=1, reconnect_seconds=NO_PATIENCE) as writer:
        for _ in range(2):
            await writer.append(an_append(postgres_ledger))
        proxy.lose("reply", and_stay_away=True)

        with a_request() as request, pytest.raises(OutcomeUnknown):
            await writer.append(an_append(postgres_ledger))

    assert request.may_have_written


async def test_a_write_whose_reply_is_lost_is_noted(proxy: Proxy, pool: Pool) -> None:
    proxy.lose("reply")

    with a_request() as request, pytest.raises(Unavailable):
        async with writing(pool) as connection:
            await connection.execute(NOTE)

    assert request.may_have_written


async def test_a_write_that_is_done_is_noted(pool: Pool) -> None:
    with a_request() as request:
        async with writing(pool) as connection:
            await connection.execute(NOTE)

    assert request.may_have_written


async def test_a_write_that_is_cancelled_while_it_waits_is_noted(pool: Pool) -> None:
    with a_request() as request, pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2), writing(pool) as connection:
            await connection.execute("SELECT pg_sleep(60)")

    assert request.may_have_written


async def test_a_write_that_is_refused_or_has_no_connection_is_not_noted(proxy: Proxy, pool: Pool) -> None:
    with a_request() as request:
        with pytest.raises(KeyError):
            async with writing(pool):
                raise KeyError("there is no such thing")
        await proxy.close()
        with pytest.raises(Unavailable):
            async with writing(pool) as connection:
                await connection.execute(NOTE)

    assert not request.may_have_written
