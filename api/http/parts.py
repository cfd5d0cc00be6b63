"""Large answers in JSON, which are rendered item by item and sent piece by piece."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar

from starlette.types import Receive, Scope, Send

from api.http.reading.json_text import to_json
from api.http.requests import Json
from application.runtime.room import BREATH_BYTES

T = TypeVar("T")


PIECE = 256 * 1024
"""How many bytes of an answer are handed over before the client has taken some of them."""


class InParts(Json):
    """An answer whose JSON is in parts. Its request, with its room, lasts until the client has taken the answer."""

    def __init__(
        self,
        parts: Sequence[bytes],
        *,
        status_code: int = 200,
        headers: Mapping[str, str],
        media_type: str | None = None,
    ) -> None:
        self._parts = parts
        super().__init__(b"", status_code=status_code, headers=headers, media_type=media_type)

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        super().init_headers(headers)
        self.raw_headers[0] = (b"content-length", b"%d" % sum(map(len, self._parts)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        pieces = _Pieces()
        for piece in chain(chain.from_iterable(map(pieces.take, self._parts)), pieces.rest()):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(0)  # only at the end of a turn do we know whether it was too much
        await send({"type": "http.response.body", "body": b""})


class _Pieces:
    """Makes pieces of parts; the pieces are neither small nor large."""

    def __init__(self) -> None:
        self._small: list[bytes] = []
        self._size = 0

    def take(self, part: bytes) -> Iterator[bytes]:
        """Yield the pieces that a part completes, or into which it is cut."""
        if self._size + len(part) > PIECE:
            yield from self.rest()
        if len(part) > PIECE:
            yield from (part[n : n + PIECE] for n in range(0, len(part), PIECE))
        else:
            self._small.append(part)
            self._size += len(part)

    def rest(self) -> Iterator[bytes]:
        if self._size:
            yield b"".join(self._small)
        self._small, self._size = [], 0


async def in_pieces(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the parts' content in pieces of a size that is handed over at once."""
    pieces = _Pieces()
    async for part in parts:
        for piece in pieces.take(part):
            yield piece
    for piece in pieces.rest():
        yield piece


def answer(
    parts: Sequence[bytes], *, status_code: int = 200, headers: Mapping[str, str], media_type: str | None = None
) -> Json:
    """Return the answer made of these parts, as application/json unless another type is given."""
    if sum(map(len, parts)) <= PIECE:
        return Json(b"".join(parts), status_code=status_code, headers=headers, media_type=media_type)
    return InParts(parts, status_code=status_code, headers=headers, media_type=media_type)


async def rendered(items: list[T], render: Callable[[T], Any]) -> list[bytes]:
    """Return the JSON of each item that is not rendered as None.

    It removes the items from their list, and lets other tasks have a turn in between.
    """
    parts: list[bytes] = []
    size = 0
    items.reverse()
    while items:
        item = render(items.pop())
        if item is None:
            continue
        parts.append(to_json(item))
        size += len(parts[-1])
        if size > BREATH_BYTES:
            size = 0
            await asyncio.sleep(0)
    return parts


def array(items: Sequence[bytes]) -> list[bytes]:
    """Return the parts of an array of items in JSON."""
    parts = [b"["]
    for item in items:
        parts += (item, b",")
    parts[-1 if items else 1 :] = [b"]"]
    return parts


def document(name: str, items: Sequence[bytes], **others: Any) -> list[bytes]:
    """Return the parts of an object whose first member is an array of items in JSON."""
    rest = b"," + to_json(others)[1:] if others else b"}"
    return [b"{" + to_json(name) + b":", *array(items), rest]
