"""Reads that are bounded in bytes: large values are fetched once there is room for them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from application.runtime.room import AT_ONCE, Part, Room
from domain.values import TenantName
from infrastructure.postgres.arrays import Array, BigIntArray, texts
from infrastructure.postgres.bounded_rows import Row, RowShape, by_key, completed, cut, inline_of, left_out, size_of
from infrastructure.postgres.database import Pool, reading
from infrastructure.postgres.rows import fetch, fetch_whatever_times


class Large(NamedTuple):
    """Where large values are read: once there is room, and on a few connections of their own.

    A connection's buffers grow to the largest value that it has moved, and never shrink. So these connections are few.
    """

    room: Room
    pool: Pool


class BoundedReads:
    """Executes statements whose rows are bounded (bounded_rows.py).

    A request has room for the rows that it read last: when it reads on, it is done with the rows before. Without large,
    large values are read like all others, and no read waits for room. A row with a time that Python cannot hold raises
    UnreadableEvent; with whatever_times it is returned without that time.
    """

    def __init__(self, pool: Pool, large: Large | None, *, whatever_times: bool = False) -> None:
        self._pool = pool
        self._large = large
        self._fetch = fetch_whatever_times if whatever_times else fetch

    async def rows(
        self, statement: bytes, shape: RowShape, tenant: TenantName, *, limit: int, max_bytes: int, **parameters: Any
    ) -> list[Row]:
        """Return rows up to the one that brings them to so many bytes. Raises Unavailable, Crowded."""
        rows, _ = await self.counted(statement, shape, tenant, limit=limit, max_bytes=max_bytes, **parameters)
        return rows

    async def counted(
        self, statement: bytes, shape: RowShape, tenant: TenantName, *, limit: int, max_bytes: int, **parameters: Any
    ) -> tuple[list[Row], int]:
        """Return what rows returns, and how many rows there would be without the limit on bytes."""
        wanted = {**parameters, "tenant": tenant, "limit": limit, "inline": inline_of(max_bytes, limit)}
        found = await self.fetch(statement, **wanted)
        rows = cut(found, max_bytes)
        await self.make_room(tenant, sum(map(size_of, rows)))
        keys = left_out(rows, shape)
        large = by_key(await self.fetch_large(shape.statement, **wanted, keys=_array(keys))) if keys else {}
        return completed(rows, shape, large), len(found)

    async def make_room(self, tenant: TenantName, size: int) -> None:
        """Wait for room for so many bytes that are read, and give up the room for those before. Raises Crowded."""
        if self._large is not None:
            self._large.room.give_back(Part.READ)
            if size > AT_ONCE:
                await self._large.room.hold(tenant, Part.READ, size)

    async def fetch(self, statement: bytes, **parameters: Any) -> list[Row]:
        """Return all rows of a statement without large values. Raises Unavailable."""
        return await self._fetch_from(self._pool, statement, parameters)

    async def fetch_large(self, statement: bytes, **parameters: Any) -> list[Row]:
        """Return all rows of a statement with large values. Raises Unavailable."""
        return await self._fetch_from(self._large.pool if self._large else self._pool, statement, parameters)

    async def _fetch_from(self, pool: Pool, statement: bytes, parameters: dict[str, Any]) -> list[Row]:
        async with reading(pool) as connection:
            return await self._fetch(connection, statement, parameters)


def _array(keys: Sequence[Any]) -> Array:
    return texts(keys) if isinstance(keys[0], str) else BigIntArray(keys)
