"""Dintero's tokens and order events, as its documents tell them."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.acceptance.dintero.fix_dintero import audience, error_of, listed
from tests.fix_server import Account
from tests.paths import ROOT

EVENT = {"state": "success", "service": "kitchen", "service_status": "ready_for_pickup"}
FIXTURES = ROOT / "tests" / "fixtures" / "dintero"


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / name).read_text())


async def test_the_documents_token_request(account: Account, dintero: httpx.AsyncClient) -> None:
    request = {**fixture("token_request.json"), "audience": audience(account.dintero_account)}

    answer = await dintero.post(f"/accounts/{account.dintero_account}/auth/token", json=request)

    documented = fixture("token_response.json")
    assert answer.status_code == 200
    assert answer.json() == {**documented, "access_token": answer.json()["access_token"]}
    assert answer.json()["access_token"].count(".") == 2


@pytest.mark.parametrize("host", ["https://api.dintero.com", "https://checkout.dintero.com", "http://127.0.0.1:8080"])
async def test_the_audience_may_name_any_host(account: Account, dintero: httpx.AsyncClient, host: str) -> None:
    body = {"audience": audience(account.dintero_account, host)}

    answer = await dintero.post(f"/accounts/{account.dintero_account}/auth/token", json=body)

    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    path = f"/accounts/{account.dintero_account}/shopping/orders/A-1/events"
    error_of(await dintero.get(path, headers=headers, auth=None), 404)


async def test_a_partner_asks_for_a_token_of_its_account(account: Account, dintero: httpx.AsyncClient) -> None:
    answer = await dintero.post("/accounts/P123/auth/token", json={"audience": audience(account.dintero_account)})

    assert answer.status_code == 200


async def test_the_documents_event(account: Account, shopping: httpx.AsyncClient) -> None:
    request, documented = fixture("create_event_request.json"), fixture("create_event_response.json")
    before = datetime.now(UTC)

    answer = await shopping.post("/A-1/events", json=request)

    assert answer.status_code == 200
    event = answer.json()
    ours = {name: event[name] for name in ("id", "created_at", "created_by", "version")}
    assert event == {**documented, **ours}
    assert (event["version"], type(event["version"])) == (2, int)
    assert uuid.UUID(event["id"]).version == 4
    assert event["created_by"] == account.key_id
    assert len(event["created_by"]) <= 40
    assert abs(datetime.fromisoformat(event["created_at"]) - before) < timedelta(minutes=1)
    assert await listed(shopping) == {"events": [event], "state": "success"}


async def test_the_state_is_success_if_it_is_left_out_and_nothing_else_is_made_up(shopping: httpx.AsyncClient) -> None:
    read_only = {"created_at": "2020-01-01T00:00:00Z", "created_by": "somebody"}
    request = {"service": "kitchen", "service_status": "ready_for_pickup", "unknown": 1, **read_only}

    event = (await shopping.post("/A-1/events", json=request)).json()

    assert set(event) == {"state", "service", "service_status", "id", "created_at", "created_by", "version"}
    assert event["state"] == "success"
    assert event["created_by"] != "somebody"
    assert event["created_at"] > "2021"


async def test_an_order_without_events_is_pending(shopping: httpx.AsyncClient) -> None:
    assert await listed(shopping) == {"events": [], "state": "pending"}


@pytest.mark.parametrize(
    ("reports", "state"),
    [
        ([("kitchen", "success")], "success"),
        ([("kitchen", "success"), ("courier", "pending")], "pending"),
        ([("courier", "pending"), ("kitchen", "success"), ("courier", "success")], "success"),
        ([("courier", "success"), ("courier", "pending")], "pending"),
        ([("kitchen", "error"), ("courier", "success")], "failure"),
        ([("kitchen", "failure"), ("courier", "pending")], "failure"),
        ([("kitchen", "failure"), ("kitchen", "success")], "failure"),
    ],
)
async def test_the_combined_state(shopping: httpx.AsyncClient, reports: list[tuple[str, str]], state: str) -> None:
    for service, reported in reports:
        await shopping.post("/A-1/events", json={**EVENT, "service": service, "state": reported})

    collection = await listed(shopping)

    assert collection["state"] == state
    assert [(event["service"], event["state"]) for event in collection["events"]] == reports[::-1]


async def test_a_list_holds_the_latest_100_events_and_the_state_of_all(
    http: httpx.AsyncClient, account: Account
) -> None:
    await http.post("/trail/v1/orders", json={"order_id": "busy"})
    reports = [
        {
            "type": "order.service_event_recorded",
            "data": {**EVENT, "state": "success" if n else "error", "service_status": str(n)},
        }
        for n in range(103)
    ]
    await http.post("/trail/v1/orders/busy/events", json={"events": reports})

    answer = await http.get(f"/v1/accounts/{account.dintero_account}/shopping/orders/busy/events")

    assert [event["service_status"] for event in answer.json()["events"]] == [str(n) for n in range(102, 2, -1)]
    assert answer.json()["state"] == "failure"


async def test_no_action_pushes_a_report_out_of_the_list(http: httpx.AsyncClient, shopping: httpx.AsyncClient) -> None:
    reports = [
        (await shopping.post("/A-1/events", json={**EVENT, "state": "pending", "service": s})).json() for s in "ab"
    ]
    await http.post("/trail/v1/orders/A-1/events", json={"events": [{"type": "order.details_updated"}] * 150})
    reports.append((await shopping.post("/A-1/events", json={**EVENT, "service": "a"})).json())

    events = (await shopping.get("/A-1/events")).json()["events"]

    assert [event for event in events if "service" in event] == reports[::-1]
    # The newest 100 of both, the newest first, and then the reports that actions have pushed out.
    assert [event["version"] for event in events] == [154, *range(153, 54, -1), 3, 2]


async def test_ids_that_are_longer_than_the_vendors_are_shown_as_40_characters_that_stay_the_same(
    http: httpx.AsyncClient, shopping: httpx.AsyncClient
) -> None:
    long = {"event_id": "e" * 128, "actor": {"id": "p" * 255}}
    report = {"type": "order.service_event_recorded", "data": EVENT, **long}
    await http.post("/trail/v1/orders/A-1/events", json=report)
    await http.post(
        "/trail/v1/orders/A-1/events", json={"type": "order.details_updated", **long, "event_id": "f" * 128}
    )

    first, again = [(await shopping.get("/A-1/events")).json()["events"][:2] for _ in range(2)]

    assert first == again
    assert len({event["id"] for event in first}) == 2
    assert len({event["created_by"] for event in first}) == 1
    assert all(len(event[name]) == 40 for event in first for name in ("id", "created_by"))


async def test_an_order_that_does_not_exist_is_not_found(shopping: httpx.AsyncClient) -> None:
    documented = fixture("not_found.json")["error"]

    for answer in (await shopping.get("/A-2/events"), await shopping.post("/A-2/events", json=EVENT)):
        assert error_of(answer, 404)["code"] == documented["code"] == "NOT FOUND"


async def test_an_implicit_tenants_order_begins_with_its_first_event(implicit_account: Account) -> None:
    headers = {"Authorization": f"Bearer {implicit_account.token}"}
    path = f"/v1/accounts/{implicit_account.dintero_account}/shopping/orders/new/events"
    async with httpx.AsyncClient(base_url=implicit_account.url, headers=headers) as http:
        error_of(await http.get(path), 404)

        assert (await http.post(path, json=EVENT)).status_code == 200

        assert (await http.get(path)).json()["state"] == "success"


async def test_a_repeated_key_returns_the_first_answer(
    account: Account, dintero: httpx.AsyncClient, shopping: httpx.AsyncClient
) -> None:
    key = {"Idempotency-Key": "once"}
    first = await shopping.post("/A-1/events", json=EVENT, headers=key)
    another = await account.key("write:shopping")

    again = await shopping.post("/A-1/events", json=EVENT, headers=key)
    by_another = await shopping.post(
        "/A-1/events", json=EVENT, headers={**key, "Authorization": f"Bearer {another['token']}"}
    )
    changed = await shopping.post("/A-1/events", json={**EVENT, "state": "error"}, headers=key)

    assert (again.json(), by_another.json()) == (first.json(), first.json())
    assert again.headers["idempotency-replayed"] == "true"
    error_of(changed, 422)
    assert len((await listed(shopping))["events"]) == 1


METADATA = [
    {},
    {"nothing": None, "list": [None, {}], "": ""},
    {"huge": 10**400, "negative": -(10**30), "float": 1.5e300, "zero": -0.0},
    {"text": "日本語 \u2028 😀 </script>"},
    {"type": "order.status_updated", "originator_id": "x", "event_id": "y"},
]


@pytest.mark.parametrize("metadata", METADATA, ids=range(len(METADATA)))
async def test_metadata_comes_back_as_it_went(shopping: httpx.AsyncClient, metadata: dict[str, Any]) -> None:
    text = json.dumps({**EVENT, "metadata": metadata})

    created = await shopping.post("/A-1/events", content=text, headers={"Content-Type": "application/json"})

    assert (created.status_code, created.json().get("metadata")) == (200, metadata)
    assert (await listed(shopping))["events"] == [created.json()]


@pytest.mark.parametrize(
    ("scope", "written", "read"),
    [
        ("admin", 200, 200),
        ("admin:shopping", 200, 200),
        ("write", 200, 403),
        ("write:shopping", 200, 403),
        ("read:shopping", 403, 200),
        ("write:shopping:/orders/ANY/events", 200, 403),
        ("read:shopping:/orders/ANY/events", 403, 200),
        ("write:shopping:/orders/A-1/events", 200, 403),
        ("write:shopping:/orders/A-2/events", 403, 403),
        ("write:shopping:/orders/ANY", 403, 403),
        ("write:orders", 403, 403),
    ],
)
async def test_a_scope_gives_what_dintero_documents(
    account: Account, dintero: httpx.AsyncClient, shopping: httpx.AsyncClient, scope: str, written: int, read: int
) -> None:
    key = await account.key(scope)
    issued = await dintero.post(
        f"/accounts/{account.dintero_account}/auth/token",
        json={"audience": audience(account.dintero_account)},
        auth=(key["key_id"], key["secret"]),
    )

    for token in (issued.json()["access_token"], key["token"]):
        headers = {"Authorization": f"Bearer {token}"}
        assert (await shopping.post("/A-1/events", json=EVENT, headers=headers)).status_code == written
        assert (await shopping.get("/A-1/events", headers=headers)).status_code == read
