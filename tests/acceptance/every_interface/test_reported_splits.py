"""Splits that another system took: they have both sides, or are refused."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.acceptance.carriyo.fix_carriyo import headers_of, logged
from tests.fix_server import Account
from tests.native import ORDERS, amounts, an_order, append, assert_problem, new_id, status


def split(child: str, **event: Any) -> dict[str, Any]:
    return {"type": "order.split", "data": {"child_order_id": child}, **event}


def split_from(parent: str, **event: Any) -> dict[str, Any]:
    return {"type": "order.split_from", "data": {"parent_order_id": parent}, **event}


async def family(http: httpx.AsyncClient, order_id: str) -> tuple[str | None, list[str]]:
    """Return an order's parent and its children, which its past at its newest version has as well."""
    order = (await http.get(f"{ORDERS}/{order_id}")).json()
    was = (await http.get(f"{ORDERS}/{order_id}", params={"version": order["version"]})).json()
    assert (was["parent"], was["children"]) == (order["parent"], order["children"])
    return order["parent"], order["children"]


async def types(http: httpx.AsyncClient, order_id: str) -> list[str]:
    return [item["type"] for item in (await http.get(f"{ORDERS}/{order_id}/timeline")).json()["items"]]


@pytest.mark.parametrize("side", ["parent", "child"])
async def test_what_is_told_of_one_order_is_known_of_both(http: httpx.AsyncClient, side: str) -> None:
    parent, child = await an_order(http), await an_order(http)
    kim = {"id": "u-7", "name": "Kim", "type": "User", "application_id": "till"}
    circumstances = {"actor": kim, "occurred_at": "2026-03-01T12:00:00Z", "correlation_id": "c-1"}

    answer = await (
        append(http, parent, split(child, **circumstances))
        if side == "parent"
        else append(http, child, split_from(parent, **circumstances))
    )

    assert answer.status_code == 201, answer.text
    assert [item["type"] for item in answer.json()["items"]] == [
        "order.split" if side == "parent" else "order.split_from"
    ]
    assert answer.json()["order_id"] == (parent if side == "parent" else child)
    assert (await family(http, parent), await family(http, child)) == ((None, [child]), (parent, []))
    implied = (await http.get(f"{ORDERS}/{child if side == 'parent' else parent}/timeline")).json()["items"][-1]
    assert implied["data"]["implied_by"] == answer.json()["items"][0]["event_id"]
    assert (implied["actor"], implied["occurred_at"], implied["correlation_id"]) == (kim, "2026-03-01T12:00:00Z", "c-1")


async def test_both_sides_of_a_split_that_nobody_dated_occurred_when_they_were_recorded(
    http: httpx.AsyncClient,
) -> None:
    parent, child = await an_order(http), await an_order(http)

    await append(http, parent, split(child))

    sides = [(await http.get(f"{ORDERS}/{id_}/timeline")).json()["items"][-1] for id_ in (parent, child)]
    assert all(side["occurred_at"] == side["recorded_at"] for side in sides)


@pytest.mark.parametrize("first", ["parent", "child"])
async def test_both_sides_may_be_told_each_once(http: httpx.AsyncClient, first: str) -> None:
    parent, child = await an_order(http), await an_order(http)
    sides = [(parent, split(child)), (child, split_from(parent))]

    answers = [await append(http, *side) for side in (sides if first == "parent" else sides[::-1])]
    again = await append(http, *sides[0])

    assert [answer.status_code for answer in answers] == [201, 201]
    assert_problem(again, 409, "conflict")
    assert (await family(http, parent), await family(http, child)) == ((None, [child]), (parent, []))


async def test_a_side_that_has_no_other_is_refused(http: httpx.AsyncClient) -> None:
    order_id, other = await an_order(http), new_id()

    for event in (split(other), split_from(other), split(order_id), split_from(order_id)):
        assert_problem(await append(http, order_id, event), 409, "conflict")
        assert_problem(await append(http, order_id, status(), event), 409, "conflict")

    assert await family(http, order_id) == (None, [])
    assert (await http.get(f"{ORDERS}/{order_id}")).json()["version"] == 1
    assert_problem(await http.get(f"{ORDERS}/{other}"), 404)


async def test_an_order_of_another_family_is_no_child_and_no_parent(http: httpx.AsyncClient) -> None:
    parent, child, stranger = [await an_order(http) for _ in range(3)]
    await append(http, parent, split(child))

    assert_problem(await append(http, stranger, split(child)), 409, "conflict")
    assert_problem(await append(http, child, split_from(stranger)), 409, "conflict")
    assert_problem(await append(http, child, split(parent)), 409, "conflict")
    assert_problem(await append(http, parent, split_from(child)), 409, "conflict")

    assert [await family(http, name) for name in (parent, child, stranger)] == [
        (None, [child]),
        (parent, []),
        (None, []),
    ]


