"""Catching up: all views derived from a ledger, beside the eventsourcing library's ProjectionRunner doing the same."""

import asyncio
import time

import uvloop

from api.bootstrap import open_projector, open_services
from api.cli.maintenance import create_tenant
from api.server.gc import BATCH_ALLOCATIONS, collect_less_often
from benchmarks import library_views
from benchmarks.databases import forget_views, fresh_database
from benchmarks.order_stories import MIX, fill
from benchmarks.table import CONSOLE, interleaved, show
from domain.values import TenantName

EVENTS = 40_000
OF_THE_LIBRARY = 1_500
TENANT = TenantName(library_views.TENANT)


def seed(dsn: str, events: int) -> None:
    """Give the tenant a ledger of so many events, as the service writes them."""
    asyncio.run(create_tenant(dsn, TENANT, is_implicit=True, dintero_account=None))

    async def record() -> None:
        async with open_services(dsn) as services:
            await fill(services.store, TENANT, events)

    uvloop.run(record())


def ours(dsn: str) -> float:
    """Derive all views anew; return how many events were projected per second."""
    forget_views(dsn)
    return uvloop.run(_ours(dsn))


async def _ours(dsn: str) -> float:
    async with open_projector(dsn) as projector:
        await projector.behind()
        started = time.perf_counter()
        done = await projector.catch_up(TENANT)
        return done / (time.perf_counter() - started)


def main(server: str, runs: int) -> None:
    """Print the table."""
    with (
        fresh_database(server, is_ours=True) as dsn,
        library_views.recorded(server, OF_THE_LIBRARY) as durable,
        library_views.recorded(server, OF_THE_LIBRARY, synchronous_commit="off") as relaxed,
    ):
        seed(dsn, EVENTS)
        collect_less_often(BATCH_ALLOCATIONS)
        contestants = {
            "Ordertrail": lambda: ours(dsn),
            "Projection-\nRunner": durable,
            "its commits\nnot waited for": relaxed,
        }
        show("Catching up: all seven views", "events/s", [(f"{EVENTS:,} events", interleaved(contestants, runs=runs))])
        CONSOLE.print(f"Events: {MIX}")
