"""Durable single-event appends to distinct streams, by concurrent writers in one process."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from uuid import uuid4

import psycopg
import uvloop
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresFactory
from eventsourcing.utils import Environment
from psycopg.conninfo import conninfo_to_dict

from application.codec import new_event_id
from application.ledger import ANY, Append, NewEvent, Write
from benchmarks.databases import fresh_database
from benchmarks.table import interleaved, show
from domain.values import TenantName
from infrastructure.credentials import PostgresCredentialStore
from infrastructure.database import open_pool
from infrastructure.group_commit import open_group_commit

WRITERS = (1, 8, 32, 256)
SECONDS = 2.0
CONNECTIONS = 32
"""The most connections that plain INSERTs and the stock recorder are given."""
DATA = (
    b'{"state":"success","service":"warehouse","service_status":"ready_for_pickup","description":"food prepared",'
    b'"metadata":{"pickup_location":{"latitude":37.42242,"longitude":-122.08585,"postal_code":"0342"}}}'
)
METADATA = b'{"schema_version":1,"actor":{"id":"60c1e027a47d91004377f129","name":"shop","type":"User"}}'
TYPE = "order.service_event_recorded"
TENANT = TenantName("bench")


def ours(dsn: str, writers: int) -> float:
    """Appends through group commit."""
    return uvloop.run(_ours(dsn, writers))


async def _ours(dsn: str, writers: int) -> float:
    async with open_group_commit(dsn) as group_commit:
        done = 0

        async def write(until: float) -> None:
            nonlocal done
            while time.perf_counter() < until:
                event = NewEvent(new_event_id(), TYPE, DATA, METADATA, None)
                await group_commit.append(Append(TENANT, (Write(f"order-{new_event_id()}", ANY, (event,)),)))
                done += 1

        await write(time.perf_counter() + 0.2)
        done, started = 0, time.perf_counter()
        await asyncio.gather(*(write(started + SECONDS) for _ in range(writers)))
        return done / (time.perf_counter() - started)


def stock(factory: PostgresFactory, writers: int) -> float:
    """Appends through the eventsourcing package's own PostgreSQL recorder, in its default mode."""
    recorder = factory.application_recorder()
    counts: list[int] = []

    def write(until: float) -> None:
        done = 0
        while time.perf_counter() < until:
            recorder.insert_events([StoredEvent(uuid4(), 1, TYPE, DATA)])
            done += 1
        counts.append(done)

    write(time.perf_counter() + 0.2)
    counts.clear()
    started = time.perf_counter()
    with ThreadPoolExecutor(writers) as executor:
        list(executor.map(write, [started + SECONDS] * writers))
    return sum(counts) / (time.perf_counter() - started)


def plain(dsn: str, writers: int) -> float:
    """One-row INSERTs into a table with the same columns and indexes, each its own transaction."""
    return uvloop.run(_plain(dsn, writers))


_positions = count(1)
_INSERT = (
    "INSERT INTO plain (tenant, position, version, occurred_at, recorded_at, stream, event_id, type, data, metadata)"
    " VALUES ('bench', %s, 1, now(), now(), %s, %s, %s, %s, %s)"
)


async def _plain(dsn: str, writers: int) -> float:
    connections = [
        await psycopg.AsyncConnection.connect(dsn, autocommit=True, prepare_threshold=1)
        for _ in range(min(writers, CONNECTIONS))
    ]
    done = 0

    async def write(connection: psycopg.AsyncConnection, until: float) -> None:
        nonlocal done
        while time.perf_counter() < until:
            row = (next(_positions), f"order-{new_event_id()}", new_event_id(), TYPE, DATA, METADATA)
            await connection.execute(_INSERT, row)
            done += 1

    await write(connections[0], time.perf_counter() + 0.2)
    done, started = 0, time.perf_counter()
    await asyncio.gather(*(write(connection, started + SECONDS) for connection in connections))
    rate = done / (time.perf_counter() - started)
    for connection in connections:
        await connection.close()
    return rate


def _stock_factory(dsn: str) -> PostgresFactory:
    parameters = conninfo_to_dict(dsn)
    return PostgresFactory(
        Environment(
            "bench",
            {
                "POSTGRES_DBNAME": str(parameters["dbname"]),
                "POSTGRES_HOST": str(parameters["host"]),
                "POSTGRES_PORT": str(parameters.get("port", 5432)),
                "POSTGRES_USER": str(parameters["user"]),
                "POSTGRES_PASSWORD": "none",
                "POSTGRES_POOL_SIZE": str(CONNECTIONS),
                "POSTGRES_MAX_OVERFLOW": "0",
                "POSTGRES_MAX_WAITING": "0",
            },
        )
    )


async def _prepare(dsn: str) -> None:
    async with open_pool(dsn, size=1) as pool:
        await PostgresCredentialStore(pool).create_tenant(TENANT, is_implicit=True, dintero_account=None)


def main(server: str, runs: int) -> None:
    """Print the table."""
    with fresh_database(server, is_ours=True) as dsn, fresh_database(server, is_ours=False) as other:
        asyncio.run(_prepare(dsn))
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("CREATE TABLE plain (LIKE ordertrail.events INCLUDING ALL)")
        factory = _stock_factory(other)
        rows = []
        for writers in WRITERS:
            contestants = {
                "Ordertrail": lambda w=writers: ours(dsn, w),
                "stock recorder": lambda w=writers: stock(factory, w),
                "plain INSERT": lambda w=writers: plain(dsn, w),
            }
            rows.append((f"{writers} writers", interleaved(contestants, runs=runs)))
        factory.close()
        show("Durable single-event appends, in process", "events/s", rows)
    assert threading.active_count() < 10