async def test_an_order_is_split_into_several_at_once(http: httpx.AsyncClient) -> None:
    parent, one, two = [await an_order(http, totals=amounts(100)) for _ in range(3)]
    pairs = {name: {"before": money, "after": money} for name, money in amounts(100).items()}

    answer = await append(http, parent, split(one), split(two), {"type": "order.split_changes", "data": pairs})

    assert (answer.status_code, answer.json()["version"], len(answer.json()["items"])) == (201, 4, 3)
    assert [await family(http, name) for name in (parent, one, two)] == [(None, [one, two]), (parent, []), (parent, [])]


async def test_the_same_split_again_is_answered_as_the_first_time(http: httpx.AsyncClient) -> None:
    parent, child = await an_order(http), await an_order(http)
    event, key = split(child, event_id=f"split-{child}"), {"Idempotency-Key": f"split {child}"}

    first = await append(http, parent, event, **key)
    by_key = await append(http, parent, event, **key)
    by_id = await append(http, parent, event)

    assert first.status_code == 201
    assert first.json() == by_key.json() == by_id.json()
    assert by_key.headers["idempotency-replayed"] == by_id.headers["idempotency-replayed"] == "true"
    assert await types(http, child) == ["order.created", "order.split_from"]


async def test_a_split_on_a_condition_looks_at_the_named_order_only(http: httpx.AsyncClient) -> None:
    parent, child = await an_order(http), await an_order(http)
    await append(http, child, status())

    stale = await append(http, parent, split(child), **{"If-Match": '"7"'})
    right = await append(http, parent, split(child), **{"If-Match": '"1"'})

    assert_problem(stale, 412)
    assert right.status_code == 201
    assert await family(http, child) == (parent, [])


async def test_many_who_tell_it_at_once_leave_no_half_of_it(http: httpx.AsyncClient) -> None:
    parents, child = [await an_order(http) for _ in range(4)], await an_order(http)

    answers = await asyncio.gather(
        *[append(http, parent, split(child)) for parent in parents],
        *[append(http, child, status(str(n))) for n in range(4)],
    )

    assert sorted(answer.status_code for answer in answers[:4]) == [201, 409, 409, 409]
    [parent] = [name for name, answer in zip(parents, answers, strict=False) if answer.status_code == 201]
    assert await family(http, child) == (parent, [])
    assert [await family(http, name) for name in parents if name != parent] == [(None, [])] * 3


async def test_nobody_says_what_a_split_is_implied_by(http: httpx.AsyncClient) -> None:
    parent, child = await an_order(http), await an_order(http)
    event = split(child)
    event["data"]["implied_by"] = "e1"

    assert_problem(await append(http, parent, event), 422)
    assert await family(http, parent) == (None, [])


async def test_an_implicit_tenants_orders_begin_with_their_side(implicit_account: Account) -> None:
    headers = {"Authorization": f"Bearer {implicit_account.token}"}
    async with httpx.AsyncClient(base_url=implicit_account.url, headers=headers, timeout=30) as http:
        parent, child, other_parent, other_child = [new_id() for _ in range(4)]

        assert (await append(http, parent, split(child))).status_code == 201
        assert (await append(http, other_child, split_from(other_parent))).status_code == 201

        assert (await family(http, parent), await family(http, child)) == ((None, [child]), (parent, []))
        assert (await family(http, other_parent), await family(http, other_child)) == (
            (None, [other_child]),
            (other_parent, []),
        )
        created = await http.post(ORDERS, json={"order_id": child, "reference": f"web-{child}"})
        assert created.status_code == 201
        assert await family(http, f"web-{child}") == (parent, [])


async def test_an_implicit_tenants_order_is_split_into_one_that_was_heard_of(implicit_account: Account) -> None:
    headers = await headers_of(implicit_account, implicit_account.key_id, implicit_account.secret)
    token = {"Authorization": f"Bearer {implicit_account.token}"}
    async with (
        httpx.AsyncClient(base_url=implicit_account.url, headers=token, timeout=30) as http,
        httpx.AsyncClient(base_url=implicit_account.url, headers=headers, timeout=30) as carriyo,
    ):
        parent, child = await an_order(http, totals=amounts(100)), new_id()
        await logged(carriyo, child)

        answer = await http.post(f"{ORDERS}/{parent}/split", json={"order_id": child, "totals": amounts(30)})
        again = await http.post(f"{ORDERS}/{parent}/split", json={"order_id": child, "totals": amounts(30)})
        heard = [append(http, f"{child}-2", status(str(n))) for n in range(6)]
        body = {"order_id": f"{child}-2", "totals": amounts(30)}
        meanwhile, *_ = await asyncio.gather(http.post(f"{ORDERS}/{parent}/split", json=body), *heard)

        assert (answer.status_code, answer.json()["order_id"], answer.json()["version"]) == (201, child, 3)
        assert_problem(again, 409, "conflict")
        assert meanwhile.status_code == 201
        assert await family(http, child) == (parent, [])
        assert (await http.get(f"{ORDERS}/{child}")).json()["totals"]["total"]["cents"] == 30
