"""Bulk loads: events of many orders and integrations in one body, each line by itself, and once however often sent."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import psutil
import pytest
import zstandard
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from tests.acceptance.native.test_streams import cut_connections
from tests.fix_server import Account, Server
from tests.native import an_order, append, assert_problem, new_id, pages

EVENTS = "/trail/v1/events"
NDJSON = "application/x-ndjson"


def created(order_id: str, **event: Any) -> dict[str, Any]:
    return {"order_id": order_id, "type": "order.created", "data": {"created_by": "shop"}, **event}


def told(order_id: str, status: str = "open", **event: Any) -> dict[str, Any]:
    return {"order_id": order_id, "type": "order.status_updated", "data": {"status": status}, **event}


def lines(events: Sequence[Any]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


async def load(http: httpx.AsyncClient, body: Any, *, content_type: str = NDJSON, **headers: str) -> dict[str, Any]:
    content = lines(body) if isinstance(body, list) else body
    response = await http.post(EVENTS, content=content, headers={"Content-Type": content_type, **headers}, timeout=60)
    assert response.status_code == 200, response.text
    loaded: dict[str, Any] = response.json()
    return loaded


async def feed(http: httpx.AsyncClient) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    while True:
        page = (await http.get("/trail/v1/feed", params={"after": len(items), "limit": 1_000})).json()
        items += page["items"]
        if not page["items"]:
            return items


async def test_a_load_holds_events_of_many_orders_and_integrations(http: httpx.AsyncClient) -> None:
    one, other = new_id(), new_id()
    body = [
        created(one),
        {"integration_id": 7, "type": "integration.registered", "data": {"shop_name": "Books"}},
        told(one, "open", event_id=f"{one}-1", occurred_at="2026-03-01T12:00:00Z", actor={"id": "u-1"}),
        created(other, correlation_id="c-1"),
        {"integration_id": 7, "type": "integration.exception_logged", "data": {"base_url": "https://shop.example"}},
        told(one, "closed"),
    ]

    loaded = await load(http, body)

    assert loaded == {
        "lines": 6, "recorded": 6, "repeated": 0, "refused": 0, "position": 6, "refusals": [], "all_refusals": None,
    }  # fmt: skip
    items = await feed(http)
    of_one = [item for item in items if item["subject"] == f"order-{one}"]
    assert [(item["type"], item["data"].get("status")) for item in of_one] == [
        ("order.created", None),
        ("order.status_updated", "open"),
        ("order.status_updated", "closed"),
    ]
    assert (of_one[1]["id"], of_one[1]["time"]) == (f"{one}-1", "2026-03-01T12:00:00.000000Z")
    [timeline] = [await pages(http, f"/trail/v1/orders/{one}/timeline")]
    assert [item["actor"]["id"] for item in timeline][1] == "u-1"
    assert {item["subject"] for item in items} == {f"order-{one}", f"order-{other}", "integration-7"}


async def test_a_load_is_recorded_once_however_often_and_in_whatever_parts_it_is_sent(http: httpx.AsyncClient) -> None:
    ids = [new_id() for _ in range(40)]
    events = [created(order_id, event_id=f"{order_id}-0") for order_id in ids]
    events += [told(order_id, str(n), event_id=f"{order_id}-{n}") for n in range(1, 30) for order_id in ids]

    first = await load(http, events[:700])
    second = await load(http, events)
    third = await load(http, list(events[400:]))

    assert (first["recorded"], first["repeated"]) == (700, 0)
    assert (second["recorded"], second["repeated"], second["refused"]) == (500, 700, 0)
    assert (third["recorded"], third["repeated"], third["refused"]) == (0, 800, 0)
    items = await feed(http)
    assert len(items) == len(events)
    for order_id in ids:
        of_order = [item["id"] for item in items if item["subject"] == f"order-{order_id}"]
        assert of_order == [f"{order_id}-{n}" for n in range(30)]


async def test_lines_that_are_refused_do_not_keep_others_from_being_recorded(
    account: Account, http: httpx.AsyncClient
) -> None:
    order_id = await an_order(http, reference=(reference := new_id()))
    await append(http, order_id, {"type": "order.comment_added", "data": {"text": "x"}, "event_id": f"{order_id}-x"})
    good = [told(order_id), told(reference, "by reference")]
    bad: list[tuple[Any, int, str]] = [
        (told("no-such-order"), 404, "not-found"),
        ({"order_id": order_id, "type": "no.such", "data": {}}, 422, "invalid"),
        (told(order_id, event_id=f"{order_id}-x"), 409, "conflict"),
        ({**told(order_id), "data": {"status": 7}}, 422, "invalid"),
        ({**told(order_id), "more": 1}, 422, "invalid"),
        ({"type": "order.status_updated", "data": {"status": "x"}}, 422, "invalid"),
        ({"integration_id": 9, "type": "integration.recovered"}, 404, "not-found"),
        (created(order_id), 409, "conflict"),
        ([], 422, "invalid"),
    ]  # fmt: skip
    body = lines([*good[:1], *(line for line, _, _ in bad), *good[1:]]) + b"{not json\n\n" + b"x" * 1_100_000 + b"\n"

    loaded = await load(http, body + lines([told(order_id, "last")]))

    assert (loaded["recorded"], loaded["refused"], loaded["lines"]) == (3, 11, 15)
    refused = [(r["line"], r["status"], r["type"].rpartition(":")[2]) for r in loaded["refusals"]]
    expected = [(n, status, kind) for n, (_, status, kind) in enumerate(bad, start=2)]
    assert refused == [*expected, (12, 422, "invalid"), (14, 413, "too-large")]
    assert all(r["detail"] for r in loaded["refusals"])
    assert (await http.get(loaded["all_refusals"])).json() == {"items": loaded["refusals"], "next": None}
    shown = await pages(http, f"/trail/v1/orders/{order_id}/timeline")
    assert [item["data"].get("status") for item in shown] == [None, None, "open", "by reference", "last"]


async def test_all_refused_lines_are_behind_a_link_and_only_for_the_tenant(
    http: httpx.AsyncClient, another_account: Any
) -> None:
    loaded = await load(http, [{"n": n} for n in range(2_500)])

    assert (loaded["refused"], len(loaded["refusals"])) == (2_500, 100)
    found: list[int] = []
    after = 0
    while after is not None:
        page = (await http.get(loaded["all_refusals"], params={"after": after})).json()
        found += [item["line"] for item in page["items"]]
        after = page["next"]
    assert found == list(range(1, 2_501))
    stranger = await another_account()
    headers = {"Authorization": f"Bearer {stranger.token}"}
    assert (await http.get(loaded["all_refusals"], headers=headers)).json()["items"] == []


async def test_what_an_order_may_refuse_is_decided_in_the_order_of_its_lines(http: httpx.AsyncClient) -> None:
    order_id = new_id()
    total = {"cents": 500, "currency_iso": "EUR"}
    edit = {"before": {"cents": 0, "currency_iso": "EUR"}, "after": total}
    edited = {"order_id": order_id, "type": "order.edited", "data": dict.fromkeys(("total", "subtotal"), edit)}
    body = [created(order_id), edited, {"order_id": order_id, "type": "order.redacted"}, told(order_id, "after")]

    loaded = await load(http, body)

    items = await feed(http)
    assert loaded["recorded"] == len(items)
    assert items[0]["type"] == "order.created"
    assert items[-1]["data"]["status"] == "after"


async def test_cloud_events_are_loaded_as_the_feed_has_them(
    http: httpx.AsyncClient, another_account: Any, account: Account
) -> None:
    order_id = await an_order(http)
    await append(http, order_id, *({"type": "order.comment_added", "data": {"text": str(n)}} for n in range(5)))
    await http.put("/trail/v1/integrations/7", json={"shop_name": "Books"})
    items = await feed(http)
    events = [JSONFormat().write(JSONFormat().read(CloudEvent, json.dumps(item))) for item in items]
    for content_type, body in (
        (NDJSON, b"\n".join(events)),
        ("application/cloudevents-batch+json", b"[" + b",".join(events) + b"]"),
    ):
        stranger = await another_account()
        async with httpx.AsyncClient(
            base_url=account.url, headers={"Authorization": f"Bearer {stranger.token}"}
        ) as other:
            loaded = await load(other, body, content_type=content_type)

            assert (loaded["recorded"], loaded["refused"]) == (len(items), 0)
            same = ("id", "type", "subject", "time", "data")
            assert [[c[n] for n in same] for c in await feed(other)] == [[i[n] for n in same] for i in items]


async def test_a_fault_of_a_cloud_event_names_the_attribute_that_was_sent(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    good = {
        "specversion": "1.0", "source": "x", "subject": f"order-{order_id}", "type": "order.comment_added", "data": {},
    }  # fmt: skip
    bad = {
        "specversion": "0.3", "id": None, "type": 7, "time": "yesterday", "correlationid": 7, "causationid": "c\0",
        "subject": "integration-" + "1" * 5_000, "data": None,
    }  # fmt: skip

    loaded = await load(http, [{**good, "id": f"e-{n}", name: value} for n, (name, value) in enumerate(bad.items())])

    assert (loaded["recorded"], loaded["refused"]) == (0, len(bad))
    assert [refused["errors"][0]["pointer"] for refused in loaded["refusals"]] == [f"/{name}" for name in bad]


async def test_an_id_that_is_null_is_left_out(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)

    loaded = await load(
        http, [told(order_id, integration_id=None, event_id=None), {**told(order_id), "order_id": None}]
    )

    assert (loaded["recorded"], loaded["refusals"][0]["errors"][0]["pointer"]) == (1, "/order_id")


async def test_a_byte_order_mark_before_a_load_is_forgiven(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    event = {"specversion": "1.0", "id": new_id(), "source": "x", "subject": f"order-{order_id}", "data": {}}
    batch = json.dumps([{**event, "type": "order.comment_added"}]).encode()

    as_lines = await load(http, b"\xef\xbb\xbf" + lines([told(order_id)]))
    as_batch = await load(http, b"\xef\xbb\xbf" + batch, content_type="application/cloudevents-batch+json")

    assert (as_lines["recorded"], as_batch["recorded"]) == (1, 1)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_a_load_may_be_compressed_in_several_parts(http: httpx.AsyncClient, coding: str) -> None:
    order_id = await an_order(http)
    compress = gzip.compress if coding == "gzip" else zstandard.ZstdCompressor().compress
    body = b"".join(compress(lines([told(order_id, f"{part}-{n}") for n in range(500)])) for part in range(4))

    assert (await load(http, body, **{"Content-Encoding": coding}))["recorded"] == 2_000

    cut = await http.post(EVENTS, content=body[:-9], headers={"Content-Type": NDJSON, "Content-Encoding": coding})
    assert_problem(cut, 422, "invalid")


async def test_what_cannot_be_read_at_all_is_refused(account: Account, http: httpx.AsyncClient) -> None:
    for content_type in ("application/json", "text/plain", ""):
        sent = await http.post(EVENTS, content=b"{}", headers={"Content-Type": content_type})
        assert_problem(sent, 415, "unsupported")
    batch = {"Content-Type": "application/cloudevents-batch+json"}
    for content in (b"{}", b"[", b"[" + b" " * (17 * 2**20) + b"]"):
        refused = await http.post(EVENTS, content=content, headers=batch)
        assert_problem(refused, 413 if len(content) > 9 else 422)
    many = b"[" + b"0," * 200_000 + b"0]"
    assert_problem(await http.post(EVENTS, content=many, headers=batch), 413)
    assert_problem(await http.post(EVENTS, content=b"{}", headers={"Authorization": "Bearer x"}), 401)
    reading = await account.key("read:ledger")
    headers = {"Authorization": f"Bearer {reading['token']}", "Content-Type": NDJSON}
    refused = await http.post(EVENTS, content=lines([created("A")]), headers=headers)
    assert_problem(refused, 403, "forbidden")


def worker(server: Server) -> psutil.Process:
    return next(p for p in psutil.Process(server.process.pid).children() if p.name() == "trail-http")


async def test_a_load_of_any_length_takes_bounded_memory(server: Server, http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    process = worker(server)
    most = before = process.memory_info().rss
    blob = b" " * 99_999 + b"\n"

    async def body() -> AsyncIterator[bytes]:
        nonlocal most
        for n in range(1_500):  # 150 MB, of which a little is recorded
            yield lines([told(order_id, str(n))]) + blob
            most = max(most, process.memory_info().rss)

    loaded = await load(http, body())

    assert (loaded["recorded"], loaded["lines"]) == (1_500, 3_000)
    assert most - before < 60 * 2**20


async def test_a_load_outlives_connections_to_the_database(account: Account, http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)

    async def body() -> AsyncIterator[bytes]:
        for n in range(6):
            yield lines([told(order_id, str(n * 1_000 + m)) for m in range(1_000)])
            if n in {2, 4}:
                await cut_connections(account.dsn)

    loaded = await load(http, body())

    assert (loaded["recorded"] + loaded["repeated"], loaded["refused"]) == (6_000, 0)
    assert [i["data"]["status"] for i in (await feed(http))[1:]] == [str(n) for n in range(6_000)]


async def test_a_load_that_is_cut_off_and_sent_again_is_recorded_once_and_in_order(
    http: httpx.AsyncClient,
) -> None:
    order_id = await an_order(http)
    events = [told(order_id, str(n), event_id=f"{order_id}-{n}") for n in range(5_000)]

    async def cut(count: int) -> AsyncIterator[bytes]:
        yield lines(events[:count])
        head = 0
        while head <= count - count % 1_000:  # until the chunks that are whole are recorded
            head = (await http.get("/trail/v1/ledger")).json()["head"]
        raise ConnectionResetError

    for count in (1_500, 3_333):
        with pytest.raises(ConnectionResetError):
            await http.post(EVENTS, content=cut(count), headers={"Content-Type": NDJSON})

    loaded = await load(http, events)

    assert loaded["recorded"] + loaded["repeated"] == 5_000
    assert loaded["repeated"] >= 3_000
    assert [item["data"]["status"] for item in (await feed(http))[1:]] == [str(n) for n in range(5_000)]


def test_lines_are_cut_wherever_the_pieces_of_a_body_end() -> None:
    from api.native.following.ingest_chunks import lines_of

    body = b"a\n\nbb\nccc"

    async def pieces(size: int) -> AsyncIterator[bytes]:
        for n in range(0, len(body), size):
            yield body[n : n + size]

    async def cut(size: int) -> list[bytes | None]:
        return [line async for lines in lines_of(pieces(size)) for line in lines]

    assert {tuple(asyncio.run(cut(size))) for size in range(1, 12)} == {(b"a", b"", b"bb", b"ccc")}
