"""One order, one story: every interface reaches it by its id and by its partner's reference."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.fix_server import Account
from tests.native import ORDERS, amounts, new_id, pages, status

REPORT = {"state": "success", "service": "kitchen", "service_status": "ready_for_pickup"}
REPORTED = {"type": "order.service_event_recorded", "data": REPORT}


class Order:
    """An order with a reference, and each interface's way to it by whichever name."""

    def __init__(self, account: Account, http: httpx.AsyncClient) -> None:
        self.order_id, self.reference = new_id(), f"web-{new_id()}"
        self._account, self._http = account, http

    async def create(self, **body: Any) -> None:
        order = {"order_id": self.order_id, "reference": self.reference, **body}
        assert (await self._http.post(ORDERS, json=order)).status_code == 201

    async def append(self, name: str, *events: dict[str, Any], **headers: str) -> httpx.Response:
        return await self._http.post(f"{ORDERS}/{name}/events", json={"events": events}, headers=headers)

    async def carriyo(self, name: str, key: str = "order_id") -> httpx.Response:
        headers = {"x-api-key": self._account.key_id, "tenant-id": self._account.tenant}
        return await self._http.post(f"/orders/{name}/system-logs", params={"key": key}, json={}, headers=headers)

    async def dintero(self, name: str, event: dict[str, Any] | None = None) -> httpx.Response:
        path = f"/v1/accounts/{self._account.dintero_account}/shopping/orders/{name}/events"
        return await (self._http.get(path) if event is None else self._http.post(path, json=event))

    async def shopline(self, name: str) -> httpx.Response:
        return await self._http.get(f"/v1/orders/{name}/action_logs")

    async def types(self) -> list[str]:
        """Return the types of the order's events, read by its id."""
        return [item["type"] for item in await pages(self._http, f"{ORDERS}/{self.order_id}/timeline")]


@pytest.fixture
async def order(account: Account, http: httpx.AsyncClient) -> Order:
    order = Order(account, http)
    await order.create(totals=amounts(1_000), customer={"id": "c-1", "name": "Ann"})
    return order


async def test_a_fact_is_recorded_by_either_name(order: Order) -> None:
    for name in (order.order_id, order.reference):
        appended = await order.append(name, status())
        logged = await order.carriyo(name)
        reported = await order.dintero(name, REPORT)

        assert (appended.status_code, logged.status_code, reported.status_code) == (201, 200, 200)
        assert appended.json()["order_id"] == logged.json()["order_id"] == order.order_id

    facts = ["order.status_updated", "order.system_log_recorded", "order.service_event_recorded"]
    assert await order.types() == ["order.created", *facts, *facts]


async def test_an_order_is_read_by_either_name(order: Order, http: httpx.AsyncClient) -> None:
    await order.append(order.order_id, status(), REPORTED)

    for read in (
        lambda name: http.get(f"{ORDERS}/{name}"),
        lambda name: http.get(f"{ORDERS}/{name}/timeline"),
        order.dintero,
        order.shopline,
    ):
        by_id, by_reference = await read(order.order_id), await read(order.reference)

        assert by_id.status_code == by_reference.status_code == 200
        assert by_id.json() == by_reference.json()
    assert len((await order.shopline(order.reference)).json()["items"]) == 2


DECISIONS: list[Callable[[str], tuple[str, dict[str, Any]]]] = [
    lambda name: (f"{ORDERS}/{name}/edit", {"totals": amounts(900)}),
    lambda name: (f"{ORDERS}/{name}/transfer", {"customer": {"id": "c-2"}}),
    lambda name: (f"{ORDERS}/{name}/split", {"totals": amounts(100)}),
]


@pytest.mark.parametrize("request_of", DECISIONS, ids=["edit", "transfer", "split"])
async def test_a_decision_is_taken_by_reference(
    order: Order, http: httpx.AsyncClient, request_of: Callable[[str], tuple[str, dict[str, Any]]]
) -> None:
    path, body = request_of(order.reference)

    answer = await http.post(path, json=body)

    assert answer.status_code == 201
    assert len(await order.types()) > 1


