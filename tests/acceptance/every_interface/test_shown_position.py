"""Ordertrail-Position on reads: the answer shows everything up to there, or says why it cannot."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.fix_server import Account
from tests.native import ORDERS, an_order

POSITION = "Ordertrail-Position"
INVALID = {"/trail": 422, "/orders": 400, "/v1/orders": 422, "/api": 400, "/v1/accounts": 400}
"""The beginning of a path, and how that interface answers an invalid request."""


@pytest.fixture
async def client(account: Account) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a credential for all interfaces, of a tenant with an order A-1 and an integration 7."""
    headers = {
        "Authorization": f"Bearer {account.token}",
        "x-api-key": account.key_id,
        "tenant-id": account.tenant,
    }
    async with httpx.AsyncClient(base_url=account.url, headers=headers, timeout=30) as client:
        await an_order(client, order_id="A-1")
        await client.put("/trail/v1/integrations/7", json={})
        yield client


async def reads(client: httpx.AsyncClient, account: Account) -> list[str]:
    """Return the paths of all reads that take the header, as the documentation has it."""
    document = (await client.get("/openapi.json")).json()
    names = {"order_id": "A-1", "id": "A-1", "reference": "A-1", "integration_id": "7", "aid": account.dintero_account}
    found = []
    for path, operations in document["paths"].items():
        told = {parameter["name"] for parameter in operations.get("get", {}).get("parameters", [])}
        if POSITION in told and "{identifier}" not in path:
            found.append(path.format(**names | ({"id": "7"} if path.startswith("/api") else {})))
        assert not any(
            parameter["name"] == POSITION
            for method, operation in operations.items()
            if method != "get"
            for parameter in operation.get("parameters", [])
        )
    return found


async def test_every_interface_takes_the_position_of_a_write_and_refuses_one_beyond_the_head(
    client: httpx.AsyncClient, account: Account
) -> None:
    head = int((await client.get("/trail/v1/ledger")).json()["head"])
    paths = await reads(client, account)
    assert len(paths) == 16

    for path in paths:
        shown = await client.get(path, headers={POSITION: str(head)})
        beyond = await client.get(path, headers={POSITION: str(head + 1)})

        assert shown.status_code == 200, shown.text
        assert shown.headers[POSITION] == str(head)
        # SHOPLINE refuses everything with the same status.
        assert beyond.status_code == (422 if path.startswith("/v1/orders") else 409), beyond.text
        assert f"which is {head}" in beyond.text


@pytest.mark.parametrize("sent", ["-1", "1.0", "many", "1_0", "1, 2", "0x1", "", "9223372036854775808"])
async def test_what_is_no_position_is_refused_in_the_words_of_each_interface(
    client: httpx.AsyncClient, account: Account, sent: str
) -> None:
    for path in await reads(client, account):
        answer = await client.get(path, headers={POSITION: sent})

        [status] = [status for begin, status in INVALID.items() if path.startswith(begin)]
        assert answer.status_code == status, (path, answer.text)
        assert POSITION.lower() in answer.text.lower()


async def test_who_may_not_read_does_not_learn_where_the_head_is(account: Account) -> None:
    key = await account.key("write:orders")
    async with httpx.AsyncClient(base_url=account.url, headers={"Authorization": f"Bearer {key['token']}"}) as client:
        answer = await client.get(ORDERS, headers={POSITION: "99"})

    assert answer.status_code == 403


async def test_an_order_that_is_missing_is_a_404_up_to_the_head(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{ORDERS}/no-such", headers={POSITION: "1"})).status_code == 404
    assert (await client.get(f"{ORDERS}/no-such", headers={POSITION: "99"})).status_code == 409


async def test_a_stream_goes_on_whatever_position_is_to_be_shown(client: httpx.AsyncClient) -> None:
    headers = {POSITION: "1", "Accept": "application/x-ndjson"}
    async with client.stream("GET", "/trail/v1/feed", headers=headers) as stream:
        assert stream.status_code == 200
        assert '"order.created"' in [line async for line in _two(stream)][1]


async def _two(stream: httpx.Response) -> AsyncIterator[str]:
    lines = stream.aiter_lines()
    for _ in range(2):
        yield await anext(lines)
