"""Trees and checkpoints on PostgreSQL."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from psycopg.rows import args_row

from application.runtime.gathering import Gathering
from application.transparency.audit.findings import KeptRecord
from application.transparency.checkpoint import KeptNote
from application.transparency.joint_sealing import Backlog, GrowingTree, NewSeal
from application.transparency.leaves import Leaf
from application.transparency.tiles import Leaves, Tile, growing_tiles
from application.views.projections.catalogue import PROJECTIONS
from application.views.upkeep.projector import ViewAhead
from domain.values import TenantName
from infrastructure.postgres.arrays import BigIntArray, texts
from infrastructure.postgres.database import Connection, Pool, reading
from infrastructure.postgres.pipelines import read_each, write_each
from infrastructure.postgres.statements import statements
from infrastructure.transparency.statements import (
    coordinates,
    hashes_of,
    head_and_newest,
    leaves_of,
    ledger_page,
    notes_of,
    save_tiles,
    tiles_of,
)

_SQL, _VIEWS = statements("transparency"), statements("side_views")
_LEAF = args_row(Leaf)


class PostgresTreeBatch:
    """Implements application.transparency.sealing.TreeBatch."""

    def __init__(
        self, connection: Connection, tenant: TenantName, *, noted_size: int, head: int, newest: KeptNote | None
    ) -> None:
        self.noted_size = noted_size
        self.head = head
        self.newest = newest
        self._connection = connection
        self._tenant = tenant

    async def tiles(self, wanted: Collection[Tile]) -> Mapping[Tile, bytes]:
        return await tiles_of(self._connection, self._tenant, wanted)

    async def next_leaves(self, *, after: int, limit: int) -> Leaves:
        return await leaves_of(self._connection, self._tenant, after, limit)

    async def save(self, size: int, tiles: Mapping[Tile, bytes], note: str) -> None:
        parameters = {"tenant": self._tenant, "size": size, "note": note}
        await save_tiles(self._connection, self._tenant, tiles)
        await self._connection.execute(_SQL["save_tree_head"], parameters)
        await self._connection.execute(_SQL["advance_tree"], parameters)

    async def stop(self, error: str) -> None:
        await self._connection.execute(_SQL["stop_tree"], {"tenant": self._tenant, "error": error})


class PostgresTrees:
    """Implements application.transparency's TreeStore, TreeReader and LedgerScan."""

    def __init__(self, pool: Pool, *, together: Pool | None = None) -> None:
        """Take a pool, and another one for what is done for many tenants at a time, with the settings TOGETHER."""
        self._pool = pool
        self._nodes = pool.nodes
        self._together = together or pool
        self._covering = Gathering(self._notes_that_cover)

    async def unsealed(self, *, within: timedelta | None) -> list[Backlog]:
        async with reading(self._pool) as connection:
            rows = await self._nodes.rows(connection, _SQL["unsealed"], parameters={"within": within})
            if missing := [tenant for tenant, *_, is_missing in rows if is_missing]:
                of_these = {"tenants": texts(missing)}
                await connection.execute(_SQL["create_missing_trees"], of_these, prepare=False)
        return [Backlog(*backlog) for *backlog, _ in rows]

    async def growing(self, backlogs: Sequence[Backlog], *, limit: int) -> list[GrowingTree | None]:
        self._nodes.require_all()
        wanted = [
            {"tenant": tenant, "sealed": sealed, "limit": limit, **coordinates(growing_tiles(sealed))}
            for tenant, sealed, _ in backlogs
        ]
        async with reading(self._together) as connection:
            found = await read_each(connection, _SQL["growing_tree"], wanted)
        return [_growing(backlog, rows) for backlog, rows in zip(backlogs, found, strict=True)]

    async def keep(self, seals: Sequence[NewSeal]) -> dict[TenantName, Exception]:
        statement, writes = _SQL["keep_seal"], []
        for tenant, sealed, (checkpoint, tiles, note) in seals:
            size = checkpoint.size
            parameters = {"tenant": tenant, "sealed": sealed, "size": size, "note": note, **hashes_of(tiles)}
            writes.append((statement, parameters))
        async with reading(self._together) as connection:
            results = await write_each(connection, writes)
        return {seal.tenant: r for seal, r in zip(seals, results, strict=True) if isinstance(r, Exception)}

    async def misnoted(self) -> list[TenantName]:
        async with reading(self._pool) as connection:
            rows = await self._nodes.rows(connection, _SQL["misnoted"])
        return [TenantName(row[0]) for row in rows]

    @asynccontextmanager
    async def hold(self, tenant: TenantName) -> AsyncIterator[PostgresTreeBatch | None]:
        # In a pipeline, we wait only for the answers that we need.
        async with reading(self._pool) as connection, connection.transaction(), connection.pipeline():
            tree = await connection.execute(_SQL["hold_tree"], {"tenant": tenant})
            ledger = await connection.execute(_SQL["ledger_and_newest_head"], {"tenant": tenant})
            noted_size, error = await tree.fetchone() or (None, None)
            found = await ledger.fetchone()
            if noted_size is None or error is not None or found is None:
                yield None
            else:
                head, newest = head_and_newest(found)
                yield PostgresTreeBatch(connection, tenant, noted_size=noted_size, head=head, newest=newest)

    async def newest_note(self, tenant: TenantName) -> KeptNote | None:
        return await self._note("newest_tree_head", tenant)

    async def note_of(self, tenant: TenantName, size: int) -> KeptNote | None:
        return await self._note("tree_head", tenant, size)

    async def note_that_covers(self, tenant: TenantName, size: int) -> KeptNote | None:
        return await self._covering.ask(tenant, size)

    async def stopped(self, tenant: TenantName) -> str | None:
        async with reading(self._pool) as connection:
            row = await (await connection.execute(_SQL["tree_error"], {"tenant": tenant})).fetchone()
        return None if row is None or row[0] is None else str(row[0])

    async def notes(self, tenant: TenantName, *, after: int, limit: int) -> list[KeptNote]:
        async with reading(self._pool) as connection:
            return await notes_of(connection, tenant, after=after, limit=limit)

    async def kept(self, tenant: TenantName) -> KeptRecord | None:
        async with reading(self._pool) as connection:
            row = await (await connection.execute(_SQL["kept_tree"], {"tenant": tenant})).fetchone()
        if row is None:
            return None
        noted_size, size, note, level, number = row
        newest = None if size is None else KeptNote(size, note)
        return KeptRecord(noted_size, newest, None if level is None else Tile(level, number))

    async def views_ahead(self, tenant: TenantName) -> list[ViewAhead]:
        of_these = {"tenant": tenant, "views": texts([projection.name for projection in PROJECTIONS])}
        async with reading(self._pool) as connection:
            rows = await (await connection.execute(_VIEWS["views_ahead"], of_these)).fetchall()
        return [ViewAhead(*row) for row in rows]

    async def position_of(self, tenant: TenantName, event_id: str) -> int | None:
        async with reading(self._pool) as connection:
            found = await connection.execute(_SQL["position_of"], {"tenant": tenant, "event_id": event_id})
            row = await found.fetchone()
        return None if row is None else int(row[0])

    async def newest_of_stream(self, tenant: TenantName, stream: str) -> tuple[int, int] | None:
        async with reading(self._pool) as connection:
            found = await connection.execute(_SQL["newest_of_stream"], {"tenant": tenant, "stream": stream})
            row = await found.fetchone()
        return None if row is None else (row[0], row[1])

    async def tiles(self, tenant: TenantName, wanted: Collection[Tile]) -> dict[Tile, bytes]:
        async with reading(self._pool) as connection:
            return await tiles_of(connection, tenant, wanted)

    async def leaves(self, tenant: TenantName, *, after: int | None, limit: int) -> Leaves:
        async with reading(self._pool) as connection:
            return await leaves_of(connection, tenant, after, limit)

    async def leaves_one_by_one(self, tenant: TenantName, *, after: int | None, limit: int) -> list[Leaf]:
        async with reading(self._pool) as connection, connection.cursor(binary=True, row_factory=_LEAF) as cursor:
            await cursor.execute(_SQL["leaves_one_by_one"], ledger_page(tenant, after, limit))
            return await cursor.fetchall()

    async def first_broken_stream(self, tenant: TenantName) -> tuple[int, str, int, int | None] | None:
        async with reading(self._pool) as connection:
            row = await (await connection.execute(_SQL["first_broken_stream"], {"tenant": tenant})).fetchone()
        return None if row is None else (row[0], row[1], row[2], row[3])

    async def _notes_that_cover(self, tenant: TenantName, sizes: Sequence[int]) -> list[KeptNote | None]:
        wanted = {"tenant": tenant, "sizes": BigIntArray(set(sizes))}
        async with reading(self._pool) as connection:
            rows = await (await connection.execute(_SQL["tree_heads_that_cover"], wanted)).fetchall()
        notes = {size: KeptNote(of_size, note) for size, of_size, note in rows}
        return [notes.get(size) for size in sizes]

    async def _note(self, statement: str, tenant: TenantName, size: int | None = None) -> KeptNote | None:
        async with reading(self._pool) as connection:
            row = await (await connection.execute(_SQL[statement], {"tenant": tenant, "size": size})).fetchone()
        return None if row is None else KeptNote(*row)


def _growing(backlog: Backlog, rows: Sequence[tuple[Any, ...]]) -> GrowingTree | None:
    """Return a tree as a row of growing_tree has it, if it is as the backlog says."""
    for noted_size, is_sealed, head, size, note, levels, numbers, hashes, *leaves in rows:
        if is_sealed and noted_size == backlog.sealed:
            newest = None if size is None else KeptNote(size, note)
            kept = dict(zip(map(Tile, levels, numbers), hashes, strict=True))
            return GrowingTree(backlog.tenant, noted_size, head, newest, kept, Leaves(*leaves))
    return None
