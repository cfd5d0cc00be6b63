"""Every way in which a credential opens something, over HTTP, to each of a server's workers."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import psutil

from tests.fix_server import Account, Server
from tests.fix_shopping import audience
from tests.fix_system_logs import LOGS
from tests.native import ORDERS, status

REFUSED = {"Carriyo, a link": 403, "Carriyo, for a token": 403}
"""What a way is answered whose credential has ended, if that is not 401."""


class Way(NamedTuple):
    """A request that needs a credential."""

    name: str
    method: str
    path: str
    sent: Mapping[str, Any]
    """What else httpx is told to send."""

    async def go(self, client: httpx.AsyncClient) -> httpx.Response:
        return await client.request(self.method, self.path, **self.sent)


async def ways_of(client: httpx.AsyncClient, account: Account, secret: str) -> list[Way]:
    """Return all the ways that a secret of the account's opens, and the tokens and the link that it is good for.

    The account has an order A-1 with a system log.
    """
    key_id = account.key_id
    bearer = {"Authorization": f"Bearer ot_{key_id}_{secret}"}
    client_of_ours = {"client_id": key_id, "client_secret": secret}
    oauth = Way("Carriyo, for a token", "POST", "/oauth/token", {"json": client_of_ours})
    of_dintero = f"/v1/accounts/{account.dintero_account}"
    grant = {"json": {"audience": audience(account.dintero_account)}, "auth": (key_id, secret)}
    dintero = Way("Dintero, for a token", "POST", f"{of_dintero}/auth/token", grant)
    carriyo = {
        "Authorization": f"Bearer {await _token(client, oauth)}",
        "x-api-key": key_id,
        "tenant-id": account.tenant,
    }
    [log] = (await client.get(LOGS, headers=carriyo)).json()
    link = urlsplit((await client.get(f"{LOGS}/{log['identifier']}", headers=carriyo)).json())
    of_shopping = {"Authorization": f"Bearer {await _token(client, dintero)}"}
    return [
        oauth,
        dintero,
        Way("Carriyo, a token", "GET", LOGS, {"headers": carriyo}),
        Way("Carriyo, a link", "GET", f"{link.path}?{link.query}", {}),
        Way("Dintero, a token", "GET", f"{of_dintero}/shopping/orders/A-1/events", {"headers": of_shopping}),
        Way("Sendcloud, Basic", "GET", "/api/v3/integrations/logs", {"auth": (key_id, secret)}),
        Way("Sendcloud, a bearer", "GET", "/api/v3/integrations/logs", {"headers": bearer}),
        Way("SHOPLINE", "GET", "/v1/orders/A-1/action_logs", {"headers": bearer}),
        Way("native, reading", "GET", f"{ORDERS}/A-1", {"headers": bearer}),
        Way("native, writing", "POST", f"{ORDERS}/A-1/events", {"headers": bearer, "json": status()}),
    ]


async def _token(client: httpx.AsyncClient, way: Way) -> str:
    answer = await way.go(client)
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


@asynccontextmanager
async def client_of_each_worker(server: Server) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Yield a client of each of the server's workers, with a connection that stays."""
    workers = [p for p in psutil.Process(server.process.pid).children() if p.name() == "trail-http"]
    one_connection = httpx.Limits(max_connections=1)
    async with AsyncExitStack() as stack:
        found: dict[int, httpx.AsyncClient] = {}
        while len(found) < len(workers):
            clients = [
                await stack.enter_async_context(
                    httpx.AsyncClient(base_url=server.url, limits=one_connection, timeout=60)
                )
                for _ in range(8)
            ]
            answers = await asyncio.gather(*[client.get("/healthz") for client in clients])
            for client, answer in zip(clients, answers, strict=True):
                found.setdefault(_who_answered(answer, workers), client)
        yield list(found.values())
        assert {_who_answered(await client.get("/healthz"), workers) for client in found.values()} == set(found)


def _who_answered(answer: httpx.Response, workers: list[psutil.Process]) -> int:
    """Return the process that has the other end of the connection."""
    port = answer.extensions["network_stream"].get_extra_info("client_addr")[1]
    [worker] = [w.pid for w in workers if any(c.raddr and c.raddr.port == port for c in w.net_connections("tcp"))]
    return worker


async def refused_after(
    seconds: float, clients: list[httpx.AsyncClient], ways: list[Way], end: Callable[[], Awaitable[object]]
) -> None:
    """Go every way at every worker, again and again, while it ends.

    Assert that all are open before, and none is for requests that are sent so many seconds later.
    """
    await assert_open(clients, ways)
    ended_at: list[float] = []

    async def go_on(client: httpx.AsyncClient, way: Way) -> list[tuple[float, int]]:
        answers: list[tuple[float, int]] = []
        while not (ended_at and answers and answers[-1][0] > ended_at[0] + seconds):
            sent_at = time.monotonic()
            answers.append((sent_at, (await way.go(client)).status_code))
        return answers

    async with asyncio.TaskGroup() as tasks:
        going = [(way, tasks.create_task(go_on(client, way))) for client in clients for way in ways]
        await end()
        ended_at.append(time.monotonic())

    for way, task in going:
        late = {code for sent_at, code in task.result() if sent_at > ended_at[0] + seconds}
        assert late == {REFUSED.get(way.name, 401)}, way.name


async def assert_open(clients: list[httpx.AsyncClient], ways: list[Way]) -> None:
    """Assert that every way is open at every worker."""
    for client in clients:
        for way in ways:
            answer = await way.go(client)
            assert answer.status_code in {200, 201}, (way.name, answer.text)
