"""Reads see what was written before them; if the views cannot keep up, reads say so and writes go on."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx
import psutil
import psycopg
import pytest

from api.cli.maintenance import create_key, create_tenant
from tests.fix_postgres import database
from tests.fix_server import Server, running
from tests.native import ORDERS, an_order, append, assert_problem, new_id, status


@pytest.fixture(scope="module")
def two_workers(server_dsn: str, template_name: str) -> Iterator[Server]:
    """A server whose reads wait for as long as the views take."""
    with database(server_dsn, template=template_name) as dsn, running(dsn, "--workers", "2") as server:
        yield server


@pytest.fixture(scope="module")
def halting(server_dsn: str, template_name: str) -> Iterator[Server]:
    """A server whose projector these tests may stop, and whose reads wait for a second as they do by default."""
    with (
        database(server_dsn, template=template_name) as dsn,
        running(dsn, "--workers", "2", read_wait_seconds=1) as server,
    ):
        yield server


@pytest.fixture
async def http(two_workers: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with _client(two_workers) as client:
        yield client


@pytest.fixture
async def halting_http(halting: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with _client(halting) as client:
        yield client


@asynccontextmanager
async def _client(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a tenant of the test's own; each request has a new connection, which may reach the other worker."""
    tenant = new_id()
    await create_tenant(server.dsn, tenant, is_implicit=False, dintero_account=None)
    key = await create_key(server.dsn, tenant, scopes=("admin",), name="Test")
    headers = {"Authorization": f"Bearer {key['token']}", "X-Tenant": tenant}
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=server.url, headers=headers, limits=limits, timeout=30) as client:
        yield client


def projector_of(server: Server) -> psutil.Process:
    [process] = [p for p in psutil.Process(server.process.pid).children() if p.name() == "trail-projector"]
    return process


@contextmanager
def without_projector(server: Server) -> Iterator[None]:
    process = projector_of(server)
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


async def test_what_was_written_is_read_at_once_from_whichever_worker(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)

    async def write_and_read(n: int) -> None:
        appended = await append(http, order_id, status(f"status {n}"))
        order = await http.get(f"{ORDERS}/{order_id}")
        assert order.json()["version"] >= appended.json()["version"]
        assert int(order.headers["ordertrail-position"]) >= int(appended.headers["ordertrail-position"])
        assert "ordertrail-lag" not in order.headers

    for n in range(100):
        await write_and_read(n)
    await asyncio.gather(*[write_and_read(n) for n in range(20)])


async def test_every_list_shows_a_new_order_at_once(http: httpx.AsyncClient) -> None:
    for _ in range(20):
        order_id = await an_order(http)

        assert (await http.get(ORDERS)).json()["items"][0]["order_id"] == order_id
        assert len((await http.get(f"{ORDERS}/{order_id}/timeline")).json()["items"]) == 1


async def test_while_the_projector_stands_still_reads_say_how_much_they_miss(
    halting_http: httpx.AsyncClient, halting: Server
) -> None:
    order_id = await an_order(halting_http)
    await halting_http.get(f"{ORDERS}/{order_id}")

    with without_projector(halting):
        appended = await append(halting_http, order_id, status("open"), status("closed"))
        started = time.monotonic()
        order = await halting_http.get(f"{ORDERS}/{order_id}")
        waited = time.monotonic() - started
        missing = await halting_http.get(f"{ORDERS}/{await an_order(halting_http)}")
        feed = await halting_http.get("/trail/v1/feed")

    assert appended.status_code == 201
    assert 0.9 < waited < 3
    assert (order.headers["ordertrail-lag"], order.headers["ordertrail-position"]) == ("2", "1")
    assert order.json()["status"] is None
    assert_problem(missing, 404)
    assert missing.headers["ordertrail-lag"] == "3"
    assert len(feed.json()["items"]) == 4
    await _caught_up(halting_http, order_id)
    order = await halting_http.get(f"{ORDERS}/{order_id}")
    assert order.json()["status"] == "closed"
    assert order.headers["ordertrail-position"] == "4"


async def test_a_view_that_has_stopped_keeps_nobody_waiting_and_is_visible(
    halting_http: httpx.AsyncClient, halting: Server
) -> None:
    order_id = await an_order(halting_http)
    await halting_http.get(f"{ORDERS}/{order_id}")
    tenant = halting_http.headers["x-tenant"]

    with without_projector(halting):
        await append(halting_http, order_id, status("open"))
        await _stop(halting.dsn, tenant, "order_state", "ValueError: broken\nby 'secret data'")
        started = time.monotonic()
        order = await halting_http.get(f"{ORDERS}/{order_id}")
        waited = time.monotonic() - started
        ready, metrics = await halting_http.get("/readyz"), await halting_http.get("/metrics")

    assert waited < 0.9
    assert order.headers["ordertrail-lag"] == "1"
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["stopped"] == {"order_state": 1}
    assert ready.json()["lag"]["order_state"] >= 1
    assert 'ordertrail_projection_stopped_tenants{projection="order_state"} 1.0' in metrics.text
    assert 'ordertrail_projection_lag_events{projection="order_state"} ' in metrics.text
    assert "ordertrail_unsealed_events " in metrics.text
    assert "ordertrail_sealing_stopped_tenants 0.0" in metrics.text


async def test_a_view_without_a_checkpoint_has_read_nothing(halting_http: httpx.AsyncClient, halting: Server) -> None:
    order_id = await an_order(halting_http)
    await halting_http.get(f"{ORDERS}/{order_id}/timeline")

    with without_projector(halting):
        await _execute(
            halting.dsn,
            "DELETE FROM ordertrail.checkpoints WHERE tenant = %s AND projection = 'timeline'",
            halting_http.headers["x-tenant"],
        )
        timeline = await halting_http.get(f"{ORDERS}/{order_id}/timeline")

    assert timeline.headers["ordertrail-lag"] == "1"


async def _caught_up(http: httpx.AsyncClient, order_id: str) -> None:
    """Wait until reads miss nothing."""
    deadline = time.monotonic() + 20
    while "ordertrail-lag" in (await http.get(f"{ORDERS}/{order_id}")).headers:
        assert time.monotonic() < deadline


async def _stop(dsn: str, tenant: str, view: str, error: str) -> None:
    statement = "UPDATE ordertrail.checkpoints SET error = %s, updated_at = now() WHERE projection = %s AND tenant = %s"
    await _execute(dsn, statement, error, view, tenant)


async def _execute(dsn: str, statement: str, *parameters: str) -> None:
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(statement, parameters)
