"""One key that was changed in the database makes unreadable what takes it, and nothing else."""

import asyncio
import subprocess
from collections.abc import Mapping

import httpx
import pytest

from api.bootstrap import open_services
from application.access.callers import Tenant
from application.ledger.port import IdempotencyKey
from domain.errors import UnreadableKey
from domain.events.lifecycle import CommentAdded
from domain.streams import person_stream
from domain.values import Customer, TenantName
from tests.acceptance.every_interface.fix_told import Everything, items_of
from tests.builders import an_event
from tests.damage import KEYS, damage_key, restore_key
from tests.fix_server import ORDERTRAIL, Account
from tests.native import append, assert_problem, comment, status

SECRET = "secret of A-1"
OF_CALLS = {"failed calls", "logs", "all logs"}
WITHOUT_PERSONAL_DATA = {"integration", "proofs", "inclusion", *OF_CALLS}
OF_ALL_ORDERS = {"feed", "orders", "all logs"}


def texts(answers: Mapping[str, httpx.Response]) -> dict[str, str]:
    assert {name: answer.status_code for name, answer in answers.items() if answer.status_code != 200} == {}
    return {name: answer.text for name, answer in answers.items()}


async def told_elsewhere(account: Account, *order_ids: str) -> None:
    """Create orders of customers in another process, so that the server does not remember their keys."""
    tenant = Tenant(TenantName(account.tenant), is_implicit=False, dintero_account=None)
    async with open_services(account.dsn) as services:
        for order_id in order_ids:
            await services.orders.create(tenant, order_id, customer=Customer(id="c-9", name="Ann"))


def forget(account: Account, order_id: str) -> str:
    command = [ORDERTRAIL, "forget", "--tenant", account.tenant, "--dsn", account.dsn, "--yes", "--order", order_id]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


async def head(http: httpx.AsyncClient) -> int:
    position: int = (await http.get("/trail/v1/ledger")).json()["head"]
    return position


@pytest.mark.parametrize("how", KEYS)
async def test_what_takes_a_damaged_key_is_shown_as_unreadable_everywhere_and_the_rest_as_it_is(
    everything: Everything, how: str
) -> None:
    account = everything.account
    told, other = await everything.tell("A-1", 1), await everything.tell("B-2", 2)
    before = texts(await everything.read("B-2", other))

    await damage_key(account.dsn, account.tenant, "order-A-1", how, other="order-B-2")

    shown = texts({**await everything.read("A-1", told), "whole call": await everything.read_call("A-1", told)})
    assert [name for name, text in shown.items() if SECRET in text] == []
    assert {name for name, text in shown.items() if "[unreadable]" in text} == shown.keys() - WITHOUT_PERSONAL_DATA
    assert [name for name in ("timeline", "action logs", "change logs") if "staff of A-1" not in shown[name]] == []
    assert [name for name in OF_CALLS if "call of A-1" not in shown[name]] == []
    after = texts(await everything.read("B-2", other))
    assert [name for name in after.keys() - OF_ALL_ORDERS if after[name] != before[name]] == []


async def test_a_persons_damaged_key_makes_unreadable_what_is_told_of_them(everything: Everything) -> None:
    account = everything.account
    told = await everything.tell("A-1", 1)
    person = person_stream("u-A-1")

    await damage_key(account.dsn, account.tenant, person, "changed")

    shown = texts(await everything.read("A-1", told))
    assert [name for name, text in shown.items() if "staff of A-1" in text] == []
    assert [name for name in ("feed", "timeline", "order events", "order") if SECRET not in shown[name]] == []
    [asked] = [item for item in items_of(httpx.Response(200, text=shown["timeline"])) if item["version"] == 4]
    assert (asked["data"], asked["actor"]["name"]) == (
        {"reason": "late", "performer_ip": f"::1, {SECRET}"},
        "[unreadable]",
    )
    assert asked["unreadable"] == f"actor.name: the key of {person} is damaged"


async def test_pages_from_before_are_not_shown_once_somebody_has_met_the_damage(everything: Everything) -> None:
    account = everything.account
    told = await everything.tell("A-1", 1)
    before = texts(await everything.read("A-1", told))
    await damage_key(account.dsn, account.tenant, "order-A-1", "changed")

    after = texts(await everything.read("A-1", told))

    kept = ("timeline", "timeline, newest first", "action logs")
    assert [SECRET in before[name] for name in kept] == [True] * 3
    assert [SECRET in after[name] for name in kept] == [False] * 3