async def test_a_reported_decision_is_recorded_by_reference(order: Order) -> None:
    customers = {"original_customer": {"id": "c-1"}, "new_customer": {"id": "c-2"}}

    answer = await order.append(order.reference, {"type": "order.transferred", "data": customers})

    assert (answer.status_code, answer.json()["order_id"]) == (201, order.order_id)
    assert await order.types() == ["order.created", "order.transferred"]


async def test_a_version_is_that_of_the_order_which_the_reference_names(order: Order) -> None:
    taken = await order.append(order.reference, status(), **{"If-Match": '"1"'})
    late = await order.append(order.reference, status(), **{"If-Match": '"1"'})

    assert (taken.status_code, taken.headers["etag"]) == (201, '"2"')
    assert late.status_code == 412


async def test_what_is_sent_twice_by_reference_is_recorded_once(order: Order) -> None:
    event = status(event_id=new_id())
    report = {**REPORT, "id": new_id()}

    answers = [
        await order.append(order.reference, event),
        await order.append(order.reference, event),
        await order.append(order.order_id, event),
        await order.append(order.reference, REPORTED, **{"Idempotency-Key": "once"}),
        await order.append(order.reference, REPORTED, **{"Idempotency-Key": "once"}),
    ]
    reports = [await order.dintero(order.reference, report), await order.dintero(order.reference, report)]

    assert [answer.status_code for answer in answers] == [201] * 5
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert reports[0].json() == reports[1].json()
    assert (await order.types())[1:] == ["order.status_updated", *["order.service_event_recorded"] * 2]


async def test_an_id_goes_before_a_reference(order: Order, http: httpx.AsyncClient) -> None:
    await http.post(ORDERS, json={"order_id": order.reference, "reference": new_id()})

    await order.append(order.reference, status())
    found = await http.get(f"{ORDERS}/{order.reference}")

    assert await order.types() == ["order.created"]
    assert found.json()["order_id"] == order.reference


async def test_an_order_without_an_entry_is_not_taken_for_another_that_has_its_id_as_reference(
    order: Order, http: httpx.AsyncClient
) -> None:
    await http.post(ORDERS, json={"order_id": new_id(), "reference": order.order_id})

    refused = await http.get(f"{ORDERS}/{order.order_id}/timeline", params={"type": "order.comment_added"})

    assert refused.json() == {"items": [], "next": None}


async def test_the_newest_order_with_a_reference_is_the_one(order: Order, http: httpx.AsyncClient) -> None:
    newer = new_id()
    await http.post(ORDERS, json={"order_id": newer, "reference": order.reference})

    answer = await order.append(order.reference, status())

    assert answer.json()["order_id"] == newer


async def test_a_name_that_is_nobodys_is_not_found(order: Order, http: httpx.AsyncClient) -> None:
    name = new_id()

    assert (await order.append(name, status())).status_code == 404
    assert (await order.dintero(name, REPORT)).status_code == 404
    assert (await order.dintero(name)).status_code == 404
    assert (await order.carriyo(name)).status_code == 404
    assert (await http.get(f"{ORDERS}/{name}")).status_code == 404
    assert (await http.get(f"{ORDERS}/{name}/timeline")).status_code == 404
    assert (await order.shopline(name)).json() == {"items": []}


async def test_another_tenants_reference_is_nobodys(order: Order, another_account: Any) -> None:
    other = await another_account()
    headers = {"Authorization": f"Bearer {other.token}"}
    async with httpx.AsyncClient(base_url=other.url, headers=headers) as http:
        answer = await http.post(f"{ORDERS}/{order.reference}/events", json=status())

    assert answer.status_code == 404


@pytest.mark.parametrize("event", [status(), {"type": "order.created", "data": {}}], ids=["fact", "decision"])
async def test_an_implicit_tenants_order_begins_only_if_its_name_is_nobodys(
    implicit_account: Account, event: dict[str, Any]
) -> None:
    headers = {"Authorization": f"Bearer {implicit_account.token}"}
    async with httpx.AsyncClient(base_url=implicit_account.url, headers=headers) as http:
        order = Order(implicit_account, http)
        await order.create()

        known = await order.append(order.reference, status())
        new = await order.append(new_id(), event)

        assert (known.status_code, known.json()["order_id"]) == (201, order.order_id)
        assert (new.status_code, new.json()["version"]) == (201, 1)
