"""Learns of appends from PostgreSQL's notifications, which are only hints, and by the clock."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from math import inf

import psycopg

from domain.errors import Unavailable
from domain.values import TenantName
from infrastructure.postgres.database import Connection, connect
from infrastructure.postgres.watch import Watch

APPENDS = "ordertrail"
"""The channel that says whose ledgers have grown."""
POLL_SECONDS = 0.5


class Listener:
    """Tells which tenants a channel has named since the last question."""

    def __init__(
        self, dsn: str, *, channel: str = APPENDS, poll_seconds: float = POLL_SECONDS, watch: Watch | None = None
    ) -> None:
        self._dsn = dsn
        self._channel = channel
        self._poll_seconds = poll_seconds
        self._watch = watch or Watch()

    async def hints(self) -> AsyncGenerator[set[TenantName] | None, None]:
        """Yield tenants for which notifications came; None after a while, when anything may have happened.

        Lost connections are made again. It begins with None, and yields None after each lost connection.
        """
        while True:
            try:
                self._watch.require()
                connection = await connect(self._dsn)
                self._watch.adopt(connection)
                try:
                    await connection.execute(f"LISTEN {self._channel}")
                    asked = -inf
                    while True:
                        # This also happens under steady notifications: the lost hint may be the one that matters.
                        if time.monotonic() - asked >= self._poll_seconds:
                            asked = time.monotonic()
                            yield None
                        if tenants := await self._next(connection):
                            yield tenants
                finally:
                    with suppress(psycopg.Error):
                        await connection.close()
            except (psycopg.Error, Unavailable):
                await asyncio.sleep(self._poll_seconds)

    async def _next(self, connection: Connection) -> set[TenantName]:
        """Wait a short while for a notification; return the tenants of all that have arrived."""
        return {
            TenantName(notification.payload)
            async for notification in connection.notifies(timeout=self._poll_seconds, stop_after=1)
        }
