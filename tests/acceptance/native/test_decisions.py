"""Decisions: an order may refuse them, and what they change is changed together."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.native import ORDERS, amounts, an_order, append, assert_problem, new_id


async def test_an_edit_changes_what_an_order_amounts_to(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http, totals=amounts(10_000))

    response = await http.post(f"{ORDERS}/{order_id}/edit", json={"totals": amounts(9_000, discount=500)})

    assert response.status_code == 201
    assert await _cents(http, order_id) == {"total": 9_000, "subtotal": 9_500, "discount": 500}
    [event] = await _events(http, order_id, "order.edited")
    assert event["data"]["total"]["before"]["cents"] == 10_000


async def test_an_edit_keeps_the_currency(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http, totals=amounts(currency="EUR"))

    response = await http.post(f"{ORDERS}/{order_id}/edit", json={"totals": amounts(currency="USD")})

    assert_problem(response, 409, "conflict")


async def test_an_order_is_transferred_to_another_customer_only(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http, customer={"id": "c-1", "name": "Ann"})
    body = {"customer": {"id": "c-2", "name": "Bo"}, "actor": {"id": "u-1"}}

    response = await http.post(f"{ORDERS}/{order_id}/transfer", json=body)
    again = await http.post(f"{ORDERS}/{order_id}/transfer", json=body)

    assert response.status_code == 201
    assert_problem(again, 409, "conflict")
    [event] = await _events(http, order_id, "order.transferred")
    assert event["data"] == {
        "original_customer": {"id": "c-1", "name": "Ann"},
        "new_customer": {"id": "c-2", "name": "Bo"},
    }
    assert event["actor"]["id"] == "u-1"


async def test_a_split_divides_the_money_between_two_orders(http: httpx.AsyncClient) -> None:
    parent = await an_order(http, totals=amounts(10_000, discount=1_000), customer={"id": "c-1"})

    response = await http.post(f"{ORDERS}/{parent}/split", json={"totals": amounts(2_500, discount=250)})

    child = response.json()["order_id"]
    assert response.status_code == 201
    assert response.headers["etag"] == '"2"'
    assert [item["type"] for item in response.json()["items"]] == [
        "order.split",
        "order.split_changes",
        "order.created",
        "order.split_from",
    ]
    assert await _cents(http, parent) == {"total": 7_500, "subtotal": 8_250, "discount": 750}
    assert await _cents(http, child) == {"total": 2_500, "subtotal": 2_750, "discount": 250}
    order = (await http.get(f"{ORDERS}/{child}")).json()
    assert (order["parent"], order["version"], order["customer"]["id"]) == (parent, 2, "c-1")
    assert (await http.get(f"{ORDERS}/{parent}")).json()["children"] == [child]


async def test_the_child_of_a_split_may_have_an_id_of_the_clients(http: httpx.AsyncClient) -> None:
    parent, child = await an_order(http, totals=amounts()), new_id()

    response = await http.post(f"{ORDERS}/{parent}/split", json={"order_id": child, "totals": amounts(1)})

    assert response.json()["order_id"] == child


@pytest.mark.parametrize("part", [10_001, -1])
async def test_a_split_that_does_not_balance_changes_nothing(http: httpx.AsyncClient, part: int) -> None:
    parent, child = await an_order(http, totals=amounts(10_000)), new_id()

    response = await http.post(f"{ORDERS}/{parent}/split", json={"order_id": child, "totals": amounts(part)})

    assert_problem(response, 409, "conflict")
    assert f"{part} cents" in response.json()["detail"]
    assert (await http.get(f"{ORDERS}/{parent}")).json()["version"] == 1
    assert_problem(await http.get(f"{ORDERS}/{child}"), 404)


async def test_a_split_into_an_order_that_exists_changes_nothing(http: httpx.AsyncClient) -> None:
    parent, other = await an_order(http, totals=amounts()), await an_order(http)

    into_other = await http.post(f"{ORDERS}/{parent}/split", json={"order_id": other, "totals": amounts(1)})
    into_itself = await http.post(f"{ORDERS}/{parent}/split", json={"order_id": parent, "totals": amounts(1)})

    assert_problem(into_other, 409, "conflict")
    assert_problem(into_itself, 409, "conflict")
    assert (await http.get(f"{ORDERS}/{parent}")).json()["version"] == 1
    assert (await http.get(f"{ORDERS}/{other}")).json()["version"] == 1


async def test_money_that_many_split_off_at_once_is_split_off_once(http: httpx.AsyncClient) -> None:
    parent = await an_order(http, totals=amounts(10_000))
    splits = [http.post(f"{ORDERS}/{parent}/split", json={"totals": amounts(4_000)}) for _ in range(4)]

    statuses = [response.status_code for response in await asyncio.gather(*splits)]

    assert sorted(statuses) == [201, 201, 409, 409]
    children = (await http.get(f"{ORDERS}/{parent}")).json()["children"]
    parts = [(await _cents(http, order_id))["total"] for order_id in [parent, *children]]
    assert parts == [2_000, 4_000, 4_000]


@pytest.mark.parametrize("dollars", [1e15, -1e15, 5e-324])
async def test_what_is_left_of_the_largest_amount_is_an_amount(http: httpx.AsyncClient, dollars: float) -> None:
    totals = amounts(2**63 - 1)
    for money in totals.values():
        money.update(dollars=dollars, currency_symbol="S" * 16, label="L" * 255)
    order_id = await an_order(http, totals=totals)

    response = await http.post(f"{ORDERS}/{order_id}/split", json={"totals": amounts(1)})

    assert response.status_code == 201
    order = await http.get(f"{ORDERS}/{order_id}")
    assert "ordertrail-lag" not in order.headers
    assert order.json()["totals"]["total"]["cents"] == 2**63 - 2
    assert (await http.post(f"{ORDERS}/{order_id}/edit", json={"totals": amounts(1)})).status_code == 201


@pytest.mark.parametrize("money", [{"dollars": 1e16}, {"currency_symbol": "S" * 17}, {"cents": 2**63}])
async def test_an_amount_beyond_all_bounds_is_refused(http: httpx.AsyncClient, money: dict[str, Any]) -> None:
    totals = amounts()
    totals["total"].update(money)

    assert_problem(await http.post(ORDERS, json={"totals": totals}), 422)


async def test_an_order_without_totals_is_neither_edited_nor_split(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)

    for path in ("edit", "split"):
        assert_problem(await http.post(f"{ORDERS}/{order_id}/{path}", json={"totals": amounts()}), 409)


async def test_decisions_on_an_order_that_does_not_exist_are_refused(http: httpx.AsyncClient) -> None:
    for path, body in (
        ("edit", {"totals": amounts()}),
        ("transfer", {"customer": {}}),
        ("split", {"totals": amounts()}),
    ):
        assert_problem(await http.post(f"{ORDERS}/{new_id()}/{path}", json=body), 404, "not-found")


async def test_a_decision_that_another_system_took_is_recorded_if_it_fits(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http, totals=amounts(10_000))

    fits = await append(http, order_id, _edited(10_000, 9_000))
    does_not = await append(http, order_id, _edited(10_000, 8_000))

    assert fits.status_code == 201
    assert_problem(does_not, 409, "conflict")
    assert (await _cents(http, order_id))["total"] == 9_000


async def test_reported_decisions_are_checked_one_after_the_other(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http, totals=amounts(10_000))

    chain = await append(http, order_id, _edited(10_000, 9_000), _edited(9_000, 8_000))
    broken = await append(http, order_id, _edited(8_000, 7_000), _edited(8_000, 6_000))

    assert chain.status_code == 201
    assert_problem(broken, 409, "conflict")
    assert (await _cents(http, order_id))["total"] == 8_000


def _edited(before: int, after: int) -> dict[str, Any]:
    pairs = zip(amounts(before).items(), amounts(after).values(), strict=True)
    return {"type": "order.edited", "data": {name: {"before": old, "after": new} for (name, old), new in pairs}}


async def _cents(http: httpx.AsyncClient, order_id: str) -> dict[str, int]:
    totals = (await http.get(f"{ORDERS}/{order_id}")).json()["totals"]
    return {name: money["cents"] for name, money in totals.items()}


async def _events(http: httpx.AsyncClient, order_id: str, type_: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await http.get(f"{ORDERS}/{order_id}/timeline", params={"type": type_})).json()[
        "items"
    ]
    return items
