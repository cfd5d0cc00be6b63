"""Lists of orders and timelines: their filters, and pages that neither lose nor repeat anything."""

from typing import Any

import httpx
import pytest

from tests.native import ORDERS, an_order, append, assert_problem, comment, new_id, pages, status

REPORT = {"type": "order.service_event_recorded"}


def report(state: str, **event: Any) -> dict[str, Any]:
    return {**REPORT, "data": {"state": state, "service": "wms", "service_status": "S"}, **event}


def call() -> dict[str, Any]:
    return {"type": "order.system_log_recorded", "data": {"direction": "outbound", "response_code": 200}}


async def ids(http: httpx.AsyncClient, **query: Any) -> list[str]:
    """Return the ids of the orders that are listed, all on one page."""
    response = await http.get(ORDERS, params=query)
    assert response.status_code == 200, response.text
    assert response.json()["next"] is None
    return [order["order_id"] for order in response.json()["items"]]


async def types(http: httpx.AsyncClient, order_id: str, **query: Any) -> list[str]:
    """Return the types of an order's events that are listed, without what they all begin with."""
    items = await pages(http, f"{ORDERS}/{order_id}/timeline", **query)
    return [item["type"].removeprefix("order.") for item in items]


async def test_orders_are_listed_newest_first_as_they_are_read_alone(http: httpx.AsyncClient) -> None:
    first, second = await an_order(http, reference="web-1"), await an_order(http)
    await append(http, first, status("open"))

    items = (await http.get(ORDERS)).json()["items"]

    assert [item["order_id"] for item in items] == [second, first]
    assert items == [(await http.get(f"{ORDERS}/{order_id}")).json() for order_id in (second, first)]


async def test_orders_are_listed_by_state_and_by_status(http: httpx.AsyncClient) -> None:
    failed, done, fresh = [await an_order(http) for _ in range(3)]
    await append(http, failed, report("failure"), status("open"))
    await append(http, done, report("success"), status("open"))

    assert await ids(http, state="failure") == [failed]
    assert await ids(http, state="success") == [done]
    assert await ids(http, state="pending") == [fresh]
    assert await ids(http, status="open") == [done, failed]
    assert await ids(http, status="open", state="failure") == [failed]
    assert await ids(http, status="ope") == []


async def test_orders_are_listed_by_when_they_changed_last(http: httpx.AsyncClient) -> None:
    early = await an_order(http, occurred_at="2026-03-01T11:00:00Z")
    noon = await an_order(http, occurred_at="2026-03-01T12:00:00Z")
    changed = await an_order(http, occurred_at="2026-03-01T10:00:00Z")
    await append(http, changed, status(occurred_at="2026-03-01T13:00:00Z"))

    assert await ids(http, updated_from="2026-03-01T12:00:00Z") == [changed, noon]
    assert await ids(http, updated_to="2026-03-01T12:00:00Z") == [early]
    assert await ids(http, updated_from="2026-03-01T13:00:00+01:00", updated_to="2026-03-01T12:00:01Z") == [noon]


async def test_orders_are_found_by_part_of_their_id_reference_or_customer(http: httpx.AsyncClient) -> None:
    by_id = await an_order(http, order_id="X-NEEDLE-1")
    by_reference = await an_order(http, reference="web-Needle")
    by_customer = await an_order(http, customer={"id": "c-1", "name": "Ann Needleman"})
    await an_order(http)

    assert await ids(http, text="needle") == [by_customer, by_reference, by_id]
    assert await ids(http, text="NEEDLE-") == [by_id]
    assert await ids(http, text="nn nee") == [by_customer]
    for text in ("%", "_", "\\", "nothing"):
        assert await ids(http, text=text, state="failure") == []


async def test_orders_are_found_within_one_member_and_not_across_two(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http, reference="web-1", customer={"id": "c-1", "name": "Ann Li"})

    for text in (order_id, "web-1", "c-1", "ann li", "LI", "n l"):
        assert await ids(http, text=text) == [order_id], text
    for text in (f"{order_id} web", "web-1 c-1", "c-1 ann", "1\x1fc", "1\x1fann", "1ann"):
        assert await ids(http, text=text) == [], text


async def test_orders_are_found_whatever_the_unicode_form(http: httpx.AsyncClient) -> None:
    names = {"Jos\u00e9 Stra\u00dfe": "JOSE\u0301 STRASSE", "\uff21\uff4e\uff4e": "ann", "50 % off_\\": "% OFF_\\"}
    orders = {name: await an_order(http, customer={"id": "c", "name": name}) for name in names}

    for name, text in names.items():
        assert await ids(http, text=text) == await ids(http, text=name) == [orders[name]]
    assert await ids(http, text="jose") == await ids(http, text="50_%") == []


