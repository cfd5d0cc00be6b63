"""Bodies of requests: their largest size, their largest number of values, and how they are read."""

import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.types import Receive, Scope

from api.http.problems import TooLarge
from api.http.reading.codings import Undecodable, coding_of, decoded
from application.access.callers import Caller
from application.runtime.room import AT_ONCE, Part, Room
from application.runtime.strict_json import DuplicateMember, from_strict_json, from_strict_jsons

MAX_VALUES = 200_000
"""The largest number of values in a body's JSON.

A value takes up to 100 bytes of memory, and an append copies it once. So the largest body takes 40 MB besides itself,
whatever it holds. A thousand events may have 200 values each.
"""
MAX_PARAMETERS = 1_000
"""The largest number of parameters in a query."""
_STRUCTURE = bytes(byte if byte in b',[]{}"' else ord("0") for byte in range(256))
"""The structural characters of JSON; every other byte becomes a digit."""
_BLANK = b" \t\r\n"
_MARK = b"\xef\xbb\xbf"
"""The byte-order mark that some libraries put before a text in UTF-8; RFC 8259 (8.1) lets readers ignore it."""


class StrictRequest(Request):
    """A request whose body is bounded, and its JSON read strictly: no NaN, no lone surrogates, no member twice.

    What was compressed is bounded twice: as it was sent, and as it is decoded.
    """

    def __init__(
        self, scope: Scope, receive: Receive, *, max_bytes: int | None, sender: Caller | None, room: Room | None
    ) -> None:
        """Take the request's caller, if known, and the room for a large body."""
        super().__init__(scope, receive)
        self._max_bytes = max_bytes
        self._sender = sender
        self._room = room

    def require_size(self) -> None:
        """Raise TooLarge if the announced body is too large, or the query has too many parameters."""
        if self.scope["query_string"].count(b"&") >= MAX_PARAMETERS:
            raise TooLarge(f"A request's query may have {MAX_PARAMETERS:,} parameters")
        self._require(self._announced())

    async def stream(self) -> AsyncGenerator[bytes, None]:
        received = 0
        async for chunk in super().stream():
            received += len(chunk)
            self._require(received)
            if received > AT_ONCE and self._room is not None and self._sender is not None:
                await self._room.hold(
                    self._sender.tenant.name, Part.SENT, self._announced() or self._max_bytes or received
                )
            yield chunk

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            sent = await super().body()
            if sent and (coding := coding_of(self.headers.getlist("content-encoding"))) is not None:
                self._body = await self._decoded(sent, coding)
        return self._body

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            body = await self.body()
            try:
                self._json = json_of(body)
            except DuplicateMember as exc:
                raise _invalid(f"is ambiguous: {exc}", "duplicate_member") from exc
            except ValueError as exc:
                raise _invalid(f"is not JSON: {exc}", "json_invalid") from exc
        return self._json

    async def _decoded(self, sent: bytes, coding: str) -> bytes:
        """Return a body as it was before it was compressed. Room for a large one is taken first."""
        limit = sys.maxsize if self._max_bytes is None else self._max_bytes
        try:
            body = decoded(sent, coding, limit=min(limit, AT_ONCE))
            if body is None and limit > AT_ONCE:
                if self._room is not None and self._sender is not None:
                    await self._room.hold(self._sender.tenant.name, Part.SENT, self._max_bytes or AT_ONCE)
                body = decoded(sent, coding, limit=limit)
        except Undecodable as exc:
            raise _invalid(str(exc), "coding_invalid") from exc
        if body is None:
            raise self._too_large()
        return body

    def _announced(self) -> int:
        """Return the announced size of the body; 0 if there is none."""
        announced = next((value for name, value in self.scope["headers"] if name == b"content-length"), b"0")
        return int(announced) if announced.isdigit() else 0

    def _require(self, size: int) -> None:
        if self._max_bytes is not None and size > self._max_bytes:
            raise self._too_large()

    def _too_large(self) -> TooLarge:
        return TooLarge(f"A request's body may have {self._max_bytes} bytes")


def _invalid(what: str, type_: str) -> RequestValidationError:
    return RequestValidationError([{"type": type_, "loc": ("body",), "msg": what, "input": None}])


def json_of(body: bytes) -> Any:
    """Return the value of a body. Raises ValueError, and TooLarge before it makes more values than there may be."""
    # Each but the first takes a byte that is counted, so most bodies need not be looked through.
    if len(body) >= MAX_VALUES and _counted(body) >= MAX_VALUES and _values(body) > MAX_VALUES:
        raise TooLarge(f"The JSON of a request's body may hold {MAX_VALUES:,} values")
    return from_strict_json(body.removeprefix(_MARK))


def jsons_of(bodies: Sequence[bytes]) -> list[Any]:
    """Return what json_of returns for each body, or the error that it raises: ValueError or TooLarge."""
    if max(map(len, bodies), default=0) < MAX_VALUES:
        with suppress(ValueError):
            return from_strict_jsons([body.removeprefix(_MARK) for body in bodies])
    return [_json_or_error(body) for body in bodies]


def _json_or_error(body: bytes) -> Any:
    try:
        return json_of(body)
    except (ValueError, TooLarge) as error:
        return error


def _counted(text: bytes) -> int:
    """Return the number of commas and opening brackets: JSON has one at least for every value but the first."""
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _values(text: bytes) -> int:
    """Return the number of values in JSON, or some number beyond MAX_VALUES if there are more.

    For text that is not JSON, it is at least the number of values that a parser makes before it fails, less one.
    """
    text = text.replace(rb"\\", b"").replace(rb"\"", b"").translate(_STRUCTURE, _BLANK)
    # All strings are values or their names.
    if text.count(b'"') > 4 * (MAX_VALUES + 1):
        return MAX_VALUES + 1
    text = b"0".join(text.split(b'"')[::2])
    return 1 + _counted(text) - text.count(b"[]") - text.count(b"{}")
