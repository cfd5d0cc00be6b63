"""Trees and checkpoints on PostgreSQL."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from psycopg.rows import args_row

from application.gathering import Gathering
from application.transparency.leaves import Leaf
from application.transparency.tiles import Leaves, Tile, last_tiles
from domain.values import MAX_BIGINT, TenantName
from infrastructure.arrays import BigIntArray, ByteaArray, IntArray
from infrastructure.database import Connection, Pool, reading
from infrastructure.statements import statements

_SQL = statements("transparency")
_LEAF, _LEAVES = args_row(Leaf), args_row(Leaves)


class PostgresTreeBatch:
    """Implements application.transparency.sealing.TreeBatch."""

    def __init__(self, connection: Connection, tenant: TenantName, size: int, head: int) -> None:
        self.size = size
        self.head = head
        self._connection = connection
        self._tenant = tenant

    async def last_tiles(self) -> Mapping[int, bytes]:
        tiles = await _tiles(self._connection, self._tenant, last_tiles(self.size))
        return {tile.level: hashes for tile, hashes in tiles.items()}

    async def next_leaves(self, *, limit: int) -> Leaves:
        return await _leaves(self._connection, self._tenant, self.size, limit)

    async def save(self, size: int, tiles: Mapping[Tile, bytes], note: str) -> None:
        parameters = {"tenant": self._tenant, "size": size, "note": note}
        arrays = {**_coordinates(tiles), "hashes": ByteaArray(tiles.values())}
        await self._connection.execute(_SQL["save_tiles"], {"tenant": self._tenant, **arrays})
        await self._connection.execute(_SQL["save_tree_head"], parameters)
        await self._connection.execute(_SQL["advance_tree"], parameters)

    async def stop(self, error: str) -> None:
        await self._connection.execute(_SQL["stop_tree"], {"tenant": self._tenant, "error": error})


class PostgresTrees:
    """Implements application.transparency's TreeStore, TreeReader and LedgerScan."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._covering = Gathering(self._notes_that_cover)

    async def unsealed(self) -> list[TenantName]:
        async with reading(self._pool) as connection:
            await connection.execute(_SQL["create_missing_trees"])
            rows = await (await connection.execute(_SQL["unsealed"])).fetchall()
        return [TenantName(row[0]) for row in rows]

    @asynccontextmanager
    async def hold(self, tenant: TenantName) -> AsyncIterator[PostgresTreeBatch | None]:
        async with reading(self._pool) as connection, connection.transaction():
            tree = await (await connection.execute(_SQL["hold_tree"], {"tenant": tenant})).fetchone()
            # Asked once the tree is ours: by one statement for both, a tree that somebody sealed at this very moment
            # could seem to reach beyond its ledger.
            ledger = await (await connection.execute(_SQL["ledger_position"], {"tenant": tenant})).fetchone()
            yield PostgresTreeBatch(connection, tenant, tree[0], ledger[0]) if tree and ledger else None

    async def newest_note(self, tenant: TenantName) -> str | None:
        return await self._note("newest_tree_head", tenant)

    async def note_of(self, tenant: TenantName, size: int) -> str | None:
        return await self._note("tree_head", tenant, size)

    async def note_that_covers(self, tenant: TenantName, size: int) -> str | None:
        return await self._covering.ask(tenant, size)

    async def notes(self, tenant: TenantName, *, after: int, limit: int) -> list[tuple[int, str]]:
        async with reading(self._pool) as connection:
            page = {"tenant": tenant, "after": after, "limit": limit}
            return [
                (size, note) for size, note in await (await connection.execute(_SQL["tree_heads"], page)).fetchall()
            ]

    async def position_of(self, tenant: TenantName, event_id: str) -> int | None:
        async with reading(self._pool) as connection:
            found = await connection.execute(_SQL["position_of"], {"tenant": tenant, "event_id": event_id})
            row = await found.fetchone()
        return None if row is None else int(row[0])

    async def tiles(self, tenant: TenantName, wanted: Collection[Tile]) -> dict[Tile, bytes]:
        async with reading(self._pool) as connection:
            return await _tiles(connection, tenant, wanted)

    async def leaves(self, tenant: TenantName, *, after: int | None, limit: int) -> Leaves:
        async with reading(self._pool) as connection:
            return await _leaves(connection, tenant, after, limit)

    async def leaves_one_by_one(self, tenant: TenantName, *, after: int | None, limit: int) -> list[Leaf]:
        async with reading(self._pool) as connection, connection.cursor(binary=True, row_factory=_LEAF) as cursor:
            await cursor.execute(_SQL["leaves_one_by_one"], _page(tenant, after, limit))
            return await cursor.fetchall()

    async def first_broken_stream(self, tenant: TenantName) -> tuple[int, str, int, int | None] | None:
        async with reading(self._pool) as connection:
            row = await (await connection.execute(_SQL["first_broken_stream"], {"tenant": tenant})).fetchone()
        return None if row is None else (row[0], row[1], row[2], row[3])

    async def _notes_that_cover(self, tenant: TenantName, sizes: Sequence[int]) -> list[str | None]:
        wanted = {"tenant": tenant, "sizes": BigIntArray(set(sizes))}
        async with reading(self._pool) as connection:
            notes = dict(await (await connection.execute(_SQL["tree_heads_that_cover"], wanted)).fetchall())
        return [notes[size] for size in sizes]

    async def _note(self, statement: str, tenant: TenantName, size: int | None = None) -> str | None:
        async with reading(self._pool) as connection:
            row = await (await connection.execute(_SQL[statement], {"tenant": tenant, "size": size})).fetchone()
        return None if row is None else str(row[0])


async def _leaves(connection: Connection, tenant: TenantName, after: int | None, limit: int) -> Leaves:
    async with connection.cursor(binary=True, row_factory=_LEAVES) as cursor:
        await cursor.execute(_SQL["leaves"], _page(tenant, after, limit), prepare=True)
        [leaves] = await cursor.fetchall()
    return leaves


def _page(tenant: TenantName, after: int | None, limit: int) -> dict[str, Any]:
    return {"tenant": tenant, "after": -MAX_BIGINT if after is None else after, "limit": limit}


async def _tiles(connection: Connection, tenant: TenantName, wanted: Collection[Tile]) -> dict[Tile, bytes]:
    if not wanted:
        return {}
    parameters: dict[str, Any] = {"tenant": tenant, **_coordinates(wanted)}
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(_SQL["tiles"], parameters)
        return {Tile(level, number): hashes for level, number, hashes in await cursor.fetchall()}


def _coordinates(tiles: Collection[Tile]) -> dict[str, Any]:
    return {"levels": IntArray(tile.level for tile in tiles), "numbers": BigIntArray(tile.number for tile in tiles)}
