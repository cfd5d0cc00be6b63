"""Implicit tenants: an order may begin with any event, and how it began is told once, whenever that is."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.acceptance.carriyo.fix_carriyo import headers_of, logged
from tests.fix_server import Account
from tests.native import ORDERS, amounts, append, assert_problem, new_id, status

ANN, BO = {"id": "c-1", "name": "Ann"}, {"id": "c-2", "name": "Bo"}
BEGAN = "2026-01-01T00:00:00Z"


@pytest.fixture
async def http(implicit_account: Account) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {implicit_account.token}"}
    async with httpx.AsyncClient(base_url=implicit_account.url, headers=headers, timeout=30) as client:
        yield client


@pytest.fixture
async def order_id(http: httpx.AsyncClient) -> str:
    """An order that we have heard of, but not how it began."""
    name = new_id()
    assert (await append(http, name, status("paid"))).status_code == 201
    return name


def told(order_id: str) -> dict[str, Any]:
    return {"reference": f"web-{order_id}", "created_by": "shop", "customer": ANN, "totals": amounts(100)}


async def create(http: httpx.AsyncClient, order_id: str, *, as_event: bool, **more: Any) -> httpx.Response:
    """Tell how an order began: as a decision of our own, or as one that another system took."""
    if as_event:
        return await append(http, order_id, {"type": "order.created", "data": told(order_id), **more})
    return await http.post(ORDERS, json={"order_id": order_id, **told(order_id), **more})


async def order_of(http: httpx.AsyncClient, order_id: str) -> dict[str, Any]:
    """Return what an order is, which its past at its newest version is as well."""
    order: dict[str, Any] = (await http.get(f"{ORDERS}/{order_id}")).json()
    was = (await http.get(f"{ORDERS}/{order_id}", params={"version": order["version"]})).json()
    assert {**was, "as_of": None} == {**order, "as_of": None}
    return order


@pytest.mark.parametrize("as_event", [True, False])
async def test_an_order_gets_what_it_began_with_in_every_interface(
    implicit_account: Account, http: httpx.AsyncClient, order_id: str, as_event: bool
) -> None:
    answer = await create(http, order_id, as_event=as_event, occurred_at=BEGAN)

    assert (answer.status_code, answer.json()["version"]) == (201, 2)
    order = await order_of(http, order_id)
    assert {name: order[name] for name in ("created_by", "customer", "status", "created_at")} == {
        "created_by": "shop",
        "customer": ANN,
        "status": "paid",
        "created_at": BEGAN,
    }
    assert order["totals"]["total"]["cents"] == 100
    assert order["updated_at"] > "2026-01-02"
    for name in (f"web-{order_id}", order_id):
        assert (await http.get(f"{ORDERS}/{name}")).json()["order_id"] == order_id
        shops = (await http.get(f"/v1/orders/{name}")).json()
        assert (shops["id"], shops["ref_order_id"], shops["total"]["cents"]) == (order_id, f"web-{order_id}", 100)
        assert (shops["created_at"], shops["status"]) == ("2026-01-01T00:00:00.000+00:00", "paid")
        log = (await http.get(f"/v1/orders/{name}/action_logs")).json()["items"]
        assert [item["key"] for item in log] == ["updated_status", "order_created"]
    for text in ("ann", f"web-{order_id}".lower()):
        assert len((await http.get(ORDERS, params={"text": text})).json()["items"]) == 1
    headers = await headers_of(implicit_account, implicit_account.key_id, implicit_account.secret)
    changes = f"/orders/web-{order_id}/change-logs?key=partner_order_reference"
    entries = (await http.get(changes, headers=headers)).json()
    assert [entry["change_type"] for entry in entries] == ["CREATED", "STATUS_UPDATED"]
    events = f"/v1/accounts/{implicit_account.dintero_account}/shopping/orders/web-{order_id}/events"
    assert [event["version"] for event in (await http.get(events)).json()["events"]] == [2, 1]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("again", [True, False])
async def test_how_it_began_is_told_once(http: httpx.AsyncClient, order_id: str, first: bool, again: bool) -> None:
    await create(http, order_id, as_event=first)

    assert_problem(await create(http, order_id, as_event=again), 409, "conflict")
    assert (await order_of(http, order_id))["version"] == 2


async def test_an_order_that_began_with_a_carriers_call_can_be_created(
    implicit_account: Account, http: httpx.AsyncClient
) -> None:
    order_id = new_id()
    headers = await headers_of(implicit_account, implicit_account.key_id, implicit_account.secret)
    async with httpx.AsyncClient(base_url=implicit_account.url, headers=headers) as carriyo:
        await logged(carriyo, order_id, request_type="ORDER_CREATE")

    assert (await create(http, order_id, as_event=False)).status_code == 201
    assert (await order_of(http, order_id))["reference"] == f"web-{order_id}"


async def test_what_happened_before_it_was_told_is_newer(http: httpx.AsyncClient, order_id: str) -> None:
    edit = {name: {"before": money, "after": {**money, "cents": 70}} for name, money in amounts(100).items()}
    transfer = {"original_customer": ANN, "new_customer": BO}
    await append(
        http, order_id, {"type": "order.transferred", "data": transfer}, {"type": "order.edited", "data": edit}
    )

    assert (await create(http, order_id, as_event=False)).status_code == 201

    order = await order_of(http, order_id)
    assert (order["customer"], order["totals"]["total"]["cents"]) == (BO, 70)
    assert [len((await http.get(ORDERS, params={"text": text})).json()["items"]) for text in ("bo", "ann")] == [1, 0]
    shops = (await http.get(f"/v1/orders/{order_id}")).json()
    assert (shops["customer_id"], shops["total"]["cents"]) == ("c-2", 70)


async def test_an_order_that_was_redacted_before_has_no_customer(http: httpx.AsyncClient, order_id: str) -> None:
    await append(http, order_id, {"type": "order.redacted"})

    assert (await create(http, order_id, as_event=True)).status_code == 201

    order = await order_of(http, order_id)
    assert (order["customer"], order["reference"]) == (None, f"web-{order_id}")
    assert (await http.get(ORDERS, params={"text": "ann"})).json()["items"] == []


async def test_many_who_tell_it_at_once_tell_it_once(http: httpx.AsyncClient, order_id: str) -> None:
    answers = await asyncio.gather(*[create(http, order_id, as_event=bool(n % 2)) for n in range(6)])

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]


async def test_the_same_request_or_event_again_is_answered_as_the_first_time(
    http: httpx.AsyncClient, order_id: str
) -> None:
    body = {"order_id": order_id, **told(order_id), "event_id": f"created-{order_id}"}
    key = {"Idempotency-Key": f"create {order_id}"}

    first = await http.post(ORDERS, json=body, headers=key)
    by_key = await http.post(ORDERS, json=body, headers=key)
    by_id = await http.post(ORDERS, json=body)

    assert first.status_code == 201
    assert by_key.json() == by_id.json() == first.json()
    assert by_id.headers["idempotency-replayed"] == "true"
    assert (await order_of(http, order_id))["version"] == 2


async def test_totals_in_two_currencies_are_refused_late_too(http: httpx.AsyncClient, order_id: str) -> None:
    mixed = {**amounts(100), "discount": amounts(0, currency="USD")["discount"]}

    answer = await http.post(ORDERS, json={"order_id": order_id, "totals": mixed})

    assert_problem(answer, 409, "conflict")
