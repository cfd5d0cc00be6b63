"""Decisions that race: each is taken, whichever worker takes it. Only a rule refuses one."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx
import pytest

from tests.fix_postgres import database
from tests.fix_server import Account, Server, new_account, running
from tests.native import ORDERS, amounts, an_order, append, new_id, status

MANY = 64


@pytest.fixture(scope="module", params=["1", "2"], ids=["one worker", "two workers"])
def workers(server_dsn: str, template_name: str, request: pytest.FixtureRequest) -> Iterator[Server]:
    with database(server_dsn, template=template_name) as dsn, running(dsn, "--workers", request.param) as server:
        yield server


async def _client(account: Account) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client that connects anew for each request, so that all workers get some."""
    limits, headers = httpx.Limits(max_keepalive_connections=0), {"Authorization": f"Bearer {account.token}"}
    async with httpx.AsyncClient(base_url=account.url, headers=headers, limits=limits, timeout=60) as client:
        yield client


@pytest.fixture
async def strict(workers: Server) -> AsyncIterator[httpx.AsyncClient]:
    async for client in _client(await new_account(workers)):
        yield client


@pytest.fixture
async def implicit(workers: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a tenant whose orders begin with their first event."""
    async for client in _client(await new_account(workers, is_implicit=True)):
        yield client


async def _at_once(http: httpx.AsyncClient, path: str, bodies: list[Mapping[str, Any]]) -> list[int]:
    answers = await asyncio.gather(*[http.post(path, json=body) for body in bodies])
    return [answer.status_code for answer in answers]


async def _order(http: httpx.AsyncClient, order_id: str) -> dict[str, Any]:
    order: dict[str, Any] = (await http.get(f"{ORDERS}/{order_id}")).json()
    return order


async def test_many_splits_of_one_order_at_once_are_all_decided(strict: httpx.AsyncClient) -> None:
    parent = await an_order(strict, totals=amounts(10_000))

    statuses = await _at_once(strict, f"{ORDERS}/{parent}/split", [{"totals": amounts(100)}] * MANY)

    order = await _order(strict, parent)
    assert statuses == [201] * MANY
    assert len(order["children"]) == MANY
    assert order["totals"]["total"]["cents"] == 10_000 - MANY * 100


async def test_many_different_decisions_about_one_order_at_once_are_all_taken(strict: httpx.AsyncClient) -> None:
    order_id = await an_order(strict, totals=amounts(10_000), customer={"id": "c-0"})

    edits = _at_once(strict, f"{ORDERS}/{order_id}/edit", [{"totals": amounts(20_000 + n)} for n in range(20)])
    customers = [{"customer": {"id": f"c-{n}"}} for n in range(1, 21)]
    transfers = _at_once(strict, f"{ORDERS}/{order_id}/transfer", customers)
    splits = _at_once(strict, f"{ORDERS}/{order_id}/split", [{"totals": amounts(1)}] * 20)
    facts = _at_once(strict, f"{ORDERS}/{order_id}/events", [status(f"s-{n}") for n in range(20)])
    statuses = await asyncio.gather(edits, transfers, splits, facts)

    assert statuses == [[201] * 20] * 4


async def test_many_reported_splits_of_one_order_at_once_are_all_recorded(implicit: httpx.AsyncClient) -> None:
    parent = await an_order(implicit, totals=amounts(10_000))
    told = [{"type": "order.split", "data": {"child_order_id": new_id()}} for _ in range(MANY)]

    statuses = await _at_once(implicit, f"{ORDERS}/{parent}/events", told)

    assert statuses == [201] * MANY
    assert len((await _order(implicit, parent))["children"]) == MANY


async def test_an_order_is_created_once_while_it_gets_events(implicit: httpx.AsyncClient) -> None:
    order_id = new_id()

    events = _at_once(implicit, f"{ORDERS}/{order_id}/events", [status(f"s-{n}") for n in range(MANY)])
    creations = _at_once(implicit, ORDERS, [{"order_id": order_id}] * 8)
    recorded, created = await asyncio.gather(events, creations)

    assert recorded == [201] * MANY
    assert sorted(created) == [201] + [409] * 7


async def test_an_order_is_cancelled_once(strict: httpx.AsyncClient) -> None:
    order_id = await an_order(strict)

    body = {
        "cancelled_reason": {"key": "out_of_stock", "message": "The last one broke"},
        "operated_by": "merchant",
        "revert_credits": {},
        "revert_member_points": {},
        "refund_order": False,
        "mail_notify": False,
    }
    answers = await asyncio.gather(*[strict.patch(f"/v1/orders/{order_id}/cancel", json=body) for _ in range(16)])

    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 15


async def test_of_many_who_expect_the_same_version_one_is_right(strict: httpx.AsyncClient) -> None:
    order_id = await an_order(strict, totals=amounts())

    appends = [append(strict, order_id, status(f"s-{n}"), **{"If-Match": '"1"'}) for n in range(MANY)]
    answers = await asyncio.gather(*appends)

    assert sorted(answer.status_code for answer in answers) == [201] + [412] * (MANY - 1)
