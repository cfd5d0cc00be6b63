"""What a worker takes in memory has a bound, whatever is sent to it, and others are answered meanwhile."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from api.cli.maintenance import create_key, create_tenant
from api.http.reading.bodies import MAX_VALUES
from tests.fix_postgres import database
from tests.fix_server import Server, running
from tests.native import JSON, ORDERS, comment

MEGABYTE = 2**20
LARGEST = 16 * MEGABYTE
EVENT = 4 * MEGABYTE
EVENTS = 8
CLIENTS = 4
"""So many clients read so many large events at once: 128 MiB, of which each read would take several times as much."""
MORE = 350 * MEGABYTE
"""How much more than before a worker may take: what it has room for, several times over."""

Attack = Callable[[httpx.AsyncClient], Coroutine[Any, Any, object]]


@pytest.fixture(scope="module")
def guarded(server_dsn: str, template_name: str) -> Iterator[Server]:
    """A server of one worker, on which another has left nothing in memory."""
    with pytest.MonkeyPatch.context() as patch, database(server_dsn, template=template_name) as dsn:
        patch.setenv("ORDERTRAIL_SHOPLINE_RATE", "0")
        with running(dsn) as server:
            yield server


@asynccontextmanager
async def a_client(server: Server, tenant: str) -> AsyncIterator[httpx.AsyncClient]:
    with suppress(Exception):
        await create_tenant(server.dsn, tenant, is_implicit=False, dintero_account=None)
    key = await create_key(server.dsn, tenant, scopes=("admin",), name="Test")
    headers = {"Authorization": f"Bearer {key['token']}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=120) as client:
        yield client


@pytest.fixture
async def mine(guarded: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a tenant with an order of large events."""
    async with a_client(guarded, "mine") as client:
        if (await client.get(f"{ORDERS}/large")).status_code == 404:
            await client.post(ORDERS, json={"order_id": "large"})
            for n in range(EVENTS):
                await client.post(f"{ORDERS}/large/events", json=comment(chr(ord("a") + n) * EVENT))
        yield client


@pytest.fixture
async def another(guarded: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with a_client(guarded, "another") as client:
        await client.post(ORDERS, json={"order_id": "small"})
        yield client


async def _worst(server: Server, attacker: httpx.AsyncClient, another: httpx.AsyncClient, attack: Attack) -> int:
    """Have several clients attack, and return how much more memory the worker took, in bytes, at the most.

    Another tenant's requests are answered meanwhile.
    """
    [worker] = [p for p in psutil.Process(server.process.pid).children() if p.name() == "trail-http"]
    before = _memory(worker, "VmRSS")
    _begin_anew(worker)
    attacks = asyncio.gather(*(attack(attacker) for _ in range(CLIENTS)))
    answered = 0
    while not attacks.done():
        response = await another.get(f"{ORDERS}/small", timeout=10)
        assert response.status_code == 200
        answered += 1
    await attacks
    assert answered > 0
    return _memory(worker, "VmHWM") - before


def _begin_anew(process: psutil.Process) -> None:
    """Have the most that a process takes in memory counted from now on."""
    Path(f"/proc/{process.pid}/clear_refs").write_text("5", encoding="ascii")


def _memory(process: psutil.Process, field: str) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(f"{field}:"))


def _body(body: bytes, **headers: str) -> Attack:
    """Return what sends a body, in pieces that are not announced."""

    async def send(http: httpx.AsyncClient) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for n in range(0, len(body), 2**16):
                yield body[n : n + 2**16]

        with suppress(httpx.HTTPError):
            await http.post(f"{ORDERS}/large/events", content=pieces(), headers={**JSON, **headers})

    return send


def _reading(path: str) -> Attack:
    """Return what reads an answer without keeping it."""

    async def read(http: httpx.AsyncClient) -> None:
        async with http.stream("GET", path) as response:
            assert response.status_code == 200
            async for _ in response.aiter_raw():
                pass

    return read


async def _timeline(http: httpx.AsyncClient) -> None:
    query: dict[str, Any] = {"limit": 100, "order": "desc"}
    items = 0
    while "cursor" not in query or query["cursor"] is not None:
        page = (await http.get(f"{ORDERS}/large/timeline", params=query)).json()
        items += len(page["items"])
        query["cursor"] = page["next"]
    assert items >= EVENTS + 1


def _report(metadata: str) -> bytes:
    report = {"state": "success", "service": "s", "service_status": "s", "metadata": {"a": "here"}}
    event = json.dumps({"type": "order.service_event_recorded", "data": report})
    return event.replace('"here"', metadata).encode()


BRACKETS = _report(f"[{'[],' * (LARGEST // 3 - 200)}0]")
VALUES = _report("[" + '{"":0},' * (MAX_VALUES // 2 - 100) + "0]")


@pytest.mark.parametrize(
    ("attack", "more"),
    [
        (_body(BRACKETS, Authorization="Bearer no"), 20 * MEGABYTE),
        (_body(BRACKETS), MORE),
        (_body(VALUES), MORE),
        (_body(json.dumps(comment(",[{" * (LARGEST // 3 - 200))).encode()), MORE),
        (_timeline, MORE),
        (_reading("/v1/orders/large/action_logs"), MORE),
        (_reading("/v1/orders/large"), MORE),
        (_reading("/trail/v1/feed"), MORE),
        (_reading(f"{ORDERS}/large/diff"), MORE),
        (_reading(f"{ORDERS}/large/proofs"), MORE),
    ],
    ids=["anonymous", "brackets", "values", "text", "timeline", "action log", "order", "feed", "diff", "proofs"],
)
async def test_memory_has_a_bound_and_another_tenant_is_answered(
    guarded: Server, mine: httpx.AsyncClient, another: httpx.AsyncClient, attack: Attack, more: int
) -> None:
    took = await _worst(guarded, mine, another, attack)

    assert took < more, f"{took / MEGABYTE:.0f} MiB"
