"""Load on HTTP servers: keep-alive connections that send the next request as soon as the last one is answered."""

import asyncio
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import uvloop

CONNECTIONS = 32
SECONDS = 3.0
WARM_UP_SECONDS = 0.5
ORDERTRAIL = Path(sys.executable).with_name("ordertrail")

SETTINGS = {"ORDERTRAIL_LOG_LEVEL": "error", "ORDERTRAIL_SHOPLINE_RATE": "0"}


def request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """Return a request as it is sent."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class _Connection(asyncio.Protocol):
    """One connection, and what came of its requests."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        self.seconds: list[float] = []
        self.failed = 0
        self.closed = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._parts: list[bytes] = []
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def begin(self, until: float) -> None:
        """Send requests one after the other until this time."""
        self._until = until
        self._send()

    def _send(self) -> None:
        """Send the next request; if there is none, or no time left, leave."""
        self._sent_at = time.perf_counter()
        request = next(self._requests, None) if self._sent_at < self._until else None
        if request is None:
            self._transport.close()
        else:
            self._transport.write(request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._begin(data)
        if self._missing == 0 and not self._parts:
            self.seconds.append(time.perf_counter() - self._sent_at)
            self._send()

    def _begin(self, data: bytes) -> None:
        """Read an answer's head, once it is there."""
        self._parts.append(data)
        head, separator, rest = b"".join(self._parts).partition(b"\r\n\r\n")
        if separator:
            self._parts.clear()
            self._missing = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n", 1)[0]) - len(rest)
            self.failed += not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set_result(exc)


class Answers(NamedTuple):
    """How long each answer took, and all of them together."""

    each: list[float]
    seconds: float

    @property
    def rate(self) -> float:
        return len(self.each) / self.seconds


async def _load(url: str, requests: Iterator[bytes], seconds: float, connections: int = CONNECTIONS) -> Answers:
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    protocols = [
        (await loop.create_connection(lambda: _Connection(requests), parts.hostname, parts.port))[1]
        for _ in range(connections)
    ]
    started = time.perf_counter()
    for protocol in protocols:
        protocol.begin(started + seconds)
    await asyncio.gather(*(protocol.closed for protocol in protocols))
    if failed := sum(protocol.failed for protocol in protocols):
        raise RuntimeError(f"{failed} requests to {url} failed")
    took = time.perf_counter() - started
    return Answers([one for protocol in protocols for one in protocol.seconds], took)


def load(url: str, *requests: bytes, seconds: float = SECONDS) -> float:
    """Return how many requests per second a server answers with 200 or 201, sent in turn, over and over."""
    answers(url, *requests, seconds=WARM_UP_SECONDS)
    return answers(url, *requests, seconds=seconds).rate


def answers(url: str, *requests: bytes, seconds: float = SECONDS, connections: int = CONNECTIONS) -> Answers:
    """Return how a server answers requests that are sent in turn, over and over. The load comes from this process."""
    return uvloop.run(_load(url, cycle(requests), seconds, connections))


def send(url: str, requests: Iterable[bytes]) -> float:
    """Send each of the requests once, and return how many per second were answered with 200 or 201."""
    return uvloop.run(_load(url, iter(requests), math.inf)).rate


@contextmanager
def process(*command: str) -> Iterator[str]:
    """Run a server that prints its URL in its first line."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **SETTINGS}) as server:
        assert server.stdout is not None
        try:
            yield next(word for word in server.stdout.readline().split() if word.startswith("http")).rstrip(",")
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


@contextmanager
def ordertrail(dsn: str, *, workers: int = 1) -> Iterator[str]:
    """Serve a database."""
    with process(str(ORDERTRAIL), "serve", "--port", "0", "--workers", str(workers), "--dsn", dsn) as url:
        yield url
