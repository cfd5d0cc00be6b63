"""What readers could take in two ways is refused, in every interface: members and parameters that come twice, names."""

import re
from typing import Any

import httpx
import pytest

from tests.acceptance.carriyo.fix_carriyo import LOGS
from tests.acceptance.sendcloud.fix_sendcloud import LOGS as EXCEPTIONS
from tests.fix_server import Account
from tests.native import JSON, ORDERS, amounts, an_order, append, assert_problem, comment

MARK = b"\xef\xbb\xbf"


async def test_a_member_that_comes_twice_is_refused_everywhere(
    http: httpx.AsyncClient,
    carriyo: httpx.AsyncClient,
    sendcloud: httpx.AsyncClient,
    shopping: httpx.AsyncClient,
    dintero: httpx.AsyncClient,
    account: Account,
) -> None:
    bodies = {
        (http, "POST", ORDERS): b'{"customer": {"id": "1", "id": "2"}}',
        (http, "POST", f"{ORDERS}/A-1/events"): b'{"type": "order.archived", "data": {"x": 1}, "data": {}}',
        (http, "PUT", "/trail/v1/integrations/5"): b'{"plan": {"a": 1, "a": 2}}',
        (http, "PUT", "/trail/v1/retention"): b'{"bodies_days": 1, "bodies_days": null}',
        (http, "PATCH", "/v1/orders/A-1/status"): b'{"status": "pending", "status": "completed"}',
        (carriyo, "POST", LOGS): b'{"request_body": "", "request_body": "x"}',
        (carriyo, "POST", "/oauth/token"): b'{"client_id": "", "client_id": "x", "client_secret": ""}',
        (sendcloud, "POST", EXCEPTIONS): b'{"base_url": "x", "response": {"body": {"a": 1, "a": 2}}}',
        (shopping, "POST", "/A-1/events"): b'{"service": "", "service": "x", "service_status": ""}',
        (dintero, "POST", f"/accounts/{account.dintero_account}/auth/token"): b'{"audience": "", "audience": ""}',
    }
    for (client, method, path), body in bodies.items():
        answer = await client.request(method, path, content=body, headers=JSON)

        assert answer.status_code in {400, 422}, (path, answer.text)
        assert "twice" in answer.text


async def test_a_parameter_that_no_native_route_has_is_refused_by_all(http: httpx.AsyncClient) -> None:
    paths = (await http.get("/openapi.json")).json()["paths"]
    asked = [(method, path) for path in paths if path.startswith("/trail/") for method in paths[path]]

    for method, path in asked:
        named = re.sub(r"{\w+}", "1", path)
        answer = await http.request(method, f"{named}?verison=1", json={} if method in {"post", "put"} else None)

        assert_problem(answer, 422, "invalid")
        assert ("verison", "extra_forbidden") in [(e["pointer"], e["type"]) for e in answer.json()["errors"]], path
    assert len(asked) > 20


async def test_a_whole_number_may_have_a_point_and_nothing_else_is_one(
    http: httpx.AsyncClient, carriyo: httpx.AsyncClient, sendcloud: httpx.AsyncClient
) -> None:
    await http.post(ORDERS, json={"order_id": "A-1"})
    places: list[tuple[httpx.AsyncClient, str, str, str]] = [
        (http, "PUT", "/trail/v1/retention", "bodies_days"),
        *[(carriyo, "POST", LOGS, name) for name in ("request_time", "response_time", "response_code")],
        (sendcloud, "POST", EXCEPTIONS, "response_code"),
    ]
    for client, method, path, name in places:
        for value, is_whole in ((12.0, True), (12, True), (12.5, False), ("12", False), (True, False)):
            body = {name: value} | ({"base_url": "x"} if client is sendcloud else {})
            answer = await client.request(method, path, json=body)

            assert (answer.status_code < 300) is is_whole, (path, name, value, answer.text)


async def test_a_parameter_that_comes_twice_is_refused_everywhere(
    http: httpx.AsyncClient, carriyo: httpx.AsyncClient, sendcloud: httpx.AsyncClient
) -> None:
    for client, path in [
        (http, f"{ORDERS}?limit=1&limit=1"),
        (http, f"{ORDERS}/A-1?version=1&version=2"),
        (http, f"{ORDERS}/A-1/timeline?from=2026-01-01T00:00:00Z&%66rom=2026-01-02T00:00:00Z"),
        (http, "/trail/v1/feed?after=0&type=a&after=1"),
        (http, "/trail/v1/ledger/proofs/consistency?from=1&to=2&to=2"),
        (carriyo, f"{LOGS}?pageNum=1&pageNum=2"),
        (carriyo, "/orders/A-1/change-logs?sort_order=ASC&sort_order=DESC"),
        (sendcloud, f"{EXCEPTIONS}?page_size=1&page_size=2"),
        (sendcloud, "/api/v3/integrations?sort=&sort=updated_at"),
    ]:
        answer = await client.get(path)

        assert answer.status_code in {400, 422}, path
        assert "is sent more than once" in answer.text
    twice = await carriyo.post(f"{LOGS}?key=order_id&key=partner_order_reference", json={})
    assert twice.status_code == 400
    assert (await http.get("/trail/v1/feed?type=order.created&type=order.split")).status_code == 200


