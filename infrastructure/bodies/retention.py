"""How long tenants keep the bodies of calls, in PostgreSQL."""

from collections.abc import Sequence
from datetime import timedelta

from application.bodies.retention import DueCall, Kept
from application.bodies.vault import digest_in
from application.ledger.port import PAGE_BYTES
from domain.errors import TenantNotFound
from domain.values import TenantName
from infrastructure.postgres.database import Pool, reading, writing
from infrastructure.postgres.statements import statements

_SQL = statements("retention")


class PostgresRetentionStore:
    """Implements application.bodies.expiry.RetentionStore."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def keep(self, tenant: TenantName, period: timedelta | None) -> None:
        async with writing(self._pool) as connection:
            cursor = await connection.execute(_SQL["keep"], {"tenant": tenant, "keep": period})
            if await cursor.fetchone() is None:
                raise TenantNotFound(tenant)

    async def keep_instead(self, tenant: TenantName, known: Kept, period: timedelta | None) -> bool:
        wanted = {"tenant": tenant, "keep": period, "known": known.period, "known_expired": known.expired}
        async with writing(self._pool) as connection:
            return await (await connection.execute(_SQL["keep_instead"], wanted)).fetchone() is not None

    async def find(self, tenant: TenantName) -> Kept:
        async with reading(self._pool) as connection:
            row = await (await connection.execute(_SQL["find"], {"tenant": tenant})).fetchone()
        return Kept(*row) if row else Kept(None, 0)

    async def limited(self) -> list[TenantName]:
        async with reading(self._pool) as connection:
            return [TenantName(row[0]) for row in await self._pool.nodes.rows(connection, _SQL["limited"])]

    async def due(self, tenant: TenantName, types: Sequence[str], *, limit: int) -> list[DueCall]:
        wanted = {"tenant": tenant, "types": list(types), "limit": limit, "max_bytes": PAGE_BYTES}
        async with reading(self._pool) as connection:
            rows = await (await connection.execute(_SQL["due"], wanted)).fetchall()
        return [DueCall(position, digest_in(data), before) for position, data, before in rows]

    async def expire(self, tenant: TenantName, upto: int) -> None:
        async with writing(self._pool) as connection:
            await connection.execute(_SQL["expire"], {"tenant": tenant, "upto": upto})
