"""The links that were used, on PostgreSQL."""

from domain.values import TenantName
from infrastructure.postgres.database import Pool, reading
from infrastructure.postgres.statements import statements

_SQL = statements("used_links")


class PostgresUsedLinks:
    """Implements application.access.links.UsedLinks."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def use(self, tenant: TenantName, digest: bytes) -> bool:
        return await self._found("use", tenant, digest)

    async def is_used(self, tenant: TenantName, digest: bytes) -> bool:
        return await self._found("is_used", tenant, digest)

    async def _found(self, statement: str, tenant: TenantName, digest: bytes) -> bool:
        async with reading(self._pool) as connection:
            cursor = await connection.execute(_SQL[statement], {"tenant": tenant, "digest": digest})
            return await cursor.fetchone() is not None
