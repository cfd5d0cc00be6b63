"""The health of views and of sealing, as PostgreSQL knows it."""

from datetime import datetime

from application.health import ProjectionHealth, SealingHealth
from application.projections.catalogue import PROJECTIONS
from infrastructure.clock import now
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

    async def clock_ahead(self) -> float:
        async with reading(self._pool) as connection:
            before = now()
            row = await (await connection.execute(_SQL["clock"])).fetchone()
            after = now()
        assert row is not None
        theirs: datetime = row[0]
        return (theirs - before - (after - before) / 2).total_seconds()

    async def sealing(self) -> SealingHealth:
        async with reading(self._pool) as connection:
            row = await (await connection.execute(_SQL["sealing"])).fetchone()
        assert row is not None
        return SealingHealth(*row)
