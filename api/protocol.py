"""HTTP as our workers speak it."""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api.native.errors import render
from api.problems import Kind, Problem
from api.request_ids import HEADER, new_request_id

MAX_HEAD = 32 * 1024
"""How many bytes a request's line and headers may have together, and what comes after the last of a body in pieces."""
MAX_PIPELINED = 32
"""How many requests may wait for the answer to the one before them."""
LOOK_SECONDS = 5.0
"""How often a connection is looked after."""
HEAD_SECONDS = 20.0
"""How long the head of a request may take to come, counted from the answer before it."""
BODY_SECONDS = 20.0
"""How long nothing may come of a body that is waited for."""
WHOLE_BODY_SECONDS = 120.0
"""How long a body may take to come."""
ANSWER_SECONDS = 30.0
"""How long nothing may be taken of an answer."""


class _HeadTooLarge(Exception):
    """The request's line and headers are too large."""


class StrictProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, with bounds on what a client may have us hold, and for how long.

    What it cannot read has no path, so the answer to that is ours. An answer that is sent before all of a request has
    come is the last of its connection: what is yet to come of the request is not received.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._unheard = 0
        """How many bytes have come since there was something to make of them."""
        self._is_head_too_large = False
        self._keeps_alive = True
        self._begun_at = self._heard_at = self._taken_at = self.loop.time()
        self._untaken = 0
        self._look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(_Transport(transport, self.loop, self._is_unfinished))  # type: ignore[arg-type]
        self._look = self.loop.call_later(LOOK_SECONDS, self._look_after)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        transport: _Transport = self.transport  # type: ignore[assignment]
        if transport.is_leaving:
            transport.drop(len(data))
            return
        self._heard_at = self.loop.time()
        self._unheard += len(data)
        super().data_received(data)
        if self._unheard > MAX_HEAD and not transport.is_leaving:
            self._is_head_too_large = True
            self.send_400_response("")

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= MAX_PIPELINED:
            raise ValueError("These are too many requests at once")
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self._unheard > MAX_HEAD and self._head_size() > MAX_HEAD:
            self._is_head_too_large = True
            raise _HeadTooLarge
        self._unheard = 0
        self._begun_at = self._heard_at
        super().on_headers_complete()
        # Until all of it has come.
        self._keeps_alive, self.cycle.keep_alive = self.cycle.keep_alive, False

    def on_body(self, body: bytes) -> None:
        self._unheard = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unheard = 0
        if not self.cycle.response_started:
            self.cycle.keep_alive = self._keeps_alive
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._begun_at = self.loop.time()
        super().on_response_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing in the log, which whoever asks for other protocols could fill."""

    def send_400_response(self, msg: str) -> None:
        problem = Problem(Kind.MALFORMED, msg)
        if self._is_head_too_large:
            detail = f"A request's line and headers may have {MAX_HEAD} bytes together"
            problem = Problem(Kind.HEAD_TOO_LARGE, detail)
        response = render(problem)
        # Whatever id it brought could not be read either.
        response.headers[HEADER] = new_request_id()
        headers = b"".join(b"%b: %b\r\n" % header for header in response.raw_headers)
        status = STATUS_LINE[response.status_code]
        self.transport.write(b"%bconnection: close\r\n%b\r\n%b" % (status, headers, bytes(response.body)))
        self.transport.leave()  # type: ignore[attr-defined]

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers)

    def _is_unfinished(self) -> bool:
        """Whether the request that was answered last has yet to come to its end."""
        return self.cycle is not None and self.cycle.response_complete and self.cycle.more_body

    def _look_after(self) -> None:
        """End the connection if nobody seems to be at its other end any more."""
        now = self.loop.time()
        if self._is_stuck(now):
            self.transport.abort()
        else:
            self._look = self.loop.call_later(LOOK_SECONDS, self._look_after)

    def _is_stuck(self, now: float) -> bool:
        untaken: int = self.transport.get_write_buffer_size()
        if untaken == 0 or untaken != self._untaken:
            self._untaken, self._taken_at = untaken, now
        if self.cycle is None or self.cycle.response_complete:
            is_late = untaken == 0 and not self.pipeline and now - self._begun_at > HEAD_SECONDS
        elif self.flow.read_paused or not self.cycle.more_body:
            self._heard_at = now  # it is we who take our time
            is_late = False
        else:
            is_late = now - self._heard_at > BODY_SECONDS or now - self._begun_at > WHOLE_BODY_SECONDS
        return is_late or now - self._taken_at > ANSWER_SECONDS


class _Transport:
    """A transport that sends what is written in one turn of the event loop at once, and takes leave in order.

    An answer's head and body are written one after the other: each would be a call of the kernel and a packet.
    """

    LEAVE_SECONDS = 1.0
    """How long the other side, once it sends nothing more, has to read the answer.

    Some clients read no answer before they have sent all; closing earlier would cost them that.
    """
    MOST_DROPPED = 32 * 2**20
    MOST_LEAVE_SECONDS = 10.0
    """How much of what it is still sending is thrown away as it comes, and for how long."""
    LARGE = 64 * 1024
    """What is not worth a copy to be sent together with something else."""

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, is_unfinished: Callable[[], bool]
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._is_unfinished = is_unfinished
        self._written: list[bytes] = []
        self._dropped = self._dropped_before = 0
        self._left_at = 0.0
        self.is_leaving = False

    def write(self, data: bytes) -> None:
        if self.is_leaving:
            return
        if len(data) > self.LARGE:
            self._send()
            self._transport.write(data)
            return
        if not self._written:
            self._loop.call_soon(self._send)
        self._written.append(data)

    def close(self) -> None:
        if self._is_unfinished():
            self.leave()
        elif not self.is_leaving:
            self._send()
            self._transport.close()

    def leave(self) -> None:
        """Say that nothing more will be sent, and close the connection when that has had time to arrive."""
        if self.is_leaving or self._transport.is_closing():
            return
        self._send()
        self.is_leaving = True
        self._left_at = self._loop.time()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._transport.resume_reading()
        self._loop.call_later(self.LEAVE_SECONDS, self._go)

    def drop(self, size: int) -> None:
        """Take note of bytes that came since, and were thrown away."""
        self._dropped += size
        if self._dropped > self.MOST_DROPPED:
            self._transport.abort()

    def is_closing(self) -> bool:
        return self.is_leaving or self._transport.is_closing()

    def _go(self) -> None:
        is_sending = (
            self._dropped > self._dropped_before and self._loop.time() - self._left_at < self.MOST_LEAVE_SECONDS
        )
        self._dropped_before = self._dropped
        if is_sending or self._transport.get_write_buffer_size():
            self._loop.call_later(self.LEAVE_SECONDS, self._go)
        else:
            self._transport.abort()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _send(self) -> None:
        if self._written:
            self._transport.write(b"".join(self._written))
            self._written.clear()
