"""An order's past over HTTP: what it was at a version or at an instant, and what changed in between."""

from typing import Any

import httpx
import pytest

from tests.fix_server import Account
from tests.native import ORDERS, an_order, append, assert_problem, comment, status

REDACT = {"type": "order.redacted", "data": {}}


async def past(http: httpx.AsyncClient, order_id: str, **query: Any) -> dict[str, Any]:
    response = await http.get(f"{ORDERS}/{order_id}", params=query)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def timeline(http: httpx.AsyncClient, order_id: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await http.get(f"{ORDERS}/{order_id}/timeline")).json()["items"]
    return items


async def test_each_version_is_what_the_order_was_then(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http, reference="web-1", customer={"id": "c1", "name": "Ann"})
    seen = [(await http.get(f"{ORDERS}/{order_id}")).json()]
    for event in (status("open"), comment("Hi"), status("shipped")):
        await append(http, order_id, event)
        seen.append((await http.get(f"{ORDERS}/{order_id}")).json())

    pasts = [await past(http, order_id, version=n) for n in (1, 2, 3, 4)]

    told = await timeline(http, order_id)
    for order, event in zip(pasts, told, strict=True):
        made_by = order.pop("as_of")
        assert made_by == {name: event[name] for name in made_by}
    assert pasts == seen


async def test_each_instant_is_what_was_known_then(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    await append(http, order_id, status("shipped", occurred_at="2026-03-01T12:00:00Z"))
    await append(http, order_id, status("open", occurred_at="2026-03-01T11:00:00+01:00"))
    recorded = [item["recorded_at"] for item in await timeline(http, order_id)]

    assert [(await past(http, order_id, at=instant))["version"] for instant in recorded] == [1, 2, 3]
    by_producers = {"at": "2026-03-01T11:59:59Z", "clock": "occurred"}
    assert (await past(http, order_id, **by_producers))["status"] == "open"
    assert (await past(http, order_id, **by_producers))["as_of"]["version"] == 3


async def test_what_was_written_is_in_the_past_at_once_and_needs_no_view(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    written = await append(http, order_id, status("open"))

    response = await http.get(f"{ORDERS}/{order_id}", params={"version": written.json()["version"]})

    assert response.json()["status"] == "open"
    assert int(response.headers["ordertrail-position"]) >= int(written.headers["ordertrail-position"])
    # What it was is no condition for what it shall be.
    assert "etag" not in response.headers


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"version": 0}, "no version 0"),
        ({"version": 3}, "its newest is 2"),
        ({"version": 2**63 - 1}, "its newest is 2"),
        ({"at": "2026-03-01T12:00:00Z"}, "had been recorded by 2026-03-01T12:00:00+00:00"),
        ({"at": "2026-03-01T12:00:00Z", "clock": "recorded"}, "had been recorded by"),
        ({"at": "0002-01-01T12:00:00Z", "clock": "occurred"}, "had occurred by 0002-01-01"),
    ],
)
async def test_a_past_that_there_was_not_is_said_so(http: httpx.AsyncClient, query: dict[str, Any], word: str) -> None:
    order_id = await an_order(http)
    await append(http, order_id, status("open", occurred_at="2026-03-01T12:00:00Z"))

    response = await http.get(f"{ORDERS}/{order_id}", params=query)

    assert_problem(response, 404, "not-found")
    assert word in response.json()["detail"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"version": 1, "at": "2026-03-01T12:00:00Z"}, "at"),
        ({"clock": "occurred"}, "clock"),
        ({"version": 1, "clock": "occurred"}, "clock"),
        ({"at": "2026-03-01T12:00:00Z", "clock": "theirs"}, "clock"),
        ({"at": "2026-03-01T12:00:00"}, "at"),
        ({"at": "1772366400"}, "at"),
        ({"version": -1}, "version"),
        ({"version": "x"}, "version"),
        ({"version": 2**63}, "version"),
        ({"vresion": 1}, "vresion"),
    ],
)
async def test_a_past_that_is_not_clear_is_refused(
    http: httpx.AsyncClient, query: dict[str, Any], pointer: str
) -> None:
    order_id = await an_order(http)

    response = await http.get(f"{ORDERS}/{order_id}", params=query)

    assert_problem(response, 422, "invalid")
    assert [fault["pointer"] for fault in response.json()["errors"]] == [pointer]


async def test_an_order_that_there_is_not_has_no_past(http: httpx.AsyncClient) -> None:
    for path in ("nobody?version=1", "nobody?at=2026-03-01T12:00:00Z", "nobody/diff"):
        assert_problem(await http.get(f"{ORDERS}/{path}"), 404)


