"""SHOPLINE's split of an order: lines go to a child order."""

import re
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.native import an_order, append
from tests.shopline import TIME, a_shop_order, assert_refused, item, log_of, order_of


@pytest.fixture
async def order_id(http: httpx.AsyncClient) -> str:
    return await a_shop_order(http)


async def test_an_order_is_split(http: httpx.AsyncClient, order_id: str) -> None:
    before = await order_of(http, order_id)
    body = {
        "order_items": [item(1_000, 2), item(4_000)],
        "updated_at": before["updated_at"],
        "send_child_email": False,
        "send_parent_email": False,
    }

    answer = await http.post(f"/v1/orders/{order_id}/split", json=body)

    assert answer.status_code == 200, answer.text
    parent = answer.json()
    [child_id] = parent["child_order_ids"]
    child = await order_of(http, child_id)
    assert re.fullmatch("[0-9a-f]{24}", child_id)
    assert (parent["id"], child["parent_order_id"]) == (order_id, order_id)
    assert TIME.fullmatch(parent["split_at"])
    cents = {
        name: [order[name]["cents"] for order in (before, parent, child)]
        for name in ("subtotal", "order_discount", "total")
    }
    assert cents == {
        "subtotal": [12_000, 6_000, 6_000],
        "order_discount": [2_000, 1_000, 1_000],
        "total": [10_000, 5_000, 5_000],
    }
    assert child["total"]["dollars"] == 50.0
    [(split, what), (split_changes, totals)] = await log_of(http, order_id)
    assert (split, what) == ("order_split", {"order_id": child_id})
    assert split_changes == "order_split_changes"
    assert totals["total"] == [before["total"], parent["total"]]
    assert await log_of(http, child_id) == [("order_split_from", {"order_id": order_id})]


PAGE = {
    "order_items": [{"id": "62a9c50634e470204d99fa0a", "quantity": 1}],
    "updated_at": "2022-08-05 07:59:09",
    "send_child_email": False,
    "send_parent_email": True,
}
"""The example of the vendor's page."""


@pytest.mark.parametrize("quantity", [1, 1.0, 3])
@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%dT%H:%M:%SZ", None])
async def test_an_order_is_split_as_on_the_vendors_page(
    http: httpx.AsyncClient, order_id: str, form: str | None, quantity: float
) -> None:
    before = await order_of(http, order_id)
    seen = before["updated_at"]
    items = [{"id": "62a9c50634e470204d99fa0a", "quantity": quantity}]
    body = {**PAGE, "order_items": items, "updated_at": datetime.fromisoformat(seen).strftime(form) if form else seen}

    answer = await http.post(f"/v1/orders/{order_id}/split", json=body)

    assert answer.status_code == 200, answer.text
    parent = answer.json()
    [child_id] = parent["child_order_ids"]
    child = await order_of(http, child_id)
    assert (child["parent_order_id"], child["customer_id"], child["created_by"]) == (
        order_id,
        before["customer_id"],
        "openapi",
    )
    # Nobody told what the lines cost: what the order amounted to is all that is known.
    assert (parent["total"], child["total"]) == (before["total"], None)
    assert await log_of(http, order_id) == [("order_split", {"order_id": child_id})]
    assert await log_of(http, child_id) == [("order_split_from", {"order_id": order_id})]
    event = (await http.get(f"/trail/v1/orders/{order_id}/timeline?type=order.split")).json()["items"][0]
    assert event["data"]["options"] == {name: value for name, value in body.items() if name != "updated_at"}


async def test_an_order_whose_worth_nobody_knows_is_split_without_prices(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    seen = (await order_of(http, order_id))["updated_at"]

    answer = await http.post(f"/v1/orders/{order_id}/split", json={**PAGE, "updated_at": seen})

    assert answer.status_code == 200, answer.text
    assert len(answer.json()["child_order_ids"]) == 1


async def test_a_split_that_was_seen_in_whole_seconds_is_told_apart_by_them(
    http: httpx.AsyncClient, order_id: str
) -> None:
    seen = datetime.fromisoformat((await order_of(http, order_id))["updated_at"])
    for seconds in (-1, 1):
        other = (seen + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S")

        stale = await http.post(f"/v1/orders/{order_id}/split", json={**PAGE, "updated_at": other})

        assert (stale.status_code, stale.json()["code"]) == (422, "parent_order_updated")
        assert "was changed after it was read" in stale.json()["message"]


async def test_an_order_that_was_changed_since_is_not_split(http: httpx.AsyncClient, order_id: str) -> None:
    seen = (await order_of(http, order_id))["updated_at"]
    await http.patch(f"/v1/orders/{order_id}/status", json={"status": "confirmed"})

    stale = await http.post(f"/v1/orders/{order_id}/split", json={"order_items": [item(100)], "updated_at": seen})
    other = "2021-11-02T04:06:13.304Z"
    unknown = await http.post(f"/v1/orders/{order_id}/split", json={"order_items": [item(100)], "updated_at": other})

    assert_refused(stale, 422, f"Order {order_id} was changed after it was read", code="parent_order_updated")
    assert_refused(unknown, 422, f"Order {order_id} was changed after it was read", code="parent_order_updated")
    assert (await order_of(http, order_id))["child_order_ids"] == []


async def test_what_services_report_meanwhile_is_no_change(http: httpx.AsyncClient, order_id: str) -> None:
    seen = (await order_of(http, order_id))["updated_at"]
    report = {"state": "success", "service": "kitchen", "service_status": "ready_for_pickup"}
    await append(http, order_id, {"type": "order.service_event_recorded", "data": report})

    answer = await http.post(
        f"/v1/orders/{order_id}/split",
        json={"order_items": [item(100)], "updated_at": seen.replace("+00:00", "Z")},
    )

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("items", "complaint"),
    [
        ([], "body.order_items"),
        ([item(12_001)], "is not between 0 and the order's"),
        ([item(-1)], "is not between 0 and the order's"),
        ([item(100, currency_iso="USD")], "different currencies"),
        ([item(100), item(100, currency_iso="USD")], "body.order_items.1.price: is not in EUR as the others are"),
        ([item(2**62), item(2**62)], "cost more than can be counted"),
        ([item(100, 0.5)], "is not a whole number"),
        ([item(100, 0)], "body.order_items.0.quantity"),
        ([item(100), {"id": "1", "quantity": 1}], "body.order_items.1.price: is missing, while others have one"),
        ([{"id": "1", "quantity": True}], "body.order_items.0.quantity"),
        ([{"id": "1", "quantity": "1"}], "body.order_items.0.quantity"),
        ([{"id": "1"}], "body.order_items.0.quantity"),
        ([{"id": "", "quantity": 1}], "body.order_items.0.id"),
    ],
)
async def test_lines_that_are_no_part_of_the_order_are_not_split_off(
    http: httpx.AsyncClient, order_id: str, items: list[Any], complaint: str
) -> None:
    seen = (await order_of(http, order_id))["updated_at"]

    answer = await http.post(f"/v1/orders/{order_id}/split", json={"order_items": items, "updated_at": seen})

    assert_refused(answer, 422, complaint)
    assert (await order_of(http, order_id))["updated_at"] == seen


async def test_an_order_that_nobody_knows_the_worth_of_is_not_split(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    seen = (await order_of(http, order_id))["updated_at"]

    answer = await http.post(f"/v1/orders/{order_id}/split", json={"order_items": [item(100, 1.0)], "updated_at": seen})

    assert_refused(answer, 422, "are not known")
