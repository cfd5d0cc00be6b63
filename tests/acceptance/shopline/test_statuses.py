"""SHOPLINE's operations that set an order's statuses or cancel it, and the log they write."""

from typing import Any

import httpx
import pytest

from tests.shopline import TIME, a_shop_order, assert_refused, log_of, order_of


@pytest.fixture
async def order_id(http: httpx.AsyncClient) -> str:
    return await a_shop_order(http)


async def test_update_order_status(http: httpx.AsyncClient, order_id: str) -> None:
    answer = await http.patch(f"/v1/orders/{order_id}/status", json={"status": "confirmed", "mail_notify": False})

    order = answer.json()
    assert (answer.status_code, order["id"], order["status"]) == (200, order_id, "confirmed")
    assert TIME.fullmatch(order["confirmed_at"])
    assert order == await order_of(http, order_id)
    assert await log_of(http, order_id) == [("updated_status", {"updated_status": "confirmed", "reason": ""})]
    assert answer.headers["ordertrail-position"] == "2"


@pytest.mark.parametrize(
    ("operation", "status", "key"),
    [
        ("order_delivery_status", "shipped", "updated_delivery_status"),
        ("order_payment_status", "completed", "updated_payment_status"),
    ],
)
async def test_update_order_delivery_and_payment_status(
    http: httpx.AsyncClient, order_id: str, operation: str, status: str, key: str
) -> None:
    body = {"status": status, "mail_notify": True, "force_update": "status"}

    answer = await http.patch(f"/v1/orders/{order_id}/{operation}", json=body)

    assert answer.status_code == 200
    order = await order_of(http, order_id)
    assert answer.json() == {"order_id": order_id, "status": status, "updated_at": order["updated_at"]}
    assert order[operation.removesuffix("_status")]["status"] == status
    [(found, data)] = await log_of(http, order_id)
    assert (found, data[key]) == (key, status)


@pytest.mark.parametrize("operation", ["status", "order_delivery_status", "order_payment_status"])
@pytest.mark.parametrize("status", ["lost", "CONFIRMED", "", 1, None])
async def test_a_status_that_shopline_does_not_have_is_refused(
    http: httpx.AsyncClient, order_id: str, operation: str, status: Any
) -> None:
    answer = await http.patch(f"/v1/orders/{order_id}/{operation}", json={"status": status})

    assert_refused(answer, 422, "body.status")
    assert await log_of(http, order_id) == []


async def test_what_was_asked_for_besides_is_kept_with_the_event(http: httpx.AsyncClient, order_id: str) -> None:
    await http.patch(f"/v1/orders/{order_id}/status", json={"status": "confirmed", "mail_notify": True, "x": 1})

    feed = (await http.get("/trail/v1/feed")).json()["items"]

    assert feed[-1]["data"] == {"status": "confirmed", "reason": "", "options": {"mail_notify": True}}


async def test_the_merchant_cancels_an_order(http: httpx.AsyncClient, order_id: str) -> None:
    body = {
        "cancelled_reason": {"key": "out_of_stock", "message": "The last one broke"},
        "operated_by": "merchant",
        "revert_credits": {"amount": 5},
        "revert_member_points": {"points": 7},
        "refund_order": True,
        "mail_notify": True,
    }

    answer = await http.patch(f"/v1/orders/{order_id}/cancel", json=body)

    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert answer.json()["order_items_stock_tag"] is None
    status = {"updated_status": "cancelled", "reason": "The last one broke"}
    assert await log_of(http, order_id) == [("updated_status", status)]
    assert (await http.get("/trail/v1/feed")).json()["items"][-1]["data"]["options"] == body


@pytest.mark.parametrize("body", [{"operated_by": "customer", "cancelled_reason": {"key": "too_late"}}, {}, None])
async def test_the_customer_cancels_an_order_and_so_it_is_if_nobody_is_named(
    http: httpx.AsyncClient, order_id: str, body: Any
) -> None:
    answer = await http.request("PATCH", f"/v1/orders/{order_id}/cancel", json=body)

    assert answer.status_code == 200
    reason = body["cancelled_reason"]["key"] if body else ""
    assert await log_of(http, order_id) == [
        ("customer_cancel_requested", {"cancelled_reason": reason, "performer_ip": "127.0.0.1"}),
        ("updated_status", {"updated_status": "cancelled", "reason": reason}),
    ]


async def test_an_order_that_is_cancelled_is_not_cancelled_again(http: httpx.AsyncClient, order_id: str) -> None:
    await http.patch(f"/v1/orders/{order_id}/cancel", json={})

    answer = await http.patch(f"/v1/orders/{order_id}/cancel", json={})

    assert_refused(answer, 422, f"Order {order_id} is cancelled already")
    assert len(await log_of(http, order_id)) == 2
