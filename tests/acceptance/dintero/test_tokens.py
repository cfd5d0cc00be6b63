"""Dintero's tokens with fewer scopes than the credential has."""

from typing import Any

import httpx
import pytest

from tests.acceptance.dintero.fix_dintero import audience, error_of
from tests.fix_server import Account

EVENT = {"state": "success", "service": "kitchen", "service_status": "ready_for_pickup"}


async def asked(account: Account, dintero: httpx.AsyncClient, scope: Any, *granted: str) -> httpx.Response:
    """Ask for a token with a scope; of a new credential, if it is told what that is granted."""
    key = await account.key(*granted) if granted else {"key_id": account.key_id, "secret": account.secret}
    return await dintero.post(
        f"/accounts/{account.dintero_account}/auth/token",
        json={"audience": audience(account.dintero_account), "scope": scope},
        auth=(key["key_id"], key["secret"]),
    )


@pytest.mark.parametrize(
    ("scope", "written", "read"),
    [
        (None, 200, 200),
        ("admin", 200, 200),
        ("write:shopping", 200, 403),
        ("read:shopping:/orders/ANY/events", 403, 200),
        ("read:shopping write:shopping:/orders/A-1/events", 200, 200),
        ("read:shopping:/orders/A-2/events read:shopping:/orders/A-3/events", 403, 403),
    ],
)
async def test_a_token_has_the_scopes_it_was_asked_for(
    account: Account, dintero: httpx.AsyncClient, shopping: httpx.AsyncClient, scope: str, written: int, read: int
) -> None:
    answer = await asked(account, dintero, scope)

    assert answer.status_code == 200
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await shopping.post("/A-1/events", json=EVENT, headers=headers)).status_code == written
    assert (await shopping.get("/A-1/events", headers=headers)).status_code == read


@pytest.mark.parametrize(
    ("granted", "scope"),
    [
        ("write:shopping", "admin"),
        ("write:shopping", "write"),
        ("write:shopping", "write:shopping read:shopping"),
        ("write:shopping:/orders/ANY/events", "write:shopping"),
        ("write:shopping:/orders/A-1/events", "write:shopping:/orders/ANY/events"),
    ],
)
async def test_no_token_has_more_scopes_than_its_credential(
    account: Account, dintero: httpx.AsyncClient, granted: str, scope: str
) -> None:
    error = error_of(await asked(account, dintero, scope, granted), 400)

    assert [(fault["field"], fault["type"]) for fault in error["errors"]] == [("body.scope", "invalid_scope")]


@pytest.mark.parametrize("scope", ["", " ", "write:shopping ", "write:shopping  read:shopping", "é", "a\u0000", 7, []])
async def test_a_scope_that_is_none_is_answered_400(account: Account, dintero: httpx.AsyncClient, scope: Any) -> None:
    error_of(await asked(account, dintero, scope), 400)


async def test_a_client_gets_no_refresh_token(account: Account, dintero: httpx.AsyncClient) -> None:
    assert set((await asked(account, dintero, None)).json()) == {"access_token", "token_type", "expires_in"}
