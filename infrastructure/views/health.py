"""The health of views and of sealing, as PostgreSQL knows it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from application.views.health import (
    DeliveryHealth,
    DeliveryKind,
    InstallationShape,
    ProjectionHealth,
    SealingHealth,
    StandbyHealth,
)
from application.views.projections.catalogue import PROJECTIONS
from infrastructure.ledger.clock import now
from infrastructure.postgres.database import Pool, reading
from infrastructure.postgres.standby import StandbyWatch
from infrastructure.postgres.statements import statements
from infrastructure.postgres.watch import Watch
from infrastructure.setup.distribution import TABLES, distribution

_SQL = statements("health")

SECONDS = 1.5
"""A health check is answered with a failure after this time, instead of having to wait longer."""


class PostgresHealth:
    """Implements application.views.health.Health."""

    def __init__(self, pool: Pool, watch: Watch, standby: StandbyWatch | None = None) -> None:
        self._pool = pool
        self._watch = watch
        self._standby = standby

    def standby(self) -> StandbyHealth | None:
        if self._standby is None:
            return None
        return StandbyHealth(self._standby.why_not, *self._standby.lag)

    def refusal_of_writes(self) -> str | None:
        return self._watch.refusal_of_writes

    async def projections(self) -> list[ProjectionHealth]:
        names = [projection.name for projection in PROJECTIONS]
        late = {row[0]: ProjectionHealth(*row) for row in await self._rows("projections", projections=names)}
        return [late.get(name, ProjectionHealth(name, 0, (), 0.0)) for name in sorted(names)]

    async def shape(self) -> InstallationShape:
        async with reading(self._pool, seconds=SECONDS) as connection:
            return distribution(await (await connection.execute(TABLES)).fetchall()).shape

    async def damaged_keys(self) -> int:
        [(count,)] = await self._rows("damaged_keys")
        return int(count)

    async def clock_ahead(self) -> float:
        async with reading(self._pool) as connection:
            before = now()
            row = await (await connection.execute(_SQL["clock"])).fetchone()
            after = now()
        assert row is not None
        theirs: datetime = row[0]
        return (theirs - before - (after - before) / 2).total_seconds()

    async def sealing(self) -> SealingHealth:
        [row] = await self._rows("sealing")
        return SealingHealth(*row)

    async def deliveries(self) -> list[DeliveryHealth]:
        consumers, held = await self._rows("consumers"), await self._rows("held_streams")
        found = {_kind(is_webhook): DeliveryHealth(_kind(is_webhook), *numbers) for is_webhook, *numbers in consumers}
        for is_webhook, waiting, parked in held:
            kind = _kind(is_webhook)
            found[kind] = found.get(kind, DeliveryHealth(kind))._replace(waiting=waiting, parked=parked)
        kinds: tuple[DeliveryKind, DeliveryKind] = ("consumer", "webhook")
        return [found.get(kind, DeliveryHealth(kind)) for kind in kinds]

    def lost_nodes(self) -> Mapping[str, int]:
        return self._pool.nodes.lost

    async def _rows(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Return what is found of all tenants whose node can be reached."""
        async with reading(self._pool, seconds=SECONDS) as connection:
            return await self._pool.nodes.rows(connection, _SQL[statement], parameters=parameters)


def _kind(is_webhook: bool) -> DeliveryKind:
    return "webhook" if is_webhook else "consumer"
