"""The health of views and of sealing, as PostgreSQL knows it."""

from datetime import datetime

from application.views.health import ProjectionHealth, SealingHealth, Shape
from application.views.projections.catalogue import PROJECTIONS
from infrastructure.ledger.clock import now
from infrastructure.postgres.database import Pool, reading
from infrastructure.postgres.statements import statements
from infrastructure.postgres.watch import Watch
from infrastructure.setup.distribution import TABLES, distribution

_SQL = statements("health")

SECONDS = 1.5
"""A health check is answered with a failure after this time, instead of having to wait longer."""


class PostgresHealth:
    """Implements application.views.health.Health."""

    def __init__(self, pool: Pool, watch: Watch) -> None:
        self._pool = pool
        self._watch = watch

    def refusal_of_writes(self) -> str | None:
        return self._watch.refusal_of_writes

    async def projections(self) -> list[ProjectionHealth]:
        names = [projection.name for projection in PROJECTIONS]
        async with reading(self._pool, seconds=SECONDS) as connection:
            rows = await (await connection.execute(_SQL["projections"], {"projections": names})).fetchall()
        return [ProjectionHealth(*row) for row in rows]

    async def shape(self) -> Shape:
        async with reading(self._pool, seconds=SECONDS) as connection:
            return distribution(await (await connection.execute(TABLES)).fetchall()).shape

    async def damaged_keys(self) -> int:
        async with reading(self._pool, seconds=SECONDS) as connection:
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
        async with reading(self._pool, seconds=SECONDS) as connection:
            row = await (await connection.execute(_SQL["sealing"])).fetchone()
        assert row is not None
        return SealingHealth(*row)
