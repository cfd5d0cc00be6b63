"""How far ledgers are on one server, and what was erased there."""

from collections.abc import Sequence

from application.runtime.gathering import Gathering
from application.views.standby import Standing
from domain.errors import TenantNotFound
from domain.values import TenantName
from infrastructure.postgres.database import Pool, reading
from infrastructure.postgres.statements import statements

_SQL = statements("ledger")


class PostgresStandings:
    """Implements application.views.standby.Standings."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._asked = Gathering(self._answers)

    async def standing(self, tenant: TenantName) -> Standing:
        return await self._asked.ask(tenant, None)

    async def _answers(self, tenant: TenantName, asked: Sequence[None]) -> list[Standing]:
        """Return one answer for all who asked at the same time."""
        async with reading(self._pool) as connection:
            row = await (await connection.execute(_SQL["standing"], {"tenant": tenant})).fetchone()
        if row is None:
            raise TenantNotFound(tenant)
        return [Standing(*row)] * len(asked)
