"""What is told again, by its event's id, is answered as the first time, whatever the words it is told in."""

from typing import Any

import httpx
import pytest

from tests.native import ORDERS, an_order, append, assert_problem, comment, new_id, status


def totals(cents: int) -> dict[str, Any]:
    money = {"cents": cents, "currency_iso": "EUR"}
    return {"total": money, "subtotal": money, "discount": {"cents": 0, "currency_iso": "EUR"}}


async def test_a_reported_edit_with_the_same_event_id_is_recorded_once(http: httpx.AsyncClient) -> None:
    await http.post("/trail/v1/orders", json={"order_id": "A-1", "totals": totals(1_000)})
    pairs = {
        name: {"before": totals(1_000)[name], "after": totals(900)[name]} for name in ("total", "subtotal", "discount")
    }
    edit = {"type": "order.edited", "event_id": "edit-1", "data": pairs}

    first = await http.post("/trail/v1/orders/A-1/events", json=edit)
    again = await http.post("/trail/v1/orders/A-1/events", json=edit)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"


async def test_numbers_and_years_are_no_times(http: httpx.AsyncClient) -> None:
    await http.post("/trail/v1/orders", json={"order_id": "A-1"})

    for occurred_at in (1, "1", "2026", "2026-03-01", "2026-03-01T02:02:00"):
        event = {"type": "order.details_updated", "occurred_at": occurred_at}
        assert (await http.post("/trail/v1/orders/A-1/events", json=event)).status_code == 422, occurred_at


async def test_an_order_is_not_returned_as_if_a_parameter_had_been_heeded(http: httpx.AsyncClient) -> None:
    await http.post("/trail/v1/orders", json={"order_id": "A-1"})

    assert (await http.get("/trail/v1/orders/A-1?versions=1")).status_code == 422


REPORT = {"state": "success", "service": "wms", "service_status": "x"}


@pytest.mark.parametrize(
    ("event_type", "first", "second", "is_same"),
    [
        (
            "status_updated",
            {"status": "x", "options": {"a": 1, "b": 2}},
            {"options": {"b": 2, "a": 1}, "status": "x"},
            True,
        ),
        (
            "status_updated",
            {"status": "x", "options": {"a": 1, "b": [1]}},
            {"status": "x", "options": {"b": [1.0], "a": 1.0}},
            True,
        ),
        ("status_updated", {"status": "x"}, {"status": "x", "options": None, "reason": ""}, True),
        ("comment_added", {"custom_data": {"a": {"x": 1, "y": 2}}}, {"custom_data": {"a": {"y": 2, "x": 1}}}, True),
        (
            "service_event_recorded",
            {**REPORT, "metadata": {"a": 1, "b": 2}},
            {"metadata": {"b": 2, "a": 1}, **REPORT},
            True,
        ),
        ("comment_added", {"custom_data": {"a": [1, 2]}}, {"custom_data": {"a": [2, 1]}}, False),
        ("comment_added", {"custom_data": {"a": 1}}, {"custom_data": {"a": True}}, False),
        ("comment_added", {"custom_data": {"a": 1}}, {"custom_data": {"a": "1"}}, False),
        ("comment_added", {"custom_data": {"a": 1}}, {"custom_data": {"a": 1, "b": None}}, False),
        ("comment_added", {"text": "a"}, {"text": "b"}, False),
    ],
)
async def test_events_are_compared_as_values(
    http: httpx.AsyncClient, event_type: str, first: dict[str, Any], second: dict[str, Any], is_same: bool
) -> None:
    order_id = await an_order(http)
    event = {"type": f"order.{event_type}", "event_id": new_id()}
    recorded = await append(http, order_id, {**event, "data": first})

    again = await append(http, order_id, {**event, "data": second})

    if is_same:
        assert (again.status_code, again.content) == (201, recorded.content)
        assert again.headers["idempotency-replayed"] == "true"
    else:
        assert_problem(again, 409, "conflict")


