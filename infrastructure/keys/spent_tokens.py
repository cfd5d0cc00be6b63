"""The tokens that are no longer good, on PostgreSQL."""

from domain.values import TenantName
from infrastructure.postgres.database import Connection, Pool, reading, writing
from infrastructure.postgres.statements import statements

_SQL = statements("spent_tokens")


class PostgresSpentTokens:
    """Implements application.access.links.SpentTokens."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def spend(self, tenant: TenantName, digest: bytes) -> bool:
        async with writing(self._pool) as connection:
            return await self._found(connection, "spend", tenant, digest)

    async def is_spent(self, tenant: TenantName, digest: bytes) -> bool:
        async with reading(self._pool) as connection:
            return await self._found(connection, "is_spent", tenant, digest)

    @staticmethod
    async def _found(connection: Connection, statement: str, tenant: TenantName, digest: bytes) -> bool:
        cursor = await connection.execute(_SQL[statement], {"tenant": tenant, "digest": digest})
        return await cursor.fetchone() is not None
