"""Old Idempotency-Keys in PostgreSQL."""

from datetime import timedelta

from domain.values import TenantName
from infrastructure.postgres.database import Pool, reading
from infrastructure.postgres.statements import statements
from infrastructure.postgres.tenants import tenant_names

_SQL = statements("ledger")


class PostgresKeyExpiryStore:
    """Implements application.ledger.expiry.KeyExpiryStore."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def tenants(self) -> list[TenantName]:
        return await tenant_names(self._pool)

    async def expire(self, tenant: TenantName, keep: timedelta, *, limit: int) -> int:
        parameters = {"tenant": tenant, "keep": keep, "limit": limit}
        async with reading(self._pool) as connection:
            row = await (await connection.execute(_SQL["expire_requests"], parameters)).fetchone()
        assert row is not None
        return int(row[0])
