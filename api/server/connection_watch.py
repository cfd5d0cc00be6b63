"""The end of connections on which nothing happens any more."""

import asyncio
from typing import Protocol

from uvicorn.protocols.http.flow_control import FlowControl

from api.native.following import ingest
from api.server.cycle import Cycle

LOOK_SECONDS = 5.0
"""How often a connection is checked. What happens after the times below, or after the time that an idle one is kept,
may happen so much later, or twice that.
"""
HEAD_SECONDS = 20.0
"""How long a request's head may take to arrive, counted from the answer before it."""
BODY_SECONDS = 20.0
"""How long a body that we wait for may send nothing."""
WHOLE_BODY_SECONDS = 120.0
"""How long a whole body may take to arrive."""
LONG_BODIES = frozenset({ingest.PATH})
"""The paths at which it may take any time, as the body has any length."""
ANSWER_SECONDS = 30.0
"""How long a client may take nothing of an answer."""


class Watched(Protocol):
    """A connection, as the server's protocol has it."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    flow: FlowControl
    cycle: Cycle
    heard_at: float
    unheard: int
    timeout_keep_alive: int

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""

    def dismiss(self) -> None:
        """Close the connection."""


class ConnectionWatch:
    """Ends a connection that was idle for long, or whose client seems to be gone.

    It checks now and then, not at each request.
    """

    def __init__(self, protocol: Watched) -> None:
        self._protocol = protocol
        self._timer: asyncio.TimerHandle | None = None
        self._seen: tuple[object, ...] = ()
        self._since = self._paused_at = self._taken_at = protocol.loop.time()
        self._untaken = 0

    def begin(self) -> None:
        self._timer = self._protocol.loop.call_later(LOOK_SECONDS, self._look)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        protocol, now = self._protocol, self._protocol.loop.time()
        if self._is_stuck(now):
            protocol.transport.abort()
            return
        if protocol.is_idle and now - max(self._since, protocol.heard_at) >= protocol.timeout_keep_alive:
            protocol.dismiss()
        self.begin()

    def _is_stuck(self, now: float) -> bool:
        protocol, cycle = self._protocol, self._protocol.cycle
        is_awaited = cycle is None or protocol.unheard > 0
        if self._seen != (seen := (cycle, protocol.is_idle, is_awaited)):
            self._seen, self._since = seen, now
        if protocol.flow.read_paused:
            self._paused_at = now
        untaken = protocol.transport.get_write_buffer_size()
        if untaken == 0 or untaken != self._untaken:
            self._untaken, self._taken_at = untaken, now
        if now - self._taken_at > ANSWER_SECONDS:
            return True
        if protocol.is_idle:
            return is_awaited and untaken == 0 and now - self._since > HEAD_SECONDS
        if not cycle.more_body or protocol.flow.read_paused:  # here we are the slow side
            self._since = now
            return False
        is_long = now - self._since > WHOLE_BODY_SECONDS and cycle.scope["path"] not in LONG_BODIES
        return now - max(protocol.heard_at, self._paused_at) > BODY_SECONDS or is_long
