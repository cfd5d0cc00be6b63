"""Dintero's own SDK for Python, unchanged but for the host it calls."""

import asyncio

import httpx
import pytest
from dintero import Dintero
from dintero.error import AuthError, UnexpectedError

from tests.fix_server import Account

EVENT = {"state": "success", "service": "kitchen", "service_status": "ready_for_pickup"}


def sdk(account: Account, secret: str) -> Dintero:
    return Dintero(account.dintero_account, account.key_id, secret, api_url=account.url, checkout_url=account.url)


async def test_the_sdk_gets_a_token_that_opens_the_orders(account: Account, http: httpx.AsyncClient) -> None:
    await http.post("/trail/v1/orders", json={"order_id": "A-1"})
    checkout = sdk(account, account.secret).checkout()
    path = f"{account.url}/v1/accounts/{account.dintero_account}/shopping/orders/A-1/events"

    # The SDK asks for a token before its first call. Sessions are not orders' business, so that call finds nothing.
    with pytest.raises(UnexpectedError) as missing:
        await asyncio.to_thread(checkout.get_session, "T12345678.1")
    headers = {"Authorization": f"Bearer {checkout.auth_token}"}

    assert missing.value.status_code == 404
    assert (await http.post(path, json=EVENT, headers=headers)).status_code == 200
    assert (await http.get(path, headers=headers)).json()["state"] == "success"


async def test_the_sdk_knows_what_a_refusal_is(account: Account) -> None:
    checkout = sdk(account, "another secret").checkout()

    with pytest.raises(AuthError) as refused:
        await asyncio.to_thread(checkout.get_session, "T12345678.1")

    assert refused.value.status_code == 401
