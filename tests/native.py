"""What tests of the native interface say often: requests to it, and what its answers must look like."""

import secrets
from typing import Any

import httpx

ORDERS = "/trail/v1/orders"
JSON = {"Content-Type": "application/json"}


def new_id() -> str:
    return f"A-{secrets.token_hex(6)}"


def amounts(total: int = 10_000, *, discount: int = 0, currency: str = "EUR") -> dict[str, Any]:
    """Return what an order amounts to, in cents, as a body has it."""
    cents = {"total": total, "subtotal": total + discount, "discount": discount}
    return {name: {"cents": n, "currency_iso": currency, "dollars": n / 100} for name, n in cents.items()}


def status(status: str = "confirmed", **event: Any) -> dict[str, Any]:
    """Return an event that changes an order's status."""
    return {"type": "order.status_updated", "data": {"status": status}, **event}


def comment(text: str, **event: Any) -> dict[str, Any]:
    """Return an event that holds a text."""
    return {"type": "order.comment_added", "data": {"text": text}, **event}


async def an_order(http: httpx.AsyncClient, **body: Any) -> str:
    """Create an order and return its id."""
    response = await http.post(ORDERS, json={"order_id": new_id(), **body})
    assert response.status_code == 201, response.text
    order_id: str = response.json()["order_id"]
    return order_id


async def append(http: httpx.AsyncClient, order_id: str, *events: dict[str, Any], **headers: str) -> httpx.Response:
    """Append one event, or several together."""
    body = events[0] if len(events) == 1 else {"events": events}
    return await http.post(f"{ORDERS}/{order_id}/events", json=body, headers=headers)


async def pages(http: httpx.AsyncClient, path: str, **query: Any) -> list[dict[str, Any]]:
    """Return the items of all pages of a list."""
    items: list[dict[str, Any]] = []
    while True:
        response = await http.get(path, params=query)
        assert response.status_code == 200, response.text
        items += response.json()["items"]
        if response.json()["next"] is None:
            return items
        query["cursor"] = response.json()["next"]


def assert_problem(response: httpx.Response, status: int, kind: str | None = None) -> None:
    """Assert that an answer is a problem as RFC 9457 has it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["type"].startswith("urn:ordertrail:problem:")
    assert problem["title"]
    assert problem["detail"]
    assert kind is None or problem["type"] == f"urn:ordertrail:problem:{kind}"
