"""The bell that wakes the projector: somebody waits for the views of a tenant."""

from contextlib import suppress
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
"""How often a process rings it at most, however many wait, and for however many tenants."""


class PostgresBell:
    """Wakes the projector from its rest. It may not be heard: then whoever waits does so until the rest is over."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._rang_at = -inf
        self._waiting: set[TenantName] = set()

    async def ring(self, tenant: TenantName) -> None:
        """Ring for this tenant, and for those for whom nobody has rung since.

        It stays still if this process rang a moment ago, or if the database takes no writes. So who waits rings again
        and again.
        """
        self._waiting.add(tenant)
        now = monotonic()
        if now - self._rang_at < PAUSE_SECONDS or not self._pool.takes_writes:
            return
        self._rang_at = now
        tenants, self._waiting = self._waiting, set()
        with suppress(OrdertrailError, psycopg.Error):
            async with reading(self._pool) as connection:
                await connection.execute(_SQL["ring"], {"channel": READERS, "tenants": texts(list(tenants))})
