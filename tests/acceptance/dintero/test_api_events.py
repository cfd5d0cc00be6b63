"""Dintero's API events: whatever is done to an order, by whichever interface, is in its list."""

import json
from datetime import datetime
from typing import Any

import httpx

from tests.acceptance.dintero.fix_dintero import listed
from tests.fix_server import Account
from tests.native import amounts, comment, status

REPORT = {"state": "success", "service": "kitchen", "service_status": "ready_for_pickup"}


async def everything(shopping: httpx.AsyncClient, order_id: str = "A-1") -> list[dict[str, Any]]:
    """Return an order's list, the newest first."""
    answer = await shopping.get(f"/{order_id}/events")
    assert answer.status_code == 200, answer.text
    events: list[dict[str, Any]] = answer.json()["events"]
    return events


async def test_a_change_is_listed_as_an_api_event(
    account: Account, shopping: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    await http.post("/trail/v1/orders/A-1/events", json=status("confirmed"))

    event, created = await everything(shopping)

    assert event == {
        "id": event["id"],
        "created_at": event["created_at"],
        "created_by": account.key_id,
        "version": 2,
        "request": {
            "method": "POST",
            "path": "/trail/v1/orders/A-1/events",
            "body": '{"status":"confirmed"}',
        },
    }
    assert datetime.fromisoformat(event["created_at"]).tzinfo
    assert (created["version"], created["request"]["path"]) == (1, "/trail/v1/orders")


async def test_reports_and_changes_are_in_one_list_and_only_reports_make_the_state(
    shopping: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    await shopping.post("/A-1/events", json={**REPORT, "state": "pending"})
    await http.post("/trail/v1/orders/A-1/events", json=status())
    await shopping.post("/A-1/events", json=REPORT)

    kinds = ["report" if "service" in event else "change" for event in await everything(shopping)]

    assert kinds == ["report", "change", "report", "change"]
    assert (await listed(shopping))["state"] == "success"


async def test_both_orders_of_a_split_show_the_request_that_split_them(
    shopping: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    await http.post("/trail/v1/orders", json={"order_id": "A-9", "totals": amounts(1_000)})
    await http.post("/trail/v1/orders/A-9/split", json={"order_id": "A-9-2", "totals": amounts(300)})

    parent, child = await everything(shopping, "A-9"), await everything(shopping, "A-9-2")

    paths = [event["request"]["path"] for event in (*parent[:2], *child)]
    assert paths == ["/trail/v1/orders/A-9/split"] * 4
    assert json.loads(parent[0]["request"]["body"])["total"]["after"]["cents"] == 700


async def test_what_is_personal_or_long_is_left_out_of_the_body(
    shopping: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    customer = {"id": "c-9", "name": "Ann Li"}
    await http.post("/trail/v1/orders", json={"order_id": "A-9", "created_by": "shop", "customer": customer})
    await http.post("/trail/v1/orders/A-9/events", json=comment("Call Ann"))
    await http.post("/trail/v1/orders/A-9/events", json={"type": "order.details_updated"})
    method = {f"l{n}": "x" * 255 for n in range(20)}
    change = {"type": "order.payment_method_changed", "data": {"method": {"before": method, "after": {}}}}
    await http.post("/trail/v1/orders/A-9/events", json=change)

    long, empty, comment_added, created = [event["request"] for event in await everything(shopping, "A-9")]

    assert created["body"] == '{"created_by":"shop"}'
    assert comment_added["body"] == '{"is_private":false}'
    assert "body" not in long | empty


async def test_logged_calls_are_not_listed(shopping: httpx.AsyncClient, http: httpx.AsyncClient) -> None:
    before = await everything(shopping)
    await http.post("/trail/v1/orders/A-1/events", json={"type": "order.system_log_recorded", "data": {}})

    assert await everything(shopping) == before


async def test_the_latest_100_of_both_are_listed_and_all_reports_among_the_latest_100(
    shopping: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    report = {"type": "order.service_event_recorded", "data": REPORT}
    events = [event for n in range(80) for event in (status(f"{n}"), report)]
    await http.post("/trail/v1/orders/A-1/events", json={"events": events})

    found = await everything(shopping)

    assert [event["version"] for event in found] == [*range(161, 61, -1), *range(61, 2, -2)]
    assert [event["version"] for event in found if "service" in event] == list(range(161, 2, -2))
