"""SHOPLINE's orders as its clients have them."""

import re
from typing import Any

import httpx

from tests.native import amounts, an_order, new_id

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")


async def a_shop_order(http: httpx.AsyncClient) -> str:
    """Create an order of 100 euros by a customer with a name; return its id."""
    customer = {"id": "60c1e027a47d91004377f130", "name": "Ann Li"}
    return await an_order(http, created_by="shop", totals=amounts(10_000, discount=2_000), customer=customer)


async def order_of(http: httpx.AsyncClient, order_id: str) -> dict[str, Any]:
    answer = await http.get(f"/v1/orders/{order_id}")
    assert answer.status_code == 200, answer.text
    order: dict[str, Any] = answer.json()
    return order


async def log_of(http: httpx.AsyncClient, order_id: str) -> list[tuple[str, Any]]:
    """Return the keys and data of an order's log, the oldest first, without order_created."""
    items = (await http.get(f"/v1/orders/{order_id}/action_logs")).json()["items"]
    return [(item["key"], item["data"]) for item in reversed(items) if item["key"] != "order_created"]


def item(cents: int, quantity: float = 1, **price: Any) -> dict[str, Any]:
    return {"id": new_id(), "quantity": quantity, "price": {"cents": cents, "currency_iso": "EUR", **price}}


def assert_refused(answer: httpx.Response, status: int, message: str, *, code: str = "UnprocessableEntity") -> None:
    assert (answer.status_code, set(answer.json())) == (status, {"error", "message", "code", "extras"}), answer.text
    assert answer.json()["code"] == code
    assert message in answer.json()["message"]
