"""A leaked credential can be ended: no worker takes it any more after the documented seconds, in any interface."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import jwt
import psycopg
import pytest

from api.web.security import COOKIE
from application.access.callers import CACHE_SECONDS
from tests.acceptance.carriyo.fix_carriyo import headers_of
from tests.acceptance.dintero.fix_dintero import token_of
from tests.acceptance.every_interface.every_way import (
    WorkerClient,
    assert_open,
    client_of_each_worker,
    refused_after,
    ways_of,
)
from tests.commands import ordertrail
from tests.fix_postgres import database
from tests.fix_server import Account, Server, new_account, running
from tests.native import ORDERS


@pytest.fixture(scope="module")
def two_workers(server_dsn: str, template_name: str) -> Iterator[Server]:
    """A server of two workers, which takes any number of requests of SHOPLINE's clients."""
    with pytest.MonkeyPatch.context() as patch, database(server_dsn, template=template_name) as dsn:
        patch.setenv("ORDERTRAIL_SHOPLINE_RATE", "0")
        with running(dsn, "--workers", "2") as server:
            yield server


@pytest.fixture
async def leaked(two_workers: Server) -> Account:
    """An account with an order A-1, which has a system log; its credential is in hands that it should not be in."""
    account = await new_account(two_workers)
    carriyo = await headers_of(account, account.key_id, account.secret)
    headers = {"Authorization": f"Bearer {account.token}"}
    async with httpx.AsyncClient(base_url=account.url, timeout=60) as client:
        for answer in (
            await client.post(ORDERS, json={"order_id": "A-1"}, headers=headers),
            await client.post("/orders/A-1/system-logs", json={}, headers=carriyo),
        ):
            assert answer.is_success, answer.text
    return account


@pytest.fixture
async def clients(two_workers: Server) -> AsyncIterator[list[WorkerClient]]:
    """A client of each worker."""
    async with client_of_each_worker(two_workers) as each:
        assert len(each) == 2
        yield each


async def key(account: Account, *arguments: str) -> Any:
    """Run a command of `ordertrail key`, and return what it prints."""
    result = await asyncio.to_thread(ordertrail, "key", *arguments, "--json", "--dsn", account.dsn)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


async def test_a_revoked_credential_opens_nothing_on_any_worker(leaked: Account, clients: list[WorkerClient]) -> None:
    ways = await ways_of(clients[0], leaked, leaked.secret)

    await refused_after(CACHE_SECONDS, clients, ways, lambda: key(leaked, "revoke", leaked.key_id))

    headers = {"Authorization": f"Bearer {leaked.token}"}
    told = (await clients[0].get(ORDERS, headers=headers)).json()["detail"]
    guessed = (await clients[0].get(ORDERS, headers={"Authorization": f"Bearer ot_{leaked.key_id}_guess"})).json()
    assert told == "The credential was revoked"
    assert guessed["detail"] == "There is no such key, or the secret is wrong"


async def test_a_rotated_credential_opens_with_both_secrets_until_the_old_one_ends(
    leaked: Account, clients: list[WorkerClient]
) -> None:
    old = await ways_of(clients[0], leaked, leaked.secret)
    await assert_open(clients, old)

    rotated = await key(leaked, "rotate", leaked.key_id)

    new = await ways_of(clients[1], leaked, rotated["secret"])
    await assert_open(clients, [*new, *old])
    await refused_after(CACHE_SECONDS, clients, old, lambda: _a_day_passes(leaked))
    await assert_open(clients, new)


async def test_a_secret_that_is_not_kept_ends_with_its_tokens_and_links(
    leaked: Account, clients: list[WorkerClient]
) -> None:
    old = await ways_of(clients[0], leaked, leaked.secret)
    rotated: list[Any] = []

    async def rotate() -> None:
        rotated.append(await key(leaked, "rotate", leaked.key_id, "--keep", "0"))

    await refused_after(CACHE_SECONDS, clients, old, rotate)

    await assert_open(clients, await ways_of(clients[0], leaked, rotated[0]["secret"]))


async def test_a_token_says_no_longer_than_its_credential_lasts(leaked: Account) -> None:
    created = await key(leaked, "create", "--tenant", leaked.tenant, "--expires", "1h")
    expires_at = datetime.fromisoformat(created["expires_at"])
    credential = (created["key_id"], created["secret"])

    async with httpx.AsyncClient(base_url=leaked.url, timeout=60) as client:
        grant = {"client_id": credential[0], "client_secret": credential[1]}
        carriyo = (await client.post("/oauth/token", json=grant)).json()
    async with httpx.AsyncClient(base_url=f"{leaked.url}/v1", auth=credential, timeout=60) as client:
        dintero = await token_of(client, leaked.dintero_account)

    assert 3_000 < carriyo["expires_in"] <= 3_600
    for token in (carriyo["access_token"], dintero):
        says = jwt.decode(token, options={"verify_signature": False})
        assert datetime.now(UTC) < datetime.fromtimestamp(says["exp"], UTC) <= expires_at
        assert created["secret"] not in json.dumps(says)


@pytest.fixture
async def session(leaked: Account) -> dict[str, str]:
    """The cookie of somebody who is signed in to the pages, as a header."""
    async with httpx.AsyncClient(base_url=leaked.url, timeout=60) as client:
        await client.post("/ui/sign-in", data={"token": leaked.token})
        return {"Cookie": f"{COOKIE}={client.cookies[COOKIE]}"}


async def seen(clients: list[WorkerClient], session: dict[str, str]) -> list[int]:
    """Return what each worker answers to whoever sends this cookie."""
    return [(await client.get("/ui/orders", headers=session)).status_code for client in clients]


async def test_a_session_that_was_signed_out_is_over_at_every_worker(
    clients: list[WorkerClient], session: dict[str, str]
) -> None:
    assert await seen(clients, session) == [200, 200]

    await clients[0].request("POST", "/ui/sign-out", headers=session)

    assert await seen(clients, session) == [303, 303]


async def test_a_session_is_over_as_soon_as_its_credential_was_revoked(
    leaked: Account, clients: list[WorkerClient], session: dict[str, str]
) -> None:
    assert await seen(clients, session) == [200, 200]

    await key(leaked, "revoke", leaked.key_id)

    assert await seen(clients, session) == [303, 303]


async def _a_day_passes(account: Account) -> None:
    """Set the end of the old secret back, as if its while were over."""
    statement = "UPDATE ordertrail.credentials SET earlier_until = now() WHERE key_id = %s"
    async with await psycopg.AsyncConnection.connect(account.dsn, autocommit=True) as connection:
        await connection.execute(statement, [account.key_id])
