"""Every way in which a credential opens something, over HTTP, to each of a server's workers."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import psutil

from tests.acceptance.carriyo.fix_carriyo import LOGS
from tests.acceptance.dintero.fix_dintero import audience
from tests.fix_server import Account, Server
from tests.native import ORDERS, status

REFUSED = {"Carriyo, a link": 403, "Carriyo, for a token": 403}
"""What a way is answered whose credential has ended, if that is not 401."""


class WorkerClient:
    """Asks one of a server's workers. An answer may end its connection, and the next may lead to another worker."""

    def __init__(self, url: str, worker: psutil.Process) -> None:
        self._url = url
        self._worker = worker
        self._turn = asyncio.Lock()
        self._client = self._new_client()

    async def request(self, method: str, path: str, **sent: Any) -> httpx.Response:
        async with self._turn:
            while not self._has_answered(await self._client.get("/healthz")):
                await self._connect()
            return await self._client.request(method, path, **sent)

    async def get(self, path: str, **sent: Any) -> httpx.Response:
        return await self.request("GET", path, **sent)

    async def close(self) -> None:
        await self._client.aclose()

    def _new_client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self._url, limits=httpx.Limits(max_connections=1), timeout=60)

    async def _connect(self) -> None:
        """Make some connections at once, and keep one that leads to the worker, if any does."""
        await self._client.aclose()
        clients = [self._new_client() for _ in range(8)]
        answers = await asyncio.gather(*[client.get("/healthz") for client in clients])
        found = max(range(8), key=lambda n: self._has_answered(answers[n]))
        self._client = clients.pop(found)
        for client in clients:
            await client.aclose()

    def _has_answered(self, answer: httpx.Response) -> bool:
        """Whether the worker has the other end of the connection."""
        port = answer.extensions["network_stream"].get_extra_info("client_addr")[1]
        return any(c.raddr and c.raddr.port == port for c in self._worker.net_connections("tcp"))


class Way(NamedTuple):
    """A request that needs a credential."""

    name: str
    method: str
    path: str
    sent: Mapping[str, Any]
    """What else httpx is told to send."""

    async def go(self, client: WorkerClient) -> httpx.Response:
        return await client.request(self.method, self.path, **self.sent)


async def ways_of(client: WorkerClient, account: Account, secret: str) -> list[Way]:
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


async def _token(client: WorkerClient, way: Way) -> str:
    answer = await way.go(client)
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


@asynccontextmanager
async def client_of_each_worker(server: Server) -> AsyncIterator[list[WorkerClient]]:
    """Yield a client of each of the server's workers."""
    workers = [p for p in psutil.Process(server.process.pid).children() if p.name() == "trail-http"]
    clients = [WorkerClient(server.url, worker) for worker in workers]
    yield clients
    for client in clients:
        await client.close()


async def refused_after(
    seconds: float, clients: list[WorkerClient], ways: list[Way], end: Callable[[], Awaitable[object]]
) -> None:
    """Go every way at every worker, again and again, while it ends.

    Assert that all are open before, and none is for requests that are sent so many seconds later.
    """
    await assert_open(clients, ways)
    ended_at: list[float] = []

    async def go_on(client: WorkerClient, way: Way) -> list[tuple[float, int]]:
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


async def assert_open(clients: list[WorkerClient], ways: list[Way]) -> None:
    """Assert that every way is open at every worker."""
    for client in clients:
        for way in ways:
            answer = await way.go(client)
            assert answer.status_code in {200, 201}, (way.name, answer.text)
