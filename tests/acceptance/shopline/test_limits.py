"""SHOPLINE's limit of 20 requests a second for each token, as its guide tells it."""

import asyncio
from collections import Counter

import httpx

from tests.fix_server import Account

INFO = "/v1/token/info"


async def burst(http: httpx.AsyncClient, path: str = INFO, *, requests: int = 60) -> list[httpx.Response]:
    """Send requests at once, on connections that are open already."""
    return await asyncio.gather(*(http.get(path) for _ in range(requests)))


async def test_a_token_that_sends_more_is_told_to_wait(http: httpx.AsyncClient) -> None:
    answers = await burst(http)

    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) == {200, 429}
    assert statuses[200] >= 20
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert set(refused.json()) == {"error", "message", "code"}
    assert refused.json()["code"] == "RateLimitExceeded"
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["content-type"] == "application/json"


async def test_another_token_of_the_same_shop_goes_on(http: httpx.AsyncClient, account: Account) -> None:
    key = await account.key("read")
    assert any(answer.status_code == 429 for answer in await burst(http))

    answer = await http.get(INFO, headers={"Authorization": f"Bearer {key['token']}"})

    assert answer.status_code == 200


async def test_the_other_interfaces_go_on_with_the_same_token(http: httpx.AsyncClient) -> None:
    assert any(answer.status_code == 429 for answer in await burst(http))

    answers = await burst(http, "/trail/v1/ledger")

    assert {answer.status_code for answer in answers} == {200}


async def test_whoever_waits_as_told_gets_through(http: httpx.AsyncClient) -> None:
    refused = next(answer for answer in await burst(http) if answer.status_code == 429)
    await asyncio.sleep(int(refused.headers["retry-after"]))

    assert (await http.get(INFO)).status_code == 200
