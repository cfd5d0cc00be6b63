"""SHOPLINE's orders: who may do what to them, how they are read, and what is refused."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from domain.values import Actor
from tests.fix_server import Account
from tests.native import an_order, append, new_id
from tests.shopline import a_shop_order, item, log_of, order_of


@pytest.fixture
async def order_id(http: httpx.AsyncClient) -> str:
    return await a_shop_order(http)


@pytest.mark.parametrize("operation", ["split", "messages"])
async def test_the_same_request_with_the_same_key_is_answered_as_the_first_time(
    http: httpx.AsyncClient, order_id: str, operation: str
) -> None:
    body: dict[str, Any] = {"text": "Hello"}
    if operation == "split":
        body = {"order_items": [item(100)], "updated_at": (await order_of(http, order_id))["updated_at"]}
    key = {"Idempotency-Key": new_id()}
    first = await http.post(f"/v1/orders/{order_id}/{operation}", json=body, headers=key)
    await http.patch(f"/v1/orders/{order_id}/status", json={"status": "completed"})

    second = await http.post(f"/v1/orders/{order_id}/{operation}", json=body, headers=key)
    other = await http.post(f"/v1/orders/{order_id}/{operation}", json={**body, "custom_data": {}}, headers=key)

    assert (second.status_code, second.json()) == (200, first.json())
    assert second.headers["idempotency-replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "IdempotencyKeyReused")


OPERATIONS = {
    "status": {"status": "confirmed"},
    "order_delivery_status": {"status": "shipped"},
    "order_payment_status": {"status": "completed"},
    "cancel": {},
    "split": {"order_items": [item(1)], "updated_at": "2021-11-02T04:06:13.304Z"},
    "messages": {"text": "Hello"},
}


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_an_order_that_does_not_exist_is_a_404(http: httpx.AsyncClient, operation: str) -> None:
    method = "POST" if operation in {"split", "messages"} else "PATCH"

    answer = await http.request(method, f"/v1/orders/{new_id()}/{operation}", json=OPERATIONS[operation])

    assert (answer.status_code, answer.json()["code"]) == (404, "NotFound")
    assert set(answer.json()) == {"message", "code"}


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_writing_needs_the_scope(
    http: httpx.AsyncClient, account: Account, order_id: str, operation: str
) -> None:
    key = await account.key("read", "write:shopping")
    method = "POST" if operation in {"split", "messages"} else "PATCH"

    answer = await http.request(
        method,
        f"/v1/orders/{order_id}/{operation}",
        json=OPERATIONS[operation],
        headers={"Authorization": f"Bearer {key['token']}"},
    )

    assert answer.status_code == 403
    scope = f"write:orders:/{order_id}/comments" if operation == "messages" else "write:orders"
    assert answer.json() == {"message": f"This credential lacks the scope {scope}", "code": "Forbidden"}


async def test_get_order_of_an_order_that_does_not_exist_is_a_404(http: httpx.AsyncClient) -> None:
    answer = await http.get(f"/v1/orders/{new_id()}")

    assert answer.status_code == 404
    assert (set(answer.json()), answer.json()["code"]) == ({"message", "code"}, "NotFound")


async def test_an_archived_order_is_gone_but_its_log_is_not(http: httpx.AsyncClient, order_id: str) -> None:
    await http.patch(f"/v1/orders/{order_id}/status", json={"status": "completed"})
    await append(http, order_id, {"type": "order.archived"})

    answer = await http.get(f"/v1/orders/{order_id}")

    assert answer.status_code == 410
    assert answer.json() == {"message": f"Order '{order_id}' is archived", "code": "Gone"}
    assert [key for key, _ in await log_of(http, order_id)] == ["updated_status"]


async def test_an_order_of_which_only_services_have_reported_is_an_order(implicit_account: Account) -> None:
    headers = {"Authorization": f"Bearer {implicit_account.token}"}
    async with httpx.AsyncClient(base_url=implicit_account.url, headers=headers, timeout=30) as http:
        report = {"state": "success", "service": "kitchen", "service_status": "ready_for_pickup"}
        await append(http, "A-1", {"type": "order.service_event_recorded", "data": report})

        order = await order_of(http, "A-1")

    assert (order["id"], order["status"], order["total"]) == ("A-1", "pending", None)


async def test_an_order_is_known_by_its_reference_too(http: httpx.AsyncClient) -> None:
    reference = new_id()
    order_id = await an_order(http, reference=reference)

    changed = await http.patch(f"/v1/orders/{reference}/status", json={"status": "confirmed"})

    assert changed.json()["id"] == order_id
    assert await order_of(http, reference) == await order_of(http, order_id)
    assert await log_of(http, reference) == await log_of(http, order_id) != []


async def test_a_long_history_is_read_to_its_end(http: httpx.AsyncClient, order_id: str) -> None:
    comments = [{"type": "order.comment_added", "data": {"text": str(n)}} for n in range(1_000)]
    await append(http, order_id, *comments)
    await append(http, order_id, *comments)

    answer = await http.patch(f"/v1/orders/{order_id}/status", json={"status": "confirmed"})

    assert [len(order["order_comments"]) for order in (answer.json(), await order_of(http, order_id))] == [2_000] * 2


async def test_a_body_that_is_not_json_is_a_400(http: httpx.AsyncClient, order_id: str) -> None:
    answer = await http.patch(
        f"/v1/orders/{order_id}/status", content=b'{"status":', headers={"Content-Type": "application/json"}
    )

    assert (answer.status_code, set(answer.json())) == (400, {"error", "message", "code", "caused_by"})
    assert answer.json()["code"] == "BadRequest"


@pytest.fixture
async def staff(account: Account) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose token was authorised by a member of the staff."""
    key = await account.key("admin", performer=Actor(id="60c1e027a47d91004377f129", name="shop", type="User"))
    headers = {"Authorization": f"Bearer {key['token']}", "X-Key": key["key_id"]}
    async with httpx.AsyncClient(base_url=account.url, headers=headers, timeout=30) as client:
        yield client


async def test_the_performer_is_who_authorised_the_token_and_the_application_is_the_token(
    http: httpx.AsyncClient, staff: httpx.AsyncClient, order_id: str
) -> None:
    await staff.patch(f"/v1/orders/{order_id}/status", json={"status": "confirmed"})

    log = (await http.get(f"/v1/orders/{order_id}/action_logs")).json()["items"][0]

    assert {name: value for name, value in log.items() if name.startswith("perform")} == {
        "performer_name": "shop",
        "performer_type": "User",
        "performer_id": "60c1e027a47d91004377f129",
        "performing_application_id": staff.headers["x-key"],
        "performer_application_id": staff.headers["x-key"],
    }


async def test_token_info_tells_whose_token_it_is(
    http: httpx.AsyncClient, staff: httpx.AsyncClient, account: Account
) -> None:
    merchant = {"_id": account.tenant, "handle": account.tenant}

    by_program, by_staff = await http.get("/v1/token/info"), await staff.get("/v1/token/info")

    assert by_program.json() == {"staff": None, "merchant": merchant}
    person = {"_id": "60c1e027a47d91004377f129", "name": "shop", "email": None, "merchant_ids": [account.tenant]}
    assert by_staff.json() == {"staff": person, "merchant": merchant}


async def test_token_info_needs_a_token(account: Account) -> None:
    async with httpx.AsyncClient(base_url=account.url) as http:
        answer = await http.get("/v1/token/info")

    assert (answer.status_code, answer.json()["code"]) == (401, "Unauthorized")
