"""Bodies of requests: how large they may be, how many values they may hold, and how they are read."""

from collections.abc import AsyncGenerator
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic_core import from_json
from starlette.requests import Request
from starlette.types import Receive, Scope

from api.http.problems import TooLarge
from application.access.callers import Caller
from application.runtime.room import AT_ONCE, Part, Room

MAX_VALUES = 200_000
"""How many values the JSON of a body may hold.

A value takes up to 100 bytes of memory, and in the request of an append is copied once: so the largest body, whatever
is in it, takes 40 MB besides itself. A thousand events may have 200 values each.
"""
MAX_PARAMETERS = 1_000
"""How many parameters a query may have."""
_STRUCTURE = bytes(byte if byte in b',[]{}"' else ord("0") for byte in range(256))
"""What JSON is made of, with a digit for whatever else is in it."""
_BLANK = b" \t\r\n"


class StrictRequest(Request):
    """A request whose body is bounded, and its JSON read strictly: no NaN, no lone surrogates, bounded depth."""

    def __init__(
        self, scope: Scope, receive: Receive, *, max_bytes: int | None, sender: Caller | None, room: Room | None
    ) -> None:
        """Take whose request it is, as far as that is known, and where there is room for a large body."""
        super().__init__(scope, receive)
        self._max_bytes = max_bytes
        self._sender = sender
        self._room = room

    def require_size(self) -> None:
        """Raise TooLarge if the body is announced to be too large, or the query has too many parameters."""
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

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            try:
                self._json = from_strict_json(await self.body())
            except ValueError as exc:
                fault = {"type": "json_invalid", "loc": ("body",), "msg": f"is not JSON: {exc}", "input": None}
                raise RequestValidationError([fault]) from exc
        return self._json

    def _announced(self) -> int:
        """Return how large the body is announced to be; 0 if it is not."""
        announced = next((value for name, value in self.scope["headers"] if name == b"content-length"), b"0")
        return int(announced) if announced.isdigit() else 0

    def _require(self, size: int) -> None:
        if self._max_bytes is not None and size > self._max_bytes:
            raise TooLarge(f"A request's body may have {self._max_bytes} bytes")


def from_strict_json(body: bytes) -> Any:
    """Return the value of a body. Raises ValueError, and TooLarge before it makes more values than there may be."""
    # Each but the first takes a byte that is counted, so most bodies need not be looked through.
    if len(body) >= MAX_VALUES and _counted(body) >= MAX_VALUES and _values(body) > MAX_VALUES:
        raise TooLarge(f"The JSON of a request's body may hold {MAX_VALUES:,} values")
    return from_json(body, allow_inf_nan=False)


def _counted(text: bytes) -> int:
    """Return how many bytes there are of which every value but the first has one before it, in JSON."""
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _values(text: bytes) -> int:
    """Return how many values JSON holds, or some number beyond MAX_VALUES if they are more.

    Of text that is no JSON it is as many, at least, as a parser makes before it finds out, but for one.
    """
    text = text.replace(rb"\\", b"").replace(rb"\"", b"").translate(_STRUCTURE, _BLANK)
    # What strings there are, are values or their names.
    if text.count(b'"') > 4 * (MAX_VALUES + 1):
        return MAX_VALUES + 1
    text = b"0".join(text.split(b'"')[::2])
    return 1 + _counted(text) - text.count(b"[]") - text.count(b"{}")
