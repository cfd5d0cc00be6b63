"""Carriyo's redaction of an order: what is known of its customer is gone from every interface."""

import asyncio
import json
from typing import Any

import httpx
import psycopg
import pytest

from tests.acceptance.carriyo.fix_carriyo import assert_error, followed, headers_of, listed, logged, whole
from tests.acceptance.dintero.fix_dintero import audience
from tests.fix_server import Account
from tests.native import append, comment, pages, status
from tests.paths import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "carriyo"
REDACT = "/orders/A-1/redact"
SECRET = "Ann Li of 7 Elm Street"
HIDDEN = "[redacted]"
ORDER = json.loads((FIXTURES / "order.json").read_text())
"""The vendor's order, with what we do not know of it null."""

A_CALL: dict[str, Any] = {
    "request_method": "POST",
    "request_url": f"https://carrier.example/?to={SECRET}",
    "request_headers": {"X-To": [SECRET]},
    "request_body": SECRET,
    "raw_request_body": SECRET,
    "response_body": SECRET,
    "response_code": 201,
}
A_REPORT = {"state": "success", "service": "wms", "service_status": "OK", "metadata": {SECRET: SECRET}}


@pytest.fixture
async def told(carriyo: httpx.AsyncClient, http: httpx.AsyncClient) -> dict[str, Any]:
    """Tell all of the interfaces something of the customer; return the answer to a logged call."""
    await append(
        http, "A-1", comment(SECRET), status("open"), {"type": "order.service_event_recorded", "data": A_REPORT}
    )
    customers = {"original_customer": {"id": "c-9", "name": "Ann Li"}, "new_customer": {"id": "c-9", "name": SECRET}}
    await append(http, "A-1", {"type": "order.transferred", "data": customers})
    return await logged(carriyo, **A_CALL)


async def kept_of(account: Account, log: dict[str, Any]) -> list[bytes]:
    """Return what the database has of what was said in a call."""
    async with await psycopg.AsyncConnection.connect(account.dsn) as connection:
        digest = bytes.fromhex(log["s3_content_key"].rpartition("/")[2])
        found = await connection.execute("SELECT body FROM ordertrail.bodies WHERE digest = %s", [digest])
        return [row[0] for row in await found.fetchall()]


async def read_everywhere(account: Account, carriyo: httpx.AsyncClient, http: httpx.AsyncClient) -> list[str]:
    """Return what each interface shows of the order."""
    path = f"/v1/accounts/{account.dintero_account}/shopping/orders/A-1/events"
    token_path = f"/v1/accounts/{account.dintero_account}/auth/token"
    body = {"audience": audience(account.dintero_account)}
    async with httpx.AsyncClient(base_url=account.url, auth=(account.key_id, account.secret)) as client:
        token = (await client.post(token_path, json=body)).json()["access_token"]
    answers = [
        await carriyo.get("/orders/A-1/system-logs"),
        await carriyo.get("/orders/A-1/change-logs"),
        await http.get("/v1/orders/A-1/action_logs"),
        await http.get(path, headers={"Authorization": f"Bearer {token}"}),
        await http.get("/trail/v1/orders/A-1"),
        await http.get("/trail/v1/orders"),
        await http.get("/trail/v1/orders/A-1/timeline?limit=100"),
        await http.get("/trail/v1/feed"),
    ]
    assert [answer.status_code for answer in answers] == [200] * len(answers)
    return [answer.text for answer in answers]


async def test_redacting_answers_the_order_with_what_is_not_known_null(
    account: Account, carriyo: httpx.AsyncClient, told: dict[str, Any]
) -> None:
    answer = await carriyo.post(REDACT)

    body = answer.json()
    assert answer.status_code == 200
    assert list(body) == list(ORDER)
    assert {name: type(value) for name, value in body.items()} == {n: type(v) for n, v in ORDER.items()}
    assert (body["tenant"], body["order_id"], body["partner_order_reference"]) == (account.tenant, "A-1", "web-1")
    assert (body["status"], body["redacted"]) == ("open", True)
    assert body["creation_date"].endswith("+00:00")
    assert int(answer.headers["ordertrail-position"]) > int(told["identifier"])