async def test_known_events_of_a_batch_are_replayed_and_the_new_ones_recorded(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    a, b, c = (comment(name, event_id=f"{name}-{order_id}") for name in "abc")
    await append(http, order_id, a)
    await append(http, order_id, status())
    await append(http, order_id, b)

    known = await append(http, order_id, b, a, Prefer="receipt")
    mixed = await append(http, order_id, b, c, **{"Idempotency-Key": "k"})
    again = await append(http, order_id, b, c, **{"Idempotency-Key": "k"})

    assert [item["version"] for item in known.json()["items"]] == [2, 4]
    assert known.headers["idempotency-replayed"] == "true"
    assert [event["version"] for event in known.json()["receipt"]["events"]] == [2, 4]
    assert mixed.status_code == 201
    assert [item["version"] for item in mixed.json()["items"]] == [4, 5]
    assert "idempotency-replayed" not in mixed.headers
    assert again.content == mixed.content
    assert again.headers["idempotency-replayed"] == "true"
    assert (await http.get(f"{ORDERS}/{order_id}")).json()["version"] == 5


async def told_in_other_words(http: httpx.AsyncClient, order_id: str, key: str) -> httpx.Response:
    """Report a status again whose options come in another order."""
    event = {"type": "order.status_updated", "event_id": f"s-{order_id}"}
    await append(http, order_id, {**event, "data": {"status": "x", "options": {"a": 1, "b": 2}}})
    again = {**event, "data": {"options": {"b": 2.0, "a": 1}, "status": "x"}}
    return await append(http, order_id, again, **{"Idempotency-Key": key})


async def test_the_key_of_what_was_told_before_is_used(http: httpx.AsyncClient) -> None:
    order_id, key = await an_order(http), new_id()

    first = await told_in_other_words(http, order_id, key)
    again = await told_in_other_words(http, order_id, key)
    other = await append(http, order_id, comment("other"), **{"Idempotency-Key": key})

    assert (first.status_code, first.headers["idempotency-replayed"]) == (201, "true")
    assert (again.status_code, again.content) == (201, first.content)
    assert_problem(other, 422)
    assert (await http.get(f"{ORDERS}/{order_id}")).json()["version"] == 2


async def test_the_key_of_known_events_that_are_apart_is_used(http: httpx.AsyncClient) -> None:
    order_id, key = await an_order(http), new_id()
    a, b = (comment(name, event_id=f"{name}-{order_id}") for name in "ab")
    for event in (a, status(), b):
        await append(http, order_id, event)

    known = await append(http, order_id, b, a, **{"Idempotency-Key": key})
    again = await append(http, order_id, b, a, **{"Idempotency-Key": key})
    other = await append(http, order_id, b, **{"Idempotency-Key": key})

    assert [item["version"] for item in known.json()["items"]] == [2, 4]
    assert (again.status_code, again.content) == (201, known.content)
    assert_problem(other, 422)


async def test_a_key_that_belongs_to_another_request_refuses_what_was_told_before(http: httpx.AsyncClient) -> None:
    order_id, key = await an_order(http), new_id()
    await append(http, order_id, comment("first"), **{"Idempotency-Key": key})

    assert_problem(await told_in_other_words(http, order_id, key), 422)


async def test_a_batch_with_new_events_is_a_412_at_a_stale_version(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    a, b = comment("a", event_id=new_id()), comment("b", event_id=new_id())
    await append(http, order_id, a)

    stale = await append(http, order_id, a, b, **{"If-Match": '"1"'})
    known = await append(http, order_id, a, **{"If-Match": '"1"'})
    right = await append(http, order_id, a, b, **{"If-Match": '"2"'})

    assert_problem(stale, 412, "precondition-failed")
    assert (known.status_code, known.headers["idempotency-replayed"]) == (201, "true")
    assert (right.status_code, right.json()["version"]) == (201, 3)


async def test_known_decisions_of_a_batch_are_not_taken_again(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http, customer={"id": "c-1"})
    moved = {"original_customer": {"id": "c-1"}, "new_customer": {"id": "c-2"}}
    transfer = {"type": "order.transferred", "event_id": new_id(), "data": moved}
    first = await append(http, order_id, transfer)
    assert first.status_code == 201, first.text

    mixed = await append(http, order_id, transfer, comment("new", event_id=new_id()))

    assert mixed.status_code == 201, mixed.text
    assert [item["version"] for item in mixed.json()["items"]] == [2, 3]


async def test_one_changed_event_refuses_the_whole_batch(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    await append(http, order_id, comment("a", event_id=f"a-{order_id}"))

    refused = await append(http, order_id, comment("b", event_id=f"a-{order_id}"), comment("c"))

    assert_problem(refused, 409, "conflict")
    assert f"a-{order_id}" in refused.json()["detail"]
    assert (await http.get(f"{ORDERS}/{order_id}")).json()["version"] == 2


async def test_a_text_that_looks_like_an_erased_one_is_not_any_other_text(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http)
    event = comment("[redacted]", event_id=new_id())
    first = await append(http, order_id, event)

    again = await append(http, order_id, event)
    other = await append(http, order_id, {**event, "data": {"text": "something else"}})

    assert again.content == first.content
    assert_problem(other, 409)


async def test_what_was_told_before_an_order_was_redacted_is_still_the_same(http: httpx.AsyncClient) -> None:
    order_id = await an_order(http, customer={"id": "c-1", "name": "Ann"})
    event = comment("my number is 555", event_id=new_id())
    first = await append(http, order_id, event)
    await append(http, order_id, {"type": "order.redacted"})

    again = await append(http, order_id, event)
    more = await append(http, order_id, event, status("held", event_id=new_id()))
    other = await append(http, order_id, {**event, "data": {"text": "my number is 555", "is_private": True}})

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert more.status_code == 201
    assert_problem(other, 409)
