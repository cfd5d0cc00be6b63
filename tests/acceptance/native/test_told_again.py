"""A decision that is told again, by its event's id, is answered as the first time."""

from typing import Any

import httpx


def totals(cents: int) -> dict[str, Any]:
    money = {"cents": cents, "currency_iso": "EUR"}
    return {"total": money, "subtotal": money, "discount": {"cents": 0, "currency_iso": "EUR"}}


async def test_a_reported_edit_with_the_same_event_id_is_recorded_once(http: httpx.AsyncClient) -> None:
    await http.post("/trail/v1/orders", json={"order_id": "A-1", "totals": totals(1_000)})
    pairs = {
        name: {"before": totals(1_000)[name], "after": totals(900)[name]} for name in ("total", "subtotal", "discount")
    }
    edit = {"type": "order.edited", "event_id": "edit-1", "data": pairs}

    first = await http.post("/trail/v1/orders/A-1/events", json=edit)
    again = await http.post("/trail/v1/orders/A-1/events", json=edit)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"


async def test_numbers_and_years_are_no_times(http: httpx.AsyncClient) -> None:
    await http.post("/trail/v1/orders", json={"order_id": "A-1"})

    for occurred_at in (1, "1", "2026", "2026-03-01", "2026-03-01T02:02:00"):
        event = {"type": "order.details_updated", "occurred_at": occurred_at}
        assert (await http.post("/trail/v1/orders/A-1/events", json=event)).status_code == 422, occurred_at


async def test_an_order_is_not_returned_as_if_a_parameter_had_been_heeded(http: httpx.AsyncClient) -> None:
    await http.post("/trail/v1/orders", json={"order_id": "A-1"})

    assert (await http.get("/trail/v1/orders/A-1?versions=1")).status_code == 422
