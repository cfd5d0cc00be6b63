"""Appends over HTTP, beside a FastAPI endpoint that validates the same body and stores nothing."""

import asyncio
import json
import sys

from api.maintenance import create_key, create_tenant
from benchmarks.databases import fresh_database
from benchmarks.load import CONNECTIONS, load, ordertrail, process, request
from benchmarks.table import Figure, interleaved, show
from domain.values import TenantName

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
            for label, path, body in (
                ("native append", "/trail/v1/orders/A-1/events", NATIVE),
                ("Dintero append", "/v1/accounts/T12345678/shopping/orders/A-2/events", NATIVE["data"]),
            ):
                append = request("POST", path, headers, json.dumps(body).encode())
                contestants = {
                    "Ordertrail": lambda append=append: load(ours, append),
                    "FastAPI, storing nothing": lambda append=append: load(peer, append),
                }
                rows.append((label, interleaved(contestants, runs=runs)))
        show(f"Appends over HTTP, {CONNECTIONS} keep-alive connections, one worker", "requests/s", rows)
