"""A server that is told to end: its port closes at once, and everybody who was let in gets an answer."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from api.bootstrap import set_up_database
from api.settings import read_settings
from tests.fix_postgres import database
from tests.native import ORDERS, status
from tests.outage import Served, new_token, served, write

WRITERS, READERS = 120, 4
"""They would wait for longer than a worker that ends waits for them."""


@pytest.fixture(scope="module")
def dsn(server_dsn: str, template_name: str) -> Iterator[str]:
    with database(server_dsn, template=template_name) as dsn:
        set_up_database(dsn, read_settings())
        yield dsn


@pytest.fixture(scope="module")
def server(dsn: str) -> Iterator[Served]:
    with served("--dsn", dsn, token=new_token(dsn)) as server, server.client() as http:
        assert write(http).status_code == 201
        yield server


async def refuses_connections(server: Served) -> bool:
    address = urlsplit(server.url)
    try:
        _, writer = await asyncio.open_connection(address.hostname, address.port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


async def are_under_way(http: httpx.AsyncClient, requests: int) -> bool:
    """Return whether so many requests are being answered, besides the one that asks."""
    text = (await http.get("/metrics")).text
    return float(text.partition("\nordertrail_http_requests_under_way ")[2].split()[0]) > requests


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110 another process makes it so
            await asyncio.sleep(0.02)


async def test_what_cannot_be_stored_any_more_is_refused_in_time_while_the_port_is_closed(
    dsn: str, server: Served
) -> None:
    headers = {"Authorization": f"Bearer {server.token}"}
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=60, limits=limits) as http:
        with psycopg.connect(dsn) as holder:
            holder.execute("LOCK ordertrail.ledgers, ordertrail.order_state")
            writes = [http.post(f"{ORDERS}/B-{n}/events", json=status()) for n in range(WRITERS)]
            reads = [http.get(f"{ORDERS}/A-1") for _ in range(READERS)]
            asked = [asyncio.create_task(request) for request in (*writes, *reads)]
            await until(lambda: are_under_way(http, len(asked)))

            server.process.terminate()

            await until(lambda: refuses_connections(server))
            assert not all(task.done() for task in asked), "the port closes first"
            answers = await asyncio.gather(*asked)
            await asyncio.to_thread(server.process.wait, 30)

    assert Counter(answer.status_code for answer in answers) == {503: len(asked)}
    assert all(answer.headers["x-request-id"] for answer in answers)
    assert "Traceback" not in server.log, server.log
