"""A server whose database's clock is far ahead refuses to record, says why, and reads as before."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from api.cli.maintenance import create_key, create_tenant
from tests.clocks import Clock
from tests.fix_postgres import database
from tests.fix_server import running
from tests.paths import ROOT


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")
    return Clock(tmp_path)


@pytest.fixture
async def client(clock: Clock, server_dsn: str, template_name: str) -> AsyncIterator[httpx.AsyncClient]:
    clock.set_behind(0)
    with database(server_dsn, template=template_name) as dsn, running(dsn) as server:
        await create_tenant(dsn, "acme", is_implicit=True, dintero_account="T12345678")
        key = await create_key(dsn, "acme", scopes=("admin",), name="")
        headers = {"Authorization": f"Bearer {key['token']}", "x-api-key": key["key_id"], "tenant-id": "acme"}
        async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30) as client:
            yield client


async def test_every_interface_is_told_why_nothing_is_recorded(client: httpx.AsyncClient, clock: Clock) -> None:
    assert (await client.post("/trail/v1/orders", json={"order_id": "A-1"})).status_code == 201
    clock.set_behind(3600)
    report = {"service": "wms", "service_status": "OK"}
    told = {"type": "order.status_updated", "data": {"status": "open"}, "event_id": "e-1"}
    writes = [
        ("POST", "/trail/v1/orders", {"order_id": "A-2"}),
        ("POST", "/trail/v1/orders/A-1/events", told),
        ("PUT", "/trail/v1/integrations/7", {}),
        ("POST", "/orders/A-1/system-logs", {"request_body": "x"}),
        ("PATCH", "/v1/orders/A-1/status", {"status": "confirmed"}),
        ("POST", "/v1/accounts/T12345678/shopping/orders/A-1/events", report),
        ("POST", "/api/v3/integrations/7/logs", {"base_url": "https://shop.example"}),
    ]

    answers = [await client.request(method, path, json=body) for method, path, body in writes]

    assert [answer.status_code for answer in answers] == [503] * len(writes)
    assert [("clock is" in answer.text, int(answer.headers["retry-after"]) > 0) for answer in answers] == [
        (True, True)
    ] * len(writes)
    assert answers[0].json()["type"] == "urn:ordertrail:problem:unavailable"
    assert (await client.get("/trail/v1/orders/A-1")).json()["version"] == 1
    assert len((await client.get("/trail/v1/feed")).json()["items"]) == 1

    clock.set_behind(30)

    assert (await client.post("/trail/v1/orders/A-1/events", json=told)).status_code == 201
    assert len((await client.get("/trail/v1/feed")).json()["items"]) == 2


async def test_how_far_it_may_be_ahead_is_a_setting(
    server_dsn: str, template_name: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERTRAIL_MAX_CLOCK_AHEAD_SECONDS", "7200")
    clock.set_behind(3600)

    with database(server_dsn, template=template_name) as dsn, running(dsn) as server:
        await create_tenant(dsn, "acme", is_implicit=False, dintero_account=None)
        key = await create_key(dsn, "acme", scopes=("admin",), name="")
        headers = {"Authorization": f"Bearer {key['token']}"}
        async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30) as client:
            assert (await client.post("/trail/v1/orders", json={})).status_code == 201
