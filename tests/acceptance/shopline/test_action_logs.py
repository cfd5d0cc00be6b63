"""SHOPLINE's Get Action Logs, as its document tells it."""

import json
import re
from typing import Any

import httpx
import pytest

from tests.fix_server import Account
from tests.paths import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "shopline"
LANGUAGES = {"en", "zh-hant", "zh-cn", "vi", "ms", "ja", "th", "id", "de", "fr"}
MONEY = {"cents": int, "currency_symbol": str, "currency_iso": str, "label": str, "dollars": float}


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / name).read_text())


def has_shape(shape: Any, value: Any) -> bool:
    """Whether a value has the shape that keys.json records of the document."""
    match shape:
        case None:
            return value is None
        case "string":
            return isinstance(value, str)
        case "money_object":
            return {name: type(member) for name, member in value.items()} == MONEY
        case "lang_object":
            return set(value) <= LANGUAGES and all(isinstance(text, str) for text in value.values())
        case list():
            return isinstance(value, list) and len(value) == 2 and all(map(has_shape, shape, value))
        case _:
            return set(shape) == set(value) and all(has_shape(shape[name], value[name]) for name in shape)


async def append(http: httpx.AsyncClient, order_id: str, *events: dict[str, Any]) -> None:
    answer = await http.post(f"/trail/v1/orders/{order_id}/events", json={"events": events})
    assert answer.status_code == 201, answer.text


async def action_logs(http: httpx.AsyncClient, order_id: str) -> list[dict[str, Any]]:
    answer = await http.get(f"/v1/orders/{order_id}/action_logs")
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"items"}
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_the_documents_example(http: httpx.AsyncClient) -> None:
    created = {"order_id": "6180b9a0d4a7f5001c2f8a11", "created_by": "shop", "occurred_at": "2021-11-02T04:00:00Z"}
    await http.post("/trail/v1/orders", json=created)
    status_updated = {
        "type": "order.status_updated",
        "data": {"status": "string", "reason": "string"},
        "actor": {
            "id": "60c1e027a47d91004377f129",
            "name": "shop",
            "type": "User",
            "application_id": "60c1e027a47d91004377f12f",
        },
        "occurred_at": "2021-11-02T04:06:13.304Z",
    }
    await append(http, "6180b9a0d4a7f5001c2f8a11", status_updated)

    newest, oldest = await action_logs(http, "6180b9a0d4a7f5001c2f8a11")

    [documented] = fixture("action_logs.json")["items"]
    # The table of keys of the same document has the application under another name.
    assert newest == {**documented, "performer_application_id": documented["performing_application_id"]}
    assert (oldest["key"], oldest["data"]) == ("order_created", {"created_by": "shop"})


async def test_each_of_the_42_actions_has_the_documents_key_and_shape(implicit_account: Account) -> None:
    shapes, examples = fixture("keys.json"), fixture("actions.json")
    found = {}
    async with httpx.AsyncClient(base_url=implicit_account.url, timeout=30) as http:
        for number, example in enumerate(examples):
            if number % 20 == 0:  # as many requests as a token may send in a second
                http.headers["Authorization"] = f"Bearer {(await implicit_account.key('admin'))['token']}"
            await append(http, f"order-{number}", {"type": example["type"], "data": example["data"]})
            [log] = await action_logs(http, f"order-{number}")
            found[log["key"]] = log

    assert list(found) == list(shapes)
    assert [found[example["key"]]["data"] for example in examples] == [example["log"] for example in examples]
    assert [key for key, log in found.items() if not has_shape(shapes[key], log["data"])] == []
    members = {
        "key",
        "data",
        "created_at",
        "performer_name",
        "performer_type",
        "performer_id",
        "performing_application_id",
        "performer_application_id",
    }
    assert all(isinstance(log[name], str) for log in found.values() for name in members - {"data"})
    assert all(set(log) == members for log in found.values())
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", log["created_at"]) for log in found.values())


