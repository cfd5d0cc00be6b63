"""Appends that come faster than they can be stored: what becomes of them, and of the worker's memory."""

import asyncio
import json
import statistics
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil
import uvloop
from rich.table import Table

from benchmarks.databases import fresh_database
from benchmarks.http_append import NATIVE, authorised
from benchmarks.load import answers, ordertrail, request
from benchmarks.table import CONSOLE

CONNECTIONS = 1_900
USUAL_CONNECTIONS = 64
SECONDS = 10.0
WARM_UP_SECONDS = 2.0
"""Answers of the first seconds are told apart: in these the worker finds out that it is too much."""
TICK_SECONDS = 0.002
FACTORS = (3, 10)
HEALTH = request("GET", "/healthz", {})
PATH = "/trail/v1/orders/A-1/events"


class _Answer(NamedTuple):
    due: float
    """When the request was to be sent, whether or not it could be."""
    seconds: float
    """How long after that it was answered."""
    status: bytes


class _Connection(asyncio.Protocol):
    """A connection on which one request at a time is sent."""

    def __init__(self, idle: "deque[_Connection]", answered: list[_Answer]) -> None:
        self._idle, self._answered = idle, answered
        self._due = 0.0
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._idle.append(self)

    def send(self, request: bytes, due: float) -> None:
        self._due = due
        self._transport.write(request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if separator and len(body) >= int(head.partition(b"content-length: ")[2].split(b"\r\n", 1)[0]):
            self._answered.append(_Answer(self._due, time.perf_counter() - self._due, head[9:12]))
            self._received = b""
            self._idle.append(self)

    def close(self) -> None:
        self._transport.close()


async def _offer(url: str, append: bytes, rate: float, seconds: float) -> tuple[list[_Answer], float]:
    """Send so many requests a second, answered or not, and return the answers and when it began.

    A request for which no connection is free is not sent.
    """
    parts, loop = urlsplit(url), asyncio.get_running_loop()
    idle: deque[_Connection] = deque()
    answered: list[_Answer] = []
    connections = [
        (await loop.create_connection(lambda: _Connection(idle, answered), parts.hostname, parts.port))[1]
        for _ in range(CONNECTIONS)
    ]
    for connection in list(idle):
        idle.remove(connection)
        connection.send(HEALTH, 0.0)
    while len(idle) < len(connections):  # noqa: ASYNC110 the server takes up connections one by one
        await asyncio.sleep(TICK_SECONDS)
    answered.clear()
    began = time.perf_counter()
    sent = tried = 0
    while (now := time.perf_counter()) < began + seconds:
        due = int((now - began) * rate)
        while tried < due:
            if idle:
                idle.popleft().send(append, began + tried / rate)
                sent += 1
            tried += 1
        await asyncio.sleep(TICK_SECONDS)
    deadline = time.perf_counter() + 30
    while len(answered) < sent and time.perf_counter() < deadline:  # noqa: ASYNC110 nobody tells
        await asyncio.sleep(TICK_SECONDS)
    for connection in connections:
        connection.close()
    return answered, began


class _Load(NamedTuple):
    """What came of one rate of requests. Times are in seconds."""

    sent: float
    """Requests a second, after the first seconds."""
    accepted: list[float]
    refused: list[float]
    first: list[float]
    """The times of those that were accepted in the first seconds."""
    others: int
    """How many were answered in any other way."""
    memory: float
    """By how many MB the worker's memory was larger at its largest than before."""

    def row(self, name: str, usual: "_Load") -> list[str]:
        """Return the cells of a row of the table."""
        p99 = _p99(self.accepted)
        counted = SECONDS - WARM_UP_SECONDS
        return [
            name,
            f"{self.sent:,.0f}",
            f"{len(self.accepted) / counted:,.0f}",
            f"{len(self.refused) / counted:,.0f}",
            str(self.others),
            f"{p99:,.0f}",
            f"[bold]{p99 / _p99(usual.accepted):.2f}[/bold]",
            f"{_p99(self.first):,.0f}",
            f"{_p99(self.refused):,.0f}" if self.refused else "",
            f"{self.memory:+.0f}",
        ]


def _measure(url: str, append: bytes, rate: float) -> _Load:
    [worker] = [p for p in psutil.Process().children(recursive=True) if p.name() == "trail-http"]
    before = _memory(worker, "VmRSS")
    Path(f"/proc/{worker.pid}/clear_refs").write_text("5", encoding="ascii")  # VmHWM begins anew
    answered, began = uvloop.run(_offer(url, append, rate, SECONDS))
    memory = _memory(worker, "VmHWM") - before
    first = [one.seconds for one in answered if one.status == b"201" and one.due < began + WARM_UP_SECONDS]
    counted = [one for one in answered if one.due >= began + WARM_UP_SECONDS]
    accepted = [one.seconds for one in counted if one.status == b"201"]
    refused = [one.seconds for one in counted if one.status in {b"429", b"503"}]
    others = len(counted) - len(accepted) - len(refused)
    return _Load(len(counted) / (SECONDS - WARM_UP_SECONDS), accepted, refused, first, others, memory)


def _memory(process: psutil.Process, field: str) -> float:
    lines = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:"))


def _p99(seconds: Sequence[float]) -> float:
    """Return the time in ms that one in a hundred exceeds."""
    return statistics.quantiles(seconds, n=100)[98] * 1_000 if len(seconds) > 1 else float("nan")


def main(server: str, runs: int) -> None:
    """Print a table for each run. It takes a minute."""
    with fresh_database(server, is_ours=True) as dsn:
        append = request("POST", PATH, authorised(dsn), json.dumps(NATIVE).encode())
        with ordertrail(dsn) as url:
            answers(url, append, connections=USUAL_CONNECTIONS)
            for _ in range(runs):
                _show(url, append)


def _show(url: str, append: bytes) -> None:
    rate = answers(url, append, connections=USUAL_CONNECTIONS).rate
    table = Table(
        title=f"Appends at multiples of {rate:,.0f}/s, which {USUAL_CONNECTIONS} clients reach that send in turn",
        title_justify="left",
        title_style="bold",
    )
    for name in ("", "sent/s", "accepted/s", "refused/s", "others", "accepted\np99 ms", "ratio"):
        table.add_column(name, justify="right")
    for name in ("at first\np99 ms", "refused\np99 ms", "memory\nMB"):
        table.add_column(name, justify="right")
    usual = _measure(url, append, rate)
    table.add_row(*usual.row("1 time", usual))
    for factor in FACTORS:
        table.add_row(*_measure(url, append, rate * factor).row(f"{factor} times", usual))
    CONSOLE.print(table)
