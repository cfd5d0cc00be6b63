"""Durable single-event appends to distinct streams, by concurrent writers in one process."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from itertools import cycle, islice

import uvloop

from benchmarks.databases import fresh_database
from benchmarks.other_writers import (
    CONNECTIONS,
    WARM_UP_SECONDS,
    one_call,
    plain,
    prepare_one_call,
    prepare_plain,
    stock,
    stock_factory,
)
from benchmarks.sample_event import append_of
from benchmarks.table import interleaved, show
from domain.values import TenantName
from infrastructure.keys.credentials import PostgresCredentialStore
from infrastructure.ledger.group_commit import GroupCommit, open_group_commit
from infrastructure.postgres.database import open_pool

WRITERS = (1, 8, 32, 256)
SECONDS = 1.2
ONE_TENANT = (TenantName("bench"),)
TENANTS = tuple(TenantName(f"bench-{n}") for n in range(1_000))
WRITERS_TO_TENANTS = (1_000, 8_000)


def ours(dsn: str, writers: int, tenants: Sequence[TenantName] = ONE_TENANT) -> float:
    """Appends through group commit; the writers are dealt out to the tenants."""
    return uvloop.run(_ours(dsn, writers, tenants))


async def _ours(dsn: str, writers: int, tenants: Sequence[TenantName]) -> float:
    async with open_group_commit(dsn) as group_commit:
        await appended(group_commit, tenants[:1], WARM_UP_SECONDS)
        started = time.perf_counter()
        done = await appended(group_commit, islice(cycle(tenants), writers), SECONDS)
        return done / (time.perf_counter() - started)


async def appended(group_commit: GroupCommit, tenants: Iterable[TenantName], seconds: float) -> int:
    """Append for so long, with one writer for each time a tenant comes. Return how many appends were made."""
    done, until = 0, time.perf_counter() + seconds

    async def write(tenant: TenantName) -> None:
        nonlocal done
        while time.perf_counter() < until:
            await group_commit.append(append_of(tenant))
            done += 1

    await asyncio.gather(*map(write, tenants))
    return done


async def create_tenants(dsn: str, tenants: Sequence[TenantName]) -> None:
    async with open_pool(dsn, size=1, as_owner=True) as pool:
        credentials = PostgresCredentialStore(pool)
        for tenant in tenants:
            await credentials.create_tenant(tenant, is_implicit=True, dintero_account=None)


def main(server: str, runs: int) -> None:
    """Print the tables."""
    with (
        fresh_database(server, is_ours=True) as dsn,
        fresh_database(server, is_ours=False) as other,
        stock_factory(other) as factory,
    ):
        asyncio.run(create_tenants(dsn, ONE_TENANT + TENANTS))
        prepare_plain(dsn)
        prepare_one_call(other)
        rows = []
        for writers in WRITERS:
            contestants = {
                "Ordertrail": lambda w=writers: ours(dsn, w),
                "stock recorder": lambda w=writers: stock(factory, w, SECONDS),
                "one-call write": lambda w=writers: one_call(other, w, SECONDS),
                "plain INSERT": lambda w=writers: plain(dsn, w, SECONDS),
            }
            rows.append((f"{writers} writers", interleaved(contestants, runs=runs)))
        show(f"Durable single-event appends; others on at most {CONNECTIONS} connections", "events/s", rows)
        rows = []
        for writers in WRITERS_TO_TENANTS:
            contestants = {
                f"{len(TENANTS):,} tenants": lambda w=writers: ours(dsn, w, TENANTS),
                "one tenant": lambda w=writers: ours(dsn, w),
            }
            rows.append((f"{writers:,} writers", interleaved(contestants, runs=runs)))
        show("The same to many tenants at once", "events/s", rows)
