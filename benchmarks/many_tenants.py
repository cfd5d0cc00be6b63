"""Ten thousand tenants, of which a thousand write at a steady rate: how late their events are projected and sealed."""

import asyncio
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from itertools import cycle, islice
from statistics import median, quantiles
from typing import NamedTuple

import psycopg
import uvloop
from rich.table import Table

from api.bootstrap import open_services
from application.ledger.port import EventStore
from benchmarks.databases import fresh_database
from benchmarks.processors import cpu_seconds, family_seconds, postmaster_of
from benchmarks.projector_lag import projecting
from benchmarks.sample_event import DATA, METADATA, TYPE, append_of
from benchmarks.table import CONSOLE
from domain.values import TenantName

TENANTS = 10_000
WRITERS = 1_000
RATES = (250, 500, 1_000)
SECONDS = 15.0
TICK_SECONDS = 0.02
SAMPLE = 50
"""How many of the writers' views are looked at."""
LOOK_SECONDS = 0.02
LONGEST_SECONDS = 300.0
AT_ONCE = 1_000

_CREATE = """
WITH named AS (
    INSERT INTO ordertrail.tenants (tenant, implicit) SELECT unnest(%(tenants)s::text[]), true RETURNING tenant
)
SELECT FROM named
"""
_OPEN = """
INSERT INTO ordertrail.ledgers (tenant, position, recorded_at) SELECT unnest(%(tenants)s::text[]), 1, now()
"""
_BEGIN = """
INSERT INTO ordertrail.events
    (tenant, position, version, occurred_at, recorded_at, stream, event_id, type, data, metadata)
SELECT tenant, 1, 1, now(), now(), 'order-1', '1', %(type)s, %(data)s, %(metadata)s
FROM unnest(%(tenants)s::text[]) AS tenant
"""
_REACHED = """
SELECT tenant, min(position) FROM ordertrail.checkpoints WHERE tenant = ANY (%(tenants)s::text[]) GROUP BY tenant
"""
_LEFT = """
SELECT (SELECT count(*) FROM ordertrail.ledgers AS l JOIN ordertrail.trees AS t ON t.tenant = l.tenant
        WHERE t.size = l.position),
       (SELECT count(*) FROM ordertrail.ledgers AS l JOIN ordertrail.checkpoints AS c ON c.tenant = l.tenant
        WHERE c.position = l.position)
"""
_DELAYS = """
SELECT extract(epoch FROM sealed.at - e.recorded_at)::float8
FROM ordertrail.events AS e
CROSS JOIN LATERAL (
    SELECT h.sealed_at AS at FROM ordertrail.tree_heads AS h
    WHERE h.tenant = e.tenant AND h.size >= e.position ORDER BY h.size LIMIT 1
) AS sealed
WHERE e.recorded_at > %(since)s
"""


class Delays(NamedTuple):
    """Seconds, and what came of the rate that was asked for."""

    lag: Sequence[float]
    """From an append's answer to its event in all views."""
    seal: Sequence[float]
    """From an event's time of recording to the checkpoint that covers it."""
    appends: float
    projector: float
    """What the projector's process took of a core."""
    server: float
    """What PostgreSQL's processes took of a core."""


def tenants(count: int) -> list[TenantName]:
    """Return the names of so many tenants."""
    return [TenantName(f"bench-{n}") for n in range(count)]


def create(dsn: str, names: Sequence[TenantName]) -> None:
    """Create tenants with an event each, as quickly as that goes."""
    event = {"type": TYPE, "data": DATA, "metadata": METADATA}
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in (_CREATE, _OPEN, _BEGIN):
            connection.execute(statement, {"tenants": list(names), **event})
        connection.execute("ANALYZE")


async def append_to_each(store: EventStore, names: Sequence[TenantName]) -> None:
    """Append an event to each of these ledgers."""
    following = iter(names)
    while group := list(islice(following, AT_ONCE)):
        await asyncio.gather(*(store.append(append_of(tenant)) for tenant in group))


async def _append(store: EventStore, rate: int) -> tuple[list[tuple[TenantName, int, float]], float]:
    """Append at a steady rate, whatever the answers take; return what was answered when, and the true rate."""
    answered: list[tuple[TenantName, int, float]] = []
    writers = cycle(tenants(WRITERS))

    async def one(tenant: TenantName) -> None:
        appended = await store.append(append_of(tenant))
        answered.append((tenant, appended.last_position, time.perf_counter()))

    size, started = round(rate * TICK_SECONDS), time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for tick in range(round(SECONDS / TICK_SECONDS)):
            await asyncio.sleep(started + tick * TICK_SECONDS - time.perf_counter())
            for tenant in islice(writers, size):
                tasks.create_task(one(tenant))
    return answered, len(answered) / (time.perf_counter() - started)