async def test_an_orders_past_goes_by_its_reference_too(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http, reference="web-1")

    assert (await past(http, "web-1", version=1))["order_id"] == order_id
    assert (await http.get(f"{ORDERS}/web-1/diff")).json()["order_id"] == order_id


async def test_a_comparison_tells_who_changed_what_when(http: httpx.AsyncClient, account: Account) -> None:
    order_id = await an_order(http, customer={"id": "c1", "name": "Ann"})
    kim = {"id": "u-7", "name": "Kim", "type": "User"}
    await append(http, order_id, status("open", actor=kim, occurred_at="2100-03-01T12:00:00Z"), comment("Hi"))

    diff = (await http.get(f"{ORDERS}/{order_id}/diff", params={"from": 1, "to": 2})).json()

    event = (await timeline(http, order_id))[1]
    made_by = {name: event[name] for name in ("version", "position", "event_id", "type", "occurred_at", "recorded_at")}
    made_by["actor"] = {**kim, "application_id": account.key_id}
    created_at = (await past(http, order_id, version=1))["created_at"]
    assert diff == {
        "order_id": order_id,
        "from": 1,
        "to": 2,
        "changes": [
            {"field": "/updated_at", "before": created_at, "after": "2100-03-01T12:00:00Z", **made_by},
            {"field": "/status", "before": None, "after": "open", **made_by},
        ],
    }


async def test_a_comparison_without_versions_tells_how_the_order_came_to_be_what_it_is(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http, customer={"id": "c1", "name": "Ann"})
    await append(http, order_id, status("open"), status("shipped"))

    diff = (await http.get(f"{ORDERS}/{order_id}/diff")).json()

    assert (diff["from"], diff["to"]) == (0, 3)
    assert {
        c["field"]: (c["after"], c["version"]) for c in diff["changes"] if c["field"] in {"/status", "/customer"}
    } == {
        "/customer": ({"id": "c1", "name": "Ann"}, 1),
        "/status": ("shipped", 3),
    }


async def test_a_name_within_a_field_is_written_as_a_json_pointer(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    report = {"state": "success", "service": "a/b~c", "service_status": "OK"}
    await append(http, order_id, {"type": "order.service_event_recorded", "data": report})

    changes = (await http.get(f"{ORDERS}/{order_id}/diff?from=1")).json()["changes"]

    assert "/services/a~1b~0c" in [change["field"] for change in changes]


@pytest.mark.parametrize("query", [{"from": 2, "to": 1}, {"from": -1}, {"to": "x"}, {"form": 1}])
async def test_versions_that_cannot_be_compared_are_refused(http: httpx.AsyncClient, query: dict[str, Any]) -> None:
    order_id = await an_order(http)

    assert_problem(await http.get(f"{ORDERS}/{order_id}/diff", params=query), 422, "invalid")


async def test_versions_that_there_are_not_are_not_compared(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)

    for query in ({"to": 2}, {"from": 2}, {"from": 1, "to": 2}):
        assert_problem(await http.get(f"{ORDERS}/{order_id}/diff", params=query), 404)


async def test_time_travel_is_no_way_round_a_redaction(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http, customer={"id": "c-9", "name": "Ann Li"})
    customers = {"original_customer": {"id": "c-9", "name": "Ann Li"}, "new_customer": {"id": "c-10", "name": "Bo Ek"}}
    await append(http, order_id, {"type": "order.transferred", "data": customers})
    before = [await http.get(f"{ORDERS}/{order_id}{path}") for path in ("?version=1", "?version=2", "/diff")]
    await append(http, order_id, REDACT)

    paths = (
        "?version=1",
        "?version=2",
        "?version=3",
        "?at=2100-01-01T00:00:00Z",
        "/diff",
        "/diff?from=1",
        "/diff?to=2",
    )
    answers = [await http.get(f"{ORDERS}/{order_id}{path}") for path in paths]

    def holds_a_customer(answer: httpx.Response) -> bool:
        return any(word in answer.text for word in ("Ann Li", "Bo Ek", '"c-9"', '"c-10"'))

    assert all(map(holds_a_customer, before))
    assert [answer.status_code for answer in answers] == [200] * len(paths)
    assert not any(map(holds_a_customer, answers))


async def test_the_past_is_read_with_the_scope_that_orders_are_read_with(account: Account) -> None:
    key = await account.key("write")

    async with httpx.AsyncClient(base_url=account.url, headers={"Authorization": f"Bearer {key['token']}"}) as http:
        order_id = await an_order(http)
        for path in ("?version=1", "/diff"):
            assert_problem(await http.get(f"{ORDERS}/{order_id}{path}"), 403)
