"""How long an append and reads take in a large ledger, beside a small one; and appends to long and to short orders."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import cycle
from random import Random

import psycopg
import uvloop

from api.bootstrap import open_projector, open_services
from api.services import Services
from application.access.callers import Tenant
from application.ledger.port import ANY, ExpectedVersion
from application.views.queries import ACTION_LOG_SIZE, TimelineFilter
from application.views.upkeep.projector import Projector
from benchmarks.databases import fresh_database
from benchmarks.large_ledger import generate
from benchmarks.table import Figure, show
from domain.events.records import ServiceEventRecorded
from domain.streams import order_stream
from domain.values import TenantName

SMALL = 50_000
LARGE = 5_000_000
ORDER = 125
"""How many events the orders have that are read."""
TIMES = 200
"""How often an operation is timed for one median."""
PAGE = 100
BENCH = Tenant(TenantName("bench"), is_implicit=False, dintero_account=None)
LONG, SHORT = 10_000, 10

Operation = Callable[[], Awaitable[object]]


class _Ledger:
    """A ledger with its views, and what is done to it, each time somewhere else: among the newest events, or all."""

    def __init__(self, services: Services, projector: Projector, events: int) -> None:
        self._services, self._projector = services, projector
        self._events = events
        self._random = Random(1)
        self.oldest = 0
        """After which event things are done."""

    async def append(self) -> None:
        await self.report(self._order_id())

    async def action_log(self) -> None:
        queries = self._services.queries
        await queries.fresh(BENCH.name, "action_log", "order_state")
        found = await queries.views.action_log(BENCH.name, self._order_id(), limit=ACTION_LOG_SIZE)
        assert len(found) == ACTION_LOG_SIZE

    async def timeline(self) -> None:
        queries = self._services.queries
        await queries.fresh(BENCH.name, "timeline", "order_state")
        found = await queries.views.timeline(BENCH.name, self._order_id(), TimelineFilter(), cursor=None, limit=51)
        assert len(found) == 51

    async def feed(self) -> None:
        after = self._random.randrange(self.oldest, self._events - PAGE)
        assert len(await self._services.store.read_ledger(BENCH.name, after=after, limit=PAGE)) == PAGE

    async def report(self, order_id: str, events: int = 1, expected: ExpectedVersion | None = None) -> None:
        """Append what a service reports, without reading the order."""
        stream = order_stream(order_id)
        reports = [
            ServiceEventRecorded(originator_id=stream, state="success", service="kitchen", service_status="ready")
            for _ in range(events)
        ]
        await self._services.orders.record(BENCH, order_id, reports, expected=expected)

    async def catch_up(self) -> None:
        await self._projector.catch_up(BENCH.name)

    def _order_id(self) -> str:
        return f"A-{self._random.randrange(self.oldest // ORDER, self._events // ORDER) + 1}"


OPERATIONS = {
    "append": _Ledger.append,
    "action log, 100 entries": _Ledger.action_log,
    "timeline, a page of 50": _Ledger.timeline,
    f"feed, a page of {PAGE}": _Ledger.feed,
}


@contextmanager
def _ledger(server: str, runner: asyncio.Runner, events: int) -> Iterator[_Ledger]:
    """Generate a ledger in a database of its own, and yield it once all of it is on the disk."""
    with fresh_database(server, is_ours=True) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            generate(connection, BENCH.name, events)
            connection.execute("VACUUM")
            connection.execute("CHECKPOINT")
        services, projector = open_services(dsn), open_projector(dsn)
        try:
            yield _Ledger(runner.run(services.__aenter__()), runner.run(projector.__aenter__()), events)
        finally:
            runner.run(projector.__aexit__(None, None, None))
            runner.run(services.__aexit__(None, None, None))


def main(server: str, runs: int, *, events: int = LARGE) -> None:
    """Print the tables."""
    with (
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        _ledger(server, runner, SMALL) as small,
        _ledger(server, runner, events) as large,
    ):
        rows: list[tuple[str, list[Figure]]] = []
        for what, oldest in ((f"newest {SMALL:,} events", events - SMALL), ("all events", 0)):
            large.oldest = oldest
            for name, of in OPERATIONS.items():
                p50s = runner.run(_p50s([large, small], [partial(of, large), partial(of, small)], runs))
                names = (f"{events:,} events", f"{SMALL:,} events")
                rows.append((f"{name}, {what}", [Figure(*figure) for figure in zip(names, p50s, strict=True)]))
        show("One at a time, in a large ledger and in a small one", "µs at p50", rows)
        p50s = runner.run(_orders(small, runs))
        names = (f"{LONG:,} events", f"{SHORT} events")
        orders = [Figure(*figure) for figure in zip(names, p50s, strict=True)]
        show("One at a time, to a long order and to short ones", "µs at p50", [("append", orders)])


async def _p50s(ledgers: Sequence[_Ledger], operations: Sequence[Operation], runs: int) -> list[list[float]]:
    """Return how many microseconds operations take in the middle of many, for each run. They take turns."""
    p50s: list[list[float]] = [[] for _ in operations]
    for _ in range(runs):
        taken: list[list[float]] = [[] for _ in operations]
        for _ in range(TIMES):
            for operation, times in zip(operations, taken, strict=True):
                began = time.perf_counter()
                await operation()
                times.append(time.perf_counter() - began)
        for ledger in ledgers:
            await ledger.catch_up()
        for p50, times in zip(p50s, taken, strict=True):
            p50.append(statistics.median(times) * 1e6)
    return p50s


async def _orders(ledger: _Ledger, runs: int) -> list[list[float]]:
    """Append to an order that is long already, and to short ones in turn, which stay short."""
    for _ in range(LONG // 1_000):
        await ledger.report("long", 1_000, ANY)
    short = [f"short-{n}" for n in range(TIMES)]
    for order_id in short:
        await ledger.report(order_id, SHORT, ANY)
    order_ids = cycle(short)
    return await _p50s([ledger], [lambda: ledger.report("long"), lambda: ledger.report(next(order_ids))], runs)
