"""The way of a worker's answers to a client's socket."""

import asyncio
from collections.abc import Callable
from typing import Any


class OrderlyTransport:
    """A transport that sends all writes of one turn of the event loop at once, and closes in order.

    An answer's head and body are written one after the other. Each would be a call of the kernel and a packet of its
    own.
    """

    LEAVE_SECONDS = 1.0
    """How long the client has to read the answer after we have stopped sending.

    Some clients read no answer before they have sent everything; an earlier close would cost them the answer.
    """
    MOST_DROPPED = 32 * 2**20
    MOST_LEAVE_SECONDS = 10.0
    """How many bytes that the client still sends are received and thrown away, and for how long."""
    LARGE = 64 * 1024
    """Writes of this size or more are not copied in order to send them together with others."""

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
        if len(data) > self.LARGE or self.is_leaving:
            self._write_large(data)
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
        """End the sending side, and close the connection once that has had time to arrive."""
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
        """Count bytes that arrived since, and were thrown away."""
        self._dropped += size
        if self._dropped > self.MOST_DROPPED:
            self._transport.abort()

    def is_closing(self) -> bool:
        return self.is_leaving or self._transport.is_closing()

    # These are the transport's own. Each stands here, because a class that looks attributes up by a function of its own
    # has all of them looked up slowly.
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def abort(self) -> None:
        self._transport.abort()

    def _write_large(self, data: bytes) -> None:
        if not self.is_leaving:
            self._send()
            self._transport.write(data)

    def _go(self) -> None:
        is_late = self._loop.time() - self._left_at > self.MOST_LEAVE_SECONDS
        is_sending, self._dropped_before = self._dropped > self._dropped_before, self._dropped
        if (is_sending and not is_late) or self._transport.get_write_buffer_size():
            self._loop.call_later(self.LEAVE_SECONDS, self._go)
        else:
            self._transport.abort()

    def _send(self) -> None:
        if self._written:
            self._transport.write(b"".join(self._written))
            self._written.clear()
