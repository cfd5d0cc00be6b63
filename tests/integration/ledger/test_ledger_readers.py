"""Readers of a ledger neither skip nor stall: position order is commit order, and notifications are only hints."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from application.ledger.port import ANY, NO_STREAM, Append, Exactly, RecordedEvent, Write
from domain.errors import VersionConflict
from infrastructure.ledger.append_call import AppendCall
from infrastructure.postgres.arrays import register_arrays
from infrastructure.postgres.listener import Listener
from tests.fix_store import Ledger, blocked_calls, new_event, transactions

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


STAYS = pytest.mark.one_server("a notification stays on the node of its tenant, and readers poll")


@asynccontextmanager
async def open_writer(dsn: str, *event_ids: str, tenant: str) -> AsyncIterator[Connection]:
    """A writer of another process, in mid-transaction: it has called the append function and has not committed."""
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        register_arrays(connection)
        await append_with(connection, *event_ids, tenant=tenant)
        yield connection


async def append_with(connection: Connection, *event_ids: str, tenant: str) -> None:
    call = AppendCall(tenant)  # type: ignore[arg-type]
    events = tuple(new_event(event_id) for event_id in event_ids)
    assert call.add(Append(tenant, (Write("order-1", ANY, events),)), events)  # type: ignore[arg-type]
    await call.make(connection)


class Tail:
    """A reader that goes on from where it was."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.events: list[RecordedEvent] = []

    async def read(self) -> list[str]:
        """Read what is new, a little at a time; return everything that was ever read."""
        while True:
            after = self.events[-1].position if self.events else 0
            new = await self.ledger.store.read_ledger(self.ledger.tenant, after=after, limit=2)
            if not new:
                return [event.event_id for event in self.events]
            self.events += new


async def test_a_reader_neither_skips_nor_stalls_while_a_writer_is_in_mid_transaction(
    shared_dsn: str, postgres_ledger: Ledger
) -> None:
    tail = Tail(postgres_ledger)
    other = await postgres_ledger.another()
    await postgres_ledger.append("order-1", new_event("a"), new_event("b"), new_event("c"))

    async with open_writer(shared_dsn, "d", "e", tenant=postgres_ledger.tenant) as writer:
        assert await tail.read() == ["a", "b", "c"]
        assert await postgres_ledger.store.head(postgres_ledger.tenant) == 3
        waiting = asyncio.create_task(postgres_ledger.append("order-2", new_event("f")))
        for n in range(1, 6):
            assert (await other.append("order-1")).last_position == n
            assert await tail.read() == ["a", "b", "c"]
        assert not waiting.done()
        await writer.commit()

    await waiting
    assert await tail.read() == ["a", "b", "c", "d", "e", "f"]
    assert [event.position for event in tail.events] == [1, 2, 3, 4, 5, 6]
    assert len(await other.read()) == 5


async def test_a_writer_that_is_rolled_back_leaves_no_gap(shared_dsn: str, postgres_ledger: Ledger) -> None:
    tail = Tail(postgres_ledger)

    async with open_writer(shared_dsn, "never", tenant=postgres_ledger.tenant) as writer:
        waiting = asyncio.create_task(postgres_ledger.append("order-1", new_event("a"), expected=NO_STREAM))
        assert await tail.read() == []
        await writer.rollback()

    assert (await waiting).versions == (1,)
    assert await tail.read() == ["a"]


async def test_the_second_of_two_contending_writers_sees_what_the_first_one_committed(
    shared_dsn: str, postgres_ledger: Ledger
) -> None:
    async with open_writer(shared_dsn, "first", tenant=postgres_ledger.tenant) as writer:
        waiting = [
            asyncio.create_task(postgres_ledger.append("order-1", new_event("second"), expected=Exactly(1))),
            asyncio.create_task(postgres_ledger.append("order-1", expected=NO_STREAM)),
            asyncio.create_task(postgres_ledger.append("order-1", new_event("first"))),
        ]
        await asyncio.sleep(0)
        await writer.commit()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)

    appended, conflict, replayed = outcomes
    assert appended.versions == (2,)  # type: ignore[union-attr]
    assert isinstance(conflict, VersionConflict)
    assert replayed.is_replayed  # type: ignore[union-attr]
    assert await postgres_ledger.ids() == ["first", "second"]


