"""How long it takes until the views hold what was appended, at a steady rate of appends."""

import asyncio
import os
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median, quantiles
from typing import NamedTuple

import psycopg
import uvloop
from rich.table import Table

from api.bootstrap import open_services
from application.ledger.port import Append, EventStore
from benchmarks.databases import fresh_database
from benchmarks.order_stories import appends
from benchmarks.processors import cpu_seconds
from benchmarks.projector import TENANT, seed
from benchmarks.table import CONSOLE

RATES = (300, 1_000, 3_000)
SECONDS = 5.0
TICK_SECONDS = 0.01
LOOK_SECONDS = 0.002
"""How often the views are looked at; a lag is measured too long by as much."""
LONGEST_SECONDS = 30.0
PROJECTOR = """
import sys
import uvloop
from api.bootstrap import run_projector
from api.server.gc import BATCH_ALLOCATIONS, collect_less_often
collect_less_often(BATCH_ALLOCATIONS)
uvloop.run(run_projector(sys.argv[1]))
"""
_REACHED = "SELECT coalesce(min(position), 0) FROM ordertrail.checkpoints WHERE tenant = %s"


class Lag(NamedTuple):
    """Seconds from an append's answer to its events in all views, and what came of the rate that was asked for."""

    p50: float
    p99: float
    longest: float
    appends: float
    projector: float
    """What the projector's process took of a core."""


async def _append(store: EventStore, rate: int) -> tuple[list[tuple[int, float]], float]:
    """Append at a steady rate, whatever the answers take; return when each position was answered, and the true rate."""
    answered: list[tuple[int, float]] = []

    async def one(append: Append) -> None:
        appended = await store.append(append)
        answered.append((appended.last_position, time.perf_counter()))

    following, size = list(appends(TENANT, round(rate * SECONDS))), round(rate * TICK_SECONDS)
    started = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for tick, first in enumerate(range(0, len(following), size)):
            await asyncio.sleep(started + tick * TICK_SECONDS - time.perf_counter())
            for append in following[first : first + size]:
                tasks.create_task(one(append))
    return sorted(answered), len(answered) / (time.perf_counter() - started)


async def _watch(dsn: str, seen: list[tuple[int, float]]) -> None:
    """Note for ever how far all views are, and when."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        while True:
            [(reached,)] = await (await connection.execute(_REACHED, [TENANT], prepare=True)).fetchall()
            if not seen or reached > seen[-1][0]:
                seen.append((reached, time.perf_counter()))
            await asyncio.sleep(LOOK_SECONDS)


async def _reaches(seen: list[tuple[int, float]], position: int) -> None:
    async with asyncio.timeout(LONGEST_SECONDS):
        while not seen or seen[-1][0] < position:  # noqa: ASYNC110 another process catches up
            await asyncio.sleep(LOOK_SECONDS)


async def _measure(dsn: str, rate: int, projector: int) -> Lag:
    seen: list[tuple[int, float]] = []
    async with open_services(dsn) as services:
        watching = asyncio.create_task(_watch(dsn, seen))
        # What is appended while the projector starts would wait for that.
        first = await services.store.append(next(appends(TENANT, 1)))
        await _reaches(seen, first.last_position)
        used, began = cpu_seconds(projector), time.perf_counter()
        answered, appended = await _append(services.store, rate)
        await _reaches(seen, answered[-1][0])
        used, took = cpu_seconds(projector) - used, time.perf_counter() - began
        watching.cancel()
    positions = [position for position, _ in seen]
    lags = [max(seen[bisect_left(positions, position)][1] - at, 0.0) for position, at in answered]
    percents = quantiles(lags, n=100)
    return Lag(percents[49], percents[98], max(lags), appended, used / took)


@contextmanager
def projecting(dsn: str) -> Iterator[int]:
    """Run a projector as `ordertrail serve` does, and yield its process id."""
    command = [sys.executable, "-c", PROJECTOR, dsn]
    with subprocess.Popen(command, env={**os.environ, "ORDERTRAIL_LOG_LEVEL": "error"}) as process:
        try:
            yield process.pid
        finally:
            process.terminate()


def measure(dsn: str, rate: int) -> Lag:
    """Append at this rate while a projector keeps up."""
    with projecting(dsn) as projector:
        return uvloop.run(_measure(dsn, rate, projector))


def main(server: str, runs: int) -> None:
    """Print the table."""
    table = Table(title="From an append's answer to its event in all seven views", title_justify="left")
    for column in ("appends/s\nasked for", "appends/s", "p50", "p99", "longest", "projector,\nof a core"):
        table.add_column(column, justify="right")
    with fresh_database(server, is_ours=True) as dsn:
        seed(dsn, 5_000)
        found = [[measure(dsn, rate) for rate in RATES] for _ in range(runs)]
    for rate, lags in zip(RATES, zip(*found, strict=True), strict=True):
        p50, p99, longest, appended, projector = (median(values) for values in zip(*lags, strict=True))
        worst = max(lag.p99 for lag in lags)
        table.add_row(
            f"{rate:,}",
            f"{appended:,.0f}",
            f"{1000 * p50:.0f} ms",
            f"{1000 * p99:.0f} ms\n[dim]up to {1000 * worst:.0f}[/dim]",
            f"{1000 * longest:.0f} ms",
            f"{100 * projector:.0f} %",
        )
    CONSOLE.print(table)
