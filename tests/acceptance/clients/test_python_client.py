"""The client in Python: it speaks the interface that the OpenAPI document describes, and misses nothing."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
from ordertrail_client import (
    AsyncClient,
    Client,
    Delivery,
    InvalidSignature,
    Problem,
    StreamEnded,
    core,
    verify,
)
from ordertrail_client.consuming import Membership
from ordertrail_client.core import Call, Filter
from ordertrail_client.following import Following
from standardwebhooks import Webhook

from api.app import create_app
from api.cli.keys import revoke_key
from tests.fix_server import Account
from tests.native import an_order, new_id, status
from tests.paths import ROOT

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WANTED = Filter(["order.created"], ["A-1"], ["wms"], [7])


@pytest.fixture
def client(account: Account) -> Iterator[Client]:
    with Client(account.url, account.token) as client:
        yield client


@pytest.fixture
async def async_client(account: Account) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(account.url, account.token) as client:
        yield client


def said_by_members() -> list[Call]:
    """Return what a member sends that has done one event, refused another, and leaves."""
    membership = Membership("billing", member="m-1", limit=10)
    for position, is_held in ((4, False), (5, True), (6, False)):
        event = {"partition": 1, "token": 2, "position": position, "subject": "order-A", "held": is_held}
        delivery = Delivery(event)
        if position == 6:
            delivery.refuse("later", delay_seconds=5)
        membership.done(delivery)
    return [membership.fetch(), *membership.leave()]


def told_with_own_write(call: Call) -> Call:
    """Return a read as it is sent after a write at position 4711."""
    own_writes = core.OwnWrites(are_told=True)
    own_writes.note(Call("POST", ""), {core.POSITION: "4711"})
    return own_writes.told_with(call)


@pytest.mark.parametrize(
    "call",
    [
        core.append("A-1", [status("open", event_id="e-1")], expected_version=3, idempotency_key="k-1"),
        core.read(WANTED, after="now", limit=10, wait=20),
        told_with_own_write(core.read(WANTED, after=7, limit=10, wait=0)),
        Following(WANTED, 7).call(),
        *said_by_members(),
    ],
    ids=lambda call: f"{call.method} {call.path}",
)
def test_what_it_sends_is_in_the_openapi_document(call: Call) -> None:
    document = create_app(None, max_body_bytes=1).openapi()  # type: ignore[arg-type]
    [operation] = [
        item[call.method.lower()]
        for path, item in document["paths"].items()
        if fits(path, call.path) and call.method.lower() in item
    ]
    parameters = {(p["in"], p["name"].lower()) for p in operation.get("parameters", [])}

    assert {("query", name) for name in call.query} <= parameters
    assert {("header", name.lower()) for name in call.headers if name != "Accept"} <= parameters
    assert call.headers.get("Accept", "application/json") in operation["responses"][
        "200" if call.method == "GET" else next(iter(operation["responses"]))
    ].get("content", {"application/json": {}})
    if call.body is not None:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        validator = jsonschema_rs.validator_for({**schema, "components": document["components"]})
        assert validator.is_valid(call.body), list(validator.iter_errors(call.body))


def fits(template: str, path: str) -> bool:
    """Whether a path is one of a template's."""
    parts, given = template.split("/"), path.split("/")
    return len(parts) == len(given) and all(p.startswith("{") or p == g for p, g in zip(parts, given, strict=True))


async def test_it_appends_and_reads(http: httpx.AsyncClient, client: Client, async_client: AsyncClient) -> None:
    order_id = await an_order(http)

    recorded = client.append(order_id, status("open", event_id="e-1"), expected_version=1)
    again = await async_client.append(order_id, status("open", event_id="e-1"))

    assert recorded["items"] == again["items"]
    assert [event["position"] for event in client.read().events] == [1, 2]
    assert (await async_client.read(types=["order.created"])).events[0]["subject"] == f"order-{order_id}"
    assert client.read(after=2, wait=1) == ([], 2)
    with pytest.raises(Problem) as refused:
        client.append(order_id, status("closed"), expected_version=7)
    assert (refused.value.status, refused.value.type) == (412, "precondition-failed")


