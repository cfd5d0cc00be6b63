"""What a worker takes in memory under attack, and how long it keeps others waiting, beside plain reads."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil
from rich.table import Table

from api.cli.maintenance import create_key, create_tenant
from benchmarks.databases import fresh_database
from benchmarks.load import ordertrail
from benchmarks.table import CONSOLE

MEGABYTE = 2**20
BODY = 16 * MEGABYTE - 1_000  # with what stands around it, just what a worker takes
EVENT = 8 * MEGABYTE
EVENTS = 100
CLIENTS = 8
JSON = {"Content-Type": "application/json"}


class _Worst(NamedTuple):
    """The most that a worker took, in MB, and the longest that another tenant waited for an answer, in ms."""

    before: float
    peak: float
    waited: float
    answered: int


class _Attack(NamedTuple):
    """What is sent, by how many clients at once."""

    name: str
    clients: int
    send: Callable[[httpx.AsyncClient], Coroutine[Any, Any, object]]


def _process(name: str) -> psutil.Process:
    [process] = [p for p in psutil.Process().children(recursive=True) if p.name() == f"trail-{name}"]
    return process


def _status(process: psutil.Process, field: str) -> float:
    """Return a figure of Linux's about a process, in MB."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(field)


@contextmanager
def _another_tenant(url: str, headers: dict[str, str]) -> Iterator[list[float]]:
    """Have another tenant read something small, over and over; yield how long each answer took, in ms."""
    waited: list[float] = []
    over = threading.Event()

    def read() -> None:
        with httpx.Client(base_url=url, headers=headers, timeout=300) as http:
            while not over.wait(0.01):
                began = time.perf_counter()
                http.get("/trail/v1/orders/small").raise_for_status()
                waited.append((time.perf_counter() - began) * 1_000)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield waited
    finally:
        over.set()
        reader.join()


def _measure(url: str, mine: dict[str, str], others: dict[str, str], attack: _Attack) -> _Worst:
    worker = _process("http")
    before = _status(worker, "VmRSS")
    Path(f"/proc/{worker.pid}/clear_refs").write_text("5")  # VmHWM begins anew

    async def attacking() -> None:
        async with httpx.AsyncClient(base_url=url, headers=mine, timeout=600) as http:
            await asyncio.gather(*(attack.send(http) for _ in range(attack.clients)))

    with _another_tenant(url, others) as waited:
        asyncio.run(attacking())
    return _Worst(before, _status(worker, "VmHWM"), max(waited), len(waited))


async def _take(http: httpx.AsyncClient, path: str, **query: Any) -> None:
    """Read an answer without keeping it."""
    with suppress(httpx.HTTPError):
        async with http.stream("GET", path, params=query) as response:
            async for _ in response.aiter_raw():
                pass


async def _whole_timeline(http: httpx.AsyncClient, order: str) -> None:
    query: dict[str, Any] = {"limit": 100, "order": order}
    while True:
        response = await http.get("/trail/v1/orders/large/timeline", params=query)
        query["cursor"] = response.json().get("next")
        if query["cursor"] is None:
            return


def _anonymous(body: bytes) -> Callable[[httpx.AsyncClient], Coroutine[Any, Any, object]]:
    async def pieces() -> AsyncIterator[bytes]:
        for n in range(0, len(body), 2**16):
            yield body[n : n + 2**16]

    async def send(http: httpx.AsyncClient) -> object:
        with suppress(httpx.HTTPError):
            return await http.post("/trail/v1/orders", content=pieces(), headers={**JSON, "Authorization": "Bearer no"})

    return send


def _post(body: bytes, status: int) -> Callable[[httpx.AsyncClient], Coroutine[Any, Any, object]]:
    async def send(http: httpx.AsyncClient) -> None:
        response = await http.post("/trail/v1/orders/small/events", content=body, headers=JSON)
        assert response.status_code == status, response.text

    return send


def _report(metadata: bytes) -> bytes:
    report = b'{"state": "success", "service": "s", "service_status": "s", "metadata": {"a": %b}}' % metadata
    return b'{"type": "order.service_event_recorded", "data": %b}' % report