async def test_it_is_said_what_cannot_be_read_and_why(everything: Everything) -> None:
    account = everything.account
    told = await everything.tell("A-1", 1)
    await damage_key(account.dsn, account.tenant, "order-A-1", "changed")

    answers = await everything.read("A-1", told)

    why = "the key of order-A-1 is damaged"
    new_customer = "new_customer.id, new_customer.name"
    unread = {
        told["created"]: f"customer.id, customer.name: {why}",
        told["commented"]: f"text: {why}",
        told["reported"]: f"description, metadata: {why}",
        told["asked"]: f"reason, performer_ip: {why}",
        told["transferred"]: f"original_customer.id, original_customer.name, {new_customer}: {why}",
        told["logged"]: f"request_url: {why}",
    }
    for name in ("feed", "timeline", "timeline, newest first"):
        items = items_of(answers[name])
        assert {item["position"]: item["unreadable"] for item in items if "unreadable" in item} == unread
    for order in (answers["order"].json(), items_of(answers["orders"])[0]):
        assert order["customer"] == {"id": "[unreadable]", "name": "[unreadable]"}
        assert order["services"]["wms"]["description"] == "[unreadable]"
        assert order["unreadable"] == f"{new_customer}: {why}; services.wms.description: {why}"
    for name in ("version", "at", "at, occurred", "diff"):
        events = answers[name].json()["unreadable_events"]
        assert {event["position"]: event["unreadable"] for event in events} == unread
        assert events[0].keys() == {"version", "position", "event_id", "type", "unreadable"}


async def test_a_restored_key_opens_all_again_at_once(everything: Everything) -> None:
    account = everything.account
    told = await everything.tell("A-1", 1)
    wrapped = await damage_key(account.dsn, account.tenant, "order-A-1", "emptied")
    damaged = texts(await everything.read("A-1", told))

    await restore_key(account.dsn, account.tenant, "order-A-1", wrapped)

    restored = texts(await everything.read("A-1", told))
    assert {name for name, text in damaged.items() if SECRET in text} == set()
    assert {name for name, text in restored.items() if SECRET in text} == restored.keys() - WITHOUT_PERSONAL_DATA
    assert [name for name, text in restored.items() if "unreadable" in text] == []


async def test_what_takes_a_damaged_key_is_refused_and_nothing_else(account: Account, http: httpx.AsyncClient) -> None:
    await told_elsewhere(account, "A-1", "B-2")
    wrapped = await damage_key(account.dsn, account.tenant, "order-A-1", "changed")
    before = await head(http)

    refused = [
        await append(http, "A-1", comment("Ring twice")),
        await append(http, "A-1", status("open"), comment("Ring twice")),
        await http.post("/trail/v1/orders/A-1/transfer", json={"customer": {"id": "c-1", "name": "Bea"}}),
    ]

    for answer in refused:
        assert_problem(answer, 503, "damaged")
        assert "order-A-1" in answer.json()["detail"]
        assert int(answer.headers["retry-after"]) > 0
    assert await head(http) == before
    taken = [await append(http, "A-1", status("open")), await append(http, "B-2", comment("Ring twice"))]
    assert [answer.status_code for answer in taken] == [201, 201]
    await restore_key(account.dsn, account.tenant, "order-A-1", wrapped)
    assert (await append(http, "A-1", comment("Ring twice"))).status_code == 201


async def test_what_was_recorded_when_the_key_could_be_read_is_answered_as_the_first_time(
    account: Account, http: httpx.AsyncClient
) -> None:
    tenant, key = (
        Tenant(TenantName(account.tenant), is_implicit=False, dintero_account=None),
        IdempotencyKey("k-1", b"1"),
    )
    comment = an_event(CommentAdded, order_id="A-1", text="Ring twice")
    await told_elsewhere(account, "A-1")
    async with open_services(account.dsn) as services:
        first = await services.orders.record(tenant, "A-1", [comment], key=key)
    await damage_key(account.dsn, account.tenant, "order-A-1", "changed")

    async with open_services(account.dsn) as services:
        again = await services.orders.record(tenant, "A-1", [comment], key=key)
        with pytest.raises(UnreadableKey):
            await services.orders.record(tenant, "A-1", [comment], key=IdempotencyKey("k-2", b"1"))

    assert (again.is_replayed, again.events) == (True, first.events)


