"""SHOPLINE's operations on orders, as its documents tell them, and the log they write."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from domain.values import Actor
from tests.fix_server import Account
from tests.native import amounts, an_order, append, new_id

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")


async def order_of(http: httpx.AsyncClient, order_id: str) -> dict[str, Any]:
    answer = await http.get(f"/v1/orders/{order_id}")
    assert answer.status_code == 200, answer.text
    order: dict[str, Any] = answer.json()
    return order


async def log_of(http: httpx.AsyncClient, order_id: str) -> list[tuple[str, Any]]:
    """Return the keys and data of an order's log, the oldest first, without order_created."""
    items = (await http.get(f"/v1/orders/{order_id}/action_logs")).json()["items"]
    return [(item["key"], item["data"]) for item in reversed(items) if item["key"] != "order_created"]


def item(cents: int, quantity: float = 1, **price: Any) -> dict[str, Any]:
    return {"id": new_id(), "quantity": quantity, "price": {"cents": cents, "currency_iso": "EUR", **price}}


def assert_refused(answer: httpx.Response, status: int, message: str) -> None:
    assert (answer.status_code, set(answer.json())) == (status, {"error", "message", "code", "extras"}), answer.text
    assert answer.json()["code"] == "UnprocessableEntity"
    assert message in answer.json()["message"]


@pytest.fixture
async def order_id(http: httpx.AsyncClient) -> str:
    customer = {"id": "60c1e027a47d91004377f130", "name": "Ann Li"}
    return await an_order(http, created_by="shop", totals=amounts(10_000, discount=2_000), customer=customer)


async def test_update_order_status(http: httpx.AsyncClient, order_id: str) -> None:
    answer = await http.patch(f"/v1/orders/{order_id}/status", json={"status": "confirmed", "mail_notify": False})

    order = answer.json()
    assert (answer.status_code, order["id"], order["status"]) == (200, order_id, "confirmed")
    assert TIME.fullmatch(order["confirmed_at"])
    assert order == await order_of(http, order_id)
    assert await log_of(http, order_id) == [("updated_status", {"updated_status": "confirmed", "reason": ""})]
    assert answer.headers["ordertrail-position"] == "2"


@pytest.mark.parametrize(
    ("operation", "status", "key"),
    [
        ("order_delivery_status", "shipped", "updated_delivery_status"),
        ("order_payment_status", "completed", "updated_payment_status"),
    ],
)
async def test_update_order_delivery_and_payment_status(
    http: httpx.AsyncClient, order_id: str, operation: str, status: str, key: str
) -> None:
    body = {"status": status, "mail_notify": True, "force_update": "status"}

    answer = await http.patch(f"/v1/orders/{order_id}/{operation}", json=body)

    assert answer.status_code == 200
    order = await order_of(http, order_id)
    assert answer.json() == {"order_id": order_id, "status": status, "updated_at": order["updated_at"]}
    assert order[operation.removesuffix("_status")]["status"] == status
    [(found, data)] = await log_of(http, order_id)
    assert (found, data[key]) == (key, status)


@pytest.mark.parametrize("operation", ["status", "order_delivery_status", "order_payment_status"])
@pytest.mark.parametrize("status", ["lost", "CONFIRMED", "", 1, None])
async def test_a_status_that_shopline_does_not_have_is_refused(
    http: httpx.AsyncClient, order_id: str, operation: str, status: Any
) -> None:
    answer = await http.patch(f"/v1/orders/{order_id}/{operation}", json={"status": status})

    assert_refused(answer, 422, "body.status")
    assert await log_of(http, order_id) == []


async def test_what_was_asked_for_besides_is_kept_with_the_event(http: httpx.AsyncClient, order_id: str) -> None:
    await http.patch(f"/v1/orders/{order_id}/status", json={"status": "confirmed", "mail_notify": True, "x": 1})

    feed = (await http.get("/trail/v1/feed")).json()["items"]

    assert feed[-1]["data"] == {"status": "confirmed", "reason": "", "options": {"mail_notify": True}}