class _Seen:
    """How far the views of some tenants are, and when that was seen."""

    def __init__(self, names: Sequence[TenantName]) -> None:
        self.names = set(names)
        self._at: dict[TenantName, list[tuple[int, float]]] = defaultdict(list)

    async def watch(self, dsn: str) -> None:
        """Look for ever."""
        sample = {"tenants": sorted(self.names)}
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            while True:
                for tenant, reached in await (await connection.execute(_REACHED, sample, prepare=True)).fetchall():
                    seen = self._at[TenantName(tenant)]
                    if not seen or reached > seen[-1][0]:
                        seen.append((reached, time.perf_counter()))
                await asyncio.sleep(LOOK_SECONDS)

    def when(self, tenant: TenantName, position: int) -> float:
        """Return when all views of a tenant were seen to have read this position."""
        seen = self._at[tenant]
        return seen[bisect_left(seen, (position, 0.0))][1]


async def _all_done(dsn: str) -> None:
    """Wait until everything is sealed and projected."""
    async with (
        await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection,
        asyncio.timeout(LONGEST_SECONDS),
    ):
        [(ledgers,)] = await (await connection.execute("SELECT count(*) FROM ordertrail.ledgers")).fetchall()
        while True:
            [(sealed, projected)] = await (await connection.execute(_LEFT)).fetchall()
            if (sealed, projected) == (ledgers, 7 * ledgers):
                return
            await asyncio.sleep(0.25)


async def _measure(dsn: str, rate: int, projector: int) -> Delays:
    seen = _Seen(tenants(WRITERS)[:: WRITERS // SAMPLE])
    async with open_services(dsn) as services:
        # What is appended while the projector starts would wait for that.
        await append_to_each(services.store, tenants(WRITERS))
        await _all_done(dsn)
        watching = asyncio.create_task(seen.watch(dsn))
        with psycopg.connect(dsn) as connection:
            [(since,)] = connection.execute("SELECT clock_timestamp()")
        postgres = postmaster_of(dsn)
        used, began = (cpu_seconds(projector), family_seconds(postgres)), time.perf_counter()
        answered, appended = await _append(services.store, rate)
        took = time.perf_counter() - began
        used = cpu_seconds(projector) - used[0], family_seconds(postgres) - used[1]
        await _all_done(dsn)
        await asyncio.sleep(2 * LOOK_SECONDS)
        watching.cancel()
    lags = [max(seen.when(tenant, position) - at, 0.0) for tenant, position, at in answered if tenant in seen.names]
    with psycopg.connect(dsn) as connection:
        seals = [seconds for (seconds,) in connection.execute(_DELAYS, {"since": since})]
    return Delays(lags, seals, appended, used[0] / took, used[1] / took)


def main(server: str, runs: int) -> None:
    """Print the table."""
    title = f"{TENANTS:,} tenants, of which {WRITERS:,} write"
    table = Table(title=title, title_justify="left")
    for column in ("appends/s\nasked for", "appends/s", "lag\np50", "p99", "seal delay\np50", "p99"):
        table.add_column(column, justify="right")
    for column in ("projector,\nof a core", "PostgreSQL,\nof a core"):
        table.add_column(column, justify="right")
    with fresh_database(server, is_ours=True) as dsn:
        create(dsn, tenants(TENANTS))
        with projecting(dsn) as projector:
            began = time.perf_counter()
            asyncio.run(_all_done(dsn))
            took = time.perf_counter() - began
            CONSOLE.print(f"{TENANTS:,} ledgers with an event each: sealed and projected in {took:.1f} s")
            found = [[uvloop.run(_measure(dsn, rate, projector)) for rate in RATES] for _ in range(runs)]
    for rate, of_rate in zip(RATES, zip(*found, strict=True), strict=True):
        percents = [[quantiles(what, n=100) for what in (run.lag, run.seal)] for run in of_rate]
        cells = [f"{1000 * median(run[n][at] for run in percents):,.0f} ms" for n in (0, 1) for at in (49, 98)]
        appended, projector, postgres = (median(values) for values in zip(*(run[2:] for run in of_rate), strict=True))
        table.add_row(f"{rate:,}", f"{appended:,.0f}", *cells, f"{100 * projector:.0f} %", f"{100 * postgres:.0f} %")
    CONSOLE.print(table)
