"""Refused lines of bulk loads on PostgreSQL."""

from collections.abc import Sequence

from application.orders.refused_lines import KEEP, RefusedLine
from domain.values import TenantName
from infrastructure.postgres.arrays import BigIntArray, texts
from infrastructure.postgres.database import Pool, reading, writing
from infrastructure.postgres.statements import statements

_SQL = statements("refused_lines")


class PostgresRefusedLines:
    """Implements application.orders.refused_lines.RefusedLines."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def keep(self, tenant: TenantName, load_id: str, lines: Sequence[RefusedLine]) -> None:
        rows = {
            "lines": BigIntArray([line.line for line in lines]),
            "refusals": texts([line.refusal for line in lines]),
        }
        async with writing(self._pool) as connection:
            await connection.execute(_SQL["expire"], {"tenant": tenant, "keep": KEEP})
            await connection.execute(_SQL["keep"], {"tenant": tenant, "load_id": load_id, **rows})

    async def read(self, tenant: TenantName, load_id: str, *, after: int, limit: int) -> list[RefusedLine]:
        part = {"tenant": tenant, "load_id": load_id, "after": after, "limit": limit}
        async with reading(self._pool) as connection:
            rows = await (await connection.execute(_SQL["read"], part)).fetchall()
        return [RefusedLine(*row) for row in rows]
