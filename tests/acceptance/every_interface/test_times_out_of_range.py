"""Times that no calendar has in every time zone: refused wherever a time can come in, with the member that was sent."""

from typing import Any

import httpx
import pytest

from tests.acceptance.sendcloud.fix_sendcloud import ALL_LOGS, LOGS, assert_error
from tests.native import ORDERS, amounts, an_order, append, assert_problem, comment

TIMES = ("0001-01-01T00:00:00+14:00", "0002-01-01T00:00:00+23:59", "9998-12-31T23:59:59-23:59")
at_each = pytest.mark.parametrize("time", TIMES)


@at_each
async def test_native_bodies_do_not_take_them(http: httpx.AsyncClient, time: str) -> None:
    order_id = await an_order(http, totals=amounts(), customer={"id": "c-1"})
    await http.put("/trail/v1/integrations/7", json={})
    bodies: dict[str, dict[str, Any]] = {
        ORDERS: {},
        f"{ORDERS}/{order_id}/edit": {"totals": amounts(900)},
        f"{ORDERS}/{order_id}/transfer": {"customer": {"id": "b"}},
        f"{ORDERS}/{order_id}/split": {"totals": amounts(10)},
        f"{ORDERS}/{order_id}/events": comment("late"),
        "/trail/v1/integrations/7/events": {"type": "integration.recovered"},
    }

    for path, body in bodies.items():
        refused = await http.post(path, json={**body, "occurred_at": time})
        assert_problem(refused, 422)
        assert [error["pointer"] for error in refused.json()["errors"]] == ["/occurred_at"]
    many = await append(http, order_id, comment("a"), comment("late", occurred_at=time))
    assert [error["pointer"] for error in many.json()["errors"]] == ["/events/1/occurred_at"]


@at_each
async def test_native_queries_do_not_take_them(http: httpx.AsyncClient, time: str) -> None:
    order_id = await an_order(http)

    for path, name in (
        (ORDERS, "updated_from"),
        (ORDERS, "updated_to"),
        (f"{ORDERS}/{order_id}", "at"),
        (f"{ORDERS}/{order_id}/timeline", "from"),
        (f"{ORDERS}/{order_id}/timeline", "to"),
    ):
        refused = await http.get(path, params={name: time})
        assert_problem(refused, 422)
        assert [error["pointer"] for error in refused.json()["errors"]] == [name]


@at_each
async def test_sendcloud_does_not_take_them(http: httpx.AsyncClient, sendcloud: httpx.AsyncClient, time: str) -> None:
    logged = await sendcloud.post(LOGS, json={"base_url": "https://shop.example", "created_at": time})

    assert_error(logged, 400, "invalid", pointer="body/created_at")
    for path in (LOGS, ALL_LOGS):
        for name in ("cursor", "created_before"):
            assert_error(await sendcloud.get(path, params={name: time}), 404, "not_found")


@at_each
async def test_a_split_of_shoplines_does_not_take_them(http: httpx.AsyncClient, time: str) -> None:
    order_id = await an_order(http, totals=amounts())
    body = {"order_items": [{"id": "1", "quantity": 1}], "updated_at": time}

    refused = await http.post(f"/v1/orders/{order_id}/split", json=body)

    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["extras"]["errors"]] == ["body.updated_at"]


@pytest.mark.parametrize("time", [-(2**63), -(10**15), 10**15, 2**63 - 1])
async def test_carriyos_times_beyond_any_year_do_no_harm(
    http: httpx.AsyncClient, carriyo: httpx.AsyncClient, time: int
) -> None:
    order_id = await an_order(http)
    body = {"entity_ids": ["S-1"], "event_type": "OUTBOUND", "request_type": "SHIPMENT_CREATE", "request_time": time}

    logged = await carriyo.post(f"/orders/{order_id}/system-logs", json=body)

    assert logged.status_code < 500
    assert (await http.get(f"{ORDERS}/{order_id}/timeline")).status_code == 200


async def test_a_pointer_names_the_member_that_was_sent(http: httpx.AsyncClient) -> None:
    deep: Any = "x"
    for _ in range(64):
        deep = [deep]

    nul = await http.put("/trail/v1/integrations/7", json={"shop_name": "a", "plan": "a\x00b", "a\x00": 1, "b": deep})

    assert_problem(nul, 422)
    assert [error["pointer"] for error in nul.json()["errors"]] == ["/plan", "/a\x00", "/b"]