async def test_the_merchant_cancels_an_order(http: httpx.AsyncClient, order_id: str) -> None:
    body = {
        "cancelled_reason": {"key": "out_of_stock", "message": "The last one broke"},
        "operated_by": "merchant",
        "revert_credits": {"amount": 5},
        "revert_member_points": {"points": 7},
        "refund_order": True,
        "mail_notify": True,
    }

    answer = await http.patch(f"/v1/orders/{order_id}/cancel", json=body)

    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert answer.json()["order_items_stock_tag"] is None
    status = {"updated_status": "cancelled", "reason": "The last one broke"}
    assert await log_of(http, order_id) == [("updated_status", status)]
    assert (await http.get("/trail/v1/feed")).json()["items"][-1]["data"]["options"] == body


@pytest.mark.parametrize("body", [{"operated_by": "customer", "cancelled_reason": {"key": "too_late"}}, {}, None])
async def test_the_customer_cancels_an_order_and_so_it_is_if_nobody_is_named(
    http: httpx.AsyncClient, order_id: str, body: Any
) -> None:
    answer = await http.request("PATCH", f"/v1/orders/{order_id}/cancel", json=body)

    assert answer.status_code == 200
    reason = body["cancelled_reason"]["key"] if body else ""
    assert await log_of(http, order_id) == [
        ("customer_cancel_requested", {"cancelled_reason": reason, "performer_ip": "127.0.0.1"}),
        ("updated_status", {"updated_status": "cancelled", "reason": reason}),
    ]


async def test_an_order_that_is_cancelled_is_not_cancelled_again(http: httpx.AsyncClient, order_id: str) -> None:
    await http.patch(f"/v1/orders/{order_id}/cancel", json={})

    answer = await http.patch(f"/v1/orders/{order_id}/cancel", json={})

    assert_refused(answer, 422, f"Order {order_id} is cancelled already")
    assert len(await log_of(http, order_id)) == 2


async def test_an_order_is_split(http: httpx.AsyncClient, order_id: str) -> None:
    before = await order_of(http, order_id)
    body = {
        "order_items": [item(1_000, 2), item(4_000)],
        "updated_at": before["updated_at"],
        "send_child_email": False,
        "send_parent_email": False,
    }

    answer = await http.post(f"/v1/orders/{order_id}/split", json=body)

    assert answer.status_code == 200, answer.text
    parent = answer.json()
    [child_id] = parent["child_order_ids"]
    child = await order_of(http, child_id)
    assert re.fullmatch("[0-9a-f]{24}", child_id)
    assert (parent["id"], child["parent_order_id"]) == (order_id, order_id)
    assert TIME.fullmatch(parent["split_at"])
    cents = {
        name: [order[name]["cents"] for order in (before, parent, child)]
        for name in ("subtotal", "order_discount", "total")
    }
    assert cents == {
        "subtotal": [12_000, 6_000, 6_000],
        "order_discount": [2_000, 1_000, 1_000],
        "total": [10_000, 5_000, 5_000],
    }
    assert child["total"]["dollars"] == 50.0
    [(split, what), (split_changes, totals)] = await log_of(http, order_id)
    assert (split, what) == ("order_split", {"order_id": child_id})
    assert split_changes == "order_split_changes"
    assert totals["total"] == [before["total"], parent["total"]]
    assert await log_of(http, child_id) == [("order_split_from", {"order_id": order_id})]


async def test_an_order_that_was_changed_since_is_not_split(http: httpx.AsyncClient, order_id: str) -> None:
    seen = (await order_of(http, order_id))["updated_at"]
    await http.patch(f"/v1/orders/{order_id}/status", json={"status": "confirmed"})

    stale = await http.post(f"/v1/orders/{order_id}/split", json={"order_items": [item(100)], "updated_at": seen})
    other = "2021-11-02T04:06:13.304Z"
    unknown = await http.post(f"/v1/orders/{order_id}/split", json={"order_items": [item(100)], "updated_at": other})

    assert_refused(stale, 422, f"Order {order_id} was changed since")
    assert_refused(unknown, 422, f"Order {order_id} was changed since")
    assert (await order_of(http, order_id))["child_order_ids"] == []


