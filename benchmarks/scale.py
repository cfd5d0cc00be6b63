"""What docs/scale.md reckons with: bytes, write-ahead log and processor time of an event, and rates, on one server."""

import asyncio
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil
import psycopg
import uvloop
from rich.table import Table

from api.bootstrap import open_projector, open_sealer, open_services
from benchmarks.databases import fresh_database
from benchmarks.http_append import NATIVE, TENANT, authorised
from benchmarks.load import ordertrail, request, send
from benchmarks.order_stories import fill
from benchmarks.processors import family_seconds, postmaster_of
from benchmarks.projector import seed
from benchmarks.sample_event import begin_orders
from benchmarks.table import CONSOLE
from infrastructure.embedded.programs import program_folder

EVENTS = 40_000
APPENDS = 8_000
WARM_UP = 1_000
ORDERS = 2_000
ENDING_SECONDS = 0.5
"""What a session has taken is added to its server's time when the server has noticed that the session has ended."""
_SIZES = """
SELECT c.relname, pg_table_size(c.oid), pg_indexes_size(c.oid)
FROM pg_class AS c
WHERE c.relnamespace = 'ordertrail'::regnamespace AND c.relkind = 'r' AND c.relname = ANY (%s)
"""
_LOG = ("events", "tiles", "tree_heads", "requests", "subject_keys")
_VIEWS = ("timeline", "order_state", "action_log", "service_events", "system_log", "integration_log")


class Step(NamedTuple):
    """What was done with some events: how long it took, the log that it wrote, and the processors' time."""

    name: str
    events: int
    seconds: float
    log: int
    ours: float
    postgres: float


@contextmanager
def _measured(name: str, events: int, dsn: str, steps: list[Step], ours: psutil.Process) -> Iterator[None]:
    postgres, began = postmaster_of(dsn), time.perf_counter()
    log, used, server = _written(dsn), _own_seconds(ours), family_seconds(postgres)
    yield
    took = time.perf_counter() - began
    time.sleep(ENDING_SECONDS)
    used, server = _own_seconds(ours) - used, family_seconds(postgres) - server
    steps.append(Step(name, events, took, _written(dsn) - log, used, server))


def _own_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _written(dsn: str) -> int:
    """Return how many bytes of log PostgreSQL has written so far."""
    with psycopg.connect(dsn) as connection:
        [(position,)] = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
    return int(position)


def _in_process(dsn: str, steps: list[Step]) -> None:
    """Append the events of a shop, project them, and seal them, each by itself."""
    own = psutil.Process()
    seed(dsn, 0)
    with psycopg.connect(dsn, autocommit=True) as connection:
        # The first change of a page after a checkpoint logs the whole page.
        connection.execute("CHECKPOINT")

    async def append() -> None:
        async with open_services(dsn) as services:
            await fill(services.store, TENANT, EVENTS)

    async def project() -> None:
        async with open_projector(dsn) as projector:
            await projector.behind()
            await projector.catch_up(TENANT)

    async def seal() -> None:
        async with open_sealer(dsn) as sealer:
            await sealer.seal_all()

    work: dict[str, Callable[[], object]] = {
        "append, many at once": lambda: uvloop.run(append()),
        "project, catching up": lambda: uvloop.run(project()),
        "seal, catching up": lambda: uvloop.run(seal()),
    }
    for name, do in work.items():
        with _measured(name, EVENTS, dsn, steps, own):
            do()


def _over_http(dsn: str, steps: list[Step]) -> None:
    """Append over HTTP, one event a request, while views and seals keep up."""
    headers = authorised(dsn)
    asyncio.run(begin_orders(dsn, TENANT, ORDERS))
    body = json.dumps(NATIVE).encode()
    requests = [request("POST", f"/trail/v1/orders/A-{n % ORDERS}/events", headers, body) for n in range(APPENDS)]
    with ordertrail(dsn) as url:
        send(url, requests[:WARM_UP])
        [worker] = [p for p in psutil.Process().children(recursive=True) if p.name() == "trail-http"]
        with _measured("append over HTTP, with views and seals", APPENDS, dsn, steps, worker):
            send(url, requests)


def _disk(dsn: str, events: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM")
        table = Table("part", "rows", "indexes", "together", title="Bytes on disk per event", title_justify="left")
        for part, names in (("events, seals and keys", _LOG), ("views", _VIEWS)):
            sizes = connection.execute(_SIZES, [list(names)]).fetchall()
            rows, indexes = (sum(size[n] for size in sizes) / events for n in (1, 2))
            table.add_row(part, f"{rows:,.0f}", f"{indexes:,.0f}", f"{rows + indexes:,.0f}")
    CONSOLE.print(table)


def _backup(dsn: str) -> None:
    """Take a base backup as `ordertrail backup` does, and say how fast that was."""
    program = program_folder() / "pg_basebackup"
    with tempfile.TemporaryDirectory(prefix="ot-bench-") as folder:
        command = [
            program,
            "-d",
            dsn,
            "-D",
            f"{folder}/base",
            "--checkpoint=fast",
            "--wal-method=none",
            "--no-manifest",
        ]
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        took = time.perf_counter() - began
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    CONSOLE.print(f"A base backup of {size / 1e6:,.0f} MB took {took:.1f} s: {size / 1e6 / took:,.0f} MB/s")


def main(server: str, _runs: int) -> None:
    """Print the tables."""
    steps: list[Step] = []
    with fresh_database(server, is_ours=True) as dsn:
        _in_process(dsn, steps)
        _disk(dsn, EVENTS)
        _backup(dsn)
    with fresh_database(server, is_ours=True) as dsn:
        _over_http(dsn, steps)
    columns = (
        "step",
        "events/s",
        "bytes of log\nan event",
        "our processor,\nµs an event",
        "PostgreSQL's,\nµs an event",
    )
    table = Table(*columns, title=f"{EVENTS:,} events of a shop; over HTTP {APPENDS:,}", title_justify="left")
    for step in steps:
        per_event = (step.log / step.events, 1e6 * step.ours / step.events, 1e6 * step.postgres / step.events)
        table.add_row(step.name, f"{step.events / step.seconds:,.0f}", *(f"{value:,.0f}" for value in per_event))
    CONSOLE.print(table)
    CONSOLE.print("Over HTTP, our processor is the worker's alone; PostgreSQL's has views and seals in it.")
