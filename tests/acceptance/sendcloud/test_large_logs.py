"""Logs of any size: small events, whole answers."""

import json
from typing import Any

import httpx
import pytest

from tests.acceptance.sendcloud.fix_sendcloud import ALL_LOGS, LOGS, ids, new_log, walk
from tests.paths import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "sendcloud"
REQUEST: dict[str, Any] = json.loads((FIXTURES / "create_request.json").read_text())
MEGABYTE = 2**20


async def test_a_log_of_ten_megabytes_is_a_small_event_and_is_read_whole(
    sendcloud: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    body = {
        **REQUEST,
        "response": {"headers": {"Server": "x"}, "body": "é€😀" * (10 * MEGABYTE // 9), "extra": [None, 1.5]},
        "request": {"payload": {"list": ["x" * 1_000] * 1_000}},
        "exception": "",
    }
    key = {"Idempotency-Key": "large"}

    created = await sendcloud.post(LOGS, json=body, headers=key)
    replayed = await sendcloud.post(LOGS, json=body, headers=key)

    data = created.json()["data"]
    assert created.status_code == 201, created.text[:300]
    assert {name: data[name] for name in body} == body
    assert replayed.json() == created.json()
    for address in (LOGS, ALL_LOGS):
        assert (await sendcloud.get(address)).json() == {"data": [data]}
    feed = await http.get("/trail/v1/feed", params={"type": "integration.exception_logged"})
    [event] = feed.json()["items"]
    assert len(feed.content) < 4_000
    assert event["data"]["content"]["size"] > 10 * MEGABYTE
    [native] = (await http.get("/trail/v1/integrations/123/logs")).json()["items"]
    assert native["data"]["response"] == body["response"]
    assert "content" not in native["data"]


@pytest.mark.parametrize("name", ["base_url", "full_url", "exception"])
async def test_an_event_is_small_whichever_member_is_large(
    sendcloud: httpx.AsyncClient, http: httpx.AsyncClient, name: str
) -> None:
    large = {name: "https://example.com/" + "x" * MEGABYTE}

    await new_log(sendcloud, **large)

    [log] = (await sendcloud.get(LOGS)).json()["data"]
    assert log[name] == large[name]
    assert len((await http.get("/trail/v1/feed")).content) < 4_000


async def test_a_page_of_very_large_logs_is_shorter_and_its_links_lead_to_the_rest(
    sendcloud: httpx.AsyncClient,
) -> None:
    response = {"body": "x" * (12 * MEGABYTE)}
    logs = [await new_log(sendcloud, response={**response, "n": n}) for n in range(4)][::-1]

    pages = await walk(sendcloud, LOGS)

    assert [ids(page) for page in pages] == [logs[:2], logs[2:]]
    assert [ids(page) for page in await walk(sendcloud, pages[-1], "prev")] == [logs[2:], logs[:2]]
