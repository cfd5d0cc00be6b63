"""Views beside the live ones on PostgreSQL: temporary tables of one session, which also vanish after a crash."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import Any

from application.views.projections.catalogue import VIEWS
from application.views.projections.view import View
from application.views.upkeep.projector import ViewAhead, ViewCheckpoint
from application.views.upkeep.rebuild import RowDifference
from domain.values import TenantName
from infrastructure.postgres.arrays import BigIntArray, texts
from infrastructure.postgres.database import Connection, connect, translated
from infrastructure.postgres.patience import COMMANDS
from infrastructure.postgres.statements import statements
from infrastructure.views.columns import BESIDE, LIVE
from infrastructure.views.comparison import of_table, removal
from infrastructure.views.composed import save
from infrastructure.views.merging import Key, KeyDifference, differences
from infrastructure.views.write import PostgresViewStore, arrays_of

_SQL = statements("side_views")
_VIEWS = {view.name: view for view in VIEWS}

ROWS = 5_000
"""How many keys and digests are fetched at a time."""
DIFFERENCES = 500
"""How many rows that differ are read at a time."""


class PostgresSideViews:
    """Implements application.views.upkeep.rebuild.SideViews on one connection; no other connection sees its tables.

    Ledgers are read on another connection.
    """

    def __init__(self, connection: Connection, ledgers: Connection, tenant: TenantName, views: Sequence[str]) -> None:
        self._connection = connection
        self._ledgers = ledgers
        self._views = views
        self._parameters = {"tenant": tenant, "views": texts(views)}

    async def create(self) -> None:
        """Create the tables, with checkpoints at the beginning of the ledger, and any missing live checkpoints."""
        await self._connection.execute(_SQL["create_live_checkpoints"], self._parameters)
        await self._connection.execute(_SQL["create"])
        await self._connection.execute(_SQL["begin"], self._parameters)

    def upto(self, position: int) -> PostgresViewStore:
        return PostgresViewStore(
            lambda: nullcontext(self._connection), lambda: nullcontext(self._ledgers), upto=position, schema=BESIDE
        )

    async def checkpoints(self) -> list[ViewCheckpoint]:
        return [ViewCheckpoint(*row) for row in await self._fetch("checkpoints")]

    async def live_positions(self) -> dict[str, int]:
        return dict(await self._fetch("live_positions"))

    async def ahead(self) -> list[ViewAhead]:
        return [ViewAhead(*row) for row in await self._fetch("views_ahead")]

    @asynccontextmanager
    async def taking_over(self) -> AsyncIterator[None]:
        with translated():
            async with self._connection.transaction():
                await self._fetch("hold_live_checkpoints")
                yield

    async def take_over(self) -> None:
        for view in self._views:
            async for found in self._differing(view):
                await self._replace(view, found)
        rebuilt = await self.checkpoints()
        positions = {
            "projections": texts([checkpoint.projection for checkpoint in rebuilt]),
            "positions": BigIntArray(checkpoint.position for checkpoint in rebuilt),
        }
        await self._connection.execute(_SQL["take_over_checkpoints"], {**self._parameters, **positions})
        await self._connection.execute(_SQL["begin_edition"], self._parameters)

    async def _replace(self, name: str, found: Sequence[KeyDifference]) -> None:
        """Replace the live rows that differ by the rebuilt ones."""
        view = _VIEWS[name]
        await self._connection.execute(removal(view), self._keys(view, [d.key for d in found if d.is_live]))
        missing = self._keys(view, [d.key for d in found if d.is_rebuilt])
        async with self._connection.cursor(binary=True) as cursor:
            await cursor.execute(of_table(view, BESIDE).rows, missing)
            rows = await cursor.fetchall()
        if rows:
            await self._connection.execute(save(view), {**self._parameters, **arrays_of(view, rows)})

    @asynccontextmanager
    async def still(self) -> AsyncIterator[Mapping[str, int]]:
        with translated():
            async with self._connection.transaction():
                await self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                yield await self.live_positions()

    async def differences(self, view: str) -> AsyncIterator[RowDifference]:
        async for found in self._differing(view):
            keys = self._keys(_VIEWS[view], [difference.key for difference in found])
            live, rebuilt = [await self._objects(view, schema, keys) for schema in (LIVE, BESIDE)]
            for difference in found:
                yield RowDifference(view, live.get(difference.key), rebuilt.get(difference.key))

    async def _differing(self, name: str) -> AsyncIterator[list[KeyDifference]]:
        """Yield the differences between the live view and the rebuilt one, some at a time."""
        view = _VIEWS[name]
        async with (
            self._connection.cursor(name="live", binary=True) as live,
            self._connection.cursor(name="rebuilt", binary=True) as rebuilt,
        ):
            live.itersize = rebuilt.itersize = ROWS
            await live.execute(of_table(view, LIVE).digests, self._parameters)
            await rebuilt.execute(of_table(view, BESIDE).digests, self._parameters)
            some: list[KeyDifference] = []
            async for difference in differences(aiter(live), aiter(rebuilt)):
                some.append(difference)
                if len(some) == DIFFERENCES:
                    yield some
                    some = []
            if some:
                yield some

    async def _objects(self, view: str, schema: str, keys: dict[str, Any]) -> dict[Key, dict[str, Any]]:
        cursor = await self._connection.execute(of_table(_VIEWS[view], schema).objects, keys)
        return {tuple(key): row async for *key, row in cursor}

    def _keys(self, view: View[Any], keys: Sequence[Key]) -> dict[str, Any]:
        """Return the parameters of the statements that take keys."""
        return {**self._parameters, **arrays_of(view, keys, names=view.key)}

    async def _fetch(self, statement: str) -> list[tuple[Any, ...]]:
        cursor = await self._connection.execute(_SQL[statement], self._parameters)
        return await cursor.fetchall()


class PostgresSideViewStore:
    """Implements application.views.upkeep.rebuild.SideViewStore. A mere comparison does not need the owner's rights."""

    def __init__(self, dsn: str, *, as_owner: bool) -> None:
        self._connect = partial(connect, dsn, as_owner=as_owner, settings=COMMANDS.settings)

    @asynccontextmanager
    async def beside(self, tenant: TenantName, views: Sequence[str]) -> AsyncIterator[PostgresSideViews]:
        async with await self._connect() as connection, await self._connect() as ledgers:
            with translated():
                side = PostgresSideViews(connection, ledgers, tenant, views)
                await side.create()
            yield side
