"""Two workers on one database behave as one: in what order they write, and what they answer to repeats."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import psycopg
import pytest

from api.cli.maintenance import create_key, create_tenant
from tests.fix_postgres import database
from tests.fix_server import Server, running
from tests.native import ORDERS, an_order, append, assert_problem, new_id, status

APPENDS = 60


@pytest.fixture(scope="module")
def dsn(server_dsn: str, template_name: str) -> Iterator[str]:
    with database(server_dsn, template=template_name) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def workers(dsn: str) -> Iterator[tuple[Server, Server]]:
    """Two servers of one worker each, so that a request can be sent to either of them."""
    with running(dsn) as first, running(dsn) as second:
        yield first, second


@pytest.fixture
async def tenant(dsn: str) -> str:
    tenant = new_id()
    await create_tenant(dsn, tenant, is_implicit=False, dintero_account=None)
    return tenant


@asynccontextmanager
async def client(server: Server, tenant: str) -> AsyncIterator[httpx.AsyncClient]:
    key = await create_key(server.dsn, tenant, scopes=("admin",), name="Test")
    headers = {"Authorization": f"Bearer {key['token']}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30) as http:
        yield http


@pytest.fixture
async def clients(
    workers: tuple[Server, Server], tenant: str
) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """A client of each worker."""
    async with client(workers[0], tenant) as first, client(workers[1], tenant) as second:
        yield first, second


async def test_both_write_one_ledger_without_gaps_in_the_order_of_their_answers(
    clients: tuple[httpx.AsyncClient, httpx.AsyncClient], dsn: str, tenant: str
) -> None:
    orders = [await an_order(clients[0]) for _ in range(4)]

    async def write(number: int) -> list[int]:
        http, positions = clients[number % 2], []
        for _ in range(APPENDS // 4):
            answer = await append(http, orders[number // 2], status())
            positions.append(int(answer.headers["ordertrail-position"]))
        return positions

    written = await asyncio.gather(*[write(number) for number in range(8)])

    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        cursor = await connection.execute(
            "SELECT stream, array_agg(position ORDER BY position), array_agg(version ORDER BY position)"
            " FROM ordertrail.events WHERE tenant = %s GROUP BY stream",
            [tenant],
        )
        streams = await cursor.fetchall()
    assert all(positions == sorted(positions) for positions in written)
    assert sorted(p for _, positions, _ in streams for p in positions) == list(range(1, 4 + 8 * (APPENDS // 4) + 1))
    assert all(versions == list(range(1, len(versions) + 1)) for _, _, versions in streams)


async def test_a_key_that_both_get_at_once_is_used_once(
    clients: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    order_id = await an_order(clients[0])

    for key in map(str, range(20)):
        both = await asyncio.gather(
            *[append(http, order_id, status(key), **{"Idempotency-Key": key}) for http in clients]
        )

        assert [answer.status_code for answer in both] == [201, 201]
        assert both[0].json() == both[1].json()
        assert sorted(answer.headers.get("idempotency-replayed", "") for answer in both) == ["", "true"]
    assert (await clients[1].get(f"{ORDERS}/{order_id}")).json()["version"] == 21


async def test_a_key_that_one_got_is_refused_by_the_other_with_another_request(
    clients: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    order_id = await an_order(clients[0])
    await append(clients[0], order_id, status("paid"), **{"Idempotency-Key": "once"})

    refused = await append(clients[1], order_id, status("lost"), **{"Idempotency-Key": "once"})

    assert_problem(refused, 422)


async def test_of_two_who_expect_the_same_version_one_is_refused(
    clients: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    order_id = await an_order(clients[0])

    for version in range(1, 11):
        both = await asyncio.gather(
            *[append(http, order_id, status(), **{"If-Match": f'"{version}"'}) for http in clients]
        )

        assert sorted(answer.status_code for answer in both) == [201, 412]


async def test_what_one_wrote_the_other_reads_at_once(
    clients: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    order_id = await an_order(clients[0])

    for n in range(40):
        writer, reader = clients[n % 2], clients[(n + 1) % 2]
        appended = await append(writer, order_id, status(f"status {n}"))
        order = await reader.get(f"{ORDERS}/{order_id}")
        assert order.json()["version"] == appended.json()["version"]
        assert "ordertrail-lag" not in order.headers
