"""The limits of the interfaces are what is set."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.cli.maintenance import create_key, create_tenant
from tests.fix_postgres import database
from tests.fix_server import Server, running

LIMITS = {"SHOPLINE_RATE": "0", "SENDCLOUD_LIMITS": "true", "CARRIYO_RATE": "2"}


@pytest.fixture(scope="module")
def limited(server_dsn: str, template_name: str) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as environment, database(server_dsn, template=template_name) as dsn:
        for name, value in LIMITS.items():
            environment.setenv(f"ORDERTRAIL_{name}", value)
        with running(dsn) as server:
            yield server


@pytest.fixture
async def key(limited: Server) -> dict[str, Any]:
    tenant = f"t-{secrets.token_hex(6)}"
    await create_tenant(limited.dsn, tenant, is_implicit=True, dintero_account=None)
    return await create_key(limited.dsn, tenant, scopes=("admin",), name="Test")


async def burst(
    server: Server, method: str, path: str, headers: dict[str, str], **request: Any
) -> list[httpx.Response]:
    """Send 40 requests at once."""
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30) as http:
        return await asyncio.gather(*(http.request(method, path, **request) for _ in range(40)))


def bearer(key: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {key['token']}"}


async def test_a_limit_can_be_taken_away(limited: Server, key: dict[str, Any]) -> None:
    answers = await burst(limited, "GET", "/v1/token/info", bearer(key))

    assert Counter(answer.status_code for answer in answers) == {200: 40}


async def test_sendclouds_writes_are_limited_and_its_reads_are_counted_apart(
    limited: Server, key: dict[str, Any]
) -> None:
    log = {"base_url": "https://shop.example"}

    written = await burst(limited, "POST", "/api/v3/integrations/1/logs", bearer(key), json=log)
    read = await burst(limited, "GET", "/api/v3/integrations/1/logs", bearer(key))

    statuses = Counter(answer.status_code for answer in written)
    assert set(statuses) == {201, 429}
    assert statuses[201] >= 15
    refused = next(answer for answer in written if answer.status_code == 429)
    assert refused.json()["errors"][0]["code"] == "throttled"
    assert int(refused.headers["retry-after"]) >= 1
    assert 429 not in {answer.status_code for answer in read}


async def test_carriyos_operations_are_limited(limited: Server, key: dict[str, Any]) -> None:
    headers = {**bearer(key), "x-api-key": key["key_id"], "tenant-id": key["tenant"]}

    answers = await burst(limited, "POST", "/orders/A-1/system-logs", headers, json={})

    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["status"] == "429"
    assert refused.headers["retry-after"] == "1"
