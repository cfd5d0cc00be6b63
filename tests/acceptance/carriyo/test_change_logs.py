"""Carriyo's order change logs, as its documentation tells them."""

from typing import Any

import httpx
import pytest

from tests.acceptance.carriyo.fix_carriyo import assert_error, headers_of, logged
from tests.fix_server import Account
from tests.native import append, comment, status

CHANGES = "/orders/A-1/change-logs"


async def changed(carriyo: httpx.AsyncClient, query: str = "") -> list[dict[str, Any]]:
    answer = await carriyo.get(f"{CHANGES}?{query}")
    assert answer.status_code == 200, answer.text
    body: list[dict[str, Any]] = answer.json()
    return body


async def test_what_was_done_to_an_order_is_listed_the_oldest_first(
    carriyo: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    await append(http, "A-1", comment("late", occurred_at="2999-03-01T12:00:00.123456+02:00"))
    await append(http, "A-1", status("open", occurred_at="2001-01-01T00:00:00Z"))

    early, created, late = await changed(carriyo)

    assert (early["change_type"], created["change_type"]) == ("STATUS_UPDATED", "CREATED")
    assert late["change_type"] == "COMMENT_ADDED"
    assert early["changes"] == {"status": "open", "reason": ""}
    assert early["log_date"] == "2001-01-01T00:00:00.000+00:00"
    assert late["log_date"] == "2999-03-01T10:00:00.123+00:00"


async def test_an_entry_tells_who_did_it_and_what_changed(
    account: Account, carriyo: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    actor = {"id": "u-7", "name": "Kim", "type": "User", "application_id": "shop"}
    event = status("open", actor=actor, correlation_id="c-1", occurred_at="2999-01-01T00:00:00Z")
    recorded = await append(http, "A-1", event)

    entry = (await changed(carriyo))[-1]

    assert entry == {
        "tenant": account.tenant,
        "identifier": f"{recorded.json()['items'][0]['position']:019}",
        "order_id": "A-1",
        "log_date": "2999-01-01T00:00:00.000+00:00",
        "change_type": "STATUS_UPDATED",
        "changes": {"status": "open", "reason": ""},
        "user_id": "u-7",
        "user_name": "Kim",
        "user_type": "User",
        "source": "shop",
        "correlation_id": "c-1",
    }


async def test_the_order_of_the_list_can_be_chosen(carriyo: httpx.AsyncClient, http: httpx.AsyncClient) -> None:
    for n in range(3):
        # At the same moment, they keep the order in which we heard of them.
        await append(http, "A-1", status(f"s{n}", occurred_at="2999-01-01T00:00:00Z"))

    ascending, descending = await changed(carriyo, "sort_order=ASC"), await changed(carriyo, "sort_order=DESC")

    assert [entry["changes"].get("status") for entry in ascending] == [None, "s0", "s1", "s2"]
    assert descending == ascending[::-1]
    assert await changed(carriyo) == ascending


async def test_history_that_is_told_later_pushes_no_newer_change_out(
    carriyo: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    old = {"type": "order.details_updated", "occurred_at": "2020-01-01T00:00:00Z"}
    for _ in range(2):
        await append(http, "A-1", *[old] * 600)
    await append(http, "A-1", {"type": "order.archived"})

    changes = await changed(carriyo)

    assert len(changes) == 1_000
    assert [entry["change_type"] for entry in changes[-3:]] == ["DETAILS_UPDATED", "CREATED", "ARCHIVED"]
    assert await changed(carriyo, "sort_order=DESC") == changes[::-1]


async def test_calls_and_reports_of_services_are_no_changes(
    carriyo: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    await logged(carriyo)
    await append(
        http,
        "A-1",
        {
            "type": "order.service_event_recorded",
            "data": {"state": "success", "service": "wms", "service_status": "OK"},
        },
    )

    assert [entry["change_type"] for entry in await changed(carriyo)] == ["CREATED"]


async def test_changes_are_found_by_the_partners_reference(carriyo: httpx.AsyncClient) -> None:
    by_reference = await carriyo.get("/orders/web-1/change-logs?key=partner_order_reference")

    assert by_reference.json() == await changed(carriyo)


async def test_only_the_newest_thousand_are_listed(carriyo: httpx.AsyncClient, http: httpx.AsyncClient) -> None:
    await append(http, "A-1", *[status(f"s{n}") for n in range(1_000)])
    await append(http, "A-1", status("last"))

    entries = await changed(carriyo)

    assert len(entries) == 1_000
    assert (entries[0]["changes"]["status"], entries[-1]["changes"]["status"]) == ("s1", "last")


async def test_an_unknown_order_is_a_404(carriyo: httpx.AsyncClient) -> None:
    assert_error(await carriyo.get("/orders/B-2/change-logs"), 404, about="B-2")
    assert_error(await carriyo.get("/orders/B-2/change-logs?key=partner_order_reference"), 404, about="B-2")


@pytest.mark.parametrize("query", ["sort_order=asc", "sort_order=", "key=x"])
async def test_a_sort_order_that_is_not_listed_is_a_400(carriyo: httpx.AsyncClient, query: str) -> None:
    assert_error(await carriyo.get(f"{CHANGES}?{query}"), 400, about=query.partition("=")[0])


async def test_whoever_may_not_read_orders_may_not_read_their_changes(
    account: Account, carriyo: httpx.AsyncClient
) -> None:
    key = await account.key("write:orders")
    headers = await headers_of(account, key["key_id"], key["secret"])

    assert_error(await carriyo.get(CHANGES, headers=headers), 403, about="read:orders")
    assert_error(await carriyo.get(CHANGES, headers={"tenant-id": "another"}), 403)
