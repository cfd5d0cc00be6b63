"""Ledgers: one of a tenant of the test's own on each EventStore in turn, and what is appended to them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

import psycopg
import pytest

from application.ledger.port import (
    ANY,
    Append,
    Appended,
    EventStore,
    ExpectedVersion,
    IdempotencyKey,
    NewEvent,
    RecordedEvent,
    Write,
)
from application.privacy.store import EncryptedEventStore
from application.privacy.vault import Vault
from domain.values import TenantName
from infrastructure.keys.credentials import PostgresCredentialStore
from infrastructure.ledger.event_store import PostgresEventStore
from infrastructure.ledger.group_commit import open_group_commit
from infrastructure.postgres.database import open_pool
from tests.cluster import ACTIVITY
from tests.fakes_keys import FakeKeyRing
from tests.fakes_store import InMemoryEventStore
from tests.fix_postgres import database
from tests.proxy import Proxy, open_proxy

NO_PATIENCE = (0.0, 0.0, 0.0)

_numbers = count(1)


def new_event(
    event_id: str | None = None,
    type: str = "order.status_updated",  # noqa: A002 the field's name
    data: bytes = b"{}",
    metadata: bytes = b"{}",
    occurred_at: datetime | None = None,
) -> NewEvent:
    return NewEvent(event_id or f"event-{next(_numbers)}", type, data, metadata, occurred_at)


def key(name: str, request: bytes = b"request") -> IdempotencyKey:
    return IdempotencyKey(name, request)


@dataclass(frozen=True)
class Ledger:
    """One tenant's ledger in a store."""

    store: EventStore
    tenant: TenantName
    another: Callable[[], Awaitable["Ledger"]]
    """Makes the ledger of another tenant in the same store."""

    async def append(
        self, stream: str, *events: NewEvent, expected: ExpectedVersion = ANY, key: IdempotencyKey | None = None
    ) -> Appended:
        """Append these events, or one that means nothing in particular."""
        return await self.write(Write(stream, expected, events or (new_event(),)), key=key)

    async def write(self, *writes: Write, key: IdempotencyKey | None = None) -> Appended:
        return await self.store.append(Append(self.tenant, writes, key))

    async def read(self) -> list[RecordedEvent]:
        return await self.store.read_ledger(self.tenant, limit=100_000)

    async def read_stream(self, stream: str) -> list[RecordedEvent]:
        return await self.store.read_stream(self.tenant, stream, limit=100_000)

    async def ids(self) -> list[str]:
        """Return the event ids in ledger order."""
        return [event.event_id for event in await self.read()]


@pytest.fixture(scope="session")
def shared_dsn(server_dsn: str, template_name: str) -> Iterator[str]:
    """A migrated database whose tests keep to tenants of their own."""
    with database(server_dsn, template=template_name) as dsn:
        yield dsn


@pytest.fixture
async def proxy(shared_dsn: str) -> AsyncIterator[Proxy]:
    """What stands in front of this database, and loses connections when it is told to."""
    async with open_proxy(shared_dsn) as opened:
        yield opened


@pytest.fixture(params=["memory", "encrypted", "embedded", "postgres15"])
async def ledger(request: pytest.FixtureRequest) -> AsyncIterator[Ledger]:
    """An empty ledger on each store in turn."""
    if request.param in {"memory", "encrypted"}:
        store = InMemoryEventStore()
        encrypted = EncryptedEventStore(store, Vault(FakeKeyRing()), secret=b"secret")

        async def another() -> Ledger:
            tenant = _new_tenant()
            store.create_tenant(tenant)
            return Ledger(store if request.param == "memory" else encrypted, tenant, another)

        yield await another()
    else:
        dsn = request.getfixturevalue("shared_dsn" if request.param == "embedded" else "postgres15_dsn")
        async with open_ledger(dsn) as ledger:
            yield ledger


@pytest.fixture
async def postgres_ledger(shared_dsn: str) -> AsyncIterator[Ledger]:
    """An empty ledger in PostgreSQL."""
    async with open_ledger(shared_dsn) as ledger:
        yield ledger


@asynccontextmanager
async def open_ledger(dsn: str) -> AsyncIterator[Ledger]:
    """Create a tenant in a migrated database, and open its ledger."""
    async with (
        open_pool(dsn, size=1, as_owner=True) as owner,
        open_pool(dsn, size=4) as pool,
        open_group_commit(dsn, reconnect_seconds=NO_PATIENCE) as writer,
    ):
        store = PostgresEventStore(pool, writer)

        async def another() -> Ledger:
            tenant = _new_tenant()
            await PostgresCredentialStore(owner).create_tenant(tenant, is_implicit=False, dintero_account=None)
            return Ledger(store, tenant, another)

        yield await another()


def start(appends: Sequence[Coroutine[Any, Any, Appended]]) -> list[asyncio.Task[Appended]]:
    """Start appends, whose tasks run at the next opportunity."""
    return [asyncio.create_task(append) for append in appends]


@asynccontextmanager
async def held(dsn: str, tenant: str) -> AsyncIterator[Callable[[], Coroutine[Any, Any, None]]]:
    """Hold the row lock of a tenant's ledger, as a writer of another process would; yield what lets go of it."""
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await connection.execute("SELECT FROM ordertrail.ledgers WHERE tenant = %s FOR UPDATE", [tenant])
        yield connection.rollback


async def blocked_calls(dsn: str, *, atleast: int) -> int:
    """Return how many calls wait for a row lock, once there are some."""
    query = f"""
        SELECT count(*) FROM {ACTIVITY}
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%ordertrail.append%'
    """
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        while True:
            [(blocked,)] = await (await connection.execute(query)).fetchall()
            if blocked >= atleast:
                return int(blocked)


async def transactions(dsn: str, tenant: str) -> list[int]:
    """Return how many events each transaction on a ledger wrote, in the order of their commits."""
    query = "SELECT xmin::text FROM ordertrail.events WHERE tenant = %s ORDER BY position"
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        rows = await (await connection.execute(query, [tenant])).fetchall()
    return list(Counter(row[0] for row in rows).values())


def _new_tenant() -> TenantName:
    return TenantName(f"tenant-{next(_numbers)}")
