"""Nobody is not somebody: what has no id is not taken for anything else that has none."""

from typing import Any

import httpx
import pytest

from tests.acceptance.carriyo.fix_carriyo import listed, logged
from tests.fix_server import Account
from tests.native import ORDERS, an_order, append, assert_problem, comment, status

GUEST, OTHER_GUEST, ANN = {"name": "Guest One"}, {"name": "Guest Two"}, {"id": "c-9", "name": "Ann Li"}
NAMELESS = {"id": "", "name": ""}


async def customer_of(http: httpx.AsyncClient, order_id: str) -> Any:
    order = (await http.get(f"{ORDERS}/{order_id}")).json()
    was = (await http.get(f"{ORDERS}/{order_id}", params={"version": order["version"]})).json()
    assert was["customer"] == order["customer"]
    return order["customer"]


@pytest.mark.parametrize(
    ("before", "after"),
    [(GUEST, OTHER_GUEST), (GUEST, GUEST), (None, GUEST), (NAMELESS, GUEST), (GUEST, ANN), (ANN, GUEST), (None, ANN)],
    ids=str,
)
async def test_an_order_is_transferred_from_and_to_guests(
    http: httpx.AsyncClient, before: Any, after: dict[str, str]
) -> None:
    order_id = await an_order(http, customer=before)

    transfer = await http.post(f"{ORDERS}/{order_id}/transfer", json={"customer": after})

    assert transfer.status_code == 201, transfer.text
    assert await customer_of(http, order_id) == {"id": "", "name": "", **after}


async def test_a_transfer_between_guests_can_be_reported(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http, customer=GUEST)
    data = {"original_customer": GUEST, "new_customer": OTHER_GUEST}

    told = await append(http, order_id, {"type": "order.transferred", "data": data})

    assert told.status_code == 201
    assert await customer_of(http, order_id) == {"id": "", **OTHER_GUEST}


@pytest.mark.parametrize("customer", [{}, {"id": ""}, NAMELESS, None])
async def test_a_customer_of_whom_nothing_is_told_is_none(http: httpx.AsyncClient, customer: Any) -> None:
    order_id = await an_order(http, customer=customer)

    assert await customer_of(http, order_id) is None
    again = await http.post(f"{ORDERS}/{order_id}/transfer", json={"customer": NAMELESS})
    assert_problem(again, 409, "conflict")


async def test_empty_ids_do_not_belong_together(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    for n in range(2):
        await append(http, order_id, comment(f"{n}", correlation_id="", causation_id=""))

    items = (await http.get(f"{ORDERS}/{order_id}/timeline", params={"correlation_id": ""})).json()["items"]

    assert len(items) == 3
    assert [item["group"] for item in items] == [item["position"] for item in items]
    assert {item["correlation_id"] for item in items} == {item["causation_id"] for item in items} == {None}


async def test_an_actor_of_whom_nothing_is_told_is_the_credential(http: httpx.AsyncClient, account: Account) -> None:
    order_id = await an_order(http, actor={"id": "", "name": ""})
    await append(http, order_id, status(actor={}))
    await append(http, order_id, status(actor={"id": "u-7"}))

    items = (await http.get(f"{ORDERS}/{order_id}/timeline")).json()["items"]

    assert [item["actor"]["id"] for item in items] == [account.key_id, account.key_id, "u-7"]
    assert {item["actor"]["application_id"] for item in items} == {account.key_id}


async def test_empty_ids_of_a_carriers_call_are_unset(carriyo: httpx.AsyncClient) -> None:
    empty = dict.fromkeys(("tenant", "correlation_id", "carrier_id", "webhook_id", "source_type", "source_id"), "")

    log = await logged(carriyo, **empty, entity_id="", entity_ids=["", "SHP-1"])

    assert (log["correlation_id"], log["source_type"], log["source_id"]) == (None, None, None)
    assert log["details_json"] == '{"entity_ids":["SHP-1"]}'
    assert await listed(carriyo, "correlationId=&carrierId=") == [log]


async def test_empty_ids_of_a_shops_comment_are_left_out(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    body = {"text": "Hello", "media_id": "", "trackable_type": "", "trackable_id": ""}

    answer = (await http.post(f"/v1/orders/{order_id}/messages", json=body)).json()

    assert (answer["media"], answer["trackable_type"], answer["trackable_id"]) == (None, "Order", order_id)
