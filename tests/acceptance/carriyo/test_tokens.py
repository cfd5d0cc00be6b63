"""Carriyo's tokens and the headers that go with them, as its documentation tells them."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.acceptance.carriyo.fix_carriyo import LOGS, assert_error, headers_of
from tests.fix_server import Account


async def test_a_token_is_issued_for_a_key_and_its_secret(account: Account) -> None:
    credential = {"client_id": account.key_id, "client_secret": account.secret, "grant_type": "client_credentials"}

    async with httpx.AsyncClient(base_url=account.url) as client:
        answer = await client.post("/oauth/token", json=credential)

    token = answer.json()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert token.keys() == {"access_token", "scope", "expires_in", "token_type"}
    assert token["access_token"].count(".") == 2
    assert token["scope"] == f"tenant:{account.tenant} admin"
    assert (token["expires_in"], token["token_type"]) == (86400, "Bearer")


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"client_id": "nobody", "client_secret": "nothing"}, 403, "access_denied"),
        ({"client_id": "a\u0000b", "client_secret": "nothing"}, 400, "bad_request"),
        ({"client_id": "nobody"}, 400, "bad_request"),
        ({"client_id": 1, "client_secret": None}, 400, "bad_request"),
        ([], 400, "bad_request"),
        (None, 400, "bad_request"),
    ],
)
async def test_a_token_is_refused_in_the_words_of_oauth(account: Account, body: Any, status: int, error: str) -> None:
    async with httpx.AsyncClient(base_url=account.url) as client:
        answer = await client.post("/oauth/token", json=body)

    assert answer.status_code == status
    assert answer.json().keys() == {"error", "error_description"}
    assert answer.json()["error"] == error


async def test_a_token_request_that_is_not_json_is_a_bad_request(account: Account) -> None:
    async with httpx.AsyncClient(base_url=account.url) as client:
        bare = await client.post("/oauth/token", content=b"client_id=a&client_secret=b")
        form = await client.post("/oauth/token", data={"client_id": "a", "client_secret": "b"})

    for answer in (bare, form):
        assert answer.status_code == 400
        assert answer.json()["error"] == "bad_request"


@pytest.mark.parametrize("token", [None, "", "Bearer", "Bearer x.y.z", "Bearer ot_a_b", "Basic YTpi", "Bearer ø"])
async def test_a_call_without_a_valid_token_is_a_401(carriyo: httpx.AsyncClient, token: str | None) -> None:
    headers = [(name, value) for name, value in carriyo.headers.raw if name.lower() != b"authorization"]
    carriyo.headers = httpx.Headers(headers)
    sent = {} if token is None else {"Authorization": token.encode()}

    answer = await carriyo.post(LOGS, json={}, headers=sent)  # type: ignore[arg-type]

    assert_error(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["x-api-key", "tenant-id"])
async def test_another_api_key_or_tenant_or_none_is_a_403(carriyo: httpx.AsyncClient, header: str) -> None:
    other = await carriyo.post(LOGS, json={}, headers={header: "another"})
    empty = await carriyo.post(LOGS, json={}, headers={header: ""})
    del carriyo.headers[header]
    missing = await carriyo.post(LOGS, json={})

    for answer in (other, empty, missing):
        assert_error(answer, 403)


async def test_the_key_of_another_tenant_does_not_open_this_one(
    carriyo: httpx.AsyncClient, another_account: Callable[[], Awaitable[Account]]
) -> None:
    other = await another_account()
    theirs = await headers_of(other, other.key_id, other.secret)

    mixed = await carriyo.post(LOGS, json={}, headers={**theirs, "tenant-id": carriyo.headers["tenant-id"]})
    own = await carriyo.post(LOGS, json={}, headers=theirs)

    assert_error(mixed, 403)
    assert_error(own, 404)


async def test_a_key_without_the_scope_is_a_403(account: Account, carriyo: httpx.AsyncClient) -> None:
    key = await account.key("read:orders")

    answer = await carriyo.post(LOGS, json={}, headers=await headers_of(account, key["key_id"], key["secret"]))

    assert_error(answer, 403, about="write:orders")
