"""Reads over HTTP, beside a FastAPI endpoint that returns the same bytes from memory."""

import asyncio
import sys
from urllib.request import Request, urlopen

import psycopg

from api.maintenance import create_key
from benchmarks.databases import fresh_database
from benchmarks.large_ledger import generate
from benchmarks.load import CONNECTIONS, load, ordertrail, process, request
from benchmarks.table import interleaved, show

EVENTS = 125_000
ORDERS = 1_000
READS = {
    "action log, 100 entries": "/v1/orders/A-{}/action_logs",
    "timeline, a page of 50": "/trail/v1/orders/A-{}/timeline",
}


def main(server: str, runs: int) -> None:
    """Print the table."""
    with fresh_database(server, is_ours=True) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            generate(connection, "bench", EVENTS)
        key = asyncio.run(create_key(dsn, "bench", scopes=("admin",), name="Bench"))
        headers = {"Authorization": f"Bearer {key['token']}"}
        rows = []
        with ordertrail(dsn) as ours, process(sys.executable, "-m", "benchmarks.peer") as peer:
            for label, path in READS.items():
                with urlopen(Request(ours + path.format(1), headers=headers)) as answer:
                    body = answer.read()
                with urlopen(Request(f"{peer}/pages/page", data=body, method="PUT")):
                    from_memory = request("GET", "/pages/page", headers)
                for which, orders in (("of one order", 1), (f"of {ORDERS:,} orders in turn", ORDERS)):
                    reads = [request("GET", path.format(n + 1), headers) for n in range(orders)]
                    contestants = {
                        "Ordertrail": lambda reads=reads: load(ours, *reads),
                        "FastAPI, from memory": lambda page=from_memory: load(peer, page),
                    }
                    rows.append((f"{label}, {which}\n{len(body):,} bytes", interleaved(contestants, runs=runs)))
        show(f"Reads over HTTP, {CONNECTIONS} keep-alive connections, one worker", "requests/s", rows)