class Ledger(httpx.MockTransport):
    """Answers as a ledger whose head is at this position, and notes what reads say of the client's own writes."""

    def __init__(self, head: int) -> None:
        self.head = head
        self.told: list[str | None] = []
        super().__init__(self.answered)

    def answered(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.head += 1
            return httpx.Response(201, json={"items": []}, headers={"Ordertrail-Position": str(self.head)})
        told = request.headers.get("Ordertrail-Position")
        self.told.append(told)
        if told is not None and int(told) > self.head:
            return httpx.Response(409, json={"type": "urn:ordertrail:problem:beyond-head"})
        return httpx.Response(200, json={"items": [], "next": 0}, headers={"Ordertrail-Position": str(self.head)})


@pytest.mark.parametrize("tells_own_writes", [True, False])
def test_its_reads_say_up_to_where_it_has_written(tells_own_writes: bool) -> None:
    ledger = Ledger(6)
    http = httpx.Client(base_url="http://shop", transport=ledger)
    with Client("", "", http=http, tells_own_writes=tells_own_writes) as client:
        client.read()
        client.append("A-1", status("open"))
        ledger.head = 9  # somebody else writes
        client.read()

        ledger.head = 5  # the ledger is restored
        if tells_own_writes:
            with pytest.raises(Problem, match="beyond-head"):
                client.read()
        client.read()

    assert ledger.told == ([None, "7", "7", None] if tells_own_writes else [None, None, None])


async def test_its_reads_say_so_in_asyncio_too() -> None:
    ledger = Ledger(6)
    http = httpx.AsyncClient(base_url="http://shop", transport=ledger)
    async with AsyncClient("", "", http=http) as client:
        await client.append("A-1", status("open"))
        await client.read()
        ledger.head = 5
        with pytest.raises(Problem, match="beyond-head"):
            await client.read()
        await client.read()

    assert ledger.told == ["7", "7", None]


async def test_it_follows_over_lost_connections(http: httpx.AsyncClient, async_client: AsyncClient) -> None:
    order_id = await an_order(http)
    seen: list[int] = []
    following = async_client.follow(orders=[order_id])
    async with asyncio.timeout(60):
        async for event in following:
            seen.append(event["position"])
            if len(seen) == 9:
                break
            await cut(async_client)
            await async_client.append(order_id, status(str(len(seen))))
    await following.aclose()  # type: ignore[attr-defined]

    assert seen == list(range(1, 10))


async def cut(client: AsyncClient) -> None:
    """Close the connection that a stream is read from."""
    for connection in client._http._transport._pool.connections:  # type: ignore[attr-defined]
        await connection._connection._network_stream.aclose()


async def test_it_says_why_following_is_over(account: Account, http: httpx.AsyncClient) -> None:
    await an_order(http)
    key = await account.key("read:ledger")
    with Client(account.url, key["token"]) as client:
        following = client.follow()
        assert (await asyncio.to_thread(next, following))["position"] == 1
        await revoke_key(account.dsn, key["key_id"], account.tenant)

        with pytest.raises(StreamEnded) as ended:
            await asyncio.to_thread(next, following)

    assert (ended.value.reason, ended.value.next) == ("credential-ended", 1)
    with Client(account.url, "ot_x_y") as stranger, pytest.raises(Problem) as refused:
        next(stranger.follow())
    assert refused.value.status == 401


@pytest.mark.parametrize("is_async", [False, True])
async def test_it_consumes_each_event_and_says_what_it_could_not_do(
    account: Account, http: httpx.AsyncClient, is_async: bool
) -> None:
    one, other = await an_order(http), await an_order(http)
    for n in range(3):
        for order_id in (one, other):
            await http.post(f"/trail/v1/orders/{order_id}/events", json=status(str(n)))
    await http.put("/trail/v1/consumers/billing", json={"from": "start", "max_failures": 5})

    seen = await asyncio.wait_for(
        consumed(account, one) if is_async else asyncio.to_thread(consumed_by_thread, account, one), 60
    )

    for order_id in (one, other):
        of_order = [(p, a) for subject, p, a in seen if subject == f"order-{order_id}"]
        assert [p for p, _ in of_order] == sorted(p for p, _ in of_order)
    assert [a for subject, _, a in seen if subject == f"order-{one}"][:2] == [1, 2]
    assert len(seen) == 9
    consumer = (await http.get("/trail/v1/consumers/billing")).json()
    assert consumer["members"] == []


Seen = list[tuple[str, int, int]]


def handled(delivery: Delivery, refused: str, seen: Seen) -> bool:
    """Note a delivery; refuse the first of one order once. Return whether all were seen."""
    event = delivery.event
    seen.append((event["subject"], event["position"], delivery.attempt))
    if event["subject"] == f"order-{refused}" and event["type"] == "order.created" and delivery.attempt == 1:
        delivery.refuse("not now", delay_seconds=0)
    return len(seen) == 9


async def consumed(account: Account, refused: str) -> Seen:
    seen: Seen = []
    async with AsyncClient(account.url, account.token) as client:
        consuming = client.consume("billing", limit=3)
        async for delivery in consuming:
            if handled(delivery, refused, seen):
                break
        await consuming.aclose()  # type: ignore[attr-defined]
    return seen


def consumed_by_thread(account: Account, refused: str) -> Seen:
    seen: Seen = []
    with Client(account.url, account.token) as client:
        consuming = client.consume("billing", limit=3)
        for delivery in consuming:
            if handled(delivery, refused, seen):
                break
        consuming.close()  # type: ignore[attr-defined]
    return seen


def test_it_checks_what_a_library_of_standard_webhooks_has_signed() -> None:
    body, now = b'{"type": "order.created"}', int(time.time())
    signed = Webhook(SECRET).sign("msg-1", time_of(now), body.decode())
    headers = {"Webhook-Id": "msg-1", "webhook-timestamp": str(now), "webhook-signature": f"v1a,abc v1,xyz {signed}"}

    assert verify(SECRET, headers, body) == {"type": "order.created"}
    for wrong in (
        {**headers, "Webhook-Id": "msg-2"},
        {**headers, "webhook-signature": "v1,xyz"},
        {**headers, "webhook-timestamp": "soon"},
        {},
    ):
        with pytest.raises(InvalidSignature):
            verify(SECRET, wrong, body)
    with pytest.raises(InvalidSignature):
        verify(SECRET, headers, body + b" ")
    with pytest.raises(InvalidSignature):
        verify(SECRET, headers, body, now=now + 301)


def time_of(seconds: int) -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC)


def test_its_wheel_holds_the_client_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path)]
    subprocess.run([*command, str(ROOT / "clients" / "python")], check=True, capture_output=True)

    [wheel] = tmp_path.iterdir()
    listed = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", str(wheel)], check=True, capture_output=True, text=True
    )
    names = [line.split()[0] for line in listed.stdout.splitlines()[1:]]
    assert "ordertrail_client/py.typed" in names
    assert {name.split("/")[0] for name in names} == {"ordertrail_client", "ordertrail_client-0.1.0.dist-info"}


def test_the_ids_of_orders_are_kept_apart_from_the_path() -> None:
    assert core.append(f"{new_id()}?x=1#y", [], expected_version=None, idempotency_key=None).path.count("?") == 0