@pytest.mark.usefixtures("told")
async def test_what_is_known_of_the_customer_is_gone_from_every_interface(
    account: Account, carriyo: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    before = await read_everywhere(account, carriyo, http)

    await carriyo.post(REDACT)

    after = await read_everywhere(account, carriyo, http)
    # SHOPLINE's log and the order itself have the names of customers, the others all of what was told.
    assert [any(word in text for word in ("Ann Li", SECRET)) for text in before] == [True] * len(before)
    assert [word for text in after for word in ("Ann Li", SECRET, '"c-9"') if word in text] == []


@pytest.mark.usefixtures("told")
async def test_what_happened_to_the_order_is_still_told(
    account: Account, carriyo: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    await carriyo.post(REDACT)

    items = await pages(http, "/trail/v1/orders/A-1/timeline")
    assert [(item["type"], item["data"]) for item in items] == [
        (
            "order.created",
            {"created_by": "", "reference": "web-1", "customer": {"id": HIDDEN, "name": HIDDEN}},
        ),
        ("order.comment_added", {"text": HIDDEN, "is_private": False}),
        ("order.status_updated", {"status": "open", "reason": ""}),
        ("order.service_event_recorded", {**A_REPORT, "metadata": {"redacted": HIDDEN}}),
        (
            "order.transferred",
            {
                "original_customer": {"id": HIDDEN, "name": HIDDEN},
                "new_customer": {"id": HIDDEN, "name": HIDDEN},
            },
        ),
        (
            "order.system_log_recorded",
            {
                "request_method": "POST",
                "request_url": HIDDEN,
                "response_code": 201,
                "content": items[5]["data"]["content"],
            },
        ),
        ("order.redacted", {}),
    ]
    assert items[6]["actor"]["id"] == account.key_id


async def test_what_was_said_in_its_calls_is_deleted(
    account: Account, carriyo: httpx.AsyncClient, told: dict[str, Any]
) -> None:
    link = (await carriyo.get(f"/orders/A-1/system-logs/{told['identifier']}")).json()
    assert SECRET in (await followed(link)).text

    [kept] = await kept_of(account, told)
    assert SECRET.encode() not in kept

    await carriyo.post(REDACT)

    assert await kept_of(account, told) == []
    body = (await followed(link)).json()
    assert {name: value for name, value in body.items() if value == HIDDEN}.keys() == {
        "request_url",
        "request_body",
        "raw_request_body",
        "response_body",
    }
    assert (body["request_headers"], body["request_method"], body["response_code"]) == (None, "POST", 201)


async def test_what_another_orders_call_said_as_well_is_kept(
    account: Account, carriyo: httpx.AsyncClient, http: httpx.AsyncClient, told: dict[str, Any]
) -> None:
    await http.post("/trail/v1/orders", json={"order_id": "B-2"})
    twin = await logged(carriyo, order_id="B-2", **A_CALL)
    assert twin["s3_content_key"] != told["s3_content_key"]

    await carriyo.post(REDACT)

    assert SECRET in (await whole(carriyo, twin)).json()["request_body"]
    assert (await whole(carriyo, told)).json()["request_body"] == HIDDEN
    assert (await kept_of(account, told), len(await kept_of(account, twin))) == ([], 1)


@pytest.mark.usefixtures("told")
async def test_redacting_again_records_nothing(carriyo: httpx.AsyncClient, http: httpx.AsyncClient) -> None:
    first = await carriyo.post(REDACT)
    again = await carriyo.post(REDACT)

    assert again.status_code == 200
    assert again.json() == first.json()
    items = await pages(http, "/trail/v1/orders/A-1/timeline")
    assert [item["type"] for item in items].count("order.redacted") == 1


async def test_redacting_many_times_at_once_records_it_once(
    carriyo: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    answers = await asyncio.gather(*[carriyo.post(REDACT) for _ in range(8)])

    assert [answer.status_code for answer in answers] == [200] * 8
    items = await pages(http, "/trail/v1/orders/A-1/timeline")
    assert [item["type"] for item in items].count("order.redacted") == 1


async def test_a_repeated_key_is_answered_as_the_first_time(carriyo: httpx.AsyncClient) -> None:
    first = await carriyo.post(REDACT, headers={"Idempotency-Key": "k"})
    again = await carriyo.post(REDACT, headers={"Idempotency-Key": "k"})
    other = await carriyo.post("/orders/A-1/system-logs", json={}, headers={"Idempotency-Key": "k"})

    assert first.json() == again.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert_error(other, 422)


async def test_the_key_of_a_request_that_found_the_order_redacted_is_used(carriyo: httpx.AsyncClient) -> None:
    await carriyo.post(REDACT)

    found = await carriyo.post(REDACT, headers={"Idempotency-Key": "found"})
    again = await carriyo.post(REDACT, headers={"Idempotency-Key": "found"})
    other = await carriyo.post("/orders/A-1/system-logs", json={}, headers={"Idempotency-Key": "found"})

    assert (found.status_code, again.status_code) == (200, 200)
    assert found.json() == again.json()
    assert_error(other, 422)


async def test_what_is_told_of_a_redacted_order_later_is_not_shown_either(
    account: Account, carriyo: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    await carriyo.post(REDACT)

    log = await logged(carriyo, **A_CALL)
    await append(http, "A-1", comment(SECRET))
    customers = {"original_customer": {}, "new_customer": {"id": "c-2", "name": SECRET}}
    await append(http, "A-1", {"type": "order.transferred", "data": customers})

    assert [SECRET in text for text in await read_everywhere(account, carriyo, http)] == [False] * 8
    assert SECRET not in (await whole(carriyo, log)).text
    assert (await http.get("/trail/v1/orders?text=elm")).json()["items"] == []
    assert (log["s3_content_key"], log["s3_content_bucket"]) == (None, None)
    assert (await carriyo.post(REDACT)).status_code == 200


@pytest.mark.usefixtures("told")
async def test_a_redacted_order_is_not_found_by_its_customer(
    carriyo: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    assert len((await http.get("/trail/v1/orders?text=elm street")).json()["items"]) == 1

    await carriyo.post(REDACT)

    assert (await http.get("/trail/v1/orders?text=elm street")).json()["items"] == []
    assert len((await http.get("/trail/v1/orders?text=web-1")).json()["items"]) == 1
    assert (await http.get("/trail/v1/orders/A-1")).json()["customer"] is None


async def test_another_system_may_report_that_it_redacted_an_order(
    account: Account, carriyo: httpx.AsyncClient, http: httpx.AsyncClient, told: dict[str, Any]
) -> None:
    reported = await append(http, "A-1", {"type": "order.redacted", "data": {}})
    again = await append(http, "A-1", {"type": "order.redacted", "data": {}})

    assert (reported.status_code, again.status_code) == (201, 409)
    assert await kept_of(account, told) == []
    assert (await listed(carriyo))[0]["details_json"].count(HIDDEN) == 1


async def test_an_order_may_be_named_by_the_partners_reference(carriyo: httpx.AsyncClient) -> None:
    answer = await carriyo.post("/orders/web-1/redact?key=partner_order_reference")

    assert (answer.json()["order_id"], answer.json()["redacted"]) == ("A-1", True)


async def test_what_cannot_be_redacted(account: Account, implicit_account: Account, carriyo: httpx.AsyncClient) -> None:
    headers = await headers_of(implicit_account, implicit_account.key_id, implicit_account.secret)
    key = await account.key("read:orders")
    reader = await headers_of(account, key["key_id"], key["secret"])

    for path in ("/orders/B-2/redact", "/orders/B-2/redact?key=partner_order_reference"):
        assert_error(await carriyo.post(path), 404, about="B-2")
        assert_error(await carriyo.post(path, headers=headers), 404, about="B-2")
    assert_error(await carriyo.post(f"/orders/{'x' * 129}/redact"), 400, about="reference")
    assert_error(await carriyo.post(f"{REDACT}?key=x"), 400, about="key")
    assert_error(await carriyo.post(REDACT, headers=reader), 403, about="write:orders")
    assert_error(await carriyo.post(REDACT, headers={"tenant-id": "another"}), 403)
