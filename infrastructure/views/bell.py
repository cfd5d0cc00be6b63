"""The bell that wakes the projector: somebody waits for the views of a tenant."""

import asyncio
from contextlib import suppress
from contextvars import Context
from math import inf
from time import monotonic

import psycopg

from domain.errors import OrdertrailError
from domain.values import TenantName
from infrastructure.postgres.arrays import texts
from infrastructure.postgres.database import Pool, reading
from infrastructure.postgres.statements import statements

_SQL = statements("queries")
READERS = "ordertrail_readers"
"""The channel on which the bell rings."""
PAUSE_SECONDS = 0.02
"""The shortest time between two rings of a process, however many wait, and for however many tenants."""


class PostgresBell:
    """Wakes the projector from its rest. It may not be heard: then whoever waits does so until the rest is over."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._rang_at = -inf
        self._waiting: set[TenantName] = set()
        self._ringing: asyncio.Task[None] | None = None

    def ring(self, tenant: TenantName) -> None:
        """Ring for this tenant, and for those that were left out before. Nobody waits until it has rung.

        A tenant is left out if this process rings at the moment, or did so a moment ago, or if the database takes no
        writes. So whoever waits rings again and again.
        """
        self._waiting.add(tenant)
        now = monotonic()
        if self._ringing is not None or now - self._rang_at < PAUSE_SECONDS or not self._pool.takes_writes:
            return
        self._rang_at = now
        # Commits that notify wait for one another, and a commit may take long. No request's time is spent on it.
        self._ringing = asyncio.create_task(self._ring(), name="bell", context=Context())

    async def _ring(self) -> None:
        tenants, self._waiting = self._waiting, set()
        try:
            with suppress(OrdertrailError, psycopg.Error):
                async with reading(self._pool) as connection:
                    await connection.execute(_SQL["ring"], {"channel": READERS, "tenants": texts(list(tenants))})
        finally:
            self._ringing = None
