"""Sendcloud's integration exception logs, as its documentation tells them."""

import base64
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.acceptance.sendcloud.fix_sendcloud import LOGS, MINIMAL, assert_error
from tests.fix_server import Account
from tests.paths import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "sendcloud"
REQUEST: dict[str, Any] = json.loads((FIXTURES / "create_request.json").read_text())
RESPONSE: dict[str, Any] = json.loads((FIXTURES / "create_response.json").read_text())
JSON = {"Content-Type": "application/json"}


async def test_the_documents_own_example_is_answered_as_the_document_has_it(sendcloud: httpx.AsyncClient) -> None:
    answer = await sendcloud.post(LOGS, content=(FIXTURES / "create_request.json").read_bytes(), headers=JSON)

    data = answer.json()["data"]
    assert answer.status_code == 201
    assert answer.json().keys() == RESPONSE.keys()
    assert list(data) == list(RESPONSE["data"])
    for name, value in RESPONSE["data"].items():
        assert name == "id" or data[name] == value, name
    assert data["id"] == int(answer.headers["ordertrail-position"])


async def test_only_the_base_url_is_required(sendcloud: httpx.AsyncClient) -> None:
    before = datetime.now(UTC)

    answer = await sendcloud.post(LOGS, json=MINIMAL)

    data = answer.json()["data"]
    assert answer.status_code == 201
    assert data.keys() == RESPONSE["data"].keys()
    assert data["method"] == data["additional_data"] == ""
    assert data["protected"] is False
    assert {name for name, value in data.items() if value is None} == {
        *("full_url", "response_code", "response", "request", "exception_type", "exception")
    }
    moment = datetime.fromisoformat(data["created_at"])
    assert before - timedelta(seconds=1) <= moment <= datetime.now(UTC) + timedelta(seconds=1)


async def test_null_is_as_good_as_nothing(sendcloud: httpx.AsyncClient) -> None:
    answer = await sendcloud.post(LOGS, json={**dict.fromkeys(REQUEST), **MINIMAL})

    assert answer.status_code == 201
    assert answer.json()["data"]["method"] == ""
    assert answer.json()["data"]["created_at"] is not None


async def test_ids_are_unique_and_grow(sendcloud: httpx.AsyncClient) -> None:
    ids = [(await sendcloud.post(LOGS, json=MINIMAL)).json()["data"]["id"] for _ in range(3)]

    assert ids == sorted(set(ids))
    assert ids[0] >= 1


@pytest.mark.parametrize("name", ["unknown_field", "id", "integration_id", "protected", "additional_data", "user_id"])
async def test_a_member_that_is_not_listed_is_rejected(sendcloud: httpx.AsyncClient, name: str) -> None:
    answer = await sendcloud.post(LOGS, json={**MINIMAL, name: 1})

    assert_error(answer, 400, "extra_forbidden", pointer=f"body/{name}")


UNIONS: list[tuple[str, str, Any, bool]] = [
    ("response", "headers", {"a": ["b", 1, None]}, True),
    ("response", "headers", None, True),
    ("response", "headers", "A: b", False),
    ("response", "headers", [], False),
    ("response", "body", {"a": {"b": [None, 1.5, 10**30]}}, True),
    ("response", "body", "text", True),
    ("response", "body", None, True),
    ("response", "body", [], False),
    ("response", "body", 1, False),
    ("response", "extra", [1, {"a": None}], True),
    ("request", "headers", {}, True),
    ("request", "headers", "A: b\r\nC: d", True),
    ("request", "headers", None, True),
    ("request", "headers", [["a", "b"]], False),
    ("request", "headers", False, False),
    ("request", "payload", {"a": []}, True),
    ("request", "payload", "a=b", True),
    ("request", "payload", None, True),
    ("request", "payload", [{}], False),
    ("request", "payload", 1.5, False),
    ("request", "extra", "x", True),
]


@pytest.mark.parametrize(("part", "member", "value", "is_allowed"), UNIONS, ids=str)
async def test_requests_and_responses_have_members_of_these_types_and_come_back_as_they_were(
    sendcloud: httpx.AsyncClient, part: str, member: str, value: Any, is_allowed: bool
) -> None:
    answer = await sendcloud.post(LOGS, json={**MINIMAL, part: {member: value}})

    if is_allowed:
        assert answer.status_code == 201
        assert answer.json()["data"][part] == {member: value}
    else:
        assert_error(answer, 400, "invalid", pointer=f"body/{part}/{member}")
        assert len(answer.json()["errors"]) == 1


