"""Large answers are rendered item by item, and sent in pieces that are neither small nor large."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from pydantic_core import from_json, to_json
from starlette.types import Message

from api.http.parts import PIECE, InParts, answer, array, document, in_pieces, rendered
from application.runtime.room import BREATH_BYTES


async def test_what_is_rendered_as_nothing_is_left_out() -> None:
    assert await rendered([1, 2, 3], lambda item: None if item == 2 else item) == [b"1", b"3"]


@pytest.mark.parametrize("items", [[], [1], [1, {"a": "é"}, ""]])
async def test_parts_are_what_is_rendered_at_once(items: list[Any]) -> None:
    parts = await rendered(list(items), lambda item: item)

    assert b"".join(array(parts)) == to_json(items)
    assert b"".join(document("items", parts)) == to_json({"items": items})
    assert b"".join(document("items", parts, next="7", more=None)) == to_json(
        {"items": items, "next": "7", "more": None}
    )


async def test_items_are_forgotten_once_they_are_rendered() -> None:
    items = [1, 2, 3]
    left: list[int] = []

    await rendered(items, lambda _: left.append(len(items)))

    assert left == [2, 1, 0]


async def test_others_have_their_turn_while_much_is_rendered() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await rendered(["x" * BREATH_BYTES] * 5, lambda item: item)
    task.cancel()

    assert turns >= 5


PARTS = [
    [b"x" * (3 * PIECE + 7)],
    [b"a" * 10] * 100_000,
    [b"small", b"x" * (2 * PIECE), b"small", b"", b"y" * PIECE, b"small"],
]


@pytest.mark.parametrize("parts", PARTS)
async def test_a_large_answer_is_sent_in_pieces(parts: list[bytes]) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    response = answer(parts, status_code=201, headers={"A": "b"})
    await response({"type": "http"}, _nothing, send)

    start, *bodies = sent
    whole = b"".join(parts)
    assert isinstance(response, InParts)
    assert start["status"] == 201
    assert (b"content-length", b"%d" % len(whole)) in start["headers"]
    assert b"".join(body["body"] for body in bodies) == whole
    assert [body.get("more_body", False) for body in bodies] == [True] * (len(bodies) - 1) + [False]
    _assert_neither_small_nor_large([body["body"] for body in bodies[:-1]])


@pytest.mark.parametrize("parts", PARTS)
async def test_what_is_made_while_it_is_sent_is_sent_in_pieces(parts: list[bytes]) -> None:
    async def made() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    pieces = [piece async for piece in in_pieces(made())]

    assert b"".join(pieces) == b"".join(parts)
    _assert_neither_small_nor_large(pieces)


async def test_a_small_answer_is_sent_at_once() -> None:
    response = answer([b"[", b"]"], headers={})

    assert not isinstance(response, InParts)
    assert from_json(response.body) == []


def _assert_neither_small_nor_large(pieces: Sequence[bytes]) -> None:
    assert max(map(len, pieces)) <= PIECE
    assert len(pieces) <= 2 + 2 * sum(map(len, pieces)) / PIECE


async def _nothing() -> Message:
    raise AssertionError("nothing is received")