async def test_position_order_is_commit_order(shared_dsn: str, postgres_ledger: Ledger) -> None:
    tenant, committed = postgres_ledger.tenant, asyncio.Event()
    async with (
        open_writer(shared_dsn, "slow", tenant=tenant) as slow,
        await psycopg.AsyncConnection.connect(shared_dsn) as quick,
    ):
        register_arrays(quick)

        async def write_quickly() -> None:
            await append_with(quick, "quick", tenant=tenant)
            assert committed.is_set()
            await quick.commit()

        writing = asyncio.create_task(write_quickly())
        await blocked_calls(shared_dsn, atleast=1)
        committed.set()
        await slow.commit()
        await writing

    assert await postgres_ledger.ids() == ["slow", "quick"]


async def test_a_reader_at_any_moment_has_read_a_beginning_of_the_ledger(
    shared_dsn: str, postgres_ledger: Ledger
) -> None:
    tail = Tail(postgres_ledger)
    prefixes: list[list[str]] = []

    async def keep_reading(writers: "asyncio.Future[Any]") -> None:
        while not writers.done():
            prefixes.append(await tail.read())

    async def keep_writing(name: str) -> None:
        async with await psycopg.AsyncConnection.connect(shared_dsn) as connection:
            register_arrays(connection)
            for n in range(40):
                await append_with(connection, f"{name}-{n}-a", f"{name}-{n}-b", tenant=postgres_ledger.tenant)
                # Every third is given up.
                await (connection.rollback() if n % 3 == 2 else connection.commit())

    writers = asyncio.gather(*(keep_writing(name) for name in ("x", "y", "z")))
    await asyncio.gather(keep_reading(writers), writers)
    await tail.read()

    ids = await postgres_ledger.ids()
    assert [event.event_id for event in tail.events] == ids
    assert len(ids) == 3 * 2 * 27
    assert all(prefix == ids[: len(prefix)] for prefix in prefixes)
    assert len({len(prefix) for prefix in prefixes}) > 1


@pytest.fixture
async def notified(shared_dsn: str) -> AsyncIterator[Connection]:
    """A connection that listens."""
    async with await psycopg.AsyncConnection.connect(shared_dsn, autocommit=True) as connection:
        await connection.execute("LISTEN ordertrail")
        yield connection


async def notifications(connection: Connection, tenant: str) -> list[str]:
    """Return what this tenant's ledger has notified of; a last notification of our own tells when that was all."""
    await connection.execute("SELECT pg_notify('ordertrail', 'that is all')")
    payloads = []
    async for notification in connection.notifies():
        if notification.payload == "that is all":
            break
        payloads.append(notification.payload)
    return [payload for payload in payloads if payload == tenant]


@STAYS
async def test_a_call_notifies_once_with_its_tenants_name(
    shared_dsn: str, postgres_ledger: Ledger, notified: Connection
) -> None:
    tenant = postgres_ledger.tenant
    async with open_writer(shared_dsn, "a", tenant=tenant) as writer:
        assert await notifications(notified, tenant) == []
        await writer.commit()
    assert await notifications(notified, tenant) == [tenant]

    await asyncio.gather(*(postgres_ledger.append(f"order-{n}", new_event(), new_event()) for n in range(30)))

    calls = len(await transactions(shared_dsn, tenant)) - 1
    assert await notifications(notified, tenant) == [tenant] * calls
    assert calls < 30


async def test_a_call_that_records_nothing_notifies_nobody(postgres_ledger: Ledger, notified: Connection) -> None:
    await postgres_ledger.append("order-1", new_event("known"))
    await notifications(notified, postgres_ledger.tenant)

    await postgres_ledger.append("order-1", new_event("known"))
    with pytest.raises(VersionConflict):
        await postgres_ledger.append("order-1", expected=NO_STREAM)

    assert await notifications(notified, postgres_ledger.tenant) == []


@STAYS
async def test_a_reader_that_misses_a_notification_gets_there_by_polling(
    shared_dsn: str, postgres_ledger: Ledger
) -> None:
    tail = Tail(postgres_ledger)
    hints = Listener(shared_dsn, poll_seconds=0.05).hints()
    await anext(hints)
    await postgres_ledger.append("order-1", new_event("a"))
    assert await anext(hints) == {postgres_ledger.tenant}
    assert await tail.read() == ["a"]

    await lose_listeners(shared_dsn)
    await postgres_ledger.append("order-1", new_event("b"))

    while await anext(hints) is not None:
        pass
    assert await tail.read() == ["a", "b"]
    await hints.aclose()  # type: ignore[attr-defined]


async def lose_listeners(dsn: str) -> None:
    """Cut the connections that listen."""
    query = """
        SELECT count(pg_terminate_backend(pid, 60000)) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'LISTEN%'
    """
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        assert await (await connection.execute(query)).fetchone() == (1,)
