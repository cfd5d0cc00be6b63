"""The health of views and of sealing, as PostgreSQL knows it."""

from datetime import datetime

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
        async with reading(self._pool, seconds=SECONDS) as connection:
            rows = await (await connection.execute(_SQL["projections"], {"projections": names})).fetchall()
        return [ProjectionHealth(*row) for row in rows]

    async def shape(self) -> InstallationShape:
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

    async def deliveries(self) -> list[DeliveryHealth]:
        async with reading(self._pool, seconds=SECONDS) as connection:
            consumers = await (await connection.execute(_SQL["consumers"])).fetchall()
            held = await (await connection.execute(_SQL["held_streams"])).fetchall()
        found = {_kind(is_webhook): DeliveryHealth(_kind(is_webhook), *numbers) for is_webhook, *numbers in consumers}
        for is_webhook, waiting, parked in held:
            kind = _kind(is_webhook)
            found[kind] = found.get(kind, DeliveryHealth(kind))._replace(waiting=waiting, parked=parked)
        kinds: tuple[DeliveryKind, DeliveryKind] = ("consumer", "webhook")
        return [found.get(kind, DeliveryHealth(kind)) for kind in kinds]


def _kind(is_webhook: bool) -> DeliveryKind:
    return "webhook" if is_webhook else "consumer"
