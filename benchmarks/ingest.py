"""Bulk loads over HTTP, beside single appends over HTTP to the same worker and batches in this process."""

import http.client
import json
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import psutil
import uvloop

from benchmarks.bulk import BATCHES, EVENTS, to_many_streams
from benchmarks.databases import fresh_database
from benchmarks.http_append import NATIVE, authorised
from benchmarks.load import CONNECTIONS, WARM_UP_SECONDS, answers, ordertrail, request
from benchmarks.table import CONSOLE, interleaved, show
from infrastructure.ledger.group_commit import open_group_commit

LINES = 40_000
ORDERS = 1_000
BULK, SINGLE = "one bulk load", f"single appends, {CONNECTIONS} connections"
IN_PROCESS = "batches in process"
_numbers = count(1)


STATUS = {"type": "order.status_updated", "data": {"status": "confirmed", "reason": "paid"}}
EVENTS_TOLD = {"with personal data": NATIVE, "a status": STATUS}


def main(server: str, runs: int) -> None:
    """Print a table for each kind of event."""
    for name, event in EVENTS_TOLD.items():
        _compare(server, runs, name, event)


def _compare(server: str, runs: int, label: str, event: dict[str, Any]) -> None:
    with fresh_database(server, is_ours=True) as dsn:
        headers = authorised(dsn)
        append = request("POST", "/trail/v1/orders/A-1/events", headers, json.dumps(event).encode())
        with ordertrail(dsn) as url:
            worker = next(p for p in psutil.Process().children(recursive=True) if p.name() == "trail-http")
            answers(url, append, seconds=WARM_UP_SECONDS)
            took: dict[str, list[float]] = {BULK: [], SINGLE: []}

            def bulk_load() -> float:
                _wait_for_views(url, headers)
                with _processor(worker, took[BULK], LINES):
                    return bulk(url, headers, event)

            def single_appends() -> float:
                _wait_for_views(url, headers)
                with _processor(worker, took[SINGLE], 0):
                    run = answers(url, append)
                took[SINGLE][-1] /= len(run.each)
                return run.rate

            def batches() -> float:
                _wait_for_views(url, headers)
                return in_process(dsn)

            contestants = {BULK: bulk_load, SINGLE: single_appends, IN_PROCESS: batches}
            bulk(url, headers, event)
            figures = interleaved(contestants, runs=runs)
    show(f"Loads of {LINES:,} events of {ORDERS:,} orders, one worker", "events/s", [(label, figures)])
    pairs = zip(figures[0].rates, figures[1].rates, strict=True)
    CONSOLE.print(f"bulk by single appends, pairwise: {statistics.median(b / s for b, s in pairs):.1f}")
    for name, each in took.items():
        CONSOLE.print(f"{name}: {statistics.median(each) * 1e6:.0f} µs of the worker's processor for each event")


def _wait_for_views(url: str, headers: dict[str, str]) -> None:
    """Wait until the projector has nothing left to do from the run before."""
    while True:
        with urlopen(Request(f"{url}/trail/v1/orders?limit=1", headers=headers)) as answer:
            if "Ordertrail-Lag" not in answer.headers:
                return


@contextmanager
def _processor(worker: psutil.Process, took: list[float], events: int) -> Iterator[None]:
    """Add what a run takes of the worker's processor: for each event, if their number is known, or in all."""
    before = worker.cpu_times()
    yield
    after = worker.cpu_times()
    took.append((after.user + after.system - before.user - before.system) / (events or 1))


def bulk(url: str, headers: dict[str, str], event: dict[str, Any]) -> float:
    """Return the events per second of one load."""
    load = next(_numbers)
    body = b"".join(
        json.dumps({**event, "order_id": f"A-{n % ORDERS}", "event_id": f"load-{load}-{n}"}).encode() + b"\n"
        for n in range(LINES)
    )
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=120)
    started = time.perf_counter()
    connection.request("POST", "/trail/v1/events", body, {**headers, "Content-Type": "application/x-ndjson"})
    loaded = json.load(connection.getresponse())
    took = time.perf_counter() - started
    connection.close()
    assert loaded["recorded"] == LINES, loaded
    return LINES / took


def in_process(dsn: str) -> float:
    """Return the events per second of batches that are appended by this process, one after the other."""
    return uvloop.run(_in_process(dsn))


async def _in_process(dsn: str) -> float:
    batches = [to_many_streams() for _ in range(BATCHES)]
    async with open_group_commit(dsn) as group_commit:
        started = time.perf_counter()
        for batch in batches:
            await group_commit.append(batch)
        return BATCHES * EVENTS / (time.perf_counter() - started)
