"""Other ways to append single events durably: the peers of our own."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import uvloop
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresFactory
from eventsourcing.utils import Environment
from psycopg.conninfo import conninfo_to_dict

from application.ledger.codec import new_event_id
from benchmarks.sample_event import DATA, METADATA, TYPE

CONNECTIONS = 32
"""The most connections that they are given."""
WARM_UP_SECONDS = 0.2
_INSERT = (
    "INSERT INTO plain (tenant, position, version, occurred_at, recorded_at, stream, event_id, type, data, metadata)"
    " VALUES ('bench', %s, 1, now(), now(), %s, %s, %s, %s, %s)"
)
_CALL = "SELECT write_one(%s, %s, %s, %s, %s)"
_positions = count(1)


def prepare_plain(dsn: str) -> None:
    """Make a table like that of our events, with its indexes."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE plain (LIKE ordertrail.events INCLUDING ALL)")


def plain(dsn: str, writers: int, seconds: float) -> float:
    """One-row INSERTs into a table with the same columns and indexes, each its own transaction."""
    return uvloop.run(_on_connections(dsn, _INSERT, _plain_row, writers=writers, seconds=seconds))


def _plain_row() -> Sequence[Any]:
    return next(_positions), f"order-{new_event_id()}", new_event_id(), TYPE, DATA, METADATA


def prepare_one_call(dsn: str) -> None:
    """Make message-db's table and the function that writes to it."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(Path(__file__).with_name("one_call_write.sql").read_bytes())


def one_call(dsn: str, writers: int, seconds: float) -> float:
    """Calls of a function that locks the category, checks the version and inserts, each its own transaction."""
    return uvloop.run(_on_connections(dsn, _CALL, _one_call_row, writers=writers, seconds=seconds))


def _one_call_row() -> Sequence[Any]:
    return new_event_id(), f"order-{new_event_id()}", TYPE, DATA.decode(), METADATA.decode()


async def _on_connections(
    dsn: str, statement: str, row: Callable[[], Sequence[Any]], *, writers: int, seconds: float
) -> float:
    connections = [
        await psycopg.AsyncConnection.connect(dsn, autocommit=True, prepare_threshold=0)
        for _ in range(min(writers, CONNECTIONS))
    ]
    done = 0

    async def write(connection: psycopg.AsyncConnection, until: float) -> None:
        nonlocal done
        while time.perf_counter() < until:
            await connection.execute(statement, row())
            done += 1

    await write(connections[0], time.perf_counter() + WARM_UP_SECONDS)
    done, started = 0, time.perf_counter()
    await asyncio.gather(*(write(connection, started + seconds) for connection in connections))
    rate = done / (time.perf_counter() - started)
    for connection in connections:
        await connection.close()
    return rate


@contextmanager
def stock_factory(dsn: str) -> Iterator[PostgresFactory]:
    """Yield the eventsourcing package's own PostgreSQL factory, in its default mode."""
    parameters = conninfo_to_dict(dsn)
    factory = PostgresFactory(
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
    try:
        yield factory
    finally:
        factory.close()


def stock(factory: PostgresFactory, writers: int, seconds: float) -> float:
    """Appends through the eventsourcing package's recorder."""
    recorder = factory.application_recorder()
    counts: list[int] = []

    def write(until: float) -> None:
        done = 0
        while time.perf_counter() < until:
            recorder.insert_events([StoredEvent(uuid4(), 1, TYPE, DATA)])
            done += 1
        counts.append(done)

    write(time.perf_counter() + WARM_UP_SECONDS)
    counts.clear()
    started = time.perf_counter()
    with ThreadPoolExecutor(writers) as executor:
        list(executor.map(write, [started + seconds] * writers))
    return sum(counts) / (time.perf_counter() - started)