async def test_an_order_that_does_not_exist_has_no_logs(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v1/orders/60c1e027a47d91004377f129/action_logs")

    assert (answer.status_code, answer.json()) == (200, {"items": []})


async def test_only_the_newest_100_are_shown_the_newest_first(http: httpx.AsyncClient) -> None:
    await http.post("/trail/v1/orders", json={"order_id": "busy"})
    await append(
        http, "busy", *({"type": "order.status_updated", "data": {"status": str(n), "reason": ""}} for n in range(105))
    )

    logs = await action_logs(http, "busy")

    assert [log["data"]["updated_status"] for log in logs] == [str(n) for n in range(104, 4, -1)]


async def test_the_log_is_in_the_order_of_the_only_time_it_shows(http: httpx.AsyncClient) -> None:
    await http.post("/trail/v1/orders", json={"order_id": "A-1", "occurred_at": "2026-01-01T00:00:00Z"})
    times = ["2026-01-03T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "2025-12-31T00:00:00Z"]
    events = [
        {"type": "order.status_updated", "data": {"status": str(n)}, "occurred_at": time}
        for n, time in enumerate(times)
    ]
    await append(http, "A-1", *events)

    logs = await action_logs(http, "A-1")

    assert [log["data"].get("updated_status") for log in logs] == ["2", "0", "1", None, "3"]


async def test_history_that_is_told_later_pushes_nothing_out_that_is_newer(http: httpx.AsyncClient) -> None:
    await http.post("/trail/v1/orders", json={"order_id": "A-1"})
    await append(http, "A-1", {"type": "order.status_updated", "data": {"status": "today"}})
    assert len(await action_logs(http, "A-1")) == 2
    old = {"type": "order.details_updated", "occurred_at": "2020-01-01T00:00:00Z"}

    await append(http, "A-1", *[old] * 150)

    logs = await action_logs(http, "A-1")
    assert len(logs) == 100
    assert [log["key"] for log in logs[:3]] == ["updated_status", "order_created", "updated_order_details"]
    times = [log["created_at"] for log in logs]
    assert times == sorted(times, reverse=True)


async def test_who_told_of_an_action_is_known_as_its_application(http: httpx.AsyncClient, account: Account) -> None:
    staff = {"id": "60c1e027a47d91004377f129", "name": "shop", "type": "User"}
    await http.post("/trail/v1/orders", json={"order_id": "A-1"})
    await append(http, "A-1", {"type": "order.details_updated", "actor": staff})
    await append(http, "A-1", {"type": "order.details_updated", "actor": {**staff, "application_id": "till"}})

    named, told, created = await action_logs(http, "A-1")

    for log, application in ((named, "till"), (told, account.key_id), (created, account.key_id)):
        assert log["performing_application_id"] == log["performer_application_id"] == application
    assert (told["performer_id"], told["performer_name"], told["performer_type"]) == tuple(staff.values())
    assert (created["performer_id"], created["performer_type"]) == (account.key_id, "Application")


async def test_what_services_report_is_no_action(http: httpx.AsyncClient) -> None:
    await http.post("/trail/v1/orders", json={"order_id": "A-1"})
    report = {"state": "success", "service": "kitchen", "service_status": "ready_for_pickup"}
    await append(http, "A-1", {"type": "order.service_event_recorded", "data": report})

    assert [log["key"] for log in await action_logs(http, "A-1")] == ["order_created"]


async def test_another_tenants_order_has_no_logs(http: httpx.AsyncClient, another_account: Any) -> None:
    await http.post("/trail/v1/orders", json={"order_id": "A-1"})
    other = await another_account()

    answer = await http.get("/v1/orders/A-1/action_logs", headers={"Authorization": f"Bearer {other.token}"})

    assert (answer.status_code, answer.json()) == (200, {"items": []})


async def test_a_request_needs_no_user_agent(account: Account) -> None:
    async with httpx.AsyncClient(base_url=account.url, headers={"Authorization": f"Bearer {account.token}"}) as http:
        del http.headers["User-Agent"]

        answer = await http.get("/v1/orders/A-1/action_logs")

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ot_x_y", "Bearer ünknown", "Basic eDp5", "Bearer a.b.c"]
)
async def test_without_a_valid_token_the_answer_is_401(http: httpx.AsyncClient, authorization: str) -> None:
    answer = await http.get("/v1/orders/A-1/action_logs", headers={"Authorization": authorization.encode("latin-1")})

    assert (answer.status_code, set(answer.json())) == (401, {"message", "code"})
    assert answer.json()["code"] == "Unauthorized"
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_without_the_scope_is_answered_403(http: httpx.AsyncClient, account: Account) -> None:
    key = await account.key("write", "read:shopping")

    answer = await http.get("/v1/orders/A-1/action_logs", headers={"Authorization": f"Bearer {key['token']}"})

    assert answer.status_code == 403
    assert answer.json() == {"message": "This credential lacks the scope read:orders", "code": "Forbidden"}


@pytest.mark.parametrize("strange", ["%00", "a%20b", "%C3%A9", "%ff", "x" * 129, "%ED%A0%80"])
async def test_an_id_that_no_order_can_have_is_answered_422(http: httpx.AsyncClient, strange: str) -> None:
    answer = await http.get(f"/v1/orders/{strange}/action_logs")

    assert (answer.status_code, set(answer.json())) == (422, {"error", "message", "code", "extras"})
    assert answer.json()["code"] == "UnprocessableEntity"


async def test_other_paths_and_methods_are_refused_in_the_same_form(http: httpx.AsyncClient) -> None:
    unknown = await http.get("/v1/orders/a/b/action_logs")
    wrong_method = await http.post("/v1/orders/A-1/action_logs", json={})

    assert (unknown.status_code, unknown.json()["code"]) == (404, "NotFound")
    assert (wrong_method.status_code, wrong_method.json()["code"]) == (405, "MethodNotAllowed")
    assert wrong_method.headers["allow"] == "GET, HEAD"