async def test_what_services_report_meanwhile_is_no_change(http: httpx.AsyncClient, order_id: str) -> None:
    seen = (await order_of(http, order_id))["updated_at"]
    report = {"state": "success", "service": "kitchen", "service_status": "ready_for_pickup"}
    await append(http, order_id, {"type": "order.service_event_recorded", "data": report})

    answer = await http.post(
        f"/v1/orders/{order_id}/split",
        json={"order_items": [item(100)], "updated_at": seen.replace("+00:00", "Z")},
    )

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("items", "complaint"),
    [
        ([], "body.order_items"),
        ([item(12_001)], "is not part of the order's"),
        ([item(-1)], "is not part of the order's"),
        ([item(100, currency_iso="USD")], "different currencies"),
        ([item(100), item(100, currency_iso="USD")], "body.order_items.1.price: is not in EUR as the others are"),
        ([item(2**62), item(2**62)], "cost more than can be counted"),
        ([item(100, 0.5)], "is not a whole number"),
        ([item(100, 0)], "body.order_items.0.quantity"),
        ([{"id": "60c1e027a47d91004377f140", "quantity": 1}], "body.order_items.0.price"),
    ],
)
async def test_lines_that_are_no_part_of_the_order_are_not_split_off(
    http: httpx.AsyncClient, order_id: str, items: list[Any], complaint: str
) -> None:
    seen = (await order_of(http, order_id))["updated_at"]

    answer = await http.post(f"/v1/orders/{order_id}/split", json={"order_items": items, "updated_at": seen})

    assert_refused(answer, 422, complaint)
    assert (await order_of(http, order_id))["updated_at"] == seen


async def test_an_order_that_nobody_knows_the_worth_of_is_not_split(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    seen = (await order_of(http, order_id))["updated_at"]

    answer = await http.post(f"/v1/orders/{order_id}/split", json={"order_items": [item(100, 1.0)], "updated_at": seen})

    assert_refused(answer, 422, "is not known")


async def test_a_customers_comment(http: httpx.AsyncClient, order_id: str) -> None:
    body = {"text": "When will it arrive?", "is_private": False, "send_by": "customer"}

    answer = await http.post(f"/v1/orders/{order_id}/messages", json=body)

    comment = answer.json()
    assert answer.status_code == 200
    assert re.fullmatch("[0-9a-f]{24}", comment.pop("id"))
    assert TIME.fullmatch(comment["created_at"])
    assert comment.pop("created_at") == comment.pop("updated_at")
    assert comment == {
        "text": "When will it arrive?",
        "owner_id": "60c1e027a47d91004377f130",
        "owner_type": "User",
        "trackable_id": order_id,
        "trackable_type": "Order",
        "is_private": False,
        "media": None,
    }
    assert await log_of(http, order_id) == [("added_a_comment", None)]
    [remark] = (await order_of(http, order_id))["order_comments"]
    assert (remark["owner_type"], remark["value"]) == ("User", "When will it arrive?")


async def test_a_note_of_the_shop(http: httpx.AsyncClient, account: Account, order_id: str) -> None:
    body = {
        "media_id": "60c1e027a47d91004377f150",
        "is_private": True,
        "trackable_type": "OrderDelivery",
        "trackable_id": "60c1e027a47d91004377f151",
        "custom_data": {"kind": "receipt"},
    }

    comment = (await http.post(f"/v1/orders/{order_id}/messages", json=body)).json()

    assert (comment["owner_type"], comment["owner_id"]) == ("Merchant", account.tenant)
    assert (comment["trackable_type"], comment["trackable_id"]) == ("OrderDelivery", "60c1e027a47d91004377f151")
    assert (comment["media"], comment["is_private"]) == ({"id": "60c1e027a47d91004377f150"}, True)
    order = await order_of(http, order_id)
    assert (len(order["order_comments"]), len(order["order_notes"])) == (0, 1)


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": "x", "send_by": "courier"}, {"text": "\x00"}, {"text": 1}])
async def test_a_comment_says_something(http: httpx.AsyncClient, order_id: str, body: Any) -> None:
    answer = await http.post(f"/v1/orders/{order_id}/messages", json=body)

    assert_refused(answer, 422, "body.")


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
    assert answer.json() == {"message": "This credential lacks the scope write:orders", "code": "Forbidden"}


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

    assert (answer.status_code, set(answer.json())) == (400, {"error", "code", "caused_by"})
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
