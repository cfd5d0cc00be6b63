"""Natively: what an integration is, that it recovered, and what mends its failed calls."""

import json
from typing import Any

import httpx
import pytest

from tests.acceptance.sendcloud.fix_sendcloud import INTEGRATIONS, MINIMAL, RECOVERED, new_log, recover, register
from tests.fix_server import Account
from tests.native import assert_problem, pages
from tests.paths import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "sendcloud"
LOG: dict[str, Any] = json.loads((FIXTURES / "create_request.json").read_text())
NATIVE = "/trail/v1/integrations"


async def test_natively_an_integration_is_what_its_events_made_it(
    http: httpx.AsyncClient, sendcloud: httpx.AsyncClient
) -> None:
    await register(http, 123, shop_name="Books", shop_url="https://books.example", system={"name": "woo"})
    await new_log(sendcloud, created_at="2023-03-01T02:02:00+01:00")

    answer = await http.get(f"{NATIVE}/123")

    body = answer.json()
    assert {name: value for name, value in body.items() if name not in {"created_at", "updated_at"}} == {
        "integration_id": 123,
        "version": 3,
        "shop_name": "Books",
        "shop_url": "https://books.example",
        "details": {"system": {"name": "woo"}},
        "started_failing_at": "2023-03-01T01:02:00Z",
    }
    assert answer.headers["ordertrail-position"] == "3"
    assert_problem(await http.get(f"{NATIVE}/124"), 404, "not-found")
    assert_problem(await http.get(f"{NATIVE}/0"), 422)


async def test_a_recovery_is_an_event_with_all_that_events_have(http: httpx.AsyncClient) -> None:
    await register(http)
    envelope = {"occurred_at": "2026-03-01T12:00:00Z", "event_id": "e-1", "actor": {"id": "u-7"}, "correlation_id": "c"}

    answer = await recover(http, **envelope)
    again = await recover(http, **envelope)

    assert (answer.status_code, answer.json()) == (201, {"integration_id": 123, "version": 2, "position": 2})
    assert again.json() == answer.json()
    assert again.headers["idempotency-replayed"] == "true"
    [_, event] = (await http.get("/trail/v1/feed")).json()["items"]
    assert (event["id"], event["subject"], event["type"]) == ("e-1", "integration-123", "integration.recovered")
    assert event["data"] == RECOVERED["data"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "integration.exploded"},
        {"type": "integration.exception_logged", "data": MINIMAL},
        {"type": "integration.registered"},
        {"type": "order.created"},
        {"type": "integration.recovered", "data": {"unknown": 1}},
        {"type": "integration.recovered", "data": {"description": "x" * 4_001}},
        {"type": "integration.recovered", "data": {"timestamp": "2026-03-01T12:00:00Z"}},
        {"type": "integration.recovered", "data": []},
        {"type": "integration.recovered", "nonsense": 1},
        {"events": [RECOVERED]},
        [],
    ],
    ids=str,
)
async def test_what_is_no_recovery_is_a_422(http: httpx.AsyncClient, body: Any) -> None:
    await register(http)

    assert_problem(await http.post(f"{NATIVE}/123/events", json=body), 422)


async def test_only_what_exists_recovers_and_only_for_who_may_say_so(
    http: httpx.AsyncClient, account: Account, implicit_account: Account
) -> None:
    await register(http)
    key = await account.key("read:integrations")

    assert_problem(await recover(http, 124), 404, "not-found")
    http.headers["Authorization"] = f"Bearer {implicit_account.token}"
    assert (await recover(http, 124)).status_code == 201
    http.headers["Authorization"] = f"Bearer {key['token']}"
    assert_problem(await recover(http), 403, "forbidden")
    assert (await http.get(f"{NATIVE}/123")).status_code == 200
    assert (await http.get(f"{NATIVE}/123/logs")).status_code == 200


async def test_natively_failed_calls_have_hints(http: httpx.AsyncClient, sendcloud: httpx.AsyncClient) -> None:
    await sendcloud.post(f"{INTEGRATIONS}/123/logs", json=LOG)
    await new_log(sendcloud, response_code=401, exception_type="httpx.HTTPStatusError")
    await new_log(sendcloud, exception_type="shop.Oops")

    answer = await http.get(f"{NATIVE}/123/logs")

    unknown, unauthorized, ssl = answer.json()["items"]
    assert answer.json()["next"] is None
    assert unknown["hint"] is None
    assert "credentials" in unauthorized["hint"]
    assert "certificate" in ssl["hint"]
    assert {name: ssl["data"][name] for name in LOG} == LOG
    assert (ssl["kind"], ssl["type"], ssl["version"]) == ("exception", "integration.exception_logged", 2)
    assert ssl["occurred_at"] == "2023-03-01T01:02:00Z"
    assert ssl["actor"]["name"] == "Test"


async def test_natively_failed_calls_are_read_page_by_page(
    http: httpx.AsyncClient, sendcloud: httpx.AsyncClient
) -> None:
    logs = [await new_log(sendcloud) for _ in range(5)][::-1]

    for limit in (1, 2, 5, 100):
        assert [item["position"] for item in await pages(http, f"{NATIVE}/123/logs", limit=limit)] == logs
    for query in ("limit=0", "limit=101", "cursor=x", f"cursor={2**63}", "unknown=1"):
        assert_problem(await http.get(f"{NATIVE}/123/logs?{query}"), 422)
    assert_problem(await http.get(f"{NATIVE}/124/logs"), 404, "not-found")
