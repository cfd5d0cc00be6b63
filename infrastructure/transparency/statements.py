"""Questions about a tree and its ledger on one connection, inside a transaction or outside."""

from collections.abc import Collection, Mapping
from typing import Any

from psycopg.rows import args_row

from application.transparency.checkpoint import KeptNote
from application.transparency.tiles import Leaves, Tile
from domain.values import MAX_BIGINT, TenantName
from infrastructure.postgres.arrays import BigIntArray, ByteaArray, IntArray
from infrastructure.postgres.database import Connection
from infrastructure.postgres.statements import statements

_SQL = statements("transparency")
_LEAVES = args_row(Leaves)


def head_and_newest(row: tuple[Any, ...]) -> tuple[int, KeptNote | None]:
    """Return how many events a ledger has, and its newest checkpoint, from a row of ledger_and_newest_head."""
    head, size, note = row
    return head, None if size is None else KeptNote(size, note)


async def notes_of(connection: Connection, tenant: TenantName, *, after: int, limit: int) -> list[KeptNote]:
    """Return signed checkpoints larger than after, in order of size."""
    page = {"tenant": tenant, "after": after, "limit": limit}
    return [KeptNote(*row) for row in await (await connection.execute(_SQL["tree_heads"], page)).fetchall()]


async def leaves_of(connection: Connection, tenant: TenantName, after: int | None, limit: int) -> Leaves:
    """Return leaves computed from the events after a position; from the first existing event if after is None."""
    async with connection.cursor(binary=True, row_factory=_LEAVES) as cursor:
        await cursor.execute(_SQL["leaves"], ledger_page(tenant, after, limit), prepare=True)
        [leaves] = await cursor.fetchall()
    return leaves


async def tiles_of(connection: Connection, tenant: TenantName, wanted: Collection[Tile]) -> dict[Tile, bytes]:
    """Return those of the wanted tiles that exist."""
    if not wanted:
        return {}
    parameters: dict[str, Any] = {"tenant": tenant, **coordinates(wanted)}
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(_SQL["tiles"], parameters)
        return {Tile(level, number): hashes for level, number, hashes in await cursor.fetchall()}


async def save_tiles(connection: Connection, tenant: TenantName, tiles: Mapping[Tile, bytes]) -> None:
    """Store tiles as they are given, in place of any stored ones."""
    await connection.execute(_SQL["save_tiles"], {"tenant": tenant, **hashes_of(tiles)})


def ledger_page(tenant: TenantName, after: int | None, limit: int) -> dict[str, Any]:
    """Return the parameters of a ledger's page. If after is None, it is the first page, whatever positions it has."""
    return {"tenant": tenant, "after": -MAX_BIGINT if after is None else after, "limit": limit}


def hashes_of(tiles: Mapping[Tile, bytes]) -> dict[str, Any]:
    """Return the parameters that store tiles."""
    return {**coordinates(tiles), "hashes": ByteaArray(tiles.values())}


def coordinates(tiles: Collection[Tile]) -> dict[str, Any]:
    """Return the parameters that name tiles."""
    return {"levels": IntArray(tile.level for tile in tiles), "numbers": BigIntArray(tile.number for tile in tiles)}
