"""Appends of a thousand events at once, beside COPY of the same rows into a table with the same indexes."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

import psycopg
import uvloop

from application.ledger.port import Append
from benchmarks.append_in_process import ONE_TENANT, create_tenants
from benchmarks.databases import fresh_database
from benchmarks.other_writers import prepare_plain
from benchmarks.sample_event import append_of
from benchmarks.table import interleaved, show
from infrastructure.ledger.group_commit import open_group_commit

EVENTS = 1_000
BATCHES = 20
[TENANT] = ONE_TENANT
_COPY = (
    "COPY plain (tenant, position, version, occurred_at, recorded_at, stream, event_id, type, data, metadata)"
    " FROM STDIN (FORMAT BINARY)"
)
_TYPES = ("text", "int8", "int8", "timestamptz", "timestamptz", "text", "text", "text", "bytea", "bytea")
_positions = count(1)


def to_one_stream() -> Append:
    """Return a thousand events of one stream."""
    return append_of(TENANT, EVENTS)


def to_many_streams() -> Append:
    """Return a thousand events of as many streams."""
    return Append(TENANT, tuple(append_of(TENANT).writes[0] for _ in range(EVENTS)))


def ours(dsn: str, batch: Callable[[], Append]) -> float:
    """Appends, one after the other."""
    return uvloop.run(_ours(dsn, [batch() for _ in range(BATCHES + 1)]))


async def _ours(dsn: str, batches: list[Append]) -> float:
    async with open_group_commit(dsn) as group_commit:
        await group_commit.append(batches.pop())
        started = time.perf_counter()
        for batch in batches:
            await group_commit.append(batch)
        return len(batches) * EVENTS / (time.perf_counter() - started)


def copy(dsn: str, batch: Callable[[], Append]) -> float:
    """The same rows by COPY, one transaction for each batch, from the same Python objects."""
    batches = [batch() for _ in range(BATCHES + 1)]
    with psycopg.connect(dsn, autocommit=True) as connection:
        _copy(connection, batches.pop())
        started = time.perf_counter()
        for append in batches:
            _copy(connection, append)
        return len(batches) * EVENTS / (time.perf_counter() - started)


def _copy(connection: psycopg.Connection, append: Append) -> None:
    now = datetime.now(UTC)
    with connection.cursor() as cursor, cursor.copy(_COPY) as rows:
        rows.set_types(_TYPES)
        for stream, _, events in append.writes:
            for version, event in enumerate(events, 1):
                event_id, type_, data, metadata, _ = event.written()
                rows.write_row(
                    (append.tenant, next(_positions), version, now, now, stream, event_id, type_, data, metadata)
                )


def main(server: str, runs: int) -> None:
    """Print the table."""
    with fresh_database(server, is_ours=True) as dsn:
        asyncio.run(create_tenants(dsn, ONE_TENANT))
        prepare_plain(dsn)
        rows = []
        for label, batch in (("one stream", to_one_stream), ("1,000 streams", to_many_streams)):
            contestants = {
                "Ordertrail": lambda b=batch: ours(dsn, b),
                "COPY": lambda b=batch: copy(dsn, b),
            }
            rows.append((f"batches to {label}", interleaved(contestants, runs=runs)))
        show(f"Batches of {EVENTS:,} events, {BATCHES} of them in turn", "events/s", rows)