async def test_a_receipt_is_given_though_a_key_is_damaged(account: Account, http: httpx.AsyncClient) -> None:
    await told_elsewhere(account, "A-1")
    await damage_key(account.dsn, account.tenant, "order-A-1", "changed")

    answer = await append(http, "A-1", status("open"), Prefer="receipt")

    assert (answer.status_code, answer.headers["preference-applied"]) == (201, "receipt")


async def test_who_appends_at_the_same_time_does_not_notice(account: Account, http: httpx.AsyncClient) -> None:
    orders = [f"A-{n}" for n in range(12)]
    await told_elsewhere(account, *orders)
    for order_id in orders[::3]:
        await damage_key(account.dsn, account.tenant, f"order-{order_id}", "cut to five bytes")

    answers = await asyncio.gather(*[append(http, order_id, comment("Ring twice")) for order_id in orders * 4])

    assert [answer.status_code for answer in answers] == [503, 201, 201] * 16
    types = [item["type"] for item in items_of(await http.get("/trail/v1/feed", params={"limit": 1_000}))]
    assert types == ["order.created"] * 12 + ["order.comment_added"] * 32


async def test_a_call_of_whose_order_the_key_is_damaged_is_refused_in_the_vendors_words(everything: Everything) -> None:
    account = everything.account
    await told_elsewhere(account, "C-3")
    await damage_key(account.dsn, account.tenant, "order-C-3", "changed")
    before = await head(everything.native)

    call = await everything.carriyo.post("/orders/C-3/system-logs", json={"request_url": "https://carrier.example"})
    report = {"service": "wms", "service_status": "OK", "metadata": {"to": "Ann"}}
    event = await everything.dintero.post("/C-3/events", json=report)
    message = await everything.native.post("/v1/orders/C-3/messages", json={"text": "Hello"})

    assert [answer.status_code for answer in (call, event, message)] == [503] * 3
    assert "order-C-3" in call.json()["errors"][0]
    assert event.json()["error"]["code"] == "SERVICE UNAVAILABLE"
    assert message.json()["code"] == "ServiceUnavailable"
    assert await head(everything.native) == before


async def test_an_order_whose_key_is_damaged_is_forgotten_like_any_other(everything: Everything) -> None:
    account = everything.account
    told = await everything.tell("A-1", 1)
    await damage_key(account.dsn, account.tenant, "order-A-1", "another installation's")
    await everything.read("A-1", told)

    assert forget(account, "A-1") == "Order A-1 is forgotten.\n"

    shown = texts(await everything.read("A-1", told))
    assert [name for name, text in shown.items() if "unreadable" in text] == []
    assert {"feed", "timeline", "action logs", "change logs"} <= {
        n for n, text in shown.items() if "[redacted]" in text
    }


async def test_a_damaged_key_that_was_met_is_counted_until_it_is_restored(
    account: Account, http: httpx.AsyncClient
) -> None:
    async def counted() -> tuple[int, str]:
        figures = (await http.get("/metrics")).text.splitlines()
        [metric] = [line.split()[1] for line in figures if line.startswith("ordertrail_damaged_keys ")]
        return (await http.get("/readyz")).json()["damaged_keys"], metric

    async def comes_to_be(damaged: int) -> None:
        """Wait for this number: what is looked up over all tenants is kept for a while."""
        while await counted() != (damaged, f"{damaged:.1f}"):  # noqa: ASYNC110 nothing tells when
            await asyncio.sleep(0.05)

    await told_elsewhere(account, "A-1", "B-2")
    before = await counted()
    wrapped = await damage_key(account.dsn, account.tenant, "order-A-1", "changed")
    assert await counted() == before

    for _ in range(3):
        await http.get("/trail/v1/orders/A-1")
    async with asyncio.timeout(30):
        await comes_to_be(before[0] + 1)
        ready = (await http.get("/readyz")).json()
        await restore_key(account.dsn, account.tenant, "order-A-1", wrapped)
        await comes_to_be(before[0])

    assert ready["status"] == "degraded"
