"""Appends over HTTP with one worker process and with two, on the same database."""

import asyncio
import json

from benchmarks.databases import fresh_database
from benchmarks.http_append import NATIVE, TENANT, authorised
from benchmarks.load import CONNECTIONS, load, ordertrail, request
from benchmarks.sample_event import begin_orders
from benchmarks.table import interleaved, show

ORDERS = 1_000


def main(server: str, runs: int) -> None:
    """Print the table."""
    with fresh_database(server, is_ours=True) as dsn:
        headers, body = authorised(dsn), json.dumps(NATIVE).encode()
        asyncio.run(begin_orders(dsn, TENANT, ORDERS))
        appends = [request("POST", f"/trail/v1/orders/A-{n}/events", headers, body) for n in range(ORDERS)]

        def measure(workers: int) -> float:
            # One server at a time: another's projector would work on the same ledger.
            with ordertrail(dsn, workers=workers) as url:
                return load(url, *appends)

        contestants = {"two workers": lambda: measure(2), "one worker": lambda: measure(1)}
        rows = [("native append", interleaved(contestants, runs=runs))]
        show(f"Appends over HTTP, {CONNECTIONS} keep-alive connections, by number of workers", "requests/s", rows)