@pytest.mark.parametrize("number", ["1_0", "+1", " 1", "1.0", "1e1", "０", "true"])
async def test_a_number_in_a_query_is_made_of_digits(http: httpx.AsyncClient, number: str) -> None:
    for path, name in [(ORDERS, "limit"), (f"{ORDERS}/A-1/timeline", "limit"), ("/trail/v1/feed", "after")]:
        assert_problem(await http.get(path, params={name: number}), 422)


async def test_a_byte_order_mark_is_forgiven(http: httpx.AsyncClient, sendcloud: httpx.AsyncClient) -> None:
    path = f"{ORDERS}/{await an_order(http)}/events"

    answers = [
        await http.post(path, content=MARK + b'{"type": "order.comment_added"}', headers=JSON),
        await http.put("/trail/v1/retention", content=MARK + b'{"bodies_days": null}', headers=JSON),
        await sendcloud.post(EXCEPTIONS, content=MARK + b'{"base_url": "x"}', headers=JSON),
    ]

    assert [answer.status_code for answer in answers] == [201, 200, 201]
    assert_problem(await http.post(path, content=MARK * 2 + b"{}", headers=JSON), 422)


@pytest.mark.parametrize("cents", [True, "12", " 12 ", "1_000", 1.5, [], None])
async def test_an_amount_is_a_number(http: httpx.AsyncClient, cents: Any) -> None:
    totals = amounts()
    totals["total"]["cents"] = cents

    assert_problem(await http.post(ORDERS, json={"totals": totals}), 422)


@pytest.mark.parametrize(
    ("topic", "data"),
    [
        ("order.comment_added", {"is_private": "off"}),
        ("order.comment_added", {"is_private": 1}),
        ("order.comment_added", {"text": 12}),
        ("order.integration_tied", {"integration_id": True}),
        ("order.integration_tied", {"integration_id": "7"}),
        ("order.system_log_recorded", {"response_code": "404"}),
        ("order.system_log_recorded", {"request_time": False}),
        ("order.system_log_recorded", {"content": {"digest": "0" * 64, "size": "1"}}),
        ("order.chargeback_requested", {"amount": {"cents": 1, "currency_iso": "EUR", "dollars": "0.01"}}),
    ],
)
async def test_no_value_is_turned_into_one_of_another_type(
    http: httpx.AsyncClient, topic: str, data: dict[str, Any]
) -> None:
    order_id = await an_order(http)

    assert_problem(await append(http, order_id, {"type": topic, "data": data}), 422)


async def test_a_whole_number_may_have_a_point(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)

    answer = await append(http, order_id, {"type": "order.system_log_recorded", "data": {"response_code": 404.0}})

    assert answer.status_code == 201
    [_, log] = (await http.get(f"{ORDERS}/{order_id}/timeline")).json()["items"]
    assert str(log["data"]["response_code"]) == "404"


@pytest.mark.parametrize("name", [".", ".."])
async def test_no_order_begins_with_a_name_that_no_path_can_hold(implicit_account: Account, name: str) -> None:
    account, escaped = implicit_account, name.replace(".", "%2E")
    headers = {"Authorization": f"Bearer {account.token}"}
    async with httpx.AsyncClient(base_url=account.url, headers=headers) as http:
        split = {"type": "order.split_from", "data": {"parent_order_id": name}}
        answers = [
            await http.post(f"{ORDERS}/{escaped}/events", json=comment("x")),
            await http.post(ORDERS, json={"order_id": name}),
            await http.post(ORDERS, json={"reference": name}),
            await http.post(f"{ORDERS}/A-1/events", json=split),
            await http.patch(f"/v1/orders/{escaped}/status", json={"status": "pending"}),
            await http.post(
                f"/v1/accounts/{account.dintero_account}/shopping/orders/{escaped}/events",
                json={"service": "s", "service_status": "s"},
            ),
        ]

        assert [answer.status_code for answer in answers] == [422, 422, 422, 422, 422, 400]
        assert (await http.post(f"{ORDERS}/.../events", json=comment("x"))).status_code == 201