async def test_pages_of_orders_lose_and_repeat_nothing_while_orders_come_and_change(http: httpx.AsyncClient) -> None:
    present = [await an_order(http) for _ in range(9)]
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}

    while query.get("cursor", "") is not None:
        page = (await http.get(ORDERS, params=query)).json()
        seen += [order["order_id"] for order in page["items"]]
        query["cursor"] = page["next"]
        await an_order(http)
        await append(http, present[0], status("open"))

    assert seen == present[::-1]


async def test_a_page_that_holds_the_last_order_is_the_last(http: httpx.AsyncClient) -> None:
    for _ in range(2):
        await an_order(http)

    assert (await http.get(ORDERS, params={"limit": 2})).json()["next"] is None
    assert (await http.get(ORDERS, params={"limit": 1})).json()["next"] is not None
    assert (await http.get(ORDERS, params={"cursor": "0"})).json() == {"items": [], "next": None}


async def test_a_timeline_is_listed_by_kind_and_by_type(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    await append(http, order_id, report("success"), call(), status("open"), comment("hello"))

    assert await types(http, order_id, kind="action") == ["created", "status_updated", "comment_added"]
    assert await types(http, order_id, kind="service") == ["service_event_recorded"]
    assert await types(http, order_id, kind="call") == ["system_log_recorded"]
    assert await types(http, order_id, type="order.comment_added") == ["comment_added"]
    assert await types(http, order_id, kind="call", type="order.comment_added") == []


async def test_a_timeline_is_listed_by_when_its_events_occurred(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http, occurred_at="2026-03-01T10:00:00Z")
    for hour in (13, 11, 12):
        await append(http, order_id, comment(str(hour), occurred_at=f"2026-03-01T{hour}:00:00Z"))

    async def texts(**query: str) -> list[str]:
        items = await pages(http, f"{ORDERS}/{order_id}/timeline", **query)
        return [item["data"].get("text", "created") for item in items]

    assert await texts(**{"from": "2026-03-01T12:00:00Z"}) == ["13", "12"]
    assert await texts(to="2026-03-01T12:00:00Z") == ["created", "11"]
    assert await texts(**{"from": "2026-03-01T11:00:00Z", "to": "2026-03-01T13:00:00Z", "order": "desc"}) == [
        "12",
        "11",
    ]


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_a_timeline_is_read_in_both_orders(http: httpx.AsyncClient, limit: int) -> None:
    order_id = await an_order(http)
    await append(http, order_id, status("open"), comment("a"), comment("b"))
    await append(http, await an_order(http), comment("of another order"))

    forwards = await types(http, order_id, order="asc", limit=limit)
    backwards = await types(http, order_id, order="desc", limit=limit)

    assert forwards == ["created", "status_updated", "comment_added", "comment_added"]
    assert backwards == forwards[::-1]


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_of_a_timeline_lose_and_repeat_nothing_while_events_come(
    http: httpx.AsyncClient, order: str
) -> None:
    order_id = await an_order(http)
    await append(http, order_id, *[comment(str(n)) for n in range(8)])
    seen: list[int] = []
    query: dict[str, Any] = {"limit": 2, "order": order}

    while query.get("cursor", "") is not None:
        page = (await http.get(f"{ORDERS}/{order_id}/timeline", params=query)).json()
        seen += [item["version"] for item in page["items"]]
        query["cursor"] = page["next"]
        if len(seen) < 8:
            await append(http, order_id, comment("meanwhile"))

    # Forwards, what came meanwhile comes at the end; backwards, it came before the beginning.
    assert seen == (list(range(1, 13)) if order == "asc" else list(range(9, 0, -1)))


async def test_the_timeline_of_an_order_that_does_not_exist_is_a_404(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)

    assert await types(http, order_id, kind="call") == []
    assert_problem(await http.get(f"{ORDERS}/{new_id()}/timeline"), 404, "not-found")


@pytest.mark.parametrize("moment", ["2026-03-01T12:00:00", "2026-03-01", "noon", "9999-12-31T23:59:59-12:00"])
async def test_a_filter_by_a_time_without_an_offset_is_refused(http: httpx.AsyncClient, moment: str) -> None:
    order_id = await an_order(http)

    for path, name in (
        (ORDERS, "updated_from"),
        (ORDERS, "updated_to"),
        (f"{ORDERS}/{order_id}/timeline", "from"),
        (f"{ORDERS}/{order_id}/timeline", "to"),
    ):
        response = await http.get(path, params={name: moment})
        assert_problem(response, 422)
        assert response.json()["errors"][0]["pointer"] == name
