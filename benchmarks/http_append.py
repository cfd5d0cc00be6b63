"""Appends over HTTP, beside a FastAPI endpoint that validates the same body and stores nothing."""

import asyncio
import json
import statistics
import sys

from api.maintenance import create_key, create_tenant
from benchmarks.databases import fresh_database
from benchmarks.load import CONNECTIONS, answers, ordertrail, process, request
from benchmarks.table import CONSOLE, Figure, interleaved, show
from domain.values import TenantName

OURS, PEER = "Ordertrail", "FastAPI, storing nothing"
TENANT = TenantName("bench")
NATIVE = {
    "type": "order.service_event_recorded",
    "data": {
        "state": "success",
        "service": "warehouse",
        "service_status": "ready_for_pickup",
        "description": "food prepared",
        "metadata": {"pickup_location": {"latitude": 37.42242, "longitude": -122.08585, "postal_code": "0342"}},
    },
}


def authorised(dsn: str) -> dict[str, str]:
    """Create a tenant, and return the headers of one who may do everything."""
    asyncio.run(create_tenant(dsn, TENANT, is_implicit=True, dintero_account="T12345678"))
    key = asyncio.run(create_key(dsn, TENANT, scopes=("admin",), name="Bench"))
    return {"Authorization": f"Bearer {key['token']}"}


def main(server: str, runs: int) -> None:
    """Print the table."""
    with fresh_database(server, is_ours=True) as dsn:
        headers = authorised(dsn)
        with ordertrail(dsn) as ours, process(sys.executable, "-m", "benchmarks.peer") as peer:
            rows: list[tuple[str, list[Figure]]] = []
            latencies: dict[str, dict[str, list[float]]] = {}
            for label, path, body in (
                ("native append", "/trail/v1/orders/A-1/events", NATIVE),
                ("Dintero append", "/v1/accounts/T12345678/shopping/orders/A-2/events", NATIVE["data"]),
            ):
                append = request("POST", path, headers, json.dumps(body).encode())
                seconds: dict[str, list[float]] = {OURS: [], PEER: []}
                contestants = {
                    OURS: lambda append=append, all_=seconds[OURS]: _rate(ours, append, all_),
                    PEER: lambda append=append, all_=seconds[PEER]: _rate(peer, append, all_),
                }
                rows.append((label, interleaved(contestants, runs=runs)))
                latencies[label] = seconds
        show(f"Appends over HTTP, {CONNECTIONS} keep-alive connections, one worker", "requests/s", rows)
        for label, of_each in latencies.items():
            for name, seconds in of_each.items():
                CONSOLE.print(f"{label}, {name}: {_quantiles(seconds)}")


def _rate(url: str, append: bytes, seconds: list[float]) -> float:
    """Return the requests per second of one run, and add how long each took."""
    run = answers(url, append)
    seconds += run.each
    return run.rate


def _quantiles(seconds: list[float]) -> str:
    cuts = statistics.quantiles(seconds, n=100)
    p50, p99 = cuts[49] * 1_000, cuts[98] * 1_000
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, {p99 / p50:.1f} times"
