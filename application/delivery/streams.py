"""The open streams of a process: how many there are, how long each lasts, and whether its reader may still have it."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import Context
from typing import Protocol

from application.access.callers import CACHE_SECONDS
from application.delivery.follower import End
from domain.errors import AccessDenied, Unavailable

_log = logging.getLogger(__name__)

MOST = 2_000
LIFE_SECONDS = 3_600.0
HEARTBEAT_SECONDS = 15.0
"""Proxies take a connection for dead after a minute of silence, some after half of one."""

Check = Callable[[], Awaitable[object]]
"""Raises AccessDenied if the reader of a stream may not have it any more."""


class Ending(Protocol):
    """What a stream reads from, as far as it can be ended."""

    def end(self, why: End) -> None: ...


class _Credential:
    """A credential, and the streams that were opened with it."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self.streams: set[Ending] = set()

    async def keep_checking(self) -> None:
        """Check, as often as a worker may trust what it remembers, until the credential has ended."""
        while True:
            await asyncio.sleep(CACHE_SECONDS)
            try:
                await self._check()
            except AccessDenied:
                break
            except Unavailable:
                continue  # no news can be sent either
            except Exception:
                _log.exception("A credential of open streams could not be checked")
        for stream in tuple(self.streams):
            stream.end(End.CREDENTIAL_ENDED)


class Streams:
    """Every open stream. One check of a credential serves all streams that were opened with it."""

    def __init__(
        self,
        *,
        most: int = MOST,
        life_seconds: float = LIFE_SECONDS,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self.heartbeat_seconds = heartbeat_seconds
        """How long a stream may be silent."""
        self._most = most
        self._life_seconds = life_seconds
        self._open: set[Ending] = set()
        self._credentials: dict[Hashable, tuple[_Credential, asyncio.Task[None]]] = {}
        self._is_closed = False

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._open)

    def require_room(self) -> None:
        """Raise Unavailable if no further stream can be opened here."""
        if self._is_closed:
            raise Unavailable("This server is shutting down; connect again", is_told=True)
        if len(self._open) >= self._most:
            raise Unavailable(f"This worker has {self._most} streams open already; try again", is_told=True)

    @contextmanager
    def opened(
        self, stream: Ending, credential: Hashable, check: Check, *, seconds: float | None = None
    ) -> Iterator[None]:
        """Keep a stream open, and end it when its life is over, its credential has ended, or the process ends."""
        life = seconds or self._life_seconds * random.uniform(0.9, 1.0)  # noqa: S311 so that not all come back at once
        timer = asyncio.get_running_loop().call_later(life, stream.end, End.LIFE_OVER)
        self._open.add(stream)
        self._enter(stream, credential, check)
        if self._is_closed:
            stream.end(End.SHUTDOWN)
        try:
            yield
        finally:
            timer.cancel()
            self._open.discard(stream)
            self._leave(stream, credential)

    def close(self) -> None:
        """End all streams, and open no more."""
        self._is_closed = True
        for stream in tuple(self._open):
            stream.end(End.SHUTDOWN)

    def _enter(self, stream: Ending, credential: Hashable, check: Check) -> None:
        if credential not in self._credentials:
            checked = _Credential(check)
            task = asyncio.create_task(checked.keep_checking(), name="credential of streams", context=Context())
            self._credentials[credential] = checked, task
        self._credentials[credential][0].streams.add(stream)

    def _leave(self, stream: Ending, credential: Hashable) -> None:
        checked, task = self._credentials[credential]
        checked.streams.discard(stream)
        if not checked.streams:
            task.cancel()
            del self._credentials[credential]
