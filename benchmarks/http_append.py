"""Appends over HTTP, beside a FastAPI endpoint that validates the same body and stores nothing."""

import asyncio
import json
import statistics
import sys
from functools import partial
from typing import NamedTuple

import psutil

from api.cli.maintenance import create_key, create_tenant
from benchmarks.databases import fresh_database
from benchmarks.load import CONNECTIONS, WARM_UP_SECONDS, answers, ordertrail, process, request
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


class _Runs(NamedTuple):
    """What one contestant's runs took: each answer, and the processor time of its worker for each, in seconds."""

    answers: list[float]
    processor: list[float]


def main(server: str, runs: int) -> None:
    """Print the table."""
    with fresh_database(server, is_ours=True) as dsn:
        headers = authorised(dsn)
        with ordertrail(dsn) as ours, process(sys.executable, "-m", "benchmarks.peer") as peer:
            servers = {OURS: (ours, _child("trail-http")), PEER: (peer, _child("benchmarks.peer"))}
            rows: list[tuple[str, list[Figure]]] = []
            took: dict[str, dict[str, _Runs]] = {}
            for label, path, body in (
                ("native append", "/trail/v1/orders/A-1/events", NATIVE),
                ("Dintero append", "/v1/accounts/T12345678/shopping/orders/A-2/events", NATIVE["data"]),
            ):
                append = request("POST", path, headers, json.dumps(body).encode())
                took[label] = {name: _Runs([], []) for name in servers}
                contestants = {
                    name: partial(_rate, url, append, worker, took[label][name])
                    for name, (url, worker) in servers.items()
                }
                rows.append((label, interleaved(contestants, runs=runs)))
        show(f"Appends over HTTP, {CONNECTIONS} keep-alive connections, one worker", "requests/s", rows)
        for label, of_each in took.items():
            for name, measured in of_each.items():
                each = statistics.median(measured.processor) * 1e6
                CONSOLE.print(
                    f"{label}, {name}: {_quantiles(measured.answers)}; {each:.0f} µs of the worker's processor"
                )


def _child(words: str) -> psutil.Process:
    """Return the process below this one that has this name, or a command with these words."""
    below = psutil.Process().children(recursive=True)
    return next(child for child in below if child.name() == words or words in " ".join(child.cmdline()))


def _rate(url: str, append: bytes, worker: psutil.Process, runs: _Runs) -> float:
    """Return the requests per second of one run, and add what it took."""
    answers(url, append, seconds=WARM_UP_SECONDS)
    before = worker.cpu_times()
    run = answers(url, append)
    after = worker.cpu_times()
    runs.answers.extend(run.each)
    runs.processor.append((after.user + after.system - before.user - before.system) / len(run.each))
    return run.rate


def _quantiles(seconds: list[float]) -> str:
    cuts = statistics.quantiles(seconds, n=100)
    p50, p99 = cuts[49] * 1_000, cuts[98] * 1_000
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, {p99 / p50:.1f} times"
