"""Sendcloud as its documentation sets it up, and what its answers must look like."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.fix_server import Account

INTEGRATIONS = "/api/v3/integrations"
LOGS = f"{INTEGRATIONS}/123/logs"
ALL_LOGS = f"{INTEGRATIONS}/logs"
NATIVE = "/trail/v1/integrations"
MINIMAL = {"base_url": "https://example.com"}
RECOVERED = {"type": "integration.recovered", "data": {"description": "The certificate was renewed"}}


@pytest.fixture
async def sendcloud(account: Account, http: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a key pair, of a tenant with the integration 123."""
    await http.put("/trail/v1/integrations/123", json={"shop_name": "Example"})
    async with httpx.AsyncClient(base_url=account.url, auth=(account.key_id, account.secret), timeout=30) as client:
        yield client


def assert_error(answer: httpx.Response, status: int, code: str, *, pointer: str | None = None) -> None:
    assert answer.status_code == status, answer.text
    assert answer.json().keys() == {"errors"}
    errors = answer.json()["errors"]
    for error in errors:
        assert {"status", "code", "detail"} <= error.keys() <= {"status", "code", "title", "detail", "source"}
        assert error["status"] == str(status)
    wanted = [e for e in errors if e["code"] == code and (not pointer or e["source"] == {"pointer": pointer})]
    assert wanted, errors


async def new_log(sendcloud: httpx.AsyncClient, integration_id: int = 123, **body: Any) -> int:
    """Create a log and return its id."""
    answer = await sendcloud.post(f"{INTEGRATIONS}/{integration_id}/logs", json={**MINIMAL, **body})
    assert answer.status_code == 201, answer.text
    id_: int = answer.json()["data"]["id"]
    return id_


def ids(answer: httpx.Response) -> list[int]:
    """Return the ids of the logs of a page."""
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"data"}
    return [log["id"] for log in answer.json()["data"]]


async def walk(sendcloud: httpx.AsyncClient, start: str | httpx.Response, rel: str = "next") -> list[httpx.Response]:
    """Return a page, by its address or as it was answered, and all those that links of this kind lead to from it."""
    pages = [await sendcloud.get(start) if isinstance(start, str) else start]
    while rel in pages[-1].links:
        pages.append(await sendcloud.get(pages[-1].links[rel]["url"]))
    return pages


async def register(http: httpx.AsyncClient, integration_id: int = 123, **body: Any) -> None:
    answer = await http.put(f"{NATIVE}/{integration_id}", json=body)
    assert answer.status_code == 200, answer.text


async def recover(http: httpx.AsyncClient, integration_id: int = 123, **event: Any) -> httpx.Response:
    return await http.post(f"{NATIVE}/{integration_id}/events", json={**RECOVERED, **event})
