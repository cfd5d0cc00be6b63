"""Leap seconds: one rule in all interfaces."""

import httpx
import pytest

from tests.acceptance.sendcloud.fix_sendcloud import LOGS, assert_error, ids, new_log
from tests.native import ORDERS, an_order, append, assert_problem, comment

LEAP = "2016-12-31T23:59:60Z"


async def test_a_leap_second_is_shown_as_the_second_after_it(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)

    recorded = await append(http, order_id, comment("late", occurred_at=LEAP))

    assert recorded.status_code == 201
    timeline = await http.get(f"{ORDERS}/{order_id}/timeline", params={"from": LEAP, "to": "2017-01-01T00:00:01Z"})
    assert [item["occurred_at"] for item in timeline.json()["items"]] == ["2017-01-01T00:00:00Z"]
    [log] = [
        x for x in (await http.get(f"/v1/orders/{order_id}/action_logs")).json()["items"] if x["key"][:5] == "added"
    ]
    assert log["created_at"] == "2017-01-01T00:00:00.000Z"


async def test_lists_take_a_leap_second(http: httpx.AsyncClient, sendcloud: httpx.AsyncClient) -> None:
    await an_order(http, occurred_at="2016-12-31T23:59:59Z")
    log = await new_log(sendcloud, created_at="2016-12-31T23:59:59.9Z")
    await new_log(sendcloud, created_at=LEAP)

    assert ids(await sendcloud.get(LOGS, params={"cursor": LEAP})) == [log]
    assert len((await http.get(ORDERS, params={"updated_to": LEAP})).json()["items"]) == 1


@pytest.mark.parametrize("time", ["2026-03-01T12:30:60Z", "2026-03-01T23:59:60Z", "2026-12-31T23:59:60+01:00"])
async def test_a_second_60_at_another_time_is_refused_everywhere(
    http: httpx.AsyncClient, sendcloud: httpx.AsyncClient, time: str
) -> None:
    order_id = await an_order(http)

    assert_problem(await append(http, order_id, comment("late", occurred_at=time)), 422)
    for path in (f"/{order_id}/timeline?from=", f"/{order_id}?at=", "?updated_from="):
        assert_problem(await http.get(f"{ORDERS}{path}{time.replace('+', '%2B')}"), 422)
    logged = await sendcloud.post(LOGS, json={"base_url": "https://shop.example", "created_at": time})
    assert_error(logged, 400, "invalid", pointer="body/created_at")
    split = {"order_items": [{"id": "1", "quantity": 1}], "updated_at": time}
    assert (await http.post(f"/v1/orders/{order_id}/split", json=split)).status_code == 422
