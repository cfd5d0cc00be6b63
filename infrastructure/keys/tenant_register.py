"""Tenants on PostgreSQL, for the operator."""

from application.access.tenants import TenantRecord
from domain.errors import LedgerHasGrown, TenantNotFound
from domain.values import TenantName
from infrastructure.postgres.database import Pool, reading, writing
from infrastructure.postgres.statements import statements
from infrastructure.postgres.tenants import tenant_names

_SQL, _DELETION = statements("tenant_register"), statements("tenant_deletion")


class PostgresTenantRegister:
    """Implements application.access.tenants.TenantRegister."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def names(self) -> list[TenantName]:
        return await tenant_names(self._pool)

    async def find(self, tenant: TenantName) -> TenantRecord:
        async with reading(self._pool) as connection:
            row = await (await connection.execute(_SQL["find"], {"tenant": tenant})).fetchone()
        if row is None:
            raise TenantNotFound(tenant)
        return TenantRecord(*row)

    async def delete(self, tenant: TenantName, *, events: int, checkpoint: str | None, by: str) -> None:
        noted = {"tenant": tenant, "events": events, "checkpoint": checkpoint, "by": by}
        async with writing(self._pool) as connection, connection.transaction():
            row = await (await connection.execute(_DELETION["lock"], noted)).fetchone()
            if row is None:
                raise TenantNotFound(tenant)
            if row[0] != events:
                raise LedgerHasGrown
            for name, statement in _DELETION.items():
                if name.startswith("delete_"):
                    await connection.execute(statement, noted)
            await connection.execute(_DELETION["note"], noted)
