"""Tenants on PostgreSQL, for the operator."""

from application.access.tenants import TenantRecord
from domain.errors import TenantNotFound
from domain.values import TenantName
from infrastructure.postgres.database import Pool, reading
from infrastructure.postgres.statements import statements

_SQL = statements("tenant_register")


class PostgresTenantRegister:
    """Implements application.access.tenants.TenantRegister."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def names(self) -> list[TenantName]:
        async with reading(self._pool) as connection:
            rows = await (await connection.execute(statements("credentials")["tenants"])).fetchall()
        return [TenantName(row[0]) for row in rows]

    async def find(self, tenant: TenantName) -> TenantRecord:
        async with reading(self._pool) as connection:
            row = await (await connection.execute(_SQL["find"], {"tenant": tenant})).fetchone()
        if row is None:
            raise TenantNotFound(tenant)
        return TenantRecord(*row)
