"""What a worker takes in memory, an event on disk, and a start in time."""

import asyncio
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from statistics import median

import psutil
import psycopg
from rich.table import Table

from benchmarks.databases import fresh_database
from benchmarks.http_append import NATIVE, TENANT, authorised
from benchmarks.load import ORDERTRAIL, SETTINGS, ordertrail, request, send
from benchmarks.sample_event import begin_orders
from benchmarks.table import CONSOLE

FIRST_APPENDS = 10_000
APPENDS_PER_RUN = 20_000
"""So that 5 runs make a hundred thousand, and 50 a million."""
ORDERS = 10_000
_SIZES = """
    SELECT c.relname, pg_relation_size(c.oid), coalesce(sum(pg_relation_size(i.indexrelid)), 0)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace LEFT JOIN pg_index AS i ON i.indrelid = c.oid
    WHERE n.nspname LIKE 'ordertrail%' AND c.relkind = 'r' GROUP BY c.oid
    HAVING pg_total_relation_size(c.oid) > 1000000 ORDER BY pg_total_relation_size(c.oid) DESC
"""


def _appends(headers: dict[str, str], first: int, last: int) -> Iterator[bytes]:
    body = json.dumps(NATIVE).encode()
    for n in range(first, last):
        yield request("POST", f"/trail/v1/orders/A-{n % ORDERS}/events", headers, body)


def _resident(name: str) -> float:
    """Return the megabytes of the process of the server that has this name."""
    [process] = [p for p in psutil.Process().children(recursive=True) if p.name() == f"trail-{name}"]
    return process.memory_info().rss / 2**20


def _memory(dsn: str, appends: int) -> None:
    headers = authorised(dsn)
    asyncio.run(begin_orders(dsn, TENANT, ORDERS))
    with ordertrail(dsn) as url:
        send(url, _appends(headers, 0, FIRST_APPENDS))
        before = {name: _resident(name) for name in ("http", "projector")}
        send(url, _appends(headers, FIRST_APPENDS, appends))
        table = Table("process", f"after {FIRST_APPENDS:,}", f"after {appends:,}", "ratio", title="Resident memory, MB")
        for name, megabytes in before.items():
            after = _resident(name)
            table.add_row(name, f"{megabytes:.0f}", f"{after:.0f}", f"[bold]{after / megabytes:.2f}[/bold]")
    CONSOLE.print(table)


def _disk(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM")
        [(events,)] = connection.execute("SELECT sum(position) FROM ordertrail.ledgers")
        sizes = connection.execute(_SIZES).fetchall()
    payload = len(json.dumps(NATIVE["data"], separators=(",", ":")))
    table = Table("table", "rows", "indexes", "together", title=f"Bytes on disk per event, of which {payload} are data")
    for name, rows, indexes in [*sizes, ("all", *(sum(size[n] for size in sizes) for n in (1, 2)))]:
        table.add_row(name, *(f"{size / events:,.0f}" for size in (rows, indexes, rows + indexes)))
    CONSOLE.print(table)


def _start(folder: str) -> float:
    # As it is once installed: what Python compiled is kept.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [str(ORDERTRAIL), "serve", "--port", "0", "--data-dir", folder]
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment | SETTINGS) as server:
        assert server.stdout is not None
        server.stdout.readline()
        seconds = time.perf_counter() - started
        server.terminate()
    return seconds


def main(server: str, runs: int) -> None:
    """Print the tables."""
    with fresh_database(server, is_ours=True) as dsn:
        _memory(dsn, FIRST_APPENDS + runs * APPENDS_PER_RUN)
        _disk(dsn)
    with tempfile.TemporaryDirectory(prefix="ot-bench-") as folder:
        first, *others = [_start(folder) for _ in range(runs + 1)]
    CONSOLE.print(
        f"Start until the first answer: {median(others):.2f} s ({min(others):.2f} to {max(others):.2f}) on an existing"
        f" data directory, {first:.2f} s on a new one"
    )
