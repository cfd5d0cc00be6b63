"""SHOPLINE's comments and notes on orders."""

import re
from typing import Any

import httpx
import pytest

from tests.fix_server import Account
from tests.shopline import TIME, a_shop_order, assert_refused, log_of, order_of


@pytest.fixture
async def order_id(http: httpx.AsyncClient) -> str:
    return await a_shop_order(http)


async def test_a_customers_comment(http: httpx.AsyncClient, order_id: str) -> None:
    body = {"text": "When will it arrive?", "is_private": False, "send_by": "customer"}

    answer = await http.post(f"/v1/orders/{order_id}/messages", json=body)

    comment = answer.json()
    assert answer.status_code == 200
    assert re.fullmatch("[0-9a-f]{24}", comment.pop("id"))
    assert TIME.fullmatch(comment["created_at"])
    assert comment.pop("created_at") == comment.pop("updated_at")
    assert comment == {
        "text": "When will it arrive?",
        "owner_id": "60c1e027a47d91004377f130",
        "owner_type": "User",
        "trackable_id": order_id,
        "trackable_type": "Order",
        "is_private": False,
        "media": None,
    }
    assert await log_of(http, order_id) == [("added_a_comment", None)]
    [remark] = (await order_of(http, order_id))["order_comments"]
    assert (remark["owner_type"], remark["value"]) == ("User", "When will it arrive?")


async def test_a_note_of_the_shop(http: httpx.AsyncClient, account: Account, order_id: str) -> None:
    body = {
        "media_id": "60c1e027a47d91004377f150",
        "is_private": True,
        "trackable_type": "OrderDelivery",
        "trackable_id": "60c1e027a47d91004377f151",
        "custom_data": {"kind": "receipt"},
    }

    comment = (await http.post(f"/v1/orders/{order_id}/messages", json=body)).json()

    assert (comment["owner_type"], comment["owner_id"]) == ("Merchant", account.tenant)
    assert (comment["trackable_type"], comment["trackable_id"]) == ("OrderDelivery", "60c1e027a47d91004377f151")
    assert (comment["media"], comment["is_private"]) == ({"id": "60c1e027a47d91004377f150"}, True)
    order = await order_of(http, order_id)
    assert (len(order["order_comments"]), len(order["order_notes"])) == (0, 1)


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": "x", "send_by": "courier"}, {"text": "\x00"}, {"text": 1}])
async def test_a_comment_says_something(http: httpx.AsyncClient, order_id: str, body: Any) -> None:
    answer = await http.post(f"/v1/orders/{order_id}/messages", json=body)

    assert_refused(answer, 422, "body.")
