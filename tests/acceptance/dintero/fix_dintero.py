"""A Dintero client's view of an account: tokens, and its orders."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.fix_server import Account


def audience(account: str, host: str = "https://api.dintero.com") -> str:
    return f"{host}/v1/accounts/{account}"


async def token_of(client: httpx.AsyncClient, account: str) -> str:
    """Get a token with the client's key id and secret."""
    answer = await client.post(f"/accounts/{account}/auth/token", json={"audience": audience(account)})
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


@pytest.fixture
async def dintero(account: Account) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the account that sends its key id and secret."""
    async with httpx.AsyncClient(
        base_url=f"{account.url}/v1", auth=(account.key_id, account.secret), timeout=30
    ) as client:
        yield client


@pytest.fixture
async def shopping(
    account: Account, dintero: httpx.AsyncClient, http: httpx.AsyncClient
) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a token, at the account's orders, of which A-1 exists."""
    await http.post("/trail/v1/orders", json={"order_id": "A-1"})
    headers = {"Authorization": f"Bearer {await token_of(dintero, account.dintero_account)}"}
    base = f"{account.url}/v1/accounts/{account.dintero_account}/shopping/orders"
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=30) as client:
        yield client


async def listed(shopping: httpx.AsyncClient, order_id: str = "A-1") -> dict[str, Any]:
    """Return an order's list without its API events: what services reported, and the combined state."""
    answer = await shopping.get(f"/{order_id}/events")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return {**body, "events": [event for event in body["events"] if "service" in event]}


def error_of(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Return the error of an answer in Dintero's form."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"code", "message", "errors"}
    return error
