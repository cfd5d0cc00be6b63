"""What 500 idle streams cost a worker: memory, and the appends of the same tenant that come meanwhile."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import psutil

from benchmarks.databases import fresh_database
from benchmarks.http_append import NATIVE, authorised
from benchmarks.load import CONNECTIONS, WARM_UP_SECONDS, answers, ordertrail, request
from benchmarks.table import CONSOLE, interleaved, show

STREAMS = 500
WITHOUT, WITH = "no streams", f"{STREAMS} idle streams"
PATH = "/trail/v1/feed?after=now&type=order.created"


def main(server: str, runs: int) -> None:
    """Print the table."""
    grown: list[float] = []
    with fresh_database(server, is_ours=True) as dsn:
        headers = authorised(dsn)
        append = request("POST", "/trail/v1/orders/A-1/events", headers, json.dumps(NATIVE).encode())
        follow = request("GET", PATH, {**headers, "Accept": "text/event-stream"}, b"")
        with ordertrail(dsn) as url:
            worker = next(p for p in psutil.Process().children(recursive=True) if p.name() == "trail-http")
            answers(url, append, seconds=WARM_UP_SECONDS)

            def without() -> float:
                return answers(url, append).rate

            def with_streams() -> float:
                before = worker.memory_info().rss
                with _opened(url, follow):
                    grown.append((worker.memory_info().rss - before) / 2**20)
                    return answers(url, append).rate

            figures = interleaved({WITH: with_streams, WITHOUT: without}, runs=runs)
    show(f"Appends of one tenant, {CONNECTIONS} connections, one worker", "requests/s", [("append", figures)])
    CONSOLE.print(f"{STREAMS} streams took {max(grown):.1f} MiB of the worker's memory ({grown[0]:.1f} the first time)")


@contextmanager
def _opened(url: str, follow: bytes) -> Iterator[None]:
    """Open so many streams, and read the beginning of each."""
    address = urlsplit(url)
    with ExitStack() as stack:
        for _ in range(STREAMS):
            stream = stack.enter_context(socket.create_connection((address.hostname, address.port or 80)))
            stream.sendall(follow)
            received = b""
            while b": alive" not in received:
                received += stream.recv(4_096)
                assert b" 200 " in received.partition(b"\r\n")[0], received
        yield
    time.sleep(1)  # until the worker has noticed that all have left
