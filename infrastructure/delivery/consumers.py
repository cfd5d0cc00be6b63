"""The consumers of tenants, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from application.delivery.consumers import (
    Consumer,
    ConsumerMember,
    ConsumerSettings,
    HeldStream,
    Partition,
    Progress,
)
from application.delivery.errors import ConsumerNotFound, StreamNotHeld
from application.delivery.filters import EventFilter
from domain.errors import TenantNotFound
from domain.values import TenantName
from infrastructure.postgres.arrays import BigIntArray, TextArray, texts
from infrastructure.postgres.database import Connection, Pool, reading, writing
from infrastructure.postgres.statements import statements

_SQL = statements("consumers")


class PostgresConsumers:
    """Implements application.delivery.consumers.ConsumerRegister."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def define(self, tenant: TenantName, name: str, settings: ConsumerSettings, *, position: int) -> bool:
        async with writing(self._pool) as connection, connection.transaction():
            return await define(connection, tenant, name, settings, position)

    async def find(self, tenant: TenantName, name: str) -> Consumer:
        async with reading(self._pool) as connection:
            return await find(connection, tenant, name)

    async def list(self, tenant: TenantName, *, after: str = "", limit: int = 100) -> Sequence[Consumer]:
        page = {"tenant": tenant, "after": after, "limit": limit}
        async with reading(self._pool) as connection:
            rows = await (await connection.execute(_SQL["list"], page)).fetchall()
        return [consumer_of(row) for row in rows]

    async def progress(self, tenant: TenantName, names: Sequence[str]) -> Mapping[str, Progress]:
        asked = {"tenant": tenant, "consumers": texts(names)}
        async with reading(self._pool) as connection:
            rows = await (await connection.execute(_SQL["progress"], asked)).fetchall()
        return {name: Progress(*numbers) for name, *numbers in rows}

    async def members(self, tenant: TenantName, name: str) -> Sequence[ConsumerMember]:
        async with reading(self._pool) as connection:
            return await members_of(connection, tenant, name)

    async def partitions(self, tenant: TenantName, name: str) -> Sequence[Partition]:
        async with reading(self._pool) as connection:
            cursor = await connection.execute(_SQL["partitions"], {"tenant": tenant, "consumer": name})
            return [Partition(*row) for row in await cursor.fetchall()]

    async def pause(self, tenant: TenantName, name: str, *, is_paused: bool) -> None:
        await self._change("pause", ConsumerNotFound(name), tenant=tenant, consumer=name, paused=is_paused)

    async def reset(self, tenant: TenantName, name: str, position: int) -> None:
        async with writing(self._pool) as connection, connection.transaction():
            await lock(connection, tenant, name)
            of_consumer = {"tenant": tenant, "consumer": name}
            await connection.execute(_SQL["lock_partitions"], of_consumer)
            await connection.execute(_SQL["reset"], {**of_consumer, "position": position})
            await connection.execute(_SQL["let_all_go"], of_consumer)

    async def remove(self, tenant: TenantName, name: str) -> None:
        async with writing(self._pool) as connection, connection.transaction():
            await remove(connection, tenant, name)

    async def position_before(self, tenant: TenantName, time: datetime) -> int:
        async with reading(self._pool) as connection:
            cursor = await connection.execute(_SQL["position_before"], {"tenant": tenant, "time": time})
            row = await cursor.fetchone()
        if row is None:
            raise TenantNotFound(tenant)
        position: int = row[0]
        return position

    async def held(
        self, tenant: TenantName, name: str, *, are_parked: bool, after: str = "", limit: int = 100
    ) -> Sequence[HeldStream]:
        async with reading(self._pool) as connection:
            consumer = await find(connection, tenant, name)
            page: dict[str, Any] = {"tenant": tenant, "consumer": name, "parked": are_parked, "after": after}
            page |= {"limit": limit, "types": array_of(consumer.settings.wanted.read_types)}
            rows = await (await connection.execute(_SQL["held"], page)).fetchall()
        return [HeldStream(*row) for row in rows]

    async def retry(self, tenant: TenantName, name: str, stream: str | None = None) -> int:
        of_consumer = {"tenant": tenant, "consumer": name}
        async with writing(self._pool) as connection, connection.transaction():
            await find(connection, tenant, name)
            await connection.execute(_SQL["lock_partitions"], of_consumer)
            if stream is None:
                return len(await (await connection.execute(_SQL["retry_all"], of_consumer)).fetchall())
            cursor = await connection.execute(_SQL["retry"], {**of_consumer, "stream": stream})
            if await cursor.fetchone() is None:
                raise StreamNotHeld(stream)
            return 1

    async def drop(self, tenant: TenantName, name: str, stream: str, *, upto: int | None = None) -> None:
        of_consumer = {"tenant": tenant, "consumer": name}
        async with writing(self._pool) as connection, connection.transaction():
            await find(connection, tenant, name)
            await connection.execute(_SQL["lock_partitions"], of_consumer)
            cursor = await connection.execute(_SQL["drop"], {**of_consumer, "stream": stream, "upto": upto})
            if await cursor.fetchone() is None:
                raise StreamNotHeld(stream)

    async def _change(self, statement: str, missing: Exception, **parameters: Any) -> None:
        async with writing(self._pool) as connection:
            if await (await connection.execute(_SQL[statement], parameters)).fetchone() is None:
                raise missing


