"""The feed: a tenant's whole ledger as CloudEvents, and its head."""

import asyncio
import base64
import json
from typing import Any

import httpx
import psycopg
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from tests.fix_server import Account
from tests.native import ORDERS, an_order, append, assert_problem, comment, status

FEED = "/trail/v1/feed"


async def read(http: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
    response = await http.get(FEED, params=query)
    assert response.status_code == 200, response.text
    page: dict[str, Any] = response.json()
    return page


async def test_the_feed_is_the_ledger_from_the_beginning(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    await append(http, order_id, status("open"), status("closed"))
    await http.put("/trail/v1/integrations/7", json={"shop_name": "Books"})

    page = await read(http)

    assert [event["position"] for event in page["items"]] == [1, 2, 3, 4]
    assert page["next"] == 4
    assert [event["subject"] for event in page["items"]] == [f"order-{order_id}"] * 3 + ["integration-7"]


async def test_an_item_of_the_feed_holds_what_was_appended(http: httpx.AsyncClient, account: Account) -> None:
    order_id = await an_order(http)
    appended = await append(http, order_id, status("open", event_id="e-1", occurred_at="2026-03-01T13:00:00+01:00"))

    event = (await read(http, after=1))["items"][0]

    assert event == {
        "specversion": "1.0",
        "id": "e-1",
        "source": f"/trail/v1/ledger/{account.tenant}",
        "subject": f"order-{order_id}",
        "type": "order.status_updated",
        "time": "2026-03-01T12:00:00.000000Z",
        "datacontenttype": "application/json",
        "data": {"status": "open", "reason": ""},
        "position": 2,
        "streamversion": 2,
        "recordedtime": appended.json()["recorded_at"],
    }


async def test_every_item_of_the_feed_is_a_cloud_event(http: httpx.AsyncClient, account: Account) -> None:
    await append(http, await an_order(http), status("open"), comment("naïve ☃"))
    await _append_bytes(account, b"\x00\xff not JSON")

    items = (await http.get(FEED)).json()["items"]

    # It raises for whatever is not valid.
    events = [JSONFormat().read(CloudEvent, json.dumps(item)) for item in items]
    assert [event.get_type() for event in events][-1] == "library.book_lent"
    assert events[2].get_data() == {"text": "naïve ☃", "is_private": False}
    assert events[3].get_data() == b"\x00\xff not JSON"


async def test_data_that_is_not_json_comes_in_base64(http: httpx.AsyncClient, account: Account) -> None:
    for data in (b"\x00\xff", b"", b"NaN", b'{"a":'):
        await _append_bytes(account, data)

        event = (await read(http))["items"][-1]

        assert base64.b64decode(event["data_base64"]) == data
        assert event["datacontenttype"] == "application/octet-stream"
        assert "data" not in event


async def test_events_of_other_applications_keep_nobody_from_reading_orders(
    http: httpx.AsyncClient, account: Account
) -> None:
    order_id = await an_order(http)
    await _append_bytes(account, b"\x00\xff")
    await append(http, order_id, status("open"))

    order = await http.get(f"{ORDERS}/{order_id}")

    assert order.json()["status"] == "open"
    assert "ordertrail-lag" not in order.headers


async def test_the_feed_is_read_page_by_page(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    await append(http, order_id, *[comment(str(n)) for n in range(9)])
    seen, after = [], 0

    while page := (await read(http, after=after, limit=3))["items"]:
        seen += [event["position"] for event in page]
        after = page[-1]["position"]

    assert seen == list(range(1, 11))
    assert await read(http, after=10) == {"items": [], "next": 10}


async def test_the_feed_is_filtered_by_types(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    await append(http, order_id, status("1"), comment("2"), status("3"), comment("4"))

    statuses = await read(http, type="order.status_updated")
    both = await read(http, type=["order.status_updated", "order.created"])
    none = await read(http, type="order.eaten")

    assert [event["position"] for event in statuses["items"]] == [2, 4]
    assert [event["position"] for event in both["items"]] == [1, 2, 4]
    assert none["items"] == []
    assert {page["next"] for page in (statuses, both, none)} == {5}
    assert (await read(http, type="order.status_updated", limit=1))["next"] == 2


async def test_who_tails_the_feed_while_others_write_misses_nothing(http: httpx.AsyncClient) -> None:
    orders = [await an_order(http) for _ in range(4)]
    writers = asyncio.gather(*[_write(http, order_id, 25) for order_id in orders])

    everything, statuses = await asyncio.gather(
        _tail(http, upto=4 + 200), _tail(http, upto=4 + 200, type="order.status_updated", limit=7)
    )

    await writers
    assert [event["position"] for event in everything] == list(range(1, 205))
    assert statuses == [event for event in everything if event["type"] == "order.status_updated"]
    assert len(statuses) == 100


async def test_the_head_of_the_ledger_is_its_newest_position(http: httpx.AsyncClient, account: Account) -> None:
    empty = await http.get("/trail/v1/ledger")
    await append(http, await an_order(http), status("open"))

    filled = await http.get("/trail/v1/ledger")

    assert empty.json() == {"tenant": account.tenant, "head": 0}
    assert filled.json() == {"tenant": account.tenant, "head": 2}
    assert filled.headers["ordertrail-position"] == "2"


async def test_the_feed_refuses_parameters_it_does_not_have(http: httpx.AsyncClient) -> None:
    for query in ({"befor": 1}, {"limit": 0}, {"limit": 1_001}, {"after": -1}, {"type": "\x00"}, {"type": ["a"] * 51}):
        assert_problem(await http.get(FEED, params=query), 422)


async def _tail(http: httpx.AsyncClient, *, upto: int, **query: Any) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []
    after = 0
    while after < upto:
        page = await read(http, after=after, **query)
        seen += page["items"]
        after = page["next"]
    return seen


async def _write(http: httpx.AsyncClient, order_id: str, times: int) -> None:
    for n in range(times):
        await append(http, order_id, status(str(n)), comment(str(n)))


async def _append_bytes(account: Account, data: bytes) -> None:
    """Append an event of another application, as the recorder of the eventsourcing library does."""
    statement = """
        SELECT ordertrail.append(
            %s, '{NULL}', '{NULL}', '{book-1}', '{1}', '{1}', '{-2}', '{1}', '{1}',
            ARRAY[gen_random_uuid()::text], '{library.book_lent}', ARRAY[%s::bytea], ARRAY[''::bytea], '{NULL}'
        )
    """
    async with await psycopg.AsyncConnection.connect(account.dsn, autocommit=True) as connection:
        await connection.execute(statement, [account.tenant, data])
