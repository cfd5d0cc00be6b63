"""Reads over HTTP, beside a FastAPI endpoint that returns the same bytes from memory."""

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.request import Request, urlopen

from api.cli.maintenance import create_key, create_tenant
from benchmarks.databases import fresh_database
from benchmarks.load import CONNECTIONS, load, ordertrail, process, request
from benchmarks.table import Figure, interleaved, show

ORDERS = 100
"""How many orders of 125 events there are: 100 actions, and 25 other things."""
ANEW = 5_000
"""So many different queries ask for more pages than a worker keeps."""
READS = {
    "action log, 100 entries": ("/v1/orders/A-{}/action_logs", "?anew={:05}"),
    "timeline, a page of 50": ("/trail/v1/orders/A-{}/timeline", "?to=2100-01-01T00:00:00.{:06}Z"),
}
"""Paths, and queries that change nothing in the answer."""
SHOP = {"id": "60c1e027a47d91004377f129", "name": "shop", "type": "User"}
WAREHOUSE = {"state": "success", "service": "warehouse", "service_status": "ready_for_pickup"}
CYCLE: Sequence[tuple[str, dict[str, Any]]] = [
    ("order.status_updated", {"status": "confirmed", "reason": "paid by card"}),
    ("order.payment_status_updated", {"status": "paid", "reason": "captured"}),
    ("order.comment_added", {"text": "Ring twice"}),
    ("order.delivery_status_updated", {"status": "shipped"}),
    ("order.service_event_recorded", {**WAREHOUSE, "description": "food prepared, packed and ready"}),
]


def main(server: str, runs: int) -> None:
    """Print the table."""
    with fresh_database(server, is_ours=True) as dsn:
        asyncio.run(create_tenant(dsn, "bench", is_implicit=True, dintero_account=None))
        key = asyncio.run(create_key(dsn, "bench", scopes=("admin",), name="Bench"))
        headers = {"Authorization": f"Bearer {key['token']}"}
        with ordertrail(dsn) as ours, process(sys.executable, "-m", "benchmarks.peer") as peer:
            _append_orders(ours, headers)
            rows = [row for read in READS for row in _compare(ours, peer, headers, read, runs)]
        show(f"Reads over HTTP, {CONNECTIONS} keep-alive connections, one worker", "requests/s", rows)


def _compare(
    ours: str, peer: str, headers: dict[str, str], read: str, runs: int
) -> Iterator[tuple[str, Sequence[Figure]]]:
    path, query = READS[read]
    with urlopen(Request(ours + path.format(1), headers=headers)) as answer:
        body = answer.read()
    with urlopen(Request(f"{peer}/pages/page", data=body, method="PUT")):
        from_memory = request("GET", "/pages/page", headers)
    paths = {
        "one order": [path.format(1)],
        f"{ORDERS} orders in turn": [path.format(n) for n in range(1, ORDERS + 1)],
        "each rendered anew": [path.format(n % ORDERS + 1) + query.format(n) for n in range(ANEW)],
    }
    for which, asked in paths.items():
        reads = [request("GET", path, headers) for path in asked]
        contestants = {
            "Ordertrail": lambda reads=reads: load(ours, *reads),
            "FastAPI, from memory": lambda: load(peer, from_memory),
        }
        yield f"{read}, {which}\n{len(body):,} bytes", interleaved(contestants, runs=runs)


def _append_orders(url: str, headers: dict[str, str]) -> None:
    """Append orders as their services would, so that what is personal in them is encrypted."""
    events = [{"type": type_, "data": data, "actor": SHOP, "correlation_id": "c-1"} for type_, data in CYCLE] * 25
    body = json.dumps({"events": events}).encode()
    for n in range(1, ORDERS + 1):
        append = Request(
            f"{url}/trail/v1/orders/A-{n}/events", data=body, headers={**headers, "Content-Type": "application/json"}
        )
        with urlopen(append):
            pass
