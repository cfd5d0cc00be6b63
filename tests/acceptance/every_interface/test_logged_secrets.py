"""Secrets in logged calls are masked in every interface, and get nowhere."""

import json
from typing import Any

import httpx
import pytest

from api.cli.maintenance import create_key, create_tenant
from tests.acceptance.carriyo.fix_carriyo import logged, whole
from tests.acceptance.sendcloud.fix_sendcloud import LOGS, MINIMAL
from tests.dumps import dump
from tests.fix_postgres import database
from tests.fix_server import Account, running
from tests.native import append, pages

SECRET = "s3cret-value"
NAMES = (
    "X-Authorization",
    "Access-Token",
    "Api_Token",
    "x-apikey",
    "X-Auth",
    "Authentication",
    "X-Session-Id",
    "Cookie",
)
PLAIN = {"x-idempotency-key": "plain-1", "Content-Type": "application/json", "X-Author": "plain-2"}
ADDRESS = f"https://user:{SECRET}@api.example/x?a=plain-3&api_key={SECRET}&Signature={SECRET}#access_token={SECRET}"
MASKED_ADDRESS = "https://***@api.example/x?a=plain-3&api_key=***&Signature=***#access_token=***"


def headers() -> dict[str, list[str]]:
    secret = {name: [SECRET, f"{SECRET}-2"] for name in NAMES}
    return {**secret, **{name: [value] for name, value in PLAIN.items()}, "Location": [ADDRESS]}


def masked_headers() -> dict[str, list[str]]:
    secret = {name: ["***", "***"] for name in NAMES}
    return {**secret, **{name: [value] for name, value in PLAIN.items()}, "Location": [MASKED_ADDRESS]}


async def everything(account: Account, http: httpx.AsyncClient) -> str:
    """Return what the ledger's feed and the timeline show, and what the database holds."""
    feed = (await http.get("/trail/v1/feed?limit=1000")).text
    timeline = (await http.get("/trail/v1/orders/A-1/timeline?limit=100")).text
    return feed + timeline + dump(account.dsn).decode()


async def test_secrets_of_a_call_about_an_order_get_nowhere(
    account: Account, carriyo: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    call = {"request_url": ADDRESS, "request_headers": headers(), "response_headers": headers()}

    log = await logged(carriyo, **call)

    told = (await whole(carriyo, log)).json()
    assert told["request_headers"] == told["response_headers"] == masked_headers()
    assert told["request_url"] == json.loads(log["details_json"])["request_url"] == MASKED_ADDRESS
    assert SECRET not in await everything(account, http) + log["details_json"]


async def test_secrets_of_an_integrations_call_get_nowhere(
    account: Account, sendcloud: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    await http.post("/trail/v1/orders", json={"order_id": "A-1"})
    body = {
        "base_url": f"https://user:{SECRET}@shop.example",
        "full_url": ADDRESS,
        "exception": f"HTTPSConnectionPool: Max retries exceeded with url: /x?access_token={SECRET}",
        "request": {"headers": headers(), "auth": [SECRET, SECRET]},
        "response": {"headers": headers(), "body": "plain-4"},
    }
    text = "\r\n".join(f"{name}: {SECRET}" for name in NAMES) + f"\r\nReferer: {ADDRESS}\r\nX-Author: plain-5"

    first = (await sendcloud.post(LOGS, json=body)).json()["data"]
    second = (await sendcloud.post(LOGS, json={**MINIMAL, "request": {"headers": text}})).json()["data"]
    plain = (await sendcloud.post(LOGS, json={**MINIMAL, "request": {"headers": PLAIN}})).json()["data"]

    assert first["request"] == {"headers": masked_headers(), "auth": ["***", "***"]}
    assert first["response"] == {"headers": masked_headers(), "body": "plain-4"}
    assert (first["base_url"], first["full_url"]) == ("https://***@shop.example", MASKED_ADDRESS)
    assert first["exception"].endswith("url: /x?access_token=***")
    assert second["request"]["headers"].splitlines() == [
        *(f"{name}: ***" for name in NAMES),
        f"Referer: {MASKED_ADDRESS}",
        "X-Author: plain-5",
    ]
    assert [log["protected"] for log in (first, second, plain)] == [True, True, False]
    shown = (await sendcloud.get(LOGS)).text + (await http.get("/trail/v1/integrations/123/logs")).text
    assert SECRET not in shown + await everything(account, http)


async def test_secrets_of_a_call_that_is_told_natively_get_nowhere(
    account: Account, carriyo: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    call: dict[str, Any] = {"type": "order.system_log_recorded", "data": {"request_url": ADDRESS}}

    one, many = await append(http, "A-1", call), await append(http, "A-1", call, call)

    assert (one.status_code, many.status_code) == (201, 201)
    items = await pages(http, "/trail/v1/orders/A-1/timeline", kind="call")
    assert [item["data"]["request_url"] for item in items] == [MASKED_ADDRESS] * 3
    assert SECRET not in await everything(account, http) + (await carriyo.get("/orders/A-1/system-logs")).text


async def test_secrets_of_calls_that_cannot_be_kept_are_not_in_our_log(
    server_dsn: str, template_name: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {
        "ORDERTRAIL_LOG_LEVEL": "debug",
        "ORDERTRAIL_BODIES_URL": "s3://none/trail",
        "AWS_REGION": "eu-west-1",
    }
    for name, value in {**settings, "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_SKIP_SIGNATURE": "1"}.items():
        monkeypatch.setenv(name, value)

    with database(server_dsn, template=template_name) as dsn, running(dsn) as server:
        await create_tenant(dsn, "acme", is_implicit=True, dintero_account=None)
        key = await create_key(dsn, "acme", scopes=("admin",), name="")
        carriyo = {"x-api-key": key["key_id"], "tenant-id": "acme", "Authorization": f"Bearer {key['token']}"}
        async with httpx.AsyncClient(base_url=server.url, headers=carriyo, timeout=60) as client:
            call = {"request_url": ADDRESS, "request_headers": headers()}
            answers = [await client.post("/orders/A-1/system-logs", json=call)]
            answers.append(await client.post("/orders/A-1/system-logs", json={**call, "event_type": SECRET}))
            answers.append(await client.post("/orders/A-1/system-logs", content=f'{{"request_url": "{ADDRESS}'))

    assert [answer.status_code for answer in answers] == [503, 400, 400]
    printed = "".join(capfd.readouterr())
    assert "(Its store: " in printed
    assert SECRET not in printed
