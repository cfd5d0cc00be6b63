"""The views and checkpoints on PostgreSQL, as the projector writes them."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from operator import itemgetter
from typing import Any

from application.ledger.port import RecordedEvent
from application.views.projections.catalogue import VIEWS
from application.views.projections.projection import Row
from application.views.projections.timeline import TIMELINE_VIEW, TiedOrders
from application.views.projections.view import ColumnType, View
from application.views.upkeep.projector import ViewCheckpoint
from domain.values import MAX_BIGINT, Position, TenantName
from infrastructure.ledger.event_store import EVENTS
from infrastructure.postgres.arrays import Array, BigIntArray, TextArray, texts, timestamps
from infrastructure.postgres.bounded_rows import by_key, completed, cut, inline_of, left_out
from infrastructure.postgres.database import Connection, translated
from infrastructure.postgres.nodes import Nodes
from infrastructure.postgres.rows import fetch, fetch_whatever_times, recorded_event
from infrastructure.postgres.statements import statements
from infrastructure.views.columns import LIVE
from infrastructure.views.composed import present, save

Connections = Callable[[], AbstractAsyncContextManager[Connection]]
"""Lends a connection, such as a pool's."""

_SQL = statements("views")
_LEDGER = statements("ledger")

MAX_BATCH_BYTES = 4 * 2**20
"""The size of a batch of events, whatever their number. A projector holds this batch, and the next one too."""

_VIEWS = {view.name: view for view in VIEWS}
_ARRAYS: Mapping[ColumnType, Callable[[Sequence[Any]], Array]] = {
    ColumnType.TEXT: texts,
    ColumnType.NUMBER: BigIntArray,
    ColumnType.TIME: timestamps,
    ColumnType.JSON: TextArray,  # rows have JSON as bytes
}


def arrays_of(
    view: View[Any], rows: Sequence[Sequence[Any]], *, names: Sequence[str] | None = None
) -> dict[str, Array]:
    """Return an array for each column, or for each of these columns, of rows that have them in this order."""
    columns = view.columns if names is None else [view.columns[view.index(name)] for name in names]
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    return {column.name: _ARRAYS[column.type](of_column) for column, of_column in zip(columns, values, strict=True)}


def present_of(view: str, schema: str = LIVE) -> tuple[type[Any], bytes]:
    """Return the statement that reads what a view's projection needs of its present rows, and the type of its rows."""
    if view == TIMELINE_VIEW.name:
        return TiedOrders, _SQL["tied_orders"]
    return _VIEWS[view].row, present(_VIEWS[view], schema)


class PostgresViewBatch:
    """Implements application.views.upkeep.projector.ViewBatch."""

    def __init__(
        self,
        connection: Connection,
        tenant: TenantName,
        checkpoints: Sequence[ViewCheckpoint],
        head: Position,
        schema: str,
    ) -> None:
        self.checkpoints = checkpoints
        self.head = head
        self._connection = connection
        self._tenant = tenant
        self._schema = schema

    async def present(self, view: str, ids: Sequence[str]) -> Mapping[str, Any]:
        if not ids:
            return {}
        row_of, statement = present_of(view, self._schema)
        rows = await self._fetch(statement, ids=texts(ids))
        return {str(row[0]): row_of(*row) for row in rows}

    async def save(self, view: str, rows: Sequence[Row]) -> None:
        if rows:
            # A batch has rows of many things. In the order of the things, what the server looks for in its indexes is
            # where it has just been.
            together = sorted(rows, key=itemgetter(0))
            await self._execute(save(_VIEWS[view], self._schema), **arrays_of(_VIEWS[view], together))

    async def advance(self, projections: Sequence[str], position: int) -> None:
        await self._execute(_SQL["advance"], projections=texts(projections), position=position)

    async def stop(self, projection: str, error: str, *, until_rebuilt: bool = False) -> None:
        statement = _SQL["stop_until_rebuilt" if until_rebuilt else "stop"]
        await self._execute(statement, projection=projection, error=error.replace("\x00", ""))

    async def _execute(self, statement: bytes, **parameters: Any) -> None:
        await self._connection.execute(statement, {"tenant": self._tenant, **parameters}, prepare=True)

    async def _fetch(self, statement: bytes, **parameters: Any) -> list[tuple[Any, ...]]:
        async with self._connection.cursor(binary=True) as cursor:
            await cursor.execute(statement, {"tenant": self._tenant, **parameters}, prepare=True)
            return await cursor.fetchall()


class PostgresViewStore:
    """Implements application.views.upkeep.projector.ViewStore on the views of a schema.

    With upto, the ledgers seem to end at that position.
    Ledgers are read on connections that no batch uses: while the server writes one batch, the next can be read.
    """

    def __init__(
        self,
        connections: Connections,
        ledgers: Connections,
        *,
        upto: int = MAX_BIGINT,
        schema: str = LIVE,
        nodes: Nodes | None = None,
    ) -> None:
        self._connections = connections
        self._ledgers = ledgers
        self._upto = upto
        self._schema = schema
        self._nodes = nodes or Nodes()

    async def events(self, tenant: TenantName, *, after: int, limit: int) -> list[RecordedEvent]:
        page = {"after": after, "upto": self._upto, "limit": limit, "inline": inline_of(MAX_BATCH_BYTES, limit)}
        with translated():
            async with self._ledgers() as connection:
                found = await fetch_whatever_times(connection, _LEDGER["read_ledger"], {"tenant": tenant, **page})
                rows = cut(found, MAX_BATCH_BYTES)
                large = {}
                if keys := left_out(rows, EVENTS):
                    wanted = {"tenant": tenant, "keys": BigIntArray(keys)}
                    large = by_key(await fetch(connection, EVENTS.statement, wanted))
        return [recorded_event(row) for row in completed(rows, EVENTS, large)]

    @asynccontextmanager
    async def batch(self, tenant: TenantName, projections: Sequence[str]) -> AsyncIterator[PostgresViewBatch]:
        with translated():
            # The server inserts the rows of one view while we still make the rows of the next.
            async with self._connections() as connection, connection.transaction(), connection.pipeline():
                # A view that loses its last batch in a crash also loses its checkpoint's move, and reads the batch
                # again.
                await connection.execute("SET LOCAL synchronous_commit = off")
                parameters = {"tenant": tenant, "projections": texts(projections)}
                held = await connection.execute(_SQL["hold_checkpoints"], parameters)
                # The head is asked for after the checkpoints are held, so it is not older than they are.
                head = await connection.execute(_SQL["head"], {"tenant": tenant})
                checkpoints = [ViewCheckpoint(*row) for row in await held.fetchall()]
                row = await head.fetchone()
                yield PostgresViewBatch(connection, tenant, checkpoints, Position(row[0] if row else 0), self._schema)

    async def behind(self, projections: Sequence[str], *, within: timedelta | None = None) -> list[TenantName]:
        with translated():
            async with self._connections() as connection:
                parameters = {"projections": texts(projections), "within": within}
                found = await self._nodes.rows(connection, _SQL["behind"], parameters=parameters)
                if missing := [tenant for tenant, has_missing in found if has_missing]:
                    of_these = {**parameters, "tenants": texts(missing)}
                    await connection.execute(_SQL["create_missing_checkpoints"], of_these, prepare=False)
                    found = await self._nodes.rows(connection, _SQL["behind"], parameters=parameters)
                return [TenantName(tenant) for tenant, _ in found]
