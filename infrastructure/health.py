"""The health of views and of sealing, as PostgreSQL knows it."""

from application.health import ProjectionHealth, SealingHealth
from application.projections.catalogue import PROJECTIONS
from infrastructure.database import Pool, reading
from infrastructure.statements import statements

_SQL = statements("health")


class PostgresHealth:
    """Implements application.health.Health."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def projections(self) -> list[ProjectionHealth]:
        names = [projection.name for projection in PROJECTIONS]
        async with reading(self._pool) as connection:
            rows = await (await connection.execute(_SQL["projections"], {"projections": names})).fetchall()
        return [ProjectionHealth(*row) for row in rows]

    async def damaged_keys(self) -> int:
        async with reading(self._pool) as connection:
            row = await (await connection.execute(_SQL["damaged_keys"])).fetchone()
        assert row is not None
        count: int = row[0]
        return count

    async def sealing(self) -> SealingHealth:
        async with reading(self._pool) as connection:
            row = await (await connection.execute(_SQL["sealing"])).fetchone()
        assert row is not None
        return SealingHealth(*row)
