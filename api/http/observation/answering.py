"""An answer on its way: it gets the request's id, and is timed."""

from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any

from starlette.types import Message, Send

Observe = Callable[[Mapping[str, Any], int, float], None]
"""Takes the scope of a request, the status of its answer, and the seconds until it began; 0 if there was none."""


class Answering:
    """Sends an answer on, with one more header."""

    __slots__ = ("_began", "_header", "_send", "seconds", "status")

    def __init__(self, send: Send, header: tuple[bytes, bytes]) -> None:
        self._send = send
        self._header = header
        self._began = perf_counter()
        self.status = 0
        self.seconds = 0.0

    def __call__(self, message: Message) -> Awaitable[None]:
        # A coroutine of its own for each message would take as long as all of this.
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.seconds = perf_counter() - self._began
            message["headers"] = [*message["headers"], self._header]
        return self._send(message)