def _attacks() -> list[_Attack]:
    brackets = b"[" + b"[]," * (BODY // 3 - 1) + b"0]"
    values = b"[" + b'{"":0},' * 99_000 + b'"%b"]' % (b"x" * (BODY - 99_000 * 7 - 1_000))
    text = json.dumps({"type": "order.comment_added", "data": {"text": ",[{" * (BODY // 3 - 100)}}).encode()
    return [
        _Attack("a small read", CLIENTS, lambda http: _take(http, "/trail/v1/orders/small")),
        _Attack(
            "a timeline of small events", CLIENTS, lambda http: _take(http, "/trail/v1/orders/many/timeline", limit=100)
        ),
        _Attack("16 MiB of [], without a credential", 4, _anonymous(brackets)),
        _Attack("16 MiB of [], with a credential", 4, _post(_report(brackets), 413)),
        _Attack("16 MiB of as many values as may be", 4, _post(_report(values), 201)),
        _Attack("16 MiB of text", 4, _post(text, 201)),
        _Attack("a timeline of 100 events of 8 MiB", 1, lambda http: _whole_timeline(http, "asc")),
        _Attack("the same, newest first", CLIENTS, lambda http: _whole_timeline(http, "desc")),
        _Attack("an action log of them", CLIENTS, lambda http: _take(http, "/v1/orders/large/action_logs")),
        _Attack("the order as SHOPLINE has it", CLIENTS, lambda http: _take(http, "/v1/orders/large")),
        _Attack("the feed of them", CLIENTS, lambda http: _take(http, "/trail/v1/feed", limit=1_000)),
        _Attack("the proofs of them all", 2, lambda http: _take(http, "/trail/v1/orders/large/proofs")),
        _Attack("how the order changed", 2, lambda http: _take(http, "/trail/v1/orders/large/diff")),
    ]


def _tell(url: str, headers: dict[str, str]) -> None:
    """Create an order with large events, one with many small ones, and one with next to nothing."""
    with httpx.Client(base_url=url, headers=headers, timeout=300) as http:
        for order in ("small", "many", "large"):
            http.post("/trail/v1/orders", json={"order_id": order}).raise_for_status()
        status = {"type": "order.status_updated", "data": {"status": "confirmed", "reason": "paid by card"}}
        http.post("/trail/v1/orders/many/events", json={"events": [status] * 100}).raise_for_status()
        for n in range(EVENTS):
            comment = {"type": "order.comment_added", "data": {"text": chr(ord("a") + n % 26) * EVENT}}
            http.post("/trail/v1/orders/large/events", json=comment).raise_for_status()
        while "ordertrail-lag" in http.get("/trail/v1/orders/large").headers:
            pass


def _tenant(dsn: str, name: str) -> dict[str, str]:
    asyncio.run(create_tenant(dsn, name, is_implicit=False, dintero_account=None))
    key = asyncio.run(create_key(dsn, name, scopes=("admin",), name="Bench"))
    return {"Authorization": f"Bearer {key['token']}"}


def main(server: str, runs: int) -> None:
    """Print the table; each attack is made once, on a worker of its own, since what counts is the worst."""
    table = Table(title="One worker under attack, and another tenant's small reads meanwhile", title_justify="left")
    for column in ("attack", "clients", "before, MB", "at most, MB", "more, MB", "another's longest wait, ms"):
        table.add_column(column, justify="left" if column == "attack" else "right")
    with fresh_database(server, is_ours=True) as dsn:
        mine, others = _tenant(dsn, "mine"), _tenant(dsn, "others")
        with ordertrail(dsn) as url:
            with httpx.Client(base_url=url, headers=others) as http:
                http.post("/trail/v1/orders", json={"order_id": "small"}).raise_for_status()
            _tell(url, mine)
            told = {name: _status(_process(name), "VmHWM") for name in ("http", "projector")}
        for attack in _attacks():
            with ordertrail(dsn) as url:
                worst = _measure(url, mine, others, attack)
            more, waited = worst.peak - worst.before, worst.waited
            figures = (f"{worst.before:,.0f}", f"{worst.peak:,.0f}", f"[bold]{more:,.0f}[/bold]", f"{waited:,.0f}")
            table.add_row(attack.name, str(attack.clients), *figures)
    CONSOLE.print(table)
    CONSOLE.print(
        f"While {EVENTS} events of 8 MiB were told, one by one: the worker at most {told['http']:,.0f} MB, the "
        f"projector {told['projector']:,.0f} MB"
    )