async def define(
    connection: Connection, tenant: TenantName, name: str, settings: ConsumerSettings, position: int
) -> bool:
    """Create or change a consumer in a transaction. Return whether it is new. Raises TenantNotFound."""
    wanted = {
        "tenant": tenant,
        "consumer": name,
        "types": texts(sorted(settings.wanted.types)),
        "orders": texts(sorted(settings.wanted.orders)),
        "services": texts(sorted(settings.wanted.services)),
        "integrations": BigIntArray(sorted(settings.wanted.integrations)),
        "max_failures": settings.max_failures,
        "lease": settings.lease,
    }
    if await (await connection.execute(_SQL["create"], wanted)).fetchone() is not None:
        start = {"tenant": tenant, "consumer": name, "position": position}
        await connection.execute(_SQL["make_partitions"], start)
        return True
    if await (await connection.execute(_SQL["change"], wanted)).fetchone() is None:
        raise TenantNotFound(tenant)
    return False


async def remove(connection: Connection, tenant: TenantName, name: str) -> None:
    """Remove a consumer in a transaction. Raises ConsumerNotFound."""
    of_consumer = {"tenant": tenant, "consumer": name}
    await lock(connection, tenant, name)
    await connection.execute(_SQL["lock_partitions"], of_consumer)
    for statement in ("let_all_go", "remove_members", "remove_partitions", "remove"):
        await connection.execute(_SQL[statement], of_consumer)


async def lock(connection: Connection, tenant: TenantName, name: str) -> Any:
    """Lock a consumer until the transaction ends, and return its lease. Raises ConsumerNotFound."""
    row = await (await connection.execute(_SQL["lock"], {"tenant": tenant, "consumer": name})).fetchone()
    if row is None:
        raise ConsumerNotFound(name)
    return row[0]


async def find(connection: Connection, tenant: TenantName, name: str) -> Consumer:
    """Return a consumer. Raises ConsumerNotFound."""
    row = await (await connection.execute(_SQL["find"], {"tenant": tenant, "consumer": name})).fetchone()
    if row is None:
        raise ConsumerNotFound(name)
    return consumer_of(row)


async def members_of(connection: Connection, tenant: TenantName, name: str) -> Sequence[ConsumerMember]:
    """Return a consumer's members in the order in which they joined."""
    cursor = await connection.execute(_SQL["members"], {"tenant": tenant, "consumer": name})
    return [ConsumerMember(*row) for row in await cursor.fetchall()]


def consumer_of(row: Sequence[Any]) -> Consumer:
    """Return the consumer in a row."""
    name, types, orders, services, integrations, max_failures, lease, is_paused, created_at = row
    wanted = EventFilter(frozenset(types), frozenset(orders), frozenset(services), frozenset(integrations))
    return Consumer(name, ConsumerSettings(wanted, max_failures, lease), is_paused, created_at)


def array_of(names: frozenset[str] | None) -> TextArray | None:
    """Return names as an array; NULL for all."""
    return None if names is None else texts(sorted(names))
