"""Consumers over HTTP: members fetch and say what is done, and people look and decide."""

import asyncio

import httpx
import psycopg
import pytest

from tests.fix_server import Account, Server

CONSUMER = "/trail/v1/consumers/billing"


@pytest.fixture
async def consumer(http: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client of an account with a consumer and an order of three events."""
    events = [{"type": "order.status_updated", "data": {"status": status}} for status in ("confirmed", "completed")]
    assert (await http.post("/trail/v1/orders", json={"order_id": "A"})).status_code == 201
    assert (await http.post("/trail/v1/orders/A/events", json={"events": events})).status_code == 201
    assert (await http.put(CONSUMER, json={"from": "start", "max_failures": 1})).status_code == 201
    return http


async def fetch(http: httpx.AsyncClient, **body: object) -> dict[str, list[dict[str, object]]]:
    answer = await http.post(f"{CONSUMER}/fetch", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def said(item: dict[str, object], **more: object) -> dict[str, object]:
    return {"partition": item["partition"], "token": item["token"], "position": item["position"], **more}


async def test_a_member_fetches_handles_and_acknowledges(consumer: httpx.AsyncClient) -> None:
    first = await fetch(consumer)
    then = await fetch(consumer, member=first["member"], acknowledged=[said(first["items"][-1])])
    renewed = await consumer.post(f"{CONSUMER}/acknowledge", json={"member": first["member"]})
    told = (await consumer.get(CONSUMER)).json()

    assert [item["type"] for item in first["items"]] == [
        "order.created",
        "order.status_updated",
        "order.status_updated",
    ]
    assert [item["previousposition"] for item in first["items"]] == [None, 1, 2]
    assert then["items"] == []
    assert renewed.json()["lease_expires_at"] > told["created_at"]
    assert (told["position"], told["head"], told["lag_events"], told["lag_seconds"]) == (3, 3, 0, 0)
    assert [len(member["partitions"]) for member in told["members"]] == [16]


async def test_a_member_that_waits_is_answered_when_something_happens(consumer: httpx.AsyncClient) -> None:
    first = await fetch(consumer)
    waiting = asyncio.create_task(
        fetch(consumer, member=first["member"], acknowledged=[said(first["items"][-1])], wait=20)
    )
    await asyncio.sleep(0.1)

    await consumer.post("/trail/v1/orders/A/events", json={"type": "order.comment_added", "data": {"text": "Hi"}})

    assert [item["position"] for item in (await waiting)["items"]] == [4]


@pytest.mark.parametrize(
    ("path", "name", "values"),
    [
        ("", "max_failures", [0, -1, 1_001, 10**10, 2**63, True, "5", 1.5, None]),
        ("", "lease_seconds", [0, 4, 3_601, 10**10, 2**63 - 1, True, "30"]),
        ("", "from", [-1, "first", True, "1", 1.5, 2**63, None]),
        ("/reset", "position", [-1, True, "1", 2**63]),
        ("/reset", "time", ["", "2026-11-01", 1_700_000_000, "0001-01-01T00:00:00+14:00", "2026-11-01T00:00:60Z"]),
        ("/parked/drop", "upto", [0, -1, 2**63, "1", True]),
        ("/fetch", "limit", [0, -1, 1_001, 10**12, "1", True]),
        ("/fetch", "wait", [-1, 21, 1e300, "1", True]),
        ("/acknowledge", "acknowledged/0/partition", [-1, 16, 10**12, "1", True]),
        ("/acknowledge", "acknowledged/0/token", [-1, 2**63, "1"]),
        ("/acknowledge", "refused/0/position", [0, -1, 2**63, "1"]),
        ("/acknowledge", "refused/0/delay_seconds", [-1, 10**9, "1"]),
    ],
)
async def test_what_is_out_of_bounds_is_refused_with_its_place(
    consumer: httpx.AsyncClient, path: str, name: str, values: list[object]
) -> None:
    member, of_drop = {"member": "m-1"}, {"subject": "order-A"}
    member_of_list, _, last = name.rpartition("/")
    for value in values:
        one = {"partition": 0, "token": 0, "position": 1} | {last: value}
        said_of = {member_of_list.partition("/")[0]: [one]} if member_of_list else {name: value}
        body = {
            **(of_drop if path == "/parked/drop" else member if path in {"/fetch", "/acknowledge"} else {}),
            **said_of,
        }

        refused = await consumer.request("POST" if path else "PUT", CONSUMER + path, json=body)

        assert refused.status_code == 422, (value, refused.text)
        assert {fault["pointer"] for fault in refused.json()["errors"]} == {f"/{name}"}, value


async def test_what_is_said_without_a_member_is_refused(consumer: httpx.AsyncClient) -> None:
    first = await fetch(consumer)

    refused = await consumer.post(f"{CONSUMER}/fetch", json={"acknowledged": [said(first["items"][0])]})

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/member"


async def test_a_wait_ends_with_its_credential(consumer: httpx.AsyncClient, account: Account, server: Server) -> None:
    key = await account.key("write:consumers", "read:ledger")
    await consumer.post(f"{CONSUMER}/reset", json={"position": 3})
    headers = {"Authorization": f"Bearer {key['token']}"}
    waiting = asyncio.create_task(consumer.post(f"{CONSUMER}/fetch", json={"wait": 20}, headers=headers))
    await asyncio.sleep(0.5)

    async with await psycopg.AsyncConnection.connect(server.dsn, autocommit=True) as connection:
        revoke = "UPDATE ordertrail.credentials SET revoked_at = now() WHERE key_id = %s"
        await connection.execute(revoke, [key["key_id"]])

    assert (await waiting).status_code == 401


async def test_an_old_token_is_a_conflict_that_says_so(consumer: httpx.AsyncClient) -> None:
    frozen = await fetch(consumer, member="frozen")
    assert (await consumer.delete(f"{CONSUMER}/members/frozen")).status_code == 204
    await fetch(consumer, member="other")

    late = {"member": "frozen", "acknowledged": [said(frozen["items"][-1])]}
    refused = await consumer.post(f"{CONSUMER}/acknowledge", json=late)

    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:ordertrail:problem:lease-lost"
    assert "(token 1, now 2)" in refused.json()["detail"]


async def test_a_parked_order_is_listed_retried_and_dropped(consumer: httpx.AsyncClient) -> None:
    first = await fetch(consumer, member="one")
    refusal = said(first["items"][1], delay_seconds=0, reason="no such invoice")
    await fetch(consumer, member="one", refused=[refusal])

    (parked,) = (await consumer.get(f"{CONSUMER}/parked")).json()["items"]
    retried = await consumer.post(f"{CONSUMER}/parked/retry", json={"subject": "order-A"})
    again = await fetch(consumer, member="one")
    dropped = await consumer.post(f"{CONSUMER}/parked/drop", json={"subject": "order-A"})
    later = await fetch(consumer, member="one")

    assert (parked["subject"], parked["position"], parked["reason"]) == ("order-A", 2, "no such invoice")
    assert (parked["events"], parked["type"]) == (2, "order.status_updated")
    assert retried.json() == {"orders": 1}
    assert [(item["position"], item["held"]) for item in again["items"] if item["held"]] == [(2, True)]
    assert dropped.status_code == 204
    assert [item["position"] for item in later["items"] if item["position"] != 1] == [3]


async def test_what_was_said_of_an_order_is_forgotten_with_it(consumer: httpx.AsyncClient, account: Account) -> None:
    reason = {"delay_seconds": 0, "reason": "No mail to ann@li.example"}
    fetched = await fetch(consumer)
    await fetch(consumer, member=fetched["member"], refused=[said(fetched["items"][0], **reason)])
    before = (await consumer.get(f"{CONSUMER}/parked")).json()["items"]
    assert (await consumer.post("/trail/v1/orders/A/events", json={"type": "order.redacted"})).status_code == 201
    after = (await consumer.get(f"{CONSUMER}/parked")).json()["items"]
    await consumer.post(f"{CONSUMER}/parked/retry", json={})
    again = await fetch(consumer, member=fetched["member"])
    await fetch(consumer, member=fetched["member"], refused=[said(again["items"][0], **reason)])
    later = (await consumer.get(f"{CONSUMER}/parked")).json()["items"]

    assert [items[0]["reason"] for items in (before, after, later)] == [reason["reason"], "[redacted]", "[redacted]"]
    assert [items[0]["failures"] for items in (before, after, later)] == [1, 1, 1]
    async with await psycopg.AsyncConnection.connect(account.dsn) as connection:
        query = "SELECT count(*) FROM ordertrail.held_streams AS h WHERE tenant = %s AND h::text LIKE '%%ann@li%%'"
        assert await (await connection.execute(query, [account.tenant])).fetchone() == (0,)


async def test_a_consumer_is_paused_reset_and_removed(consumer: httpx.AsyncClient) -> None:
    first = await fetch(consumer, member="one")
    await fetch(consumer, member="one", acknowledged=[said(first["items"][-1])])

    assert (await consumer.post(f"{CONSUMER}/pause")).status_code == 204
    reset = await consumer.post(f"{CONSUMER}/reset", json={"time": first["items"][1]["recordedtime"]})
    paused = await fetch(consumer, member="one")
    assert (await consumer.post(f"{CONSUMER}/resume")).status_code == 204
    again = await fetch(consumer, member="one")
    for wrong in ({}, {"position": 1, "time": "2026-01-01T00:00:00Z"}):
        assert (await consumer.post(f"{CONSUMER}/reset", json=wrong)).status_code == 422
    assert (await consumer.post(f"{CONSUMER}/reset", json={"position": 99})).status_code == 409
    assert (await consumer.delete(CONSUMER)).status_code == 204
    gone = await consumer.get(CONSUMER)

    assert reset.json() == {"position": 1}
    assert (paused["paused"], paused["items"]) == (True, [])
    assert [item["position"] for item in again["items"]] == [2, 3]
    assert gone.status_code == 404
    assert gone.json()["detail"] == "There is no consumer 'billing'; create it with PUT /trail/v1/consumers/billing"


async def test_each_thing_takes_its_scope(consumer: httpx.AsyncClient, account: Account) -> None:
    async def statuses(*scopes: str) -> list[int]:
        headers = {"Authorization": f"Bearer {(await account.key(*scopes))['token']}"}
        asked = [("GET", CONSUMER, None), ("POST", f"{CONSUMER}/fetch", {}), ("POST", f"{CONSUMER}/pause", None)]
        return [
            (await consumer.request(method, path, json=body, headers=headers)).status_code
            for method, path, body in asked
        ]

    assert await statuses("read:consumers") == [200, 403, 403]
    assert await statuses("write:consumers") == [403, 403, 403]
    assert await statuses("write:consumers", "read:ledger") == [403, 200, 403]
    assert await statuses("admin:consumers", "read:ledger") == [200, 200, 204]


async def test_consumers_are_listed_a_page_at_a_time_and_measured(consumer: httpx.AsyncClient) -> None:
    await consumer.put("/trail/v1/consumers/audit", json={"filter": {"types": ["order.created"], "orders": ["A"]}})

    first = (await consumer.get("/trail/v1/consumers", params={"limit": 1})).json()
    second = (await consumer.get("/trail/v1/consumers", params={"limit": 1, "cursor": first["next"]})).json()
    metrics = (await consumer.get("/metrics")).text

    assert [(item["name"], item["lag_events"]) for item in first["items"]] == [("audit", 0)]
    assert first["items"][0]["filter"]["types"] == ["order.created"]
    assert ([item["name"] for item in second["items"]], second["next"]) == (["billing"], None)
    assert 'ordertrail_consumer_lag_events{kind="consumer"}' in metrics
