"""Sendcloud's lists of exception logs: pages that neither lose nor repeat an entry."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.acceptance.sendcloud.fix_sendcloud import (
    ALL_LOGS,
    INTEGRATIONS,
    LOGS,
    MINIMAL,
    assert_error,
    ids,
    new_log,
    walk,
)
from tests.fix_server import Account
from tests.paths import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "sendcloud"
REQUEST: dict[str, Any] = json.loads((FIXTURES / "create_request.json").read_text())
LISTED: dict[str, Any] = json.loads((FIXTURES / "list_log.json").read_text())


async def test_a_log_is_listed_as_it_was_answered_when_it_was_created(sendcloud: httpx.AsyncClient) -> None:
    created = (await sendcloud.post(LOGS, json=REQUEST)).json()["data"]

    for address in (LOGS, ALL_LOGS):
        answer = await sendcloud.get(address)
        assert answer.json() == {"data": [created]}
        assert {**created, "id": 123}.items() >= LISTED.items()
        assert int(answer.headers["ordertrail-position"]) >= created["id"]
        assert "link" not in answer.headers


async def test_logs_are_listed_newest_first_for_one_integration_or_for_all(
    sendcloud: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    await http.put("/trail/v1/integrations/7", json={})
    first, other, last = [await new_log(sendcloud, n) for n in (123, 7, 123)]

    assert ids(await sendcloud.get(LOGS)) == [last, first]
    assert ids(await sendcloud.get(f"{INTEGRATIONS}/7/logs")) == [other]
    assert ids(await sendcloud.get(ALL_LOGS)) == [last, other, first]


async def test_nothing_logged_is_an_empty_list(sendcloud: httpx.AsyncClient) -> None:
    for address in (LOGS, ALL_LOGS):
        answer = await sendcloud.get(address)

        assert (answer.status_code, answer.json()) == (200, {"data": []})
        assert "link" not in answer.headers


async def test_an_unknown_integration_is_a_404(
    sendcloud: httpx.AsyncClient, another_account: Callable[[], Awaitable[Account]]
) -> None:
    other = await another_account()
    await new_log(sendcloud)

    unknown = await sendcloud.get(f"{INTEGRATIONS}/124/logs")
    anothers = await sendcloud.get(LOGS, auth=(other.key_id, other.secret))
    nothing = await sendcloud.get(ALL_LOGS, auth=(other.key_id, other.secret))

    assert_error(unknown, 404, "not_found")
    assert_error(anothers, 404, "not_found")
    assert ids(nothing) == []


async def test_an_implicit_tenants_integration_is_unknown_until_its_first_log(implicit_account: Account) -> None:
    auth = (implicit_account.key_id, implicit_account.secret)
    async with httpx.AsyncClient(base_url=implicit_account.url, auth=auth) as client:
        before = await client.get(LOGS)
        log = await new_log(client)

        assert_error(before, 404, "not_found")
        assert ids(await client.get(LOGS)) == [log]


async def test_links_lead_to_older_and_to_newer_pages(sendcloud: httpx.AsyncClient, account: Account) -> None:
    logs = [await new_log(sendcloud) for _ in range(5)][::-1]

    first, second, third = await walk(sendcloud, f"{LOGS}?page_size=2")

    assert [ids(page) for page in (first, second, third)] == [logs[:2], logs[2:4], logs[4:]]
    assert [set(page.links) for page in (first, second, third)] == [{"next"}, {"next", "prev"}, {"prev"}]
    assert [ids(page) for page in await walk(sendcloud, third.links["prev"]["url"], "prev")] == [logs[2:4], logs[:2]]
    url = httpx.URL(first.links["next"]["url"])
    assert str(url).startswith(f"{account.url}{LOGS}?")
    assert url.params["page_size"] == "2"
    assert url.params.keys() == {"cursor", "page_size"}


Spelling = Callable[[datetime], str]
SPELLINGS: dict[str, Spelling] = {
    "Python": datetime.isoformat,
    "JavaScript": lambda moment: moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    "PHP, without fractions": lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
    "in a time zone of its own": lambda moment: moment.astimezone(timezone(timedelta(hours=5, minutes=45))).isoformat(),
    "without an offset": lambda moment: moment.replace(tzinfo=None).isoformat(),
    "in nanoseconds": lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S.000000000Z"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("address", [LOGS, ALL_LOGS])
async def test_a_client_that_was_made_from_the_specification_walks_by_date_times(
    sendcloud: httpx.AsyncClient, address: str, spelling: str
) -> None:
    logs = [await new_log(sendcloud, created_at="2024-05-05T05:05:05+02:00") for _ in range(7)][::-1]

    async def walked(rel: str, cursor: str | None) -> list[list[int]]:
        pages = []
        while True:
            query = {"page_size": "2", **({"cursor": cursor} if cursor else {})}
            page = await sendcloud.get(address, params=query)
            pages.append(ids(page))
            if rel not in page.links:
                return pages
            told = httpx.URL(page.links[rel]["url"]).params["cursor"]
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told)
            cursor = SPELLINGS[spelling](datetime.fromisoformat(told))

    assert await walked("next", None) == [logs[:2], logs[2:4], logs[4:6], logs[6:]]
    last = await sendcloud.get(address, params={"page_size": 6})
    last = await sendcloud.get(last.links["next"]["url"])
    back = httpx.URL(last.links["prev"]["url"]).params["cursor"]
    assert await walked("prev", back) == [logs[4:6], logs[2:4], logs[:2]]


async def test_links_are_on_the_host_that_was_asked(sendcloud: httpx.AsyncClient) -> None:
    for _ in range(2):
        await new_log(sendcloud)

    for host, told in (("panel.sendcloud.sc", "panel.sendcloud.sc"), ("[::1]:81", "[::1]:81")):
        answer = await sendcloud.get(f"{ALL_LOGS}?page_size=1", headers={"Host": host})
        assert answer.headers["link"].startswith(f"<http://{told}{ALL_LOGS}?cursor=")
        assert answer.headers["link"].endswith('&page_size=1>; rel="next"')
    for host in ("[", "a b", 'x">', "ø", "x:y"):
        answer = await sendcloud.get(f"{ALL_LOGS}?page_size=1", headers=[(b"Host", host.encode())])
        assert answer.status_code in {200, 400}


async def test_a_page_has_25_logs_unless_another_size_is_asked_for(sendcloud: httpx.AsyncClient) -> None:
    logs = [await new_log(sendcloud) for _ in range(27)][::-1]

    assert ids(await sendcloud.get(LOGS)) == logs[:25]
    assert ids(await sendcloud.get(LOGS, params={"page_size": 1})) == logs[:1]
    assert ids(await sendcloud.get(LOGS, params={"page_size": 100})) == logs


@pytest.mark.parametrize("size", ["0", "-1", "101", "", "x", "1.0", "1_0", "٣", "9" * 5_000, "%00"])
@pytest.mark.parametrize("address", [LOGS, ALL_LOGS])
async def test_a_page_size_out_of_range_is_a_400(sendcloud: httpx.AsyncClient, address: str, size: str) -> None:
    answer = await sendcloud.get(f"{address}?page_size={size}")

    assert_error(answer, 400, "min_value" if size == "0" else "invalid")
    assert [error["source"] for error in answer.json()["errors"]] == [{"parameter": "page_size"}]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "=",
        "yesterday",
        "2023-03-01",
        "2023-03-01T25:00:00Z",
        "0000-01-01T00:00:00Z",
        "a:b",
        "\x00",
        "ø",
        "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
        "x" * 8_000,
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "4000-01-01T00:00:60Z",
        "4000-01-01T00:00:07Z!",
        "٤٠٠٠-01-01T00:00:07Z",
        "bmV4dDo5Og",
    ],
    ids=lambda cursor: repr(cursor[:30]),
)
async def test_a_cursor_that_is_none_is_a_404_as_the_vendor_has_it_for_orders(
    sendcloud: httpx.AsyncClient, cursor: str
) -> None:
    for address in (LOGS, ALL_LOGS):
        answer = await sendcloud.get(address, params={"cursor": cursor})

        assert_error(answer, 404, "not_found")
        assert answer.json()["errors"][0]["detail"] == "Invalid cursor"


async def test_an_empty_cursor_begins_at_the_beginning_and_a_query_may_have_more_in_it(
    sendcloud: httpx.AsyncClient,
) -> None:
    log = await new_log(sendcloud)

    assert ids(await sendcloud.get(f"{LOGS}?cursor=&unknown=1")) == [log]
    assert ids(await sendcloud.get(f"{LOGS}?cursor=&created_before=")) == [log]
    assert (await sendcloud.get(f"{LOGS}?a=%ff%00")).status_code == 200


@pytest.mark.parametrize(
    ("cursor", "shown"),
    [
        ("2023-03-01T02:02:00%2B01:00", ["early"]),
        ("2023-03-01T02:02:00+01:00", ["early"]),
        ("2023-03-01T02:02:00.000001%2B01:00", ["early", "sample"]),
        ("2023-03-01T01:02:00Z", ["early"]),
        ("2023-03-01T01:02:00", ["early"]),
        ("2023-03-01T02:02:00", ["early", "sample"]),
        ("2023-02-01T00:00:00Z", []),
        ("9998-01-01T00:00:00", ["early", "now", "sample"]),
    ],
)
async def test_a_date_time_for_a_cursor_begins_with_what_was_created_before_it(
    sendcloud: httpx.AsyncClient, cursor: str, shown: list[str]
) -> None:
    logs = {
        await new_log(sendcloud, created_at="2023-03-01T00:00:00Z"): "early",
        await new_log(sendcloud): "now",
        await new_log(sendcloud, created_at="2023-03-01T02:02:00+01:00"): "sample",
    }

    for address in (LOGS, ALL_LOGS):
        found = [logs[id_] for id_ in ids(await sendcloud.get(f"{address}?cursor={cursor}"))]
        assert sorted(found) == shown
        pages = await walk(sendcloud, f"{address}?cursor={cursor}&page_size=1")
        kept = [httpx.URL(link["url"]).params["created_before"] for page in pages for link in page.links.values()]
        assert len(set(kept)) <= 1
        assert [logs[id_] for page in pages for id_ in ids(page)] == found
        assert [logs[id_] for page in await walk(sendcloud, pages[-1], "prev") for id_ in ids(page)] == found[::-1]


async def test_reading_is_a_scope_of_its_own(account: Account, sendcloud: httpx.AsyncClient) -> None:
    may, may_not = await account.key("read:integrations"), await account.key("write:integrations", "read:orders")

    for address in (LOGS, ALL_LOGS, INTEGRATIONS, f"{INTEGRATIONS}/123"):
        assert (await sendcloud.get(address, auth=(may["key_id"], may["secret"]))).status_code == 200
        refused = await sendcloud.get(address, auth=(may_not["key_id"], may_not["secret"]))
        assert_error(refused, 403, "forbidden")
        unknown = await sendcloud.get(address, auth=("a", "b"))
        assert_error(unknown, 401, "authentication_failed", pointer="/data")


async def test_the_list_of_all_is_not_an_integration(sendcloud: httpx.AsyncClient) -> None:
    assert_error(await sendcloud.post(ALL_LOGS, json=MINIMAL), 405, "method_not_allowed")
    assert_error(await sendcloud.get(f"{ALL_LOGS}/logs"), 400, "invalid")
    assert_error(await sendcloud.get(f"{ALL_LOGS}/"), 404, "not_found")
    assert_error(await sendcloud.get(f"{LOGS}/1"), 404, "not_found")


CREATED_AT = st.sampled_from(
    [None, "2023-03-01T02:02:00+01:00", "2023-03-01T01:02:00Z", "2024-01-01T00:00:00Z", "2099-01-01T00:00:00Z"]
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    present=st.lists(CREATED_AT, min_size=1, max_size=12),
    arriving=st.lists(CREATED_AT, max_size=12),
    size=st.integers(1, 4),
    of_all=st.booleans(),
)
async def test_pages_neither_lose_nor_repeat_a_log_while_others_arrive(
    implicit_account: Account, present: list[str | None], arriving: list[str | None], size: int, of_all: bool
) -> None:
    auth = (implicit_account.key_id, implicit_account.secret)
    async with httpx.AsyncClient(base_url=implicit_account.url, auth=auth, timeout=30) as client:
        integration_id = max(ids(await client.get(ALL_LOGS)), default=0) + 1
        address = f"{ALL_LOGS if of_all else f'{INTEGRATIONS}/{integration_id}/logs'}?page_size={size}"
        there = [await new_log(client, integration_id, created_at=at) for at in present]
        others = (
            new_log(client, integration_id + (n % 2 if of_all else 0), created_at=at) for n, at in enumerate(arriving)
        )

        pages, *arrived = await asyncio.gather(walk(client, address), *others)
        back = await walk(client, pages[-1], "prev")

    older = [id_ for page in pages for id_ in ids(page)]
    assert older == sorted(set(older), reverse=True)
    assert [id_ for id_ in older if id_ in there] == there[::-1]
    newer = [id_ for page in back for id_ in ids(page)[::-1]]
    assert newer == sorted(set(newer))
    # A single page has nothing before it, and what arrived later was not there when it was read.
    assert {*there, *(arrived if len(pages) > 1 else ())} <= set(newer)
