"""The id of a Dintero event, which a client may set: the same id is the same event."""

import httpx
import pytest

from tests.acceptance.dintero.fix_dintero import error_of, listed
from tests.fix_server import Account

EVENT = {"state": "success", "service": "kitchen", "service_status": "ready_for_pickup", "id": "ticket-77"}


async def test_a_client_may_choose_the_id(shopping: httpx.AsyncClient) -> None:
    event = (await shopping.post("/A-1/events", json=EVENT)).json()

    assert event["id"] == "ticket-77"
    assert (await listed(shopping))["events"] == [event]


async def test_the_same_event_with_the_same_id_is_answered_as_the_first_time(
    account: Account, shopping: httpx.AsyncClient
) -> None:
    first = await shopping.post("/A-1/events", json=EVENT)
    another = await account.key("write:shopping")

    again = await shopping.post("/A-1/events", json=EVENT)
    by_another = await shopping.post("/A-1/events", json=EVENT, headers={"Authorization": f"Bearer {another['token']}"})

    assert (again.json(), by_another.json()) == (first.json(), first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert len((await listed(shopping))["events"]) == 1


@pytest.mark.parametrize(
    "change", [{"state": "error"}, {"service": "bar"}, {"description": "why"}, {"metadata": {"table": 4}}]
)
async def test_another_event_with_the_same_id_is_a_conflict(shopping: httpx.AsyncClient, change: object) -> None:
    await shopping.post("/A-1/events", json=EVENT)

    answer = await shopping.post("/A-1/events", json={**EVENT, **dict(change)})  # type: ignore[call-overload]

    assert error_of(answer, 409)["code"] == "CONFLICT"
    assert (await listed(shopping))["state"] == "success"


async def test_an_id_is_used_once_in_an_account(shopping: httpx.AsyncClient, http: httpx.AsyncClient) -> None:
    await http.post("/trail/v1/orders", json={"order_id": "A-2"})
    await shopping.post("/A-1/events", json=EVENT)

    error_of(await shopping.post("/A-2/events", json=EVENT), 409)


@pytest.mark.parametrize("event_id", ["", "x" * 41, "a b", "é", "a\u0000", 7, {}])
async def test_an_id_is_up_to_40_visible_characters(shopping: httpx.AsyncClient, event_id: object) -> None:
    error_of(await shopping.post("/A-1/events", json={**EVENT, "id": event_id}), 400)
    assert (await shopping.post("/A-1/events", json={**EVENT, "id": "x" * 40})).status_code == 200


async def test_an_id_that_is_null_is_left_to_us(shopping: httpx.AsyncClient) -> None:
    assert len((await shopping.post("/A-1/events", json={**EVENT, "id": None})).json()["id"]) == 36
