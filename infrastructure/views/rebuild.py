"""Views beside the live ones on PostgreSQL: temporary tables of one session, which also vanish after a crash."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import Any

from application.views.projections.catalogue import VIEWS
from application.views.upkeep.projector import ViewAhead, ViewCheckpoint
from application.views.upkeep.rebuild import RowDifference
from domain.values import TenantName
from infrastructure.postgres.arrays import texts
from infrastructure.postgres.database import Connection, connect, translated
from infrastructure.postgres.patience import COMMANDS
from infrastructure.postgres.statements import statements
from infrastructure.views.columns import BESIDE
from infrastructure.views.comparison import comparison
from infrastructure.views.write import PostgresViewStore

_SQL = statements("side_views")
_VIEWS = {view.name: view for view in VIEWS}


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
            await self._connection.execute(_SQL["analyze"])
            async with self._connection.transaction():
                await self._fetch("hold_live_checkpoints")
                yield

    async def take_over(self) -> None:
        for view in self._views:
            _, remove, add = comparison(_VIEWS[view])
            await self._connection.execute(remove, self._parameters)
            await self._connection.execute(add, self._parameters)
        await self._connection.execute(_SQL["take_over_checkpoints"], self._parameters)
        await self._connection.execute(_SQL["begin_edition"], self._parameters)

    @asynccontextmanager
    async def still(self) -> AsyncIterator[Mapping[str, int]]:
        with translated():
            await self._connection.execute(_SQL["analyze"])
            async with self._connection.transaction():
                await self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                yield await self.live_positions()

    async def differences(self, view: str) -> AsyncIterator[RowDifference]:
        async with self._connection.cursor(name="differences") as cursor:
            await cursor.execute(comparison(_VIEWS[view]).differences, self._parameters)
            async for row in cursor:
                yield RowDifference(view, *row)

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
