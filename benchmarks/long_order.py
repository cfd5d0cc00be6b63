"""Pages of an order with 10,000 events, beside the same pages of an order with 60: each shows a window of them."""

import asyncio
import json
import statistics
import time
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from api.cli.maintenance import create_key, create_tenant
from benchmarks.databases import fresh_database
from benchmarks.load import ordertrail
from benchmarks.table import CONSOLE, interleaved, show

SIZES = {"long": 10_000, "short": 60}
BEFORE = {"long": 5_000, "short": 10_060}
"""Positions in the ledger before which each order has a whole window of events."""
SECONDS_ALLOWED = 1.0
"""How long a server may take for a page, at most."""
PAGES = {
    "the newest window": "/ui/orders/{}",
    "a window in the middle": "/ui/orders/{}?before={}",
    "what it was at its newest version": "/ui/orders/{}/history",
}
_AT_ONCE = 5


def main(server: str, runs: int) -> None:
    """Print the table."""
    with fresh_database(server, is_ours=True) as dsn:
        asyncio.run(create_tenant(dsn, "bench", is_implicit=True, dintero_account=None))
        key = asyncio.run(create_key(dsn, "bench", scopes=("admin",), name="Bench"))
        with ordertrail(dsn) as url:
            for order_id, size in SIZES.items():
                _append(url, key["token"], order_id, size)
            cookie = _sign_in(url, key["token"])
            rows = []
            for name, path in PAGES.items():
                paths = {order_id: path.format(order_id, BEFORE[order_id]) for order_id in SIZES}
                measured = {f"{SIZES[o]:,} events": lambda path=p: _rate(url, cookie, path) for o, p in paths.items()}
                rows.append((name, interleaved(measured, runs=runs)))
            show("Pages of an order", "pages/s", rows)
            slowest = max(1 / figures[0].median for _, figures in rows)
            verdict = "within" if slowest < SECONDS_ALLOWED else "BEYOND"
            CONSOLE.print(f"The slowest takes {slowest * 1_000:,.0f} ms: {verdict} the second that a page may take.")


def _rate(url: str, cookie: str, path: str) -> float:
    """Return how many times a second a server makes a page, one after the other."""
    connection = HTTPConnection(urlsplit(url).netloc)
    times = []
    for _ in range(_AT_ONCE):
        began = time.perf_counter()
        connection.request("GET", path, headers={"Cookie": cookie, "Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        times.append(time.perf_counter() - began)
    connection.close()
    return 1 / statistics.median(times)


def _sign_in(url: str, token: str) -> str:
    connection = HTTPConnection(urlsplit(url).netloc)
    form = urlencode({"token": token})
    connection.request("POST", "/ui/sign-in", form, {"Content-Type": "application/x-www-form-urlencoded"})
    return str(connection.getresponse().getheader("set-cookie")).partition(";")[0]


def _append(url: str, token: str, order_id: str, count: int) -> None:
    """Append an order's events: statuses, reports and comments in turn."""
    kinds = (
        {"type": "order.status_updated", "data": {"status": "confirmed", "reason": "paid"}},
        {"type": "order.comment_added", "data": {"text": "Ring twice"}},
        {
            "type": "order.service_event_recorded",
            "data": {"state": "success", "service": "warehouse", "service_status": "packed"},
        },
    )
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    for begin in range(0, count, 1_000):
        events = [kinds[n % len(kinds)] for n in range(begin, min(begin + 1_000, count))]
        body = json.dumps({"events": events}).encode()
        with urlopen(Request(f"{url}/trail/v1/orders/{order_id}/events", data=body, headers=headers)):
            pass
