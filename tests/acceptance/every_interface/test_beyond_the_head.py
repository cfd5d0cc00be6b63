"""Positions beyond a ledger's head: whoever has one is told that the ledger was restored from an earlier copy."""

from typing import Any

import httpx
import pytest

from api.dialects.sendcloud.cursors import Cursor, Rel
from tests.acceptance.sendcloud.fix_sendcloud import ALL_LOGS, LOGS, assert_error, new_log
from tests.native import ORDERS, an_order, assert_problem

LEDGER = "/trail/v1/ledger"


async def head_of(http: httpx.AsyncClient) -> int:
    head: int = (await http.get(LEDGER)).json()["head"]
    return head


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/trail/v1/feed", {"after": 1}),
        ("/trail/v1/feed", {"after": 1, "type": "order.created"}),
        (ORDERS, {"cursor": 1}),
        (f"{ORDERS}/A-1/timeline", {"cursor": 1}),
        (f"{ORDERS}/A-1/timeline", {"cursor": 1, "order": "desc"}),
        ("/trail/v1/integrations/7/logs", {"cursor": 1}),
        (f"{LEDGER}/proofs/inclusion", {"position": 1}),
        (f"{LEDGER}/proofs/consistency", {"from": 1, "to": 1}),
    ],
)
async def test_a_position_beyond_the_head_is_a_409_that_names_the_head(
    http: httpx.AsyncClient, path: str, query: dict[str, Any]
) -> None:
    await an_order(http, order_id="A-1")
    await http.put("/trail/v1/integrations/7", json={})
    head = await head_of(http)

    at_head = await http.get(path, params={name: head if value == 1 else value for name, value in query.items()})
    beyond = await http.get(path, params={name: head + 1 if value == 1 else value for name, value in query.items()})

    assert at_head.status_code == 200, at_head.text
    assert_problem(beyond, 409, "beyond-head")
    assert beyond.json()["head"] == head
    assert str(head) in beyond.json()["detail"]


@pytest.mark.parametrize("query", [{"from": 1, "to": 99}, {"from": 99, "to": 99}])
async def test_no_ledger_continues_one_that_was_longer(http: httpx.AsyncClient, query: dict[str, int]) -> None:
    await an_order(http)

    assert_problem(await http.get(f"{LEDGER}/proofs/consistency", params=query), 409, "beyond-head")


async def test_a_checkpoint_beyond_the_head_is_a_409_and_one_that_was_not_signed_a_404(http: httpx.AsyncClient) -> None:
    assert_problem(await http.get(f"{LEDGER}/checkpoint", params={"size": 1}), 409, "beyond-head")
    assert_problem(await http.get(f"{LEDGER}/checkpoint"), 404, "not-found")


async def test_an_event_is_not_proven_against_a_checkpoint_beyond_the_head(http: httpx.AsyncClient) -> None:
    await an_order(http)

    answer = await http.get(f"{LEDGER}/proofs/inclusion", params={"position": 1, "size": 99})

    assert_problem(answer, 409, "beyond-head")


@pytest.mark.parametrize("rel", ["next", "prev"])
@pytest.mark.parametrize("path", [LOGS, ALL_LOGS])
async def test_sendclouds_cursors_beyond_the_head_are_a_409(
    http: httpx.AsyncClient, sendcloud: httpx.AsyncClient, path: str, rel: Rel
) -> None:
    await new_log(sendcloud)
    head = await head_of(http)

    at_head = await sendcloud.get(path, params={"cursor": str(Cursor(rel, head))})
    beyond = await sendcloud.get(path, params={"cursor": str(Cursor(rel, head + 1))})

    assert at_head.status_code == 200
    assert_error(beyond, 409, "conflict")
    assert f"which is {head}" in beyond.json()["errors"][0]["detail"]
