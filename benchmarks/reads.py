"""Reads over HTTP, beside a FastAPI endpoint that returns the same bytes from memory.

An order is read again and again, just after something was added to it, or for the first time.
"""

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.request import Request, urlopen

from api.cli.maintenance import create_key, create_tenant
from benchmarks.databases import fresh_database
from benchmarks.load import CONNECTIONS, load, ordertrail, process, request, send
from benchmarks.table import Figure, interleaved, show

ORDERS = 100
"""How many orders of 125 events are read over and over: 100 actions, and 25 other things."""
CHANGES = 5
"""How often each of them is changed and then read in a run."""
READS = {
    "action log, 100 entries": "/v1/orders/A-{}/action_logs",
    "timeline, a page of 50": "/trail/v1/orders/A-{}/timeline?order=desc",
}
COMMENT = {"type": "order.comment_added", "data": {"text": "Ring twice"}}
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
            _append_orders(ours, headers, range(1, ORDERS * (1 + len(READS) * runs) + 1))
            new = iter(range(ORDERS + 1, ORDERS * (1 + len(READS) * runs) + 1))
            rows = [row for read in READS for row in _compare(ours, peer, headers, read, runs, new)]
        show(f"Reads over HTTP, {CONNECTIONS} keep-alive connections, one worker", "requests/s", rows)


def _compare(
    ours: str, peer: str, headers: dict[str, str], read: str, runs: int, new: Iterator[int]
) -> Iterator[tuple[str, Sequence[Figure]]]:
    """Yield the figures of a read. new are the numbers of orders that nobody has read."""
    path = READS[read]
    with urlopen(Request(ours + path.format(1), headers=headers)) as answer:
        body = answer.read()
    with urlopen(Request(f"{peer}/pages/page", data=body, method="PUT")):
        from_memory = request("GET", "/pages/page", headers)
    orders = [request("GET", path.format(n), headers) for n in range(1, ORDERS + 1)]

    def just_after_a_change() -> float:
        seconds = 0.0
        for _ in range(CHANGES):
            _change_orders(ours, headers)
            seconds += ORDERS / send(ours, orders)
        return CHANGES * ORDERS / seconds

    def for_the_first_time() -> float:
        return send(ours, [request("GET", path.format(next(new)), headers) for _ in range(ORDERS)])

    ways = {
        "one order": lambda: load(ours, orders[0]),
        f"{ORDERS} orders in turn": lambda: load(ours, *orders),
        "each just after a change": just_after_a_change,
        "each for the first time": for_the_first_time,
    }
    for which, measure in ways.items():
        contestants = {"Ordertrail": measure, "FastAPI, from memory": lambda: load(peer, from_memory)}
        yield f"{read}, {which}\n{len(body):,} bytes", interleaved(contestants, runs=runs)


def _append_orders(url: str, headers: dict[str, str], numbers: range) -> None:
    """Append orders as their services would, so that what is personal in them is encrypted."""
    events = [{"type": type_, "data": data, "actor": SHOP, "correlation_id": "c-1"} for type_, data in CYCLE] * 25
    _append(url, headers, numbers, events)


def _change_orders(url: str, headers: dict[str, str]) -> None:
    """Add an action to each order, and wait until the views have it."""
    _append(url, headers, range(1, ORDERS + 1), [COMMENT])
    with urlopen(Request(f"{url}/trail/v1/orders?limit=1", headers=headers)):
        pass


def _append(url: str, headers: dict[str, str], numbers: range, events: Sequence[dict[str, Any]]) -> None:
    body = json.dumps({"events": events}).encode()
    send(url, [request("POST", f"/trail/v1/orders/A-{n}/events", headers, body) for n in numbers])
