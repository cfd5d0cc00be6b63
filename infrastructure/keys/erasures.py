"""Erasures in PostgreSQL: the rows that destroyed keys leave."""

from application.privacy.erasures import Erased
from domain.values import TenantName
from infrastructure.postgres.database import Pool, reading
from infrastructure.postgres.statements import statements

_SQL = statements("subject_keys")
PAGE = 10_000


class PostgresErasureRegister:
    """Implements application.privacy.erasures.ErasureRegister."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of_tenant(self, tenant: TenantName) -> list[Erased]:
        found: list[Erased] = []
        while True:
            page = {"tenant": tenant, "after": found[-1].subject if found else "", "limit": PAGE}
            async with reading(self._pool) as connection:
                rows = await (await connection.execute(_SQL["destroyed"], page)).fetchall()
            found += [Erased(tenant, *row) for row in rows]
            if len(rows) < PAGE:
                return found
