"""Webhooks over HTTP, delivered by the server's own process, which is killed in mid-delivery."""

import os
import signal
from collections.abc import AsyncIterator, Iterator

import httpx
import psutil
import psycopg
import pytest

from tests.fix_postgres import database
from tests.fix_server import Account, Server, new_account, running
from tests.receiver import HANG, Receiver, answer, receiving

WEBHOOKS = "/trail/v1/webhooks"


@pytest.fixture(scope="module")
def sending_server(server_dsn: str, template_name: str) -> Iterator[Server]:
    """A server that may send to loopback."""
    with pytest.MonkeyPatch.context() as patch, database(server_dsn, template=template_name) as dsn:
        patch.setenv("ORDERTRAIL_WEBHOOK_NETWORKS", "127.0.0.1/32")
        with running(dsn) as server:
            yield server


@pytest.fixture
async def account(sending_server: Server) -> Account:
    return await new_account(sending_server, is_implicit=True)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


async def append(http: httpx.AsyncClient, *orders: str) -> None:
    for order in orders:
        event = {"type": "order.comment_added", "data": {"text": "Hi"}}
        assert (await http.post(f"/trail/v1/orders/{order}/events", json=event)).status_code == 201


async def test_a_webhook_is_made_delivered_to_seen_and_removed(http: httpx.AsyncClient, receiver: Receiver) -> None:
    made = (await http.post(WEBHOOKS, json={"url": receiver.url, "filter": {"orders": ["A"]}})).json()
    await append(http, "A", "B", "A")
    await receiver.until(lambda receiver: len(receiver.received) >= 2)

    tested = (await http.post(f"{WEBHOOKS}/{made['id']}/test")).json()
    shown = (await http.get(f"{WEBHOOKS}/{made['id']}")).json()
    (listed,) = (await http.get(WEBHOOKS)).json()["items"]
    attempts = (await http.get(f"{WEBHOOKS}/{made['id']}/attempts")).json()["items"]
    first = next(attempt for attempt in reversed(attempts) if attempt["kind"] == "event")
    resent = (await http.post(f"{WEBHOOKS}/{made['id']}/attempts/{first['id']}/resend")).json()
    metrics = (await http.get("/metrics")).text

    assert made["secret"].startswith("whsec_")
    assert (shown["state"], shown["public_key"], "secret" in shown) == ("active", made["public_key"], False)
    assert listed["id"] == made["id"]
    assert [r.data["subject"] for r in receiver.received[:2]] == ["order-A"] * 2
    assert (tested["kind"], tested["delivered"], tested["status"]) == ("test", True, 204)
    assert first["request"]["headers"]["webhook-signature"] == "***"
    assert (resent["message_id"], resent["position"]) == (first["message_id"], first["position"])
    assert 'ordertrail_consumers{kind="webhook"} 1.0' in metrics
    assert (await http.delete(f"{WEBHOOKS}/{made['id']}")).status_code == 204
    assert (await http.get(f"{WEBHOOKS}/{made['id']}")).status_code == 404


async def test_a_server_that_is_killed_in_mid_delivery_loses_nothing(
    http: httpx.AsyncClient, receiver: Receiver, sending_server: Server
) -> None:
    receiver.decide = lambda _: HANG if len(receiver.received) == 5 else answer()
    assert (await http.post(WEBHOOKS, json={"url": receiver.url})).status_code == 201
    await append(http, *[f"A-{n % 4}" for n in range(20)])
    await receiver.until(lambda receiver: len(receiver.received) >= 5)

    children = psutil.Process(sending_server.process.pid).children()
    (projector,) = [child for child in children if child.name() == "trail-projector"]
    os.kill(projector.pid, signal.SIGKILL)
    async with await psycopg.AsyncConnection.connect(sending_server.dsn, autocommit=True) as connection:
        await connection.execute("UPDATE ordertrail.consumer_members SET expires_at = now()")
    await receiver.until(lambda receiver: len(set(receiver.positions)) == 20)

    assert len({(r.data["position"], r.id) for r in receiver.received}) == 20
    for order in {r.data["subject"] for r in receiver.received}:
        first_times = list(dict.fromkeys(r.data["position"] for r in receiver.received if r.data["subject"] == order))
        assert first_times == sorted(first_times)


async def test_what_cannot_be_sent_to_is_refused_and_what_is_paused_waits(
    http: httpx.AsyncClient, receiver: Receiver
) -> None:
    refused = await http.post(WEBHOOKS, json={"url": "https://10.0.0.7/hooks"})
    made = (await http.post(WEBHOOKS, json={"url": receiver.url})).json()
    path = f"{WEBHOOKS}/{made['id']}"
    assert (await http.post(f"{path}/pause")).status_code == 204
    await append(http, "A")
    paused = (await http.get(path)).json()
    changed = await http.put(path, json={"url": receiver.url, "data": True})
    rotated = (await http.post(f"{path}/rotate", json={})).json()
    assert (await http.post(f"{path}/resume")).status_code == 204
    await receiver.until(lambda receiver: bool(receiver.received))
    assert (await http.post(f"{path}/replay", json={"position": 0})).json() == {"position": 0}
    await receiver.until(lambda receiver: len(receiver.received) == 2)
    parked = (await http.get(f"{path}/parked")).json()

    assert refused.status_code == 422
    assert "ORDERTRAIL_WEBHOOK_NETWORKS" in refused.json()["detail"]
    assert (paused["state"], paused["lag_events"]) == ("paused", 1)
    assert changed.json()["data"] is True
    assert rotated["secret"] != made["secret"]
    assert len(receiver.received[0].headers["webhook-signature"].split()) == 4
    assert receiver.received[0].data["data"]["text"] == "Hi"
    assert parked == {"items": [], "next": None}
