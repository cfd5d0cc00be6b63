"""Conditions of writes: kept where there is an ETag, refused everywhere else, and never passed over."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from api.http.accept import NDJSON
from tests.acceptance.dintero.fix_dintero import error_of
from tests.acceptance.sendcloud.fix_sendcloud import LOGS, assert_error
from tests.fix_server import Account
from tests.native import ORDERS, amounts, an_order, append, assert_problem, comment, new_id, status

INTEGRATION = "/trail/v1/integrations/7"
RETENTION = "/trail/v1/retention"
DATE = "Sat, 28 Nov 2026 12:00:00 GMT"
UNKNOWN = {"If-None-Match": "*", "If-Unmodified-Since": DATE, "If-Modified-Since": DATE, "Content-Range": "bytes 0-1/9"}

Send = Callable[..., Awaitable[httpx.Response]]


def order_writes(order_id: str) -> list[tuple[str, str, Any]]:
    """Return the writes that change an order: method, path, body."""
    path = f"{ORDERS}/{order_id}"
    return [
        ("POST", f"{path}/events", comment("x")),
        ("POST", f"{path}/events", {"type": "order.created"}),
        ("POST", f"{path}/edit", {"totals": amounts(900)}),
        ("POST", f"{path}/transfer", {"customer": {"id": "c-2"}}),
        ("POST", f"{path}/split", {"order_id": new_id(), "totals": amounts(10)}),
        ("PUT", f"{path}/integrations/7", None),
        ("DELETE", f"{path}/integrations/7", None),
    ]


async def test_a_stale_version_is_a_412_of_every_write_to_an_order(http: httpx.AsyncClient) -> None:
    await http.put(INTEGRATION, json={})
    order_id = await an_order(http, totals=amounts(), customer={"id": "c-1"})
    await append(http, order_id, status("open"))

    for method, path, body in order_writes(order_id):
        for stale in ('"1"', 'W/"2"', '"3", "1"'):
            refused = await http.request(method, path, json=body, headers={"If-Match": stale})
            assert_problem(refused, 412, "precondition-failed")
    assert (await http.get(f"{ORDERS}/{order_id}")).json()["version"] == 2


async def test_every_write_to_an_order_is_done_at_the_version_that_if_match_names(http: httpx.AsyncClient) -> None:
    await http.put(INTEGRATION, json={})
    order_id = await an_order(http, totals=amounts(), customer={"id": "c-1"}, reference="web-1")
    for method, path, body in order_writes("web-1"):
        if body == {"type": "order.created"}:
            continue
        etag = (await http.get(f"{ORDERS}/{order_id}")).headers["etag"]

        done = await http.request(
            method, path, json=body, headers=[("If-Match", '"99"'), ("If-Match", f"{etag}, W/{etag}")]
        )

        assert done.status_code in {200, 201}, done.text


async def test_lines_of_if_match_are_one_list(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    path = f"{ORDERS}/{order_id}/events"

    either = await http.post(path, json=comment("x"), headers=[("If-Match", '"8"'), ("If-Match", '"1"')])
    stale = await http.post(path, json=comment("x"), headers=[("If-Match", '"8"'), ("If-Match", '"1"')])
    mixed = await http.post(path, json=comment("x"), headers=[("If-Match", "*"), ("If-Match", '"2"')])

    assert either.status_code == 201
    assert_problem(stale, 412)
    assert_problem(mixed, 422)


async def test_an_integration_is_written_at_the_version_that_if_match_names(http: httpx.AsyncClient) -> None:
    nothing = await http.put(INTEGRATION, json={}, headers={"If-Match": "*"})
    first = await http.put(INTEGRATION, json={"shop_name": "a"})
    etag = (await http.get(INTEGRATION)).headers["etag"]

    second = await http.put(INTEGRATION, json={"shop_name": "b"}, headers={"If-Match": etag})
    stale = await http.put(INTEGRATION, json={"shop_name": "c"}, headers={"If-Match": etag})
    event = {"type": "integration.recovered"}
    late = await http.post(f"{INTEGRATION}/events", json=event, headers={"If-Match": etag})
    third = await http.post(f"{INTEGRATION}/events", json=event, headers={"If-Match": second.headers["etag"]})

    assert_problem(nothing, 412)
    assert first.headers["etag"] == etag == '"1"'
    assert second.status_code == 200
    assert_problem(stale, 412)
    assert_problem(late, 412)
    assert (third.status_code, third.headers["etag"]) == (201, '"3"')
    assert (await http.get(INTEGRATION)).json()["shop_name"] == "b"


async def test_retention_is_set_as_it_was_known(http: httpx.AsyncClient) -> None:
    etag = (await http.get(RETENTION)).headers["etag"]

    first = await http.put(RETENTION, json={"bodies_days": 90}, headers={"If-Match": etag})
    stale = await http.put(RETENTION, json={"bodies_days": 1}, headers={"If-Match": etag})
    second = await http.put(RETENTION, json={"bodies_days": None}, headers={"If-Match": first.headers["etag"]})
    any_ = await http.put(RETENTION, json={"bodies_days": 30}, headers={"If-Match": "*"})

    assert (first.status_code, second.status_code, any_.status_code) == (200, 200, 200)
    assert_problem(stale, 412)
    assert any_.json()["bodies_days"] == 30


@pytest.mark.parametrize("header", UNKNOWN)
async def test_conditions_that_writes_cannot_keep_are_refused(http: httpx.AsyncClient, header: str) -> None:
    order_id = await an_order(http, totals=amounts())
    others = [("POST", ORDERS, {}), ("PUT", INTEGRATION, {}), ("PUT", RETENTION, {"bodies_days": 1})]

    for method, path, body in [*order_writes(order_id), *others]:
        refused = await http.request(method, path, json=body, headers={header: UNKNOWN[header], "If-Match": '"1"'})
        assert_problem(refused, 422)
        assert header in [error["pointer"] for error in refused.json()["errors"]]
    read = await http.get(f"{ORDERS}/{order_id}", headers={header: UNKNOWN[header]})
    assert read.status_code == 200


@pytest.mark.parametrize("header", ["If-Match", *UNKNOWN])
async def test_writes_without_an_etag_refuse_all_conditions(
    http: httpx.AsyncClient,
    sendcloud: httpx.AsyncClient,
    carriyo: httpx.AsyncClient,
    shopping: httpx.AsyncClient,
    header: str,
) -> None:
    condition = {header: UNKNOWN.get(header, '"1"')}

    created = await http.post(ORDERS, json={}, headers=condition)
    shopline = await http.patch("/v1/orders/A-1/status", json={"status": "confirmed"}, headers=condition)
    log = await sendcloud.post(LOGS, json={"base_url": "https://shop.example"}, headers=condition)
    call = await carriyo.post("/orders/A-1/system-logs", json={}, headers=condition)
    redaction = await carriyo.post("/orders/A-1/redact", headers=condition)
    report = await shopping.post("/A-1/events", json={"service": "a", "service_status": "b"}, headers=condition)

    assert_problem(created, 422)
    assert shopline.status_code == 422
    assert shopline.json()["extras"]["errors"][0]["field"] == f"header.{header}"
    assert_error(log, 400, "invalid")
    assert log.json()["errors"][0]["source"] == {"header": header}
    assert (call.status_code, redaction.status_code) == (400, 400)
    assert header in error_of(report, 400)["message"]
    assert (await http.get(f"{ORDERS}/A-1")).json()["version"] == 1


async def test_two_keys_of_one_request_are_refused(http: httpx.AsyncClient, sendcloud: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    two = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    same = [("Idempotency-Key", "a"), ("Idempotency-Key", "a")]

    refused = await http.post(f"{ORDERS}/{order_id}/events", json=comment("x"), headers=two)
    log = await sendcloud.post(LOGS, json={"base_url": "https://shop.example"}, headers=two)
    taken = await http.post(f"{ORDERS}/{order_id}/events", json=comment("x"), headers=same)

    assert_problem(refused, 422)
    assert refused.json()["errors"][0]["pointer"] == "Idempotency-Key"
    assert_error(log, 400, "invalid")
    assert taken.status_code == 201


async def test_two_types_of_one_body_are_refused(http: httpx.AsyncClient, sendcloud: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    body = json.dumps(comment("x"))
    two = [("Content-Type", "application/json"), ("Content-Type", "text/plain")]
    same = [("Content-Type", "application/json"), ("Content-Type", "application/json")]

    refused = await http.post(f"{ORDERS}/{order_id}/events", content=body, headers=two)
    load = await http.post("/trail/v1/events", content=body, headers=[("Content-Type", NDJSON), *two])
    log = await sendcloud.post(LOGS, content='{"base_url": "https://shop.example"}', headers=two)
    taken = await http.post(f"{ORDERS}/{order_id}/events", content=body, headers=same)

    assert_problem(refused, 415)
    assert_problem(load, 415)
    assert_error(log, 415, "validation_error")
    assert taken.status_code == 201


KEYLESS = [
    ("POST", "/trail/v1/events"),
    ("PUT", "/trail/v1/retention"),
    ("PUT", "/trail/v1/consumers/a"),
    ("DELETE", "/trail/v1/consumers/a"),
    ("POST", "/trail/v1/consumers/a/pause"),
    ("POST", "/trail/v1/consumers/a/fetch"),
    ("POST", "/trail/v1/consumers/a/parked/drop"),
    ("DELETE", "/trail/v1/consumers/a/members/b"),
    ("POST", "/trail/v1/webhooks"),
    ("PUT", "/trail/v1/webhooks/wh-1"),
    ("DELETE", "/trail/v1/webhooks/wh-1"),
    ("POST", "/trail/v1/webhooks/wh-1/rotate"),
    ("POST", "/trail/v1/webhooks/wh-1/test"),
    ("POST", "/trail/v1/webhooks/wh-1/attempts/a/resend"),
]


@pytest.mark.parametrize(("method", "path"), KEYLESS)
async def test_a_key_that_a_write_does_not_keep_is_refused(http: httpx.AsyncClient, method: str, path: str) -> None:
    refused = await http.request(method, path, json={}, headers={"Idempotency-Key": "a"})

    assert_problem(refused, 422)
    assert [error["pointer"] for error in refused.json()["errors"]] == ["Idempotency-Key"]


async def test_a_key_does_not_keep_anybody_from_a_token(account: Account) -> None:
    """A token is not kept, and some clients send a key with every POST."""
    body = {"client_id": account.key_id, "client_secret": account.secret, "grant_type": "client_credentials"}
    async with httpx.AsyncClient(base_url=account.url) as stranger:
        answer = await stranger.post("/oauth/token", json=body, headers={"Idempotency-Key": "a"})

    assert answer.status_code == 200


async def test_whoever_is_not_known_hears_nothing_of_conditions(http: httpx.AsyncClient) -> None:
    answer = await http.post(ORDERS, json={}, headers={"If-None-Match": "*", "Authorization": "Bearer x"})

    assert_problem(answer, 401)
