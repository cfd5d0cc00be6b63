"""A NUL character is taken in what was said in logged calls, which would be lost otherwise, and nowhere else."""

import json
from typing import Any

import httpx
import pytest

from tests.acceptance.carriyo.fix_carriyo import LOGS, logged, whole
from tests.acceptance.sendcloud.fix_sendcloud import LOGS as EXCEPTIONS
from tests.acceptance.sendcloud.fix_sendcloud import MINIMAL, NATIVE, new_log
from tests.native import ORDERS, append, comment, status

NUL = "GIF89a\x00\x01"

CALLS: list[dict[str, Any]] = [
    {"request_url": f"https://carrier.example/{NUL}"},
    {"request_body": NUL},
    {"raw_request_body": NUL},
    {"response_body": NUL},
    {"request_headers": {"X-Trace": [NUL]}},
    {"response_headers": {"X-Trace": [NUL]}},
]
FAILED_CALLS: list[dict[str, Any]] = [
    {"base_url": NUL},
    {"full_url": NUL},
    {"exception": NUL},
    {"request": {"headers": {"X-Trace": NUL}, "payload": {NUL: [NUL]}}},
    {"response": {"body": NUL, NUL: NUL}},
]
NATIVE_WRITES: list[dict[str, Any]] = [
    comment(NUL),
    comment("", correlation_id=NUL),
    comment("", event_id=NUL),
    comment("", actor={"name": NUL}),
    status(NUL),
    {"type": "order.status_updated", "data": {"status": "open", "reason": NUL}},
    {"type": "order.status_updated", "data": {"status": "open", "options": {"why": [NUL]}}},
    {"type": "order.status_updated", "data": {"status": "open", "options": {NUL: 1}}},
    {"type": "order.cancellation_requested", "data": {"performer_ip": NUL}},
    {"type": "order.shipment_execution_failed", "data": {"message": NUL}},
    {"type": "order.service_event_recorded", "data": {"state": "success", "service": NUL, "service_status": "x"}},
]
REPORT = {"state": "success", "service": "kitchen", "service_status": "ready"}


@pytest.mark.parametrize("call", CALLS, ids=lambda call: next(iter(call)))
async def test_a_call_is_logged_whatever_characters_were_said_in_it(
    carriyo: httpx.AsyncClient, call: dict[str, Any]
) -> None:
    log = await logged(carriyo, **call)

    told = {**json.loads(log["details_json"]), **(await whole(carriyo, log)).json()}
    assert {name: told[name] for name in call} == call


@pytest.mark.parametrize("call", FAILED_CALLS, ids=lambda call: next(iter(call)))
async def test_a_failed_call_is_logged_whatever_characters_were_said_in_it(
    sendcloud: httpx.AsyncClient, call: dict[str, Any]
) -> None:
    await new_log(sendcloud, **call)

    [log] = (await sendcloud.get(EXCEPTIONS)).json()["data"]
    assert {name: log[name] for name in call} == call


@pytest.mark.parametrize("name", ["correlation_id", "carrier_id", "request_type", "request_method", "source_id"])
async def test_what_else_is_told_of_a_call_holds_none(carriyo: httpx.AsyncClient, name: str) -> None:
    assert (await carriyo.post(LOGS, json={name: NUL})).status_code == 400


@pytest.mark.parametrize("name", ["method", "exception_type", "created_at"])
async def test_what_else_is_told_of_a_failed_call_holds_none(sendcloud: httpx.AsyncClient, name: str) -> None:
    assert (await sendcloud.post(EXCEPTIONS, json={**MINIMAL, name: NUL})).status_code == 400


@pytest.mark.usefixtures("carriyo")
@pytest.mark.parametrize("event", NATIVE_WRITES, ids=str)
async def test_no_event_holds_one(http: httpx.AsyncClient, event: dict[str, Any]) -> None:
    assert (await append(http, "A-1", event)).status_code == 422
    assert (await http.get(f"{ORDERS}/A-1")).json()["version"] == 1


async def test_no_order_and_no_integration_holds_one(http: httpx.AsyncClient) -> None:
    for order in ({"reference": NUL}, {"customer": {"name": NUL}}, {"created_by": NUL}, {"correlation_id": NUL}):
        assert (await http.post(ORDERS, json=order)).status_code == 422
    for integration in ({"shop_name": NUL}, {"shop_url": NUL}, {"details": {"a": NUL}}, {"details": {NUL: 1}}):
        assert (await http.put(f"{NATIVE}/123", json=integration)).status_code == 422


@pytest.mark.usefixtures("carriyo")
async def test_shoplines_operations_take_none(http: httpx.AsyncClient) -> None:
    order = "/v1/orders/A-1"
    answers = [
        await http.post(f"{order}/messages", json={"text": NUL, "send_by": "customer"}),
        await http.patch(f"{order}/cancel", json={"cancelled_reason": {"key": "other", "message": NUL}}),
        await http.patch(f"{order}/cancel", json={"revert_credits": {"a": NUL}}),
        await http.patch(f"{order}/order_delivery_status", json={"status": "shipped", "force_update": NUL}),
        await http.post(f"{order}/split", json={"order_items": [{"id": NUL, "quantity": 1}], "updated_at": "x"}),
    ]

    assert [answer.status_code for answer in answers] == [422] * len(answers)


@pytest.mark.parametrize("told", [{"service": NUL}, {"description": NUL}, {"metadata": {"a": NUL}}], ids=str)
async def test_what_services_report_to_dintero_holds_none(shopping: httpx.AsyncClient, told: dict[str, Any]) -> None:
    assert (await shopping.post("/A-1/events", json={**REPORT, **told})).status_code == 400


@pytest.mark.usefixtures("carriyo")
async def test_what_is_looked_for_holds_none(http: httpx.AsyncClient) -> None:
    for query in (f"{ORDERS}?text=%00", f"{ORDERS}?status=%00", f"{ORDERS}/A-1/timeline?correlation_id=%00"):
        answer = await http.get(query)
        assert answer.status_code in {200, 422}, (query, answer.text)
        assert answer.status_code == 422 or answer.json()["items"] == []
