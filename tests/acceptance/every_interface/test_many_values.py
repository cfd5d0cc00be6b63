"""Requests that would take a worker much memory, or much time, are refused in the words of their interface."""

import json
from typing import Any

import httpx
import pytest

from api.http.reading.bodies import MAX_PARAMETERS, MAX_VALUES
from api.http.reading.faults import MAX_FAULTS
from tests.acceptance.sendcloud.fix_sendcloud import LOGS
from tests.fix_server import Account
from tests.native import JSON, ORDERS, an_order, assert_problem
from tests.raw_http import connected

MANY = b'{"a": [' + b"[]," * (MAX_VALUES + 1) + b"0]}"
MEMBERS = {f"m{n}": 0 for n in range(MAX_FAULTS + 1)}
"""Members that nothing has."""


def _carriyo(account: Account) -> dict[str, str]:
    return {"x-api-key": account.key_id, "tenant-id": account.tenant}


def _addresses(account: Account) -> dict[str, tuple[str, str]]:
    return {
        "native": ("POST", f"{ORDERS}/A-1/events"),
        "native, not hot": ("POST", ORDERS),
        "Carriyo": ("POST", "/orders/A-1/system-logs"),
        "SHOPLINE": ("PATCH", "/v1/orders/A-1/status"),
        "Sendcloud": ("POST", LOGS),
        "Dintero": ("POST", f"/v1/accounts/{account.dintero_account}/shopping/orders/A-1/events"),
    }


@pytest.mark.parametrize(
    ("interface", "said"),
    [
        ("native", ["type"]),
        ("native, not hot", ["type"]),
        ("Carriyo", ["status", "timestamp", "errors"]),
        ("SHOPLINE", ["message", "code"]),
        ("Sendcloud", ["errors"]),
        ("Dintero", ["error"]),
    ],
)
async def test_a_body_of_too_many_values_is_refused(
    account: Account, http: httpx.AsyncClient, interface: str, said: list[str]
) -> None:
    method, path = _addresses(account)[interface]

    response = await http.request(method, path, content=MANY, headers=JSON | _carriyo(account))

    assert response.status_code == 413, response.text
    assert "200,000 values" in response.text
    assert set(said) <= response.json().keys()


@pytest.mark.parametrize("interface", ["native", "native, not hot", "Carriyo", "Sendcloud", "SHOPLINE", "Dintero"])
async def test_a_query_of_too_many_parameters_is_refused(
    account: Account, http: httpx.AsyncClient, interface: str
) -> None:
    _, path = _addresses(account)[interface]
    path = {"native": f"{ORDERS}/A-1/timeline", "SHOPLINE": "/v1/orders/A-1"}.get(interface, path)

    response = await http.get(f"{path}?{'a=1&' * MAX_PARAMETERS}", headers=_carriyo(account))

    assert response.status_code == 413, response.text
    assert "1,000 parameters" in response.text


@pytest.mark.parametrize(
    ("interface", "body"),
    [
        ("native", {"type": "order.comment_added", "data": MEMBERS}),
        ("native", {"type": "order.comment_added", **MEMBERS}),
        ("native", {"events": [{"type": "order.comment_added", "data": MEMBERS}] * 3}),
        ("native, not hot", MEMBERS),
        ("Carriyo", {"entity_ids": [0] * (MAX_FAULTS + 1)}),
        ("Carriyo", {"request_headers": MEMBERS}),
        ("Sendcloud", MEMBERS),
    ],
)
async def test_of_a_body_with_too_many_faults_it_is_said_that_it_has_them(
    account: Account, http: httpx.AsyncClient, interface: str, body: dict[str, Any]
) -> None:
    await an_order(http, order_id="A-1")
    await http.put("/trail/v1/integrations/123", json={})
    method, path = _addresses(account)[interface]

    response = await http.request(method, path, json=body, headers=_carriyo(account))

    assert response.status_code in {400, 422}
    assert "more than 1,000 things are wrong with it" in response.text
    assert len(response.content) < 1_000


async def test_as_many_faults_as_are_told_are_told_one_by_one(http: httpx.AsyncClient) -> None:
    members = dict(list(MEMBERS.items())[:MAX_FAULTS])

    response = await http.post(ORDERS, json=members)

    assert_problem(response, 422, "invalid")
    assert len(response.json()["errors"]) == MAX_FAULTS


async def test_a_fault_is_told_in_few_words_however_long_the_name_of_its_place(http: httpx.AsyncClient) -> None:
    response = await http.post(ORDERS, json={"x" * 1_000_000: 1})

    assert_problem(response, 422, "invalid")
    assert response.json()["errors"][0]["pointer"] == "/" + "x" * 255
    assert len(response.content) < 1_000


async def test_a_large_append_is_taken(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    metadata = {f"field_{n}": [n, str(n)] for n in range(40)}
    report = {"state": "success", "service": "s", "service_status": "s", "metadata": metadata}
    events = [{"type": "order.service_event_recorded", "data": report}] * 1_000

    response = await http.post(f"{ORDERS}/{order_id}/events", content=json.dumps({"events": events}), headers=JSON)

    assert response.status_code == 201, response.text


async def test_a_logged_call_may_hold_any_text(account: Account, http: httpx.AsyncClient) -> None:
    await an_order(http, order_id="A-1")
    body = {"request_body": json.dumps([[]] * 1_000_000), "response_body": ',"[' * 1_000_000}

    response = await http.post("/orders/A-1/system-logs", json=body, headers=_carriyo(account))

    assert response.status_code == 200, response.text
    link = await http.get(f"/orders/A-1/system-logs/{response.json()['identifier']}", headers=_carriyo(account))
    logged = (await http.get(link.json())).json()
    assert {name: logged[name] for name in body} == body


@pytest.mark.parametrize(
    "media_type", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/csv"]
)
async def test_what_is_no_json_is_not_even_received(account: Account, media_type: str) -> None:
    headers = {"Authorization": f"Bearer {account.token}", "Content-Type": media_type, "Content-Length": str(2**24)}

    async with connected(account.url) as connection:
        await connection.begin("POST", ORDERS, headers)
        await connection.send(b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n")
        answer = await connection.answer()

    assert answer.status == 415
