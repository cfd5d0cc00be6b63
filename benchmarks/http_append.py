"""Appends over HTTP, beside a FastAPI endpoint that validates the same body and stores nothing."""

import asyncio
import json
import statistics
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import psutil

from api.cli.maintenance import create_key, create_tenant
from benchmarks.databases import fresh_database
from benchmarks.load import CONNECTIONS, WARM_UP_SECONDS, answers, ordertrail, process, request
from benchmarks.table import CONSOLE, Figure, interleaved, show
from domain.values import TenantName

OURS, PEER = "Ordertrail", "FastAPI, storing nothing"
TENANT = TenantName("bench")
MANY_CONNECTIONS = 128
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


class _Server(NamedTuple):
    url: str
    worker: psutil.Process


APPENDS: tuple[tuple[str, str, Any], ...] = (
    ("native append", "/trail/v1/orders/A-1/events", NATIVE),
    ("Dintero append", "/v1/accounts/T12345678/shopping/orders/A-2/events", NATIVE["data"]),
)


def main(server: str, runs: int) -> None:
    """Print the tables, one for each number of connections."""
    with fresh_database(server, is_ours=True) as dsn:
        headers = authorised(dsn)
        with ordertrail(dsn) as ours, process(sys.executable, "-m", "benchmarks.peer") as peer:
            servers = {OURS: _Server(ours, _child("trail-http")), PEER: _Server(peer, _child("benchmarks.peer"))}
            for connections in (CONNECTIONS, MANY_CONNECTIONS):
                _show(servers, headers, connections, runs)


def _show(servers: Mapping[str, _Server], headers: Mapping[str, str], connections: int, runs: int) -> None:
    rates: list[tuple[str, list[Figure]]] = []
    took: dict[str, dict[str, _Runs]] = {}
    for label, path, body in APPENDS:
        append = request("POST", path, headers, json.dumps(body).encode())
        took[label] = {name: _Runs([], []) for name in servers}
        contestants = {
            name: partial(_rate, each, append, connections, took[label][name]) for name, each in servers.items()
        }
        rates.append((label, interleaved(contestants, runs=runs)))
    show(f"Appends over HTTP, {connections} keep-alive connections, one worker", "requests/s", rates)
    for label, of_each in took.items():
        processor = {name: statistics.median(runs.processor) * 1e6 for name, runs in of_each.items()}
        for name, measured in of_each.items():
            CONSOLE.print(
                f"{label}, {name}: {_quantiles(measured.answers)}; {processor[name]:.0f} µs of the worker's processor"
            )
        CONSOLE.print(f"{label}: [bold]{processor[OURS] / processor[PEER]:.2f}[/bold] of the other's processor time")


def _child(words: str) -> psutil.Process:
    """Return the process below this one that has this name, or a command with these words."""
    below = psutil.Process().children(recursive=True)
    return next(child for child in below if child.name() == words or words in " ".join(child.cmdline()))


def _rate(server: _Server, append: bytes, connections: int, runs: _Runs) -> float:
    """Return the requests per second of one run, and add what it took."""
    answers(server.url, append, seconds=WARM_UP_SECONDS, connections=connections)
    before = server.worker.cpu_times()
    run = answers(server.url, append, connections=connections)
    after = server.worker.cpu_times()
    runs.answers.extend(run.each)
    runs.processor.append((after.user + after.system - before.user - before.system) / len(run.each))
    return run.rate


def _quantiles(seconds: list[float]) -> str:
    cuts = statistics.quantiles(seconds, n=100)
    p50, p99 = cuts[49] * 1_000, cuts[98] * 1_000
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, {p99 / p50:.1f} times"
