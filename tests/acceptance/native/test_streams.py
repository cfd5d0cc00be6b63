"""Streams: a feed or a timeline that goes on with what comes, in order, and can be resumed wherever it was cut."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from api.cli.keys import revoke_key
from tests.cluster import COORDINATOR
from tests.fix_postgres import database
from tests.fix_server import Account, Server, new_account, running
from tests.native import an_order, append, assert_problem, comment, new_id, status
from tests.streams import EVENTS, LINES, End, Stream, lined, streamed

FEED = "/trail/v1/feed"
MOST = 20
STREAM_SECONDS = 1 if COORDINATOR is None else 5
"""How long a stream lasts: longer than it takes to look for events without a notification, where there are none."""


@pytest.fixture(scope="module")
def streaming(server_dsn: str, template_name: str) -> Iterator[Server]:
    """A server whose streams are never silent for long."""
    with (
        database(server_dsn, template=template_name) as dsn,
        running(dsn, heartbeat_seconds=0.3, max_streams=MOST) as server,
    ):
        yield server


@pytest.fixture
async def account(streaming: Server) -> Account:
    return await new_account(streaming)


@pytest.fixture
async def http(account: Account) -> AsyncIterator[httpx.AsyncClient]:
    async with client(account) as opened:
        yield opened


def client(account: Account, token: str = "") -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token or account.token}"}
    return httpx.AsyncClient(base_url=account.url, headers=headers, timeout=30)


def positions(items: list[dict[str, Any]]) -> list[int]:
    return [item["position"] for item in items]


async def test_a_stream_has_what_is_there_and_then_what_comes(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    await append(http, order_id, status("open"))

    async with streamed(http, FEED) as stream:
        there = await stream.take(2)
        for n in range(3):
            await append(http, order_id, status(str(n)))
            there += await stream.take(1)

    assert positions(there) == [1, 2, 3, 4, 5]
    page = (await http.get(FEED)).json()
    assert there == page["items"]


async def test_a_stream_goes_on_after_the_last_id_that_was_seen(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    await append(http, order_id, *(status(str(n)) for n in range(5)))

    async with streamed(http, FEED) as stream:
        seen = await stream.take(2)
    async with streamed(http, FEED, last_id=stream.last_id, after=0) as resumed:
        seen += await resumed.take(4)

    assert positions(seen) == [1, 2, 3, 4, 5, 6]


async def test_a_stream_from_now_on_has_nothing_that_was_there(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)

    async with streamed(http, FEED, after="now") as stream:
        await stream.reach(1)
        await append(http, order_id, status("open"))
        assert positions(await stream.take(1)) == [2]


async def test_streams_have_only_what_their_filters_want(http: httpx.AsyncClient) -> None:
    one, other = await an_order(http, reference=(reference := new_id())), await an_order(http)
    await http.put("/trail/v1/integrations/7", json={"shop_name": "Books"})
    report = {"type": "order.service_event_recorded", "data": {"state": "success", "service": "wms"}}
    report["data"]["service_status"] = "OK"  # type: ignore[index]
    filters: list[tuple[dict[str, Any], list[int]]] = [
        ({"type": ["order.status_updated", "integration.registered"]}, [3, 4, 6]),
        ({"order": one}, [1, 4, 5]),
        ({"order": reference}, [1, 4, 5]),
        ({"order": other, "integration": 7}, [2, 3, 6]),
        ({"service": "wms"}, [5]),
        ({"type": "order.status_updated", "order": other}, [6]),
    ]
    wanted = [query for query, _ in filters]

    async def read(query: dict[str, Any], count: int) -> list[int]:
        async with streamed(http, FEED, **query) as stream:
            return positions(await stream.take(count))

    reading = [asyncio.create_task(read(query, len(expected))) for query, expected in filters]
    await append(http, one, status("open"))
    await append(http, one, report)
    await append(http, other, status("open"))

    assert await asyncio.gather(*reading) == [expected for _, expected in filters]
    pages = [(await http.get(FEED, params=query)).json() for query in wanted]
    assert [positions(page["items"]) for page in pages] == [expected for _, expected in filters]
    assert {page["next"] for page in pages} == {6}


async def test_a_stream_advances_although_nothing_matches(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)

    async with streamed(http, FEED, type="no.such") as stream:
        await stream.reach(1)
        await append(http, order_id, *(status(str(n)) for n in range(9)))
        await stream.reach(10)

    assert (await http.get(FEED, params={"type": "no.such"})).json() == {"items": [], "next": 10}


async def test_lines_are_items_or_say_where_to_go_on(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)

    async with lined(http, FEED) as lines:
        first = await anext(lines)
        await append(http, order_id, comment("naïve ☃\u2028"))
        items = [line async for line in until(lines, position=2)]

    assert first == {"next": 0}
    assert items == (await http.get(FEED)).json()["items"]


async def until(lines: AsyncIterator[dict[str, Any]], *, position: int) -> AsyncIterator[dict[str, Any]]:
    """Yield items up to the one at this position."""
    async for line in lines:
        if "specversion" in line:
            yield line
            if line["position"] == position:
                return


async def test_a_timeline_streams_what_is_and_what_comes_of_its_order(http: httpx.AsyncClient) -> None:
    order_id, other = await an_order(http, reference=(reference := new_id())), await an_order(http)
    await http.put("/trail/v1/integrations/7", json={"shop_name": "Books"})
    path = f"/trail/v1/orders/{reference}/timeline"
    failure = {"base_url": "https://shop.example", "exception": "x", "created_at": "2026-03-01T12:00:00Z"}

    async with streamed(http, path) as stream:
        items = await stream.take(1)
        await append(http, other, status("open"))
        await http.put(f"/trail/v1/orders/{order_id}/integrations/7")
        items += await stream.take(1)
        await append(http, order_id, {"type": "order.status_updated", "data": {"status": "open"}})
        items += await stream.take(1)
        await log_failure(http, failure)
        items += await stream.take(1)
        await http.delete(f"/trail/v1/orders/{order_id}/integrations/7")
        items += await stream.take(1)
        await log_failure(http, failure)
        await append(http, order_id, comment("end"))
        items += await stream.take(1)

    assert items == (await http.get(path)).json()["items"]
    assert [item["type"] for item in items] == [
        "order.created",
        "order.integration_tied",
        "order.status_updated",
        "integration.exception_logged",
        "order.integration_untied",
        "order.comment_added",
    ]


async def log_failure(http: httpx.AsyncClient, failure: dict[str, Any]) -> None:
    basic = httpx.BasicAuth(*http.headers["authorization"].removeprefix("Bearer ot_").split("_", 1))
    response = await http.post("/api/v3/integrations/7/logs", json=failure, auth=basic)
    assert response.is_success, response.text


async def test_a_resumed_timeline_knows_the_integrations_that_were_tied_before(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    await http.put("/trail/v1/integrations/7", json={"shop_name": "Books"})
    await http.put(f"/trail/v1/orders/{order_id}/integrations/7")
    path = f"/trail/v1/orders/{order_id}/timeline"

    async with streamed(http, path, last_id="3", kind="integration") as stream:
        await stream.reach(3)
        await log_failure(http, {"base_url": "https://shop.example"})

        assert [item["type"] for item in await stream.take(1)] == ["integration.exception_logged"]


async def test_a_timelines_stream_advances_although_nothing_is_of_it(http: httpx.AsyncClient) -> None:
    order_id, other = await an_order(http), await an_order(http)

    async with streamed(http, f"/trail/v1/orders/{order_id}/timeline", cursor="1") as stream:
        await append(http, other, *(status(str(n)) for n in range(8)))
        await stream.reach(10)


async def test_an_empty_page_waits_for_its_first_event(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    query = {"after": 1, "wait": 30, "type": "order.comment_added"}
    paths = {FEED: query, f"/trail/v1/orders/{order_id}/timeline": {"cursor": 1, "wait": 30}}
    waiting = [asyncio.create_task(http.get(path, params=asked)) for path, asked in paths.items()]
    done, _ = await asyncio.wait(waiting, timeout=0.5)
    assert not done

    await append(http, order_id, comment("hello"))

    feed, timeline = [response.json() for response in await asyncio.gather(*waiting)]
    assert (positions(feed["items"]), feed["next"]) == ([2], 2)
    assert (positions(timeline["items"]), timeline["next"]) == ([2], None)


async def test_a_page_that_waited_in_vain_is_empty_and_has_advanced(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    waiting = asyncio.create_task(http.get(FEED, params={"type": "no.such", "wait": 1}))
    await append(http, order_id, status("open"))

    assert (await waiting).json()["items"] == []
    assert (await http.get(FEED, params={"type": "no.such", "wait": 0})).json() == {"items": [], "next": 2}


async def test_a_batch_is_an_array_of_cloud_events_with_a_link_to_the_next(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    await append(http, order_id, *(status(str(n)) for n in range(4)))
    accept = {"Accept": "application/cloudevents-batch+json"}

    first = await http.get(FEED, params={"limit": 3, "type": "order.status_updated"}, headers=accept)
    second = await http.get(first.links["next"]["url"], headers=accept)

    assert first.headers["content-type"] == "application/cloudevents-batch+json"
    batch = first.json() + second.json()
    assert batch == (await http.get(FEED)).json()["items"][1:]
    events = [JSONFormat().read(CloudEvent, json.dumps(item)) for item in batch]  # it raises for what is not valid
    assert [event.get_data() for event in events] == [{"status": str(n), "reason": ""} for n in range(4)]


async def test_positions_that_are_none_are_refused(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    for path in (FEED, f"/trail/v1/orders/{order_id}/timeline"):
        for form in (EVENTS, LINES, {}):
            beyond = await http.get(path, params={"wait": 1}, headers={**form, "Last-Event-ID": "2"})
            assert_problem(beyond, 409, "beyond-head")
            assert beyond.json()["head"] == 1
            assert_problem(await http.get(path, headers={**form, "Last-Event-ID": "e-1"}), 422, "invalid")
    assert_problem(await http.get(FEED, params={"after": "then"}, headers=EVENTS), 422, "invalid")
    backwards = await http.get(f"/trail/v1/orders/{order_id}/timeline", params={"order": "desc"}, headers=EVENTS)
    assert_problem(backwards, 422, "invalid")


async def test_a_stream_needs_the_credential_that_its_page_needs(account: Account, http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    key = await account.key("write:orders")
    async with client(account, key["token"]) as other:
        for path in (FEED, f"/trail/v1/orders/{order_id}/timeline"):
            assert_problem(await other.get(path, headers=EVENTS), 403, "forbidden")
    assert_problem(await http.get("/trail/v1/orders/none/timeline", headers=EVENTS), 404, "not-found")
    assert_problem(await http.get(FEED, headers={**EVENTS, "Authorization": ""}), 401, "unauthenticated")


async def test_a_revoked_credential_ends_its_streams_and_no_others(account: Account, http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    key = await account.key("admin")
    async with client(account, key["token"]) as other, streamed(http, FEED) as kept:
        async with streamed(other, FEED) as feed, streamed(other, f"/trail/v1/orders/{order_id}/timeline") as timeline:
            for stream in (feed, timeline, kept):
                await stream.take(1)
            waiting = asyncio.create_task(other.get(FEED, params={"after": 1, "wait": 60}))

            await revoke_key(account.dsn, key["key_id"], account.tenant)

            assert [await feed.end(), await timeline.end()] == [End("credential-ended", 1)] * 2
            assert_problem(await waiting, 401, "unauthenticated")
        await append(http, order_id, status("open"))
        assert positions(await kept.take(1)) == [2]


async def test_a_worker_has_so_many_streams_and_no_more(http: httpx.AsyncClient) -> None:
    await an_order(http)
    opened = [http.stream("GET", FEED, headers=EVENTS) for _ in range(MOST)]
    try:
        for stream in opened:
            assert (await stream.__aenter__()).status_code == 200

        refused = await http.get(FEED, headers=EVENTS)

        assert_problem(refused, 503, "unavailable")
        assert refused.headers["retry-after"] == "1"
    finally:
        for stream in opened:
            await stream.__aexit__(None, None, None)
    while (await http.head(FEED, headers=EVENTS)).status_code == 503:
        pass  # a stream is closed once the worker has noticed that its client left
    async with streamed(http, FEED) as stream:
        await stream.take(1)


async def test_the_head_of_a_stream_is_no_stream(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)

    for path in (FEED, f"/trail/v1/orders/{order_id}/timeline"):
        response = await http.head(path, headers=EVENTS)
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"


async def test_a_stream_outlives_connections_to_the_database_and_misses_nothing(
    account: Account, http: httpx.AsyncClient
) -> None:
    order_id = await an_order(http)
    async with streamed(http, FEED) as stream, streamed(http, f"/trail/v1/orders/{order_id}/timeline") as timeline:
        await stream.take(1)
        await timeline.take(1)
        for n in range(3):
            await cut_connections(account.dsn)
            appended = 503
            while appended == 503:
                event = status("open", event_id=f"{order_id}-{n}")
                appended = (await append(http, order_id, event)).status_code

        assert positions(await stream.take(3)) == [2, 3, 4]
        assert positions(await timeline.take(3)) == [2, 3, 4]


async def cut_connections(dsn: str) -> None:
    query = """
        SELECT count(pg_terminate_backend(pid, 60000)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
    """
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(query)


async def test_streams_end_first_when_the_server_stops_and_go_on_with_the_next(
    server_dsn: str, template_name: str
) -> None:
    with database(server_dsn, template=template_name) as dsn:
        with running(dsn) as server:
            account = await new_account(server)
            async with client(account) as http, streamed(http, FEED) as stream:
                order_id = await an_order(http)
                await stream.take(1)
                waiting = asyncio.create_task(http.get(FEED, params={"after": 1, "wait": 60}))
                async with streamed(http, f"/trail/v1/orders/{order_id}/timeline") as timeline:
                    await timeline.take(1)
                    server.process.terminate()

                    assert [await stream.end(), await timeline.end()] == [End("shutdown", 1)] * 2
                    assert (await waiting).json() == {"items": [], "next": 1}
            server.process.wait(5)  # it did not wait for them until they were cut
        with running(dsn, stream_seconds=STREAM_SECONDS) as server:
            account = Account(**{**account.__dict__, "url": server.url})
            async with client(account) as http, streamed(http, FEED, last_id=stream.last_id) as stream:
                await append(http, order_id, status("open"))
                assert positions(await stream.take(1)) == [2]
                assert await stream.end() == End("life-over", 2)


async def test_a_worker_that_is_killed_in_mid_stream_loses_nothing(
    streaming: Server, account: Account, http: httpx.AsyncClient
) -> None:
    order_id, last_id = await an_order(http), ""
    seen: list[int] = []
    for _ in range(3):
        async with client(account) as writer:
            appends = [asyncio.create_task(append(writer, order_id, status(str(n)))) for n in range(20)]
            async with streamed(http, FEED, last_id=last_id) as stream:
                seen += positions(await stream.take(7))
                kill_workers(streaming)
                seen += await what_arrived(stream)
                last_id = stream.last_id
            await asyncio.gather(*appends, return_exceptions=True)
        await is_served(http)
    head = (await http.get("/trail/v1/ledger")).json()["head"]
    async with streamed(http, FEED, last_id=last_id) as stream:
        seen += positions(await stream.take(head - len(seen)))

    assert seen == list(range(1, head + 1))
    assert head > 21


def kill_workers(server: Server) -> None:
    for child in psutil.Process(server.process.pid).children():
        if child.name() == "trail-http":
            child.kill()
            child.wait(20)


async def what_arrived(stream: Stream) -> list[int]:
    """Return the positions that were still on their way."""
    arrived: list[int] = []
    with suppress(httpx.HTTPError, EOFError):
        while True:
            arrived += positions(await stream.take(1))
    return arrived


async def is_served(http: httpx.AsyncClient) -> None:
    """Wait until another worker answers."""
    while True:
        with suppress(httpx.HTTPError):
            if (await http.get("/readyz")).is_success:
                return
        await asyncio.sleep(0.05)
