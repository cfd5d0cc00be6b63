"""Appends over HTTP, beside a FastAPI endpoint that validates the same body and stores nothing."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from api.maintenance import create_key, create_tenant
from benchmarks.databases import fresh_database
from benchmarks.table import Figure, interleaved, show

CONNECTIONS = 32
SECONDS = 3.0
ORDERTRAIL = Path(sys.executable).with_name("ordertrail")
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


class _Connection(asyncio.Protocol):
    """One keep-alive connection that sends the same request again as soon as it is answered."""

    def __init__(self, request: bytes, until: float) -> None:
        self.answered = 0
        self.failed = 0
        self.closed = asyncio.get_running_loop().create_future()
        self._request, self._until = request, until
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        self.answered += 1
        self.failed += not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201"))
        if time.perf_counter() < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set_result(exc)


async def _load(url: str, path: str, headers: dict[str, str], body: bytes, seconds: float) -> float:
    parts = urlsplit(url)
    lines = [f"POST {path} HTTP/1.1", f"Host: {parts.netloc}", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers.items())]
    request = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    loop, started = asyncio.get_running_loop(), time.perf_counter()
    protocols = []
    for _ in range(CONNECTIONS):
        _, protocol = await loop.create_connection(
            lambda: _Connection(request, started + seconds), parts.hostname, parts.port
        )
        protocols.append(protocol)
    await asyncio.gather(*(protocol.closed for protocol in protocols))
    if failed := sum(protocol.failed for protocol in protocols):
        raise RuntimeError(f"{failed} requests to {url}{path} failed")
    return sum(protocol.answered for protocol in protocols) / (time.perf_counter() - started)


def load(url: str, path: str, headers: dict[str, str], body: object, *, seconds: float = SECONDS) -> float:
    """Return the requests per second that a server answers with 200 or 201. The load comes from this process."""
    data = json.dumps(body).encode()
    uvloop.run(_load(url, path, headers, data, 0.5))
    return uvloop.run(_load(url, path, headers, data, seconds))


@contextmanager
def process(*command: str) -> Iterator[str]:
    """Run a server that prints its URL in its first line."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "ORDERTRAIL_LOG_LEVEL": "error"}
    ) as server:
        assert server.stdout is not None
        try:
            yield next(word for word in server.stdout.readline().split() if word.startswith("http")).rstrip(",")
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


def main(server: str, runs: int) -> None:
    """Print the table."""
    with fresh_database(server, is_ours=True) as dsn:
        asyncio.run(create_tenant(dsn, "bench", is_implicit=True, dintero_account="T12345678"))
        key = asyncio.run(create_key(dsn, "bench", scopes=("admin",), name="Bench"))
        headers = {"Authorization": f"Bearer {key['token']}"}
        native = "/trail/v1/orders/A-1/events"
        dintero = "/v1/accounts/T12345678/shopping/orders/A-2/events"
        with (
            process(str(ORDERTRAIL), "serve", "--port", "0", "--dsn", dsn) as ours,
            process(sys.executable, "-m", "benchmarks.peer") as peer,
        ):
            rows: list[tuple[str, list[Figure]]] = []
            for label, path, body in (
                ("native append", native, NATIVE),
                ("Dintero append", dintero, NATIVE["data"]),
            ):
                contestants = {
                    "Ordertrail": lambda p=path, b=body: load(ours, p, headers, b),
                    "FastAPI, storing nothing": lambda p=path, b=body: load(peer, p, headers, b),
                }
                rows.append((label, interleaved(contestants, runs=runs)))
        show(f"Appends over HTTP, {CONNECTIONS} keep-alive connections, one worker", "requests/s", rows)
