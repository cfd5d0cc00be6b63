"""Durable single-event appends with personal data, encrypted and as they are, by concurrent writers in one process."""

import asyncio
import json
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack
from functools import partial
from itertools import count

import httpx
import uvloop

from api.cli.maintenance import create_key, create_tenant
from application.ledger.codec import new_event_id
from application.ledger.port import ANY, Append, EventStore, NewEvent, Write
from application.privacy.store import EncryptedEventStore
from application.privacy.vault import Vault
from benchmarks.databases import fresh_database
from benchmarks.load import load, process, request
from benchmarks.sample_event import DATA, METADATA, TYPE
from benchmarks.table import interleaved, show
from domain.values import TenantName
from infrastructure.keys.installation_key import InstallationKey
from infrastructure.keys.subject_keys import PostgresKeyRing
from infrastructure.ledger.event_store import PostgresEventStore
from infrastructure.ledger.group_commit import open_group_commit
from infrastructure.postgres.database import open_pool

WRITERS = 32
SECONDS = 1.5
TENANT = TenantName("bench")
KNOWN_ORDERS = 100
EVENTS_OF_AN_ORDER = 10

Streams = Callable[[], Iterator[str]]


def known_orders() -> Iterator[str]:
    """Yield orders that have had events before, after the first round."""
    return (f"order-{n % KNOWN_ORDERS}" for n in count())


def stories() -> Iterator[str]:
    """Yield new orders, each as often as an order has events, a few orders at a time."""
    while True:
        orders = [f"order-{new_event_id()}" for _ in range(WRITERS)]
        for _ in range(EVENTS_OF_AN_ORDER):
            yield from orders


def new_orders() -> Iterator[str]:
    """Yield orders that never had an event: each takes a key."""
    while True:
        yield f"order-{new_event_id()}"


def measure(dsn: str, streams: Streams, *, is_encrypted: bool) -> float:
    """Return how many events a second are durable."""
    return uvloop.run(_measure(dsn, streams, is_encrypted=is_encrypted))


async def _measure(dsn: str, streams: Streams, *, is_encrypted: bool) -> float:
    async with AsyncExitStack() as opened:
        pool = await opened.enter_async_context(open_pool(dsn, size=8))
        store: EventStore = PostgresEventStore(pool, await opened.enter_async_context(open_group_commit(dsn)))
        if is_encrypted:
            vault = Vault(PostgresKeyRing(pool, InstallationKey(b"installation key of 32 bytes: ok")))
            store = EncryptedEventStore(store, vault, secret=secrets.token_bytes(32))
        following = streams()
        done = 0

        async def write(until: float) -> None:
            nonlocal done
            while time.perf_counter() < until:
                event = NewEvent(new_event_id(), TYPE, DATA, METADATA, None)
                await store.append(Append(TENANT, (Write(next(following), ANY, (event,)),)))
                done += 1

        async def all_write(seconds: float) -> float:
            started = time.perf_counter()
            await asyncio.gather(*(write(started + seconds) for _ in range(WRITERS)))
            return time.perf_counter() - started

        await all_write(0.5)
        done = 0
        seconds = await all_write(SECONDS)
        return done / seconds


def worker(dsn: str, mode: str) -> AbstractContextManager[str]:
    """Run a worker that encrypts, or does not."""
    return process(sys.executable, "-m", "benchmarks.one_worker", dsn, mode)


def over_http(dsn: str, runs: int) -> None:
    """Print how many appends a worker answers, of events with personal data to orders that are known."""
    key = asyncio.run(create_key(dsn, TENANT, scopes=("admin",), name="Shop"))
    body = json.dumps({"type": TYPE, "data": json.loads(DATA)}).encode()
    headers = {"Authorization": f"Bearer {key['token']}"}
    appends = [request("POST", f"/trail/v1/orders/{n}/events", headers, body) for n in range(KNOWN_ORDERS)]
    with worker(dsn, "encrypted") as ours, worker(dsn, "unencrypted") as other:
        for n in range(KNOWN_ORDERS):
            httpx.post(f"{ours}/trail/v1/orders", headers=headers, json={"order_id": str(n)}).raise_for_status()
        contestants = {"encrypted": partial(load, ours, *appends), "as they are": partial(load, other, *appends)}
        figures = interleaved(contestants, runs=runs)
    show("Appends over HTTP with personal data, one worker", "requests/s", [("orders that are known", figures)])


def in_process(dsn: str, runs: int) -> None:
    """Print how many events are written, by how often their orders are new."""
    rows = []
    for label, streams in (
        ("orders that are known", known_orders),
        (f"orders of {EVENTS_OF_AN_ORDER} events", stories),
        ("orders of one event", new_orders),
    ):
        contestants = {
            "encrypted": partial(measure, dsn, streams, is_encrypted=True),
            "as they are": partial(measure, dsn, streams, is_encrypted=False),
        }
        rows.append((label, interleaved(contestants, runs=runs)))
    show(f"Durable single-event appends with personal data, {WRITERS} writers in one process", "events/s", rows)


def main(server: str, runs: int) -> None:
    """Print the tables."""
    for measured in (over_http, in_process):
        with fresh_database(server, is_ours=True) as dsn:
            asyncio.run(create_tenant(dsn, TENANT, is_implicit=False, dintero_account=None))
            measured(dsn, runs)
