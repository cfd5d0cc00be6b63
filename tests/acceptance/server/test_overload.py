"""A worker whose answers take too long refuses at once what comes on top, and other tenants are answered meanwhile."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import NamedTuple

import httpx
import psycopg
import pytest

from tests.fix_postgres import database
from tests.fix_server import Account, Server, new_account, running
from tests.native import ORDERS, an_order, append, status
from tests.raw_http import Answer, Connection, connected

FLOOD = 700
"""More than half of what one worker takes in a burst, which is one tenant's share."""


class Flood(NamedTuple):
    """What one tenant sends again and again; it is not stored, because somebody holds the tenant's ledger."""

    headers: dict[str, str]
    refused: list[Answer]
    """The answers so far of those that were not taken."""


@pytest.fixture(scope="module")
def served(server_dsn: str, template_name: str) -> Iterator[Server]:
    with database(server_dsn, template=template_name) as dsn, running(dsn) as server:
        yield server


def _client(account: Account) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=account.url, headers={"Authorization": f"Bearer {account.token}"}, timeout=30)


@pytest.fixture
async def flood(served: Server) -> AsyncIterator[Flood]:
    account = await new_account(served)
    headers = {"Authorization": f"Bearer {account.token}", "Content-Type": "application/json"}
    flood, begun = Flood(headers, []), asyncio.Event()
    async with AsyncExitStack() as stack:
        order_id = await an_order(await stack.enter_async_context(_client(account)))
        holder = stack.enter_context(psycopg.connect(served.dsn))
        holder.execute("SELECT FROM ordertrail.ledgers WHERE tenant = %s FOR UPDATE", [account.tenant])
        connections = [await stack.enter_async_context(connected(served.url)) for _ in range(FLOOD)]

        async def send(connection: Connection) -> None:
            body = json.dumps(status()).encode()
            while True:
                await connection.begin(
                    "POST", f"{ORDERS}/{order_id}/events", headers | {"Content-Length": str(len(body))}
                )
                await connection.send(body)
                flood.refused.append(await connection.answer(seconds=60))
                begun.set()
                await asyncio.sleep(1)  # as Retry-After says

        senders = [asyncio.create_task(send(connection)) for connection in connections]
        await begun.wait()
        yield flood
        for sender in senders:
            sender.cancel()
        await asyncio.wait(senders)
        holder.rollback()


async def test_one_tenants_flood_is_refused_at_once_and_others_are_answered(served: Server, flood: Flood) -> None:
    async with _client(await new_account(served)) as http:
        order_id = await an_order(http)
        written = await append(http, order_id, status())
        read = await http.get(f"{ORDERS}/{order_id}/timeline")
        health = await http.get("/healthz")

    first = flood.refused[0]
    assert (first.status, first.headers["retry-after"]) == (429, "1")
    assert first.json()["type"] == "urn:ordertrail:problem:too-many"
    assert first.headers["x-request-id"]
    assert (written.status_code, read.status_code, health.status_code) == (201, 200, 200)


SAYS = {
    "/trail/v1/orders": '"type":"urn:ordertrail:problem:too-many"',
    "/v1/orders/A-1/cancel": '"code":"RateLimitExceeded"',
    "/api/v3/integrations/1/logs": '"code":"throttled"',
    "/v1/accounts/T1/shopping/orders/A-1/events": '"code":"TOO MANY REQUESTS"',
    "/orders/A-1/system-logs": '"status":"429"',
}


async def test_a_flood_is_refused_in_each_dialect_before_a_body_is_sent(served: Server, flood: Flood) -> None:
    for path, says in SAYS.items():
        async with connected(served.url) as connection:
            await connection.begin("POST", path, {**flood.headers, "Content-Length": "10000000"})
            answer = await connection.answer()
            rest = await connection.end()

        assert (answer.status, answer.headers["retry-after"], rest) == (429, "1", b""), path
        assert says in answer.body.decode()


async def test_a_connection_whose_request_was_refused_is_used_again(served: Server, flood: Flood) -> None:
    head = "\r\n".join(f"{name}: {value}" for name, value in flood.headers.items())
    write = f"POST {ORDERS} HTTP/1.1\r\nHost: x\r\n{head}\r\nContent-Length: 3000\r\n\r\n{'x' * 3_000}".encode()
    health = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    async with connected(served.url) as connection:
        in_turn = []
        for request in (write, health, write, health):
            await connection.send(request)
            in_turn.append((await connection.answer()).status)
        await connection.send(health + write + write + health)
        together = [(await connection.answer()).status for _ in range(4)]

    assert in_turn == [429, 200, 429, 200]
    assert together == [200, 429, 429, 200]


async def test_a_server_that_was_flooded_takes_writes_again(served: Server) -> None:
    account = await new_account(served)
    async with _client(account) as http:
        order_id = await an_order(http)

        answers = await asyncio.gather(*[append(http, order_id, status()) for _ in range(100)])

    assert {answer.status_code for answer in answers} == {201}


async def test_requests_that_only_wait_for_news_take_no_place(served: Server) -> None:
    async with _client(await new_account(served)) as http, asyncio.TaskGroup() as tasks:
        order_id = await an_order(http)
        for name in ("a", "b", "c", "d"):
            assert (await http.put(f"/trail/v1/consumers/{name}", json={})).status_code == 201
        waiting = [
            tasks.create_task(http.post(f"/trail/v1/consumers/{name}/fetch", json={"wait": 3}, timeout=60))
            for name in ("a", "b", "c", "d")
            for _ in range(20)
        ]
        await asyncio.sleep(2)  # by then a worker that counted them would have seen nothing answered
        written = await append(http, order_id, status())

    assert {answer.result().status_code for answer in waiting} == {200}
    assert written.status_code == 201
