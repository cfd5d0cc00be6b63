"""Calls that Carriyo's interface does not log: each refusal says what is wrong."""

from typing import Any

import httpx
import pytest

from tests.acceptance.carriyo.calls import BODIES, REQUEST
from tests.acceptance.carriyo.fix_carriyo import LOGS, assert_error

WRONG: list[tuple[str, Any]] = [
    *((name, [1]) for name in REQUEST if name != "entity_ids"),
    *((name, True) for name in REQUEST),
    *((name, "x") for name, value in REQUEST.items() if not isinstance(value, str) or name == "event_type"),
    *((name, "a\u0000b") for name, value in REQUEST.items() if isinstance(value, str) and name not in BODIES),
    ("entity_ids", [None]),
    ("event_type", "inbound"),
    ("request_time", 2**63),
    ("response_time", -(2**63) - 1),
    ("response_code", 10**400),
    ("response_code", 200.5),
    ("response_code", "200"),
    ("tenant", "x" * 256),
    ("correlation_id", "x" * 256),
    ("request_headers", {"a": "b"}),
    ("request_headers", {"a": [1]}),
    ("request_headers", {"x" * 256: ["b"]}),
    ("response_headers", {"a": [{}]}),
    ("call_statistics", {"call_start": 1}),
    ("duration_statistics", {"total_duration": "1"}),
    ("duration_statistics", {"total_duration": True}),
    ("duration_statistics", {"total_duration": [1]}),
    ("duration_statistics", {"connection_reused": 1}),
]


@pytest.mark.parametrize(("name", "value"), WRONG, ids=str)
async def test_a_wrong_value_is_a_400_that_names_its_field(carriyo: httpx.AsyncClient, name: str, value: Any) -> None:
    assert_error(await carriyo.post(LOGS, json={name: value}), 400, about=name)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{",
        b'{"a": NaN}',
        b'{"duration_statistics": {"total_duration": 1e999}}',
        b'{"tenant": "\\ud800"}',
        b'{"tenant": "\xff"}',
        b"[" * 100_000,
        b'{"request_body":' * 100 + b"1" + b"}" * 100,
        b"\x00",
        b"9" * 10_000,
    ],
    ids=lambda body: str(body[:30]),
)
async def test_a_body_that_is_no_object_is_a_400(carriyo: httpx.AsyncClient, body: bytes) -> None:
    assert_error(await carriyo.post(LOGS, content=body, headers={"Content-Type": "application/json"}), 400)


@pytest.mark.parametrize("type_", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"])
async def test_a_body_of_another_type_is_a_415(carriyo: httpx.AsyncClient, type_: str) -> None:
    assert_error(await carriyo.post(LOGS, content=b"{}", headers={"Content-Type": type_}), 415)


@pytest.mark.parametrize("reference", ["%00", "a%20b", "%ff", "%C3%A9", "x" * 129])
async def test_a_reference_that_cannot_be_one_is_a_400(carriyo: httpx.AsyncClient, reference: str) -> None:
    assert_error(await carriyo.post(f"/orders/{reference}/system-logs", json={}), 400, about="reference")
    answer = await carriyo.post(f"/orders/{reference}/system-logs?key=partner_order_reference", json={})
    assert_error(answer, 400, about="reference")


async def test_a_key_that_is_not_listed_is_a_400(carriyo: httpx.AsyncClient) -> None:
    assert_error(await carriyo.post(f"{LOGS}?key=shipment_id", json={}), 400, about="key")


async def test_what_is_not_there_is_told_in_the_same_words(carriyo: httpx.AsyncClient) -> None:
    assert_error(await carriyo.get("/orders/A-1/nothing"), 404)
    assert_error(await carriyo.put(LOGS), 405)
    assert_error(await carriyo.get("/oauth/nothing"), 404)
    assert_error(await carriyo.post(LOGS, content=b" " * (17 << 20)), 413)
