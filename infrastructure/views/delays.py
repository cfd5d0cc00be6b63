"""How long events have waited, as PostgreSQL knows it."""

from application.views.delays import Delays
from application.views.projections.catalogue import PROJECTIONS
from infrastructure.postgres.database import Pool, reading
from infrastructure.postgres.statements import statements

_SQL = statements("delays")


class PostgresDelays:
    """Implements application.views.delays.DelayStore."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def delays(self) -> Delays:
        return Delays(await self._seconds("sealing"), await self._seconds("views"))

    async def _seconds(self, statement: str) -> float:
        parameters = {"projections": [projection.name for projection in PROJECTIONS]}
        async with reading(self._pool) as connection:
            row = await (await connection.execute(_SQL[statement], parameters)).fetchone()
        assert row is not None
        return float(row[0])
