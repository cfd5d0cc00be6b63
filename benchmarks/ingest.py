"""Bulk loads over HTTP, beside single appends over HTTP to the same worker and batches in this process."""

import http.client
import json
import statistics
import time
from itertools import count
from urllib.parse import urlsplit

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


def main(server: str, runs: int) -> None:
    """Print the table."""
    with fresh_database(server, is_ours=True) as dsn:
        headers = authorised(dsn)
        append = request("POST", "/trail/v1/orders/A-1/events", headers, json.dumps(NATIVE).encode())
        with ordertrail(dsn) as url:
            answers(url, append, seconds=WARM_UP_SECONDS)
            contestants = {
                BULK: lambda: bulk(url, headers),
                SINGLE: lambda: answers(url, append).rate,
                IN_PROCESS: lambda: in_process(dsn),
            }
            bulk(url, headers)
            figures = interleaved(contestants, runs=runs)
    show(f"Loads of {LINES:,} events of {ORDERS:,} orders, one worker", "events/s", [("load", figures)])
    pairs = zip(figures[0].rates, figures[1].rates, strict=True)
    CONSOLE.print(f"bulk by single appends, pairwise: {statistics.median(b / s for b, s in pairs):.1f}")


def bulk(url: str, headers: dict[str, str]) -> float:
    """Return the events per second of one load."""
    load = next(_numbers)
    event = {**NATIVE, "order_id": "", "event_id": ""}
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
