"""How far consumers and webhooks are, as PostgreSQL knows it."""

from application.delivery.health import DeliveryHealth, Kind
from infrastructure.postgres.database import Pool, reading
from infrastructure.postgres.statements import statements

_SQL = statements("health")

SECONDS = 1.5
"""Metrics are answered with a failure after this time, instead of having to wait longer."""


class PostgresDeliveriesHealth:
    """Implements application.delivery.health.DeliveriesHealth."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def deliveries(self) -> list[DeliveryHealth]:
        async with reading(self._pool, seconds=SECONDS) as connection:
            consumers = await (await connection.execute(_SQL["consumers"])).fetchall()
            held = await (await connection.execute(_SQL["held_streams"])).fetchall()
        found = {_kind(is_webhook): DeliveryHealth(_kind(is_webhook), *numbers) for is_webhook, *numbers in consumers}
        for is_webhook, waiting, parked in held:
            kind = _kind(is_webhook)
            found[kind] = found.get(kind, DeliveryHealth(kind))._replace(waiting=waiting, parked=parked)
        kinds: tuple[Kind, Kind] = ("consumer", "webhook")
        return [found.get(kind, DeliveryHealth(kind)) for kind in kinds]


def _kind(is_webhook: bool) -> Kind:
    return "webhook" if is_webhook else "consumer"
