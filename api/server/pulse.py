"""Shared memory through which a server's process and its parent exchange their state."""

import asyncio
import time
from typing import Any

from api.server.child import PROCESSES

BEAT_SECONDS = 1.0
POLL_SECONDS = 0.05
MAX_DSN_BYTES = 8_192


class Board:
    """Tells children the database's DSN once it is set up, and whether all workers were ever ready."""

    def __init__(self) -> None:
        self._dsn: Any = PROCESSES.RawArray("c", MAX_DSN_BYTES)
        self._is_published: Any = PROCESSES.RawValue("b", 0)
        self._was_ready: Any = PROCESSES.RawValue("b", 0)

    def publish(self, dsn: str) -> None:
        self._dsn.value = dsn.encode()
        self._is_published.value = 1

    @property
    def dsn(self) -> str | None:
        """The database's DSN, None until it is set up."""
        return self._dsn.value.decode() if self._is_published.value else None

    def say_ready(self) -> None:
        self._was_ready.value = 1

    @property
    def was_ready(self) -> bool:
        """Whether all workers were ready at one time. From then on, the server does not give up."""
        return bool(self._was_ready.value)

    async def published(self) -> str:
        """Wait until the database is set up, and return its DSN."""
        while (dsn := self.dsn) is None:  # noqa: ASYNC110 another process publishes it
            await asyncio.sleep(POLL_SECONDS)
        return dsn


class Pulse:
    """The signs of life of one child: its event loop's beat, and whether it is ready."""

    def __init__(self) -> None:
        self._shared: Any = PROCESSES.RawArray("d", 2)

    def begin(self) -> None:
        """Forget the previous process."""
        self._shared[:] = (0.0, 0.0)

    @property
    def beat(self) -> float:
        """The time of the child's last event-loop beat, by the monotonic clock; 0 before the first."""
        return float(self._shared[0])

    @property
    def is_ready(self) -> bool:
        return bool(self._shared[1])

    def say_ready(self) -> None:
        self._shared[1] = 1.0

    async def keep_beating(self) -> None:
        """Record that the event loop runs, for ever."""
        while True:
            self._shared[0] = time.monotonic()
            await asyncio.sleep(BEAT_SECONDS)
