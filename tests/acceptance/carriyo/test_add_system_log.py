"""Carriyo's order system logs, as its documentation tells them."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from api.bootstrap import open_services
from api.cli.maintenance import create_key, create_tenant
from domain.streams import order_stream
from domain.values import TenantName
from tests.acceptance.carriyo.calls import BODIES, FIXTURES, REQUEST
from tests.acceptance.carriyo.fix_carriyo import LOGS, assert_error, headers_of, listed, logged, whole
from tests.fix_server import Account, Server

RESPONSE: dict[str, Any] = json.loads((FIXTURES / "create_response.json").read_text())
A_CALL = {**REQUEST, "tenant": None}


async def test_the_documents_own_example_is_answered_as_the_document_has_it(server: Server) -> None:
    await create_tenant(server.dsn, "string", is_implicit=True, dintero_account=None)
    key = await create_key(server.dsn, "string", scopes=("write:orders",), name="")
    account = Account(server.url, server.dsn, "string", "", key["key_id"], key["secret"], key["token"])
    headers = await headers_of(account, account.key_id, account.secret)

    async with httpx.AsyncClient(base_url=server.url, headers=headers) as client:
        answer = await client.post(
            "/orders/string/system-logs", content=(FIXTURES / "create_request.json").read_bytes()
        )

    body = answer.json()
    assert answer.status_code == 200
    assert list(body) == list(RESPONSE)
    assert {name: type(value) for name, value in body.items()} == {n: type(v) for n, v in RESPONSE.items()}
    made_up = {"identifier", "s3_content_key", "s3_content_bucket", "details_json"}
    assert {n: v for n, v in body.items() if n not in made_up} == {
        n: v for n, v in RESPONSE.items() if n not in made_up
    }


async def test_the_tenant_in_the_body_may_only_be_the_callers(account: Account, carriyo: httpx.AsyncClient) -> None:
    same = await carriyo.post(LOGS, json={"tenant": account.tenant})
    other = await carriyo.post(LOGS, json={"tenant": "string"})

    assert same.status_code == 200
    assert_error(other, 403)


async def test_the_entity_id_of_the_body_gives_way_to_the_order_of_the_path(carriyo: httpx.AsyncClient) -> None:
    answer = await carriyo.post(LOGS, json={"entity_id": "another order"})

    assert answer.json()["order_id"] == "A-1"


async def test_an_order_is_found_by_its_partners_reference(carriyo: httpx.AsyncClient) -> None:
    by_reference = await carriyo.post("/orders/web-1/system-logs?key=partner_order_reference", json={})
    by_id = await carriyo.post("/orders/A-1/system-logs?key=order_id", json={})
    by_either = await carriyo.post("/orders/web-1/system-logs", json={})
    mixed_up = await carriyo.post("/orders/A-1/system-logs?key=partner_order_reference", json={})

    assert by_reference.json()["order_id"] == by_id.json()["order_id"] == by_either.json()["order_id"] == "A-1"
    assert_error(mixed_up, 404, about="A-1")


async def test_an_unknown_order_is_a_404(carriyo: httpx.AsyncClient) -> None:
    assert_error(await carriyo.post("/orders/B-2/system-logs", json={}), 404, about="B-2")
    assert_error(await carriyo.post("/orders/B-2/system-logs?key=partner_order_reference", json={}), 404, about="B-2")


async def test_an_implicit_tenants_order_begins_with_its_first_log(implicit_account: Account) -> None:
    headers = await headers_of(implicit_account, implicit_account.key_id, implicit_account.secret)

    async with httpx.AsyncClient(base_url=implicit_account.url, headers=headers) as client:
        by_id = await client.post("/orders/new/system-logs", json={})
        by_reference = await client.post("/orders/never/system-logs?key=partner_order_reference", json={})

    assert by_id.json()["order_id"] == "new"
    assert_error(by_reference, 404)


async def test_every_field_is_optional_and_what_is_unset_is_null(carriyo: httpx.AsyncClient) -> None:
    empty = await carriyo.post(LOGS, json={})
    nulls = await carriyo.post(LOGS, json=dict.fromkeys(REQUEST))

    for answer in (empty, nulls):
        assert answer.status_code == 200
        assert answer.json().keys() == RESPONSE.keys()
        unset = {name for name, value in answer.json().items() if value is None}
        set_by_us = {"tenant", "identifier", "order_id", "s3_content_key", "s3_content_bucket", "details_json"}
        assert unset == RESPONSE.keys() - set_by_us
        assert json.loads(answer.json()["details_json"]) == {}


async def test_identifiers_sort_in_the_order_of_the_calls(carriyo: httpx.AsyncClient) -> None:
    identifiers = [(await carriyo.post(LOGS, json={})).json()["identifier"] for _ in range(11)]

    assert identifiers == sorted(identifiers)
    assert len(set(identifiers)) == 11


async def test_times_are_64_bit_integers_and_come_back_as_they_were(carriyo: httpx.AsyncClient) -> None:
    answer = await carriyo.post(LOGS, json={"request_time": 2**63 - 1, "response_time": -(2**63)})

    assert answer.json()["request_time"] == 2**63 - 1
    assert answer.json()["response_time"] == -(2**63)


async def test_the_order_remembers_when_the_call_was_made(carriyo: httpx.AsyncClient, http: httpx.AsyncClient) -> None:
    await carriyo.post(LOGS, json={"request_time": 1_772_366_400_123})

    timeline = (await http.get("/trail/v1/orders/A-1/timeline?kind=call")).json()

    assert timeline["items"][0]["occurred_at"] == "2026-03-01T12:00:00.123000Z"


async def test_what_was_said_is_kept_beside_the_ledger_without_secrets(
    account: Account, carriyo: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    secret_headers = {"Authorization": ["Bearer s3cret"], "x-api-key": ["s3cret"], "Accept": ["a", "b"]}
    call = {
        "request_headers": secret_headers,
        "request_body": '{"a": 1}',
        "raw_request_body": "raw",
        "response_headers": {"SET-COOKIE": ["s3cret=1", "s3cret=2"]},
        "response_body": "ok",
        "call_statistics": {"call_start": "1", "call_end": "2"},
        "duration_statistics": {"total_duration": 1.5, "connection_reused": False},
    }

    answer = (await carriyo.post(LOGS, json=call)).json()

    item = (await http.get("/trail/v1/orders/A-1/timeline?kind=call")).json()["items"][0]
    async with open_services(account.dsn) as services:
        digest = item["data"]["content"]["digest"]
        content = await services.bodies.get(TenantName(account.tenant), order_stream("A-1"), digest)
    assert isinstance(content, bytes)
    assert b"s3cret" not in content
    assert item["data"]["content"]["digest"] in answer["s3_content_key"]
    assert json.loads(content) == {
        "request_headers": {"Authorization": ["***"], "x-api-key": ["***"], "Accept": ["a", "b"]},
        "request_body": '{"a": 1}',
        "raw_request_body": "raw",
        "response_headers": {"SET-COOKIE": ["***", "***"]},
        "response_body": "ok",
        "timings": {"call_start": "1", "call_end": "2"},
        "durations": {"total_duration": 1.5, "connection_reused": False},
    }


DURATIONS = [0, 5, -7, 9_007_199_254_740_993, 2**63, 10**400, 0.5, 1.0, -0.25, 1e300]


@pytest.mark.parametrize("duration", DURATIONS, ids=lambda duration: str(duration)[:30])
async def test_durations_come_back_as_they_were_whole_ones_as_whole_ones(
    carriyo: httpx.AsyncClient, duration: float
) -> None:
    log = await logged(carriyo, duration_statistics={"total_duration": duration, "connection_reused": True})

    told = (await whole(carriyo, log)).json()["duration_statistics"]
    assert (told["total_duration"], type(told["total_duration"])) == (duration, type(duration))
    assert told["connection_reused"] is True


async def test_times_in_seconds_are_understood_and_come_back_as_they_were(
    carriyo: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    log = await logged(carriyo, request_time=1_772_366_400, response_time=1_772_366_401)

    assert (log["request_time"], log["response_time"]) == (1_772_366_400, 1_772_366_401)
    [item] = (await http.get("/trail/v1/orders/A-1/timeline?kind=call")).json()["items"]
    assert item["occurred_at"] == "2026-03-01T12:00:00Z"


async def test_an_empty_tenant_in_the_body_is_unset(carriyo: httpx.AsyncClient, account: Account) -> None:
    assert (await logged(carriyo, tenant=""))["tenant"] == account.tenant


async def test_bodies_may_have_any_characters_and_come_back_as_they_were(carriyo: httpx.AsyncClient) -> None:
    binary = "GIF89a\0\1\x7f\uffff\U0001f69a \\u0000"
    call: dict[str, Any] = dict.fromkeys(BODIES, binary)
    call |= {"request_headers": {"X-Odd": [binary]}, "response_headers": {"X-Odd": [binary, ""]}}

    log = await logged(carriyo, **call)

    told = (await whole(carriyo, log)).json()
    assert {name: told[name] for name in call} == call
    assert json.loads(log["details_json"])["request_url"] == binary
    assert await listed(carriyo) == [log]


async def test_the_details_tell_what_the_answer_else_leaves_out(carriyo: httpx.AsyncClient) -> None:
    call = {"request_method": "GET", "request_url": "https://x.example/" + "y" * 5000, "carrier_id": "dhl"}

    answer = await carriyo.post(LOGS, json=call)

    assert json.loads(answer.json()["details_json"]) == call


async def test_members_that_are_not_known_are_ignored(carriyo: httpx.AsyncClient) -> None:
    answer = await carriyo.post(LOGS, json={"unheard_of": 1, "call_statistics": {"unheard_of": 1}})

    assert answer.status_code == 200


async def test_json_is_what_a_body_is_if_its_type_is_not_told(carriyo: httpx.AsyncClient) -> None:
    assert (await carriyo.post(LOGS, content=b'{"request_type": "X"}')).json()["request_type"] == "X"


async def test_a_repeated_key_is_answered_as_the_first_time(carriyo: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "k-1"}

    first = await carriyo.post(LOGS, json=A_CALL, headers=key)
    second = await carriyo.post(LOGS, json=A_CALL, headers=key)
    other = await carriyo.post(LOGS, json={}, headers=key)

    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert_error(other, 422)


async def test_the_same_request_at_the_same_time_is_recorded_once(carriyo: httpx.AsyncClient) -> None:
    requests = [carriyo.post(LOGS, json=A_CALL, headers={"Idempotency-Key": "k-2"}) for _ in range(8)]

    answers = await asyncio.gather(*requests)

    assert len({answer.json()["identifier"] for answer in answers}) == 1
