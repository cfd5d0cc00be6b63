"""A Carriyo client's view of an account: its three headers, and its orders."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.fix_server import Account

LOGS = "/orders/A-1/system-logs"


async def headers_of(account: Account, key_id: str, secret: str) -> dict[str, str]:
    """Get a token, as Carriyo's documentation has it, and return what to send with it."""
    async with httpx.AsyncClient(base_url=account.url) as client:
        token = await client.post("/oauth/token", json={"client_id": key_id, "client_secret": secret})
    return {
        "Authorization": f"Bearer {token.json()['access_token']}",
        "x-api-key": key_id,
        "tenant-id": account.tenant,
    }


@pytest.fixture
async def carriyo(account: Account, http: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A client as Carriyo's documentation sets it up, of a tenant with an order A-1 that a partner calls web-1."""
    customer = {"id": "c-9", "name": "Ann Li"}
    await http.post("/trail/v1/orders", json={"order_id": "A-1", "reference": "web-1", "customer": customer})
    headers = await headers_of(account, account.key_id, account.secret)
    async with httpx.AsyncClient(base_url=account.url, headers=headers, timeout=30) as client:
        yield client


async def logged(carriyo: httpx.AsyncClient, order_id: str = "A-1", **call: Any) -> dict[str, Any]:
    """Log a call, and return the answer."""
    answer = await carriyo.post(f"/orders/{order_id}/system-logs", json=call)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def listed(carriyo: httpx.AsyncClient, query: str = "", order_id: str = "A-1") -> list[dict[str, Any]]:
    """Return the logs of an order."""
    answer = await carriyo.get(f"/orders/{order_id}/system-logs?{query}")
    assert answer.status_code == 200, answer.text
    body: list[dict[str, Any]] = answer.json()
    return body


async def whole(carriyo: httpx.AsyncClient, log: dict[str, Any]) -> httpx.Response:
    """Follow the link to all that is known of a call, without credentials."""
    link = await carriyo.get(f"/orders/{log['order_id']}/system-logs/{log['identifier']}")
    assert link.status_code == 200, link.text
    return await followed(link.json())


async def followed(link: str) -> httpx.Response:
    """Follow a link without credentials."""
    async with httpx.AsyncClient(timeout=30) as stranger:
        return await stranger.get(link)


def assert_error(answer: httpx.Response, status: int, *, about: str = "") -> None:
    """Assert that an answer is an error in one of Carriyo's two shapes."""
    body = answer.json()
    assert answer.status_code == status, answer.text
    assert body.keys() - {"error_details"} == {"status", "timestamp", "errors"}
    assert body["status"] == str(status)
    assert body["timestamp"].endswith("+00:00")
    assert all(isinstance(error, str) for error in body["errors"])
    assert any(about in error for error in body["errors"]), body
    for detail, error in zip(body.get("error_details", []), body["errors"], strict="error_details" in body):
        assert detail.keys() == {"source", "level", "code", "field", "message"}
        assert error == f"{detail['field']} : {detail['message']}"
