"""A service's newest report is the newest by its own clock, wherever it is shown and however late it is told."""

from typing import Any

import httpx

from tests.acceptance.dintero.fix_dintero import token_of
from tests.commands import ordertrail
from tests.fix_server import Account
from tests.native import an_order, append, pages

DAY = "2026-03-01T"


def report(state: str, status: str, occurred_at: str | None = None, service: str = "carrier") -> dict[str, Any]:
    data = {"state": state, "service": service, "service_status": status}
    told = {"type": "order.service_event_recorded", "data": data}
    return told if occurred_at is None else {**told, "occurred_at": f"{DAY}{occurred_at}Z"}


async def order_of(http: httpx.AsyncClient, order_id: str, query: str = "") -> dict[str, Any]:
    answer = await http.get(f"/trail/v1/orders/{order_id}{query}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_report_that_comes_late_leaves_the_newest_in_its_place(
    account: Account, http: httpx.AsyncClient
) -> None:
    order_id = await an_order(http)

    for told in (
        report("pending", "A", "10:00:00"),
        report("success", "C", "12:00:00"),
        report("pending", "B", "11:00:00"),
    ):
        assert (await append(http, order_id, told)).status_code == 201

    now, past = await order_of(http, order_id), await order_of(http, order_id, "?version=4")
    assert (now["state"], now["services"]["carrier"]["status"]) == ("success", "C")
    assert (past["state"], past["services"]) == (now["state"], now["services"])
    between = await order_of(http, order_id, f"?at={DAY}11:30:00Z&clock=occurred")
    assert between["services"]["carrier"]["status"] == "B"
    [listed] = (await http.get("/trail/v1/orders")).json()["items"]
    assert (listed["state"], listed["services"]) == (now["state"], now["services"])
    assert await dintero_state(account, order_id) == "success"


async def test_a_rebuilt_view_has_the_same_newest_reports(account: Account, http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    await append(http, order_id, report("success", "C", "12:00:00"))
    await append(http, order_id, report("pending", "B", "11:00:00"))
    before = await order_of(http, order_id)

    for command in (["verify", "--views"], ["rebuild", "order_state"]):
        result = ordertrail(*command, "--tenant", account.tenant, "--dsn", account.dsn)
        assert result.returncode == 0, result.stdout + result.stderr

    assert await order_of(http, order_id) == before


async def test_a_report_without_a_time_has_that_of_its_recording(account: Account, http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    await append(http, order_id, report("success", "LONG AGO", "10:00:00", service="kitchen"))

    async with httpx.AsyncClient(base_url=f"{account.url}/v1", auth=(account.key_id, account.secret)) as dintero:
        token = await token_of(dintero, account.dintero_account)
        answer = await dintero.post(
            f"/accounts/{account.dintero_account}/shopping/orders/{order_id}/events",
            json={"state": "pending", "service": "kitchen", "service_status": "COOKING"},
            headers={"Authorization": f"Bearer {token}"},
            auth=None,
        )
    assert answer.status_code == 200, answer.text
    await append(http, order_id, report("success", "EARLIER", "11:00:00", service="kitchen"))

    shown = (await order_of(http, order_id))["services"]["kitchen"]
    entry = (await pages(http, f"/trail/v1/orders/{order_id}/timeline"))[2]
    assert shown["status"] == "COOKING"
    assert shown["occurred_at"] == entry["occurred_at"] == entry["recorded_at"]


async def dintero_state(account: Account, order_id: str) -> str:
    async with httpx.AsyncClient(base_url=f"{account.url}/v1", auth=(account.key_id, account.secret)) as dintero:
        headers = {"Authorization": f"Bearer {await token_of(dintero, account.dintero_account)}"}
        path = f"/accounts/{account.dintero_account}/shopping/orders/{order_id}/events"
        state: str = (await dintero.get(path, headers=headers, auth=None)).json()["state"]
    return state
