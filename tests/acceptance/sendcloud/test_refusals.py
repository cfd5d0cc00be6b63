"""What Sendcloud's operation on logs refuses, and how it says so."""

import json
from typing import Any

import httpx
import pytest

from tests.acceptance.sendcloud.fix_sendcloud import LOGS, MINIMAL, assert_error
from tests.paths import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "sendcloud"
REQUEST: dict[str, Any] = json.loads((FIXTURES / "create_request.json").read_text())
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("id_", ["0", "-1", "x", "1.5", str(2**63), "9" * 5000, "%00"])
async def test_an_id_that_cannot_be_one_is_a_400(sendcloud: httpx.AsyncClient, id_: str) -> None:
    answer = await sendcloud.post(f"/api/v3/integrations/{id_}/logs", json=MINIMAL)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["source"] == {"parameter": "id"}


WRONG: list[tuple[str, Any, str]] = [
    *((name, value, "invalid") for name in REQUEST for value in (True, [1], 1.5)),
    *((name, {"a": 1}, "invalid") for name in REQUEST if name not in {"response", "request"}),
    *((name, "a\u0000b", "invalid") for name in ("method", "created_at", "exception_type")),
    ("base_url", "", "invalid"),
    ("base_url", None, "null"),
    ("response_code", -1, "min_value"),
    ("response_code", 2**63, "invalid"),
    ("response_code", 10**400, "invalid"),
    ("response_code", "495", "invalid"),
    ("method", "x" * 256, "invalid"),
    ("exception_type", "x" * 256, "invalid"),
    ("response", "text", "invalid"),
    ("request", "text", "invalid"),
]


@pytest.mark.parametrize(("name", "value", "code"), WRONG, ids=str)
async def test_a_wrong_value_is_a_400_that_points_to_it(
    sendcloud: httpx.AsyncClient, name: str, value: Any, code: str
) -> None:
    answer = await sendcloud.post(LOGS, json={**MINIMAL, name: value})

    assert_error(answer, 400, code, pointer=f"body/{name}")


async def test_the_base_url_must_be_there(sendcloud: httpx.AsyncClient) -> None:
    assert_error(await sendcloud.post(LOGS, json={}), 400, "required", pointer="body/base_url")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{",
        b'{"base_url": NaN}',
        b'{"base_url": "x", "request": {"payload": {"n": 1e999}}}',
        b'{"base_url": "\\ud800"}',
        b'{"base_url": "\xff"}',
        b"[" * 100_000,
        b'{"base_url": "x", "request": {"payload":' + b'{"a":' * 70 + b"1" + b"}" * 72,
        b"\x00",
        b"9" * 10_000,
    ],
    ids=lambda body: str(body[:30]),
)
async def test_a_body_that_cannot_be_a_log_is_a_400(sendcloud: httpx.AsyncClient, body: bytes) -> None:
    answer = await sendcloud.post(LOGS, content=body, headers=JSON)

    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["source"]["pointer"].startswith("body")


@pytest.mark.parametrize("type_", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"])
async def test_a_body_of_another_type_is_a_415(sendcloud: httpx.AsyncClient, type_: str) -> None:
    answer = await sendcloud.post(LOGS, content=json.dumps(MINIMAL), headers={"Content-Type": type_})

    assert_error(answer, 415, "validation_error")


async def test_what_is_not_there_is_told_in_the_same_words(sendcloud: httpx.AsyncClient) -> None:
    assert_error(await sendcloud.get("/api/v3/nothing"), 404, "not_found")
    assert_error(await sendcloud.delete(LOGS), 405, "method_not_allowed")
    assert_error(await sendcloud.post(LOGS, content=b" " * (17 << 20), headers=JSON), 413, "validation_error")
