"""Group commit as its process ends: what was accepted is written or answered, and nobody is left waiting."""

import asyncio

import pytest

from application.ledger.port import ANY, Append, Appended, Write
from domain.errors import OutcomeUnknown, Unavailable
from domain.values import TenantName
from infrastructure.ledger.group_commit import open_group_commit
from tests.fix_store import Ledger, blocked_calls, held, new_event, start


def an_append(tenant: TenantName, event_id: str | None = None) -> Append:
    return Append(tenant, (Write("order-1", ANY, (new_event(event_id),)),))


async def test_shutting_down_writes_what_was_accepted_and_accepts_no_more(
    shared_dsn: str, postgres_ledger: Ledger
) -> None:
    tenant = postgres_ledger.tenant

    async with held(shared_dsn, tenant) as let_go:
        async with asyncio.timeout(60):
            opened = open_group_commit(shared_dsn)
            writer = await opened.__aenter__()
            tasks = start([writer.append(an_append(tenant)) for _ in range(20)])
            await blocked_calls(shared_dsn, atleast=1)
            closing = asyncio.create_task(opened.__aexit__(None, None, None))
            await asyncio.sleep(0)

            with pytest.raises(Unavailable, match="shutting down"):
                await writer.append(an_append(tenant))
            assert not closing.done()
            await let_go()
            await closing
            assert all(task.done() for task in tasks)

    assert await postgres_ledger.store.head(tenant) == 20


async def test_an_error_of_the_process_does_not_keep_what_was_accepted_from_being_written(
    shared_dsn: str, postgres_ledger: Ledger
) -> None:
    tasks: list[asyncio.Task[Appended]] = []

    async def process() -> None:
        async with open_group_commit(shared_dsn) as writer:
            tasks.extend(start([writer.append(an_append(postgres_ledger.tenant)) for _ in range(20)]))
            await asyncio.sleep(0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await process()

    assert {(await task).first_position for task in tasks} == set(range(1, 21))


async def test_a_shutdown_that_is_cut_short_leaves_nobody_waiting(shared_dsn: str, postgres_ledger: Ledger) -> None:
    async with held(shared_dsn, postgres_ledger.tenant):
        opened = open_group_commit(shared_dsn)
        writer = await opened.__aenter__()
        tasks = start([writer.append(an_append(postgres_ledger.tenant, f"a-{n}")) for n in range(3)])
        await blocked_calls(shared_dsn, atleast=1)
        never_taken = start([writer.append(an_append(postgres_ledger.tenant, "b"))])
        await asyncio.sleep(0)
        closing = asyncio.create_task(opened.__aexit__(None, None, None))
        await asyncio.sleep(0)

        closing.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert [str(outcome.event_ids) for outcome in outcomes if isinstance(outcome, OutcomeUnknown)] == [
        f"('a-{n}',)" for n in range(3)
    ]
    with pytest.raises(Unavailable):
        await never_taken[0]
    with pytest.raises(asyncio.CancelledError):
        await closing
