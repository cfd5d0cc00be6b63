"""Trees on PostgreSQL for repairs, with the rights of the database's owner."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager

from application.transparency.checkpoint import KeptNote
from application.transparency.tiles import Leaves, Tile
from domain.errors import TenantNotFound
from domain.values import TenantName
from infrastructure.postgres.database import Connection, connect, translated
from infrastructure.postgres.statements import statements
from infrastructure.transparency.statements import head_and_newest, leaves_of, notes_of, save_tiles, tiles_of

_SQL = statements("transparency")


class PostgresTreeToRepair:
    """Implements application.transparency.audit.repair.TreeToRepair."""

    def __init__(
        self,
        connection: Connection,
        tenant: TenantName,
        *,
        noted_size: int,
        error: str | None,
        head: int,
        newest: KeptNote | None,
    ) -> None:
        self.noted_size = noted_size
        self.error = error
        self.head = head
        self.newest = newest
        self._connection = connection
        self._tenant = tenant

    async def tiles(self, wanted: Collection[Tile]) -> Mapping[Tile, bytes]:
        return await tiles_of(self._connection, self._tenant, wanted)

    async def leaves(self, *, after: int, limit: int) -> Leaves:
        return await leaves_of(self._connection, self._tenant, after, limit)

    async def first_missing(self, *, after: int, limit: int) -> int:
        parameters = {"tenant": self._tenant, "after": after, "limit": limit}
        row = await (await self._connection.execute(_SQL["first_missing"], parameters)).fetchone()
        assert row is not None
        return int(row[0])

    async def notes(self, *, after: int, limit: int) -> list[KeptNote]:
        return await notes_of(self._connection, self._tenant, after=after, limit=limit)

    async def replace(self, tiles: Mapping[Tile, bytes]) -> None:
        await save_tiles(self._connection, self._tenant, tiles)

    async def settle(self, size: int) -> int:
        parameters = {"tenant": self._tenant, "size": size}
        removed = await self._connection.execute(_SQL["remove_stray_tiles"], parameters)
        await self._connection.execute(_SQL["settle_tree"], parameters)
        return removed.rowcount


class PostgresTreesToRepair:
    """Implements application.transparency.audit.repair.TreesToRepair."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    @asynccontextmanager
    async def hold(self, tenant: TenantName) -> AsyncIterator[PostgresTreeToRepair]:
        with translated():
            async with await connect(self._dsn, as_owner=True) as connection, connection.transaction():
                yield await _held(connection, tenant)


async def _held(connection: Connection, tenant: TenantName) -> PostgresTreeToRepair:
    await connection.execute(_SQL["create_tree"], {"tenant": tenant})
    tree = await (await connection.execute(_SQL["wait_for_tree"], {"tenant": tenant})).fetchone()
    found = await (await connection.execute(_SQL["ledger_and_newest_head"], {"tenant": tenant})).fetchone()
    if tree is None or found is None:
        raise TenantNotFound(tenant)
    (noted_size, error), (head, newest) = tree, head_and_newest(found)
    return PostgresTreeToRepair(connection, tenant, noted_size=noted_size, error=error, head=head, newest=newest)