@pytest.mark.parametrize("length", [1, 10_000], ids=["small", "large"])
async def test_what_was_said_may_have_any_characters_and_comes_back_as_it_was(
    sendcloud: httpx.AsyncClient, http: httpx.AsyncClient, length: int
) -> None:
    binary = "GIF89a\0\1\x7f\uffff\U0001f69a \\u0000" * length
    said = {
        **dict.fromkeys(("base_url", "full_url", "exception"), binary),
        "request": {"headers": {"X-Odd": [binary]}, "payload": binary, binary[:9]: None},
        "response": {"headers": {binary[:9]: "x"}, "body": {"deep": [{binary[:9]: binary}]}},
    }

    answer = await sendcloud.post(LOGS, json=said)

    assert answer.status_code == 201, answer.text
    data = answer.json()["data"]
    assert {name: data[name] for name in said} == said
    assert (await sendcloud.get(LOGS)).json()["data"] == [data]
    [native] = (await http.get("/trail/v1/integrations/123/logs")).json()["items"]
    assert native["data"]["response"] == said["response"]


async def test_secrets_in_headers_are_masked_and_the_log_says_so(
    sendcloud: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    exchange = {
        "request": {"headers": "Accept: */*\r\nAuthorization: Basic s3cret", "payload": "p"},
        "response": {"headers": {"Set-Cookie": "s3cret", "Server": "x"}, "body": "b"},
    }

    data = (await sendcloud.post(LOGS, json={**MINIMAL, **exchange})).json()["data"]

    assert data["protected"] is True
    assert data["request"] == {"headers": "Accept: */*\r\nAuthorization: ***", "payload": "p"}
    assert data["response"] == {"headers": {"Set-Cookie": "***", "Server": "x"}, "body": "b"}
    assert "s3cret" not in (await http.get("/trail/v1/feed")).text


@pytest.mark.parametrize("part", ["request", "response"])
async def test_a_secret_on_either_side_protects_the_log(sendcloud: httpx.AsyncClient, part: str) -> None:
    answer = await sendcloud.post(LOGS, json={**MINIMAL, part: {"headers": {"cookie": "a=b"}}})

    assert answer.json()["data"]["protected"] is True


async def test_texts_are_as_long_as_they_need_to_be(sendcloud: httpx.AsyncClient) -> None:
    long = {"full_url": "https://example.com/?" + "q" * 9_000, "exception": "x" * 20_000}

    data = (await sendcloud.post(LOGS, json={**MINIMAL, **long})).json()["data"]

    assert {name: data[name] for name in long} == long


async def test_a_repeated_key_is_answered_as_the_first_time(sendcloud: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "k-1"}

    first = await sendcloud.post(LOGS, json=MINIMAL, headers=key)
    second = await sendcloud.post(LOGS, json=MINIMAL, headers=key)
    other = await sendcloud.post(LOGS, json=REQUEST, headers=key)

    assert first.json() == second.json()
    assert second.status_code == 201
    assert second.headers["idempotency-replayed"] == "true"
    assert_error(other, 422, "validation_error")


async def test_a_bearer_token_serves_as_well(account: Account, sendcloud: httpx.AsyncClient) -> None:
    sendcloud.auth = None  # type: ignore[assignment]

    answer = await sendcloud.post(LOGS, json=MINIMAL, headers={"Authorization": f"Bearer {account.token}"})

    assert answer.status_code == 201


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic !",
        "Basic YQ==",
        "Basic " + base64.b64encode(b"a:b").decode(),
        "Bearer ot_a_b",
        "Basic ø",
    ],
)
async def test_a_call_without_a_valid_credential_is_a_401(
    sendcloud: httpx.AsyncClient, authorization: str | None
) -> None:
    sendcloud.auth = None  # type: ignore[assignment]
    headers = {} if authorization is None else {"Authorization": authorization.encode()}

    answer = await sendcloud.post(LOGS, json=MINIMAL, headers=headers)  # type: ignore[arg-type]

    assert_error(answer, 401, "authentication_failed", pointer="/data")
    assert answer.headers["www-authenticate"].startswith("Basic")


async def test_a_key_without_the_scope_is_a_403(account: Account, sendcloud: httpx.AsyncClient) -> None:
    key = await account.key("read:integrations", "write:orders")

    answer = await sendcloud.post(LOGS, json=MINIMAL, auth=(key["key_id"], key["secret"]))

    assert_error(answer, 403, "forbidden")


async def test_an_unknown_integration_is_a_404(
    sendcloud: httpx.AsyncClient, another_account: Callable[[], Awaitable[Account]]
) -> None:
    other = await another_account()

    unknown = await sendcloud.post("/api/v3/integrations/124/logs", json=MINIMAL)
    anothers = await sendcloud.post(LOGS, json=MINIMAL, auth=(other.key_id, other.secret))

    for answer in (unknown, anothers):
        assert_error(answer, 404, "not_found")


async def test_an_implicit_tenants_integration_begins_with_its_first_log(implicit_account: Account) -> None:
    auth = (implicit_account.key_id, implicit_account.secret)

    async with httpx.AsyncClient(base_url=implicit_account.url, auth=auth) as client:
        answer = await client.post(f"/api/v3/integrations/{2**63 - 1}/logs", json=MINIMAL)

    assert answer.status_code == 201
    assert answer.json()["data"]["integration_id"] == 2**63 - 1
