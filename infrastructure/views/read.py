"""The views on PostgreSQL, as queries read them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from application.ledger.port import PAGE_BYTES, Page, RecordedEvent
from application.privacy.vault import Vault
from application.runtime.gathering import Gathering
from application.views.integration_queries import ExceptionFilter, Order
from application.views.known import KnownEntries
from application.views.projections.action_log import ACTION_LOG_VIEW, ActionLogRow
from application.views.projections.integrations import INTEGRATIONS_VIEW, IntegrationRow
from application.views.projections.order_state import ORDER_STATE_VIEW, OrderStateRow
from application.views.projections.service_events import SERVICE_EVENTS_VIEW, ServiceEventRow
from application.views.projections.view import View
from application.views.queries import CallFilter, Edition, OrderFilter, TimelineEntry, TimelineFilter, ViewProgress
from application.views.row_opener import opened_rows
from application.views.search import searchable
from domain.errors import TenantNotFound
from domain.values import MAX_BIGINT, TenantName
from infrastructure.ledger.event_store import EVENTS
from infrastructure.postgres.arrays import BigIntArray, texts
from infrastructure.postgres.bounded_reads import BoundedReads, Large
from infrastructure.postgres.bounded_rows import MIN_INLINE, Row, RowShape, completed, left_out
from infrastructure.postgres.database import Pool, reading
from infrastructure.postgres.rows import fetch_whatever_times, recorded_event
from infrastructure.postgres.statements import statements
from infrastructure.views.composed import listed, new_rows, one

_SQL = statements("queries")
R = TypeVar("R", bound=tuple[Any, ...])
NEW = 20
"""How many new rows of an order are read together with those of other orders."""
_ENTRIES = RowShape(columns=slice(7, 9), key=2, statement=EVENTS.statement)


class PostgresViews:
    """Implements application.views.queries.Views and application.views.integration_queries.IntegrationViews."""

    def __init__(self, pool: Pool, vault: Vault, large: Large | None = None) -> None:
        self._pool = pool
        self._reads = BoundedReads(pool, large, whatever_times=True)
        self._vault = vault
        self._progress = Gathering(self._progress_of)
        self._new_actions = Gathering(self._new_actions_of)

    async def progress(self, tenant: TenantName, views: Sequence[str], order_id: str | None) -> ViewProgress:
        return await self._progress.ask((tenant, tuple(views)), order_id or "")

    async def _progress_of(
        self, of: tuple[TenantName, tuple[str, ...]], order_ids: Sequence[str]
    ) -> list[ViewProgress]:
        tenant, views = of
        rows = await self._fetch(
            _SQL["progress"], tenant=tenant, views=texts(views), shown=views[0], order_ids=texts(order_ids)
        )
        if not rows:
            raise TenantNotFound(tenant)
        head, reached, is_stopped, number, newest = rows[0]
        return [ViewProgress(head, reached, is_stopped, Edition(number, position)) for position in newest]

    async def action_log(self, tenant: TenantName, order_id: str, *, limit: int) -> list[ActionLogRow]:
        return await self._all(ACTION_LOG_VIEW, tenant, order_id=order_id, limit=limit)

    async def new_actions(
        self, tenant: TenantName, order_id: str, *, after: int, occurred_at: datetime
    ) -> list[ActionLogRow] | None:
        if not (rows := await self._new_actions.ask(tenant, (order_id, after))):
            return None
        known, *new = rows
        if ActionLogRow(*known)[1:3] != (after, occurred_at):
            return None
        return await self._opened(ACTION_LOG_VIEW, tenant, new)

    async def _new_actions_of(
        self, tenant: TenantName, asked: Sequence[tuple[str, int]]
    ) -> Sequence[Sequence[Row] | None]:
        """Return the actions of some orders from some positions on; None for one with many, or with a large one."""
        statement, shape = new_rows(ACTION_LOG_VIEW)
        order_ids, positions = zip(*asked, strict=True)
        wanted = {"order_ids": texts(order_ids), "positions": BigIntArray(positions), "limit": NEW + 2}
        found: list[list[Row]] = [[] for _ in asked]
        for number, *row in await self._fetch(statement, tenant=tenant, inline=MIN_INLINE, **wanted):
            found[number - 1].append(tuple(row))
        return [
            None if len(rows) > NEW + 1 or left_out(rows[1:], shape) else completed(rows, shape, {}) for rows in found
        ]

    async def newest_actions(self, tenant: TenantName, order_id: str, *, limit: int) -> list[RecordedEvent]:
        statement = _SQL["newest_actions"]
        rows = await self._reads.rows(statement, EVENTS, tenant, order_id=order_id, limit=limit, max_bytes=PAGE_BYTES)
        return await self._vault.opened(tenant, [recorded_event(row) for row in rows])

    async def service_events(self, tenant: TenantName, order_id: str, *, limit: int) -> Page[ServiceEventRow]:
        return await self._page(SERVICE_EVENTS_VIEW, tenant, order_id=order_id, limit=limit)

    async def order(self, tenant: TenantName, order_id: str) -> OrderStateRow | None:
        return await self._one(ORDER_STATE_VIEW, tenant, order_id=order_id)

    async def order_id_of(self, tenant: TenantName, reference: str) -> str | None:
        rows = await self._fetch(_SQL["order_id_of"], tenant=tenant, reference=reference)
        return rows[0][0] if rows else None

    async def orders(
        self, tenant: TenantName, wanted: OrderFilter, *, before: int | None, limit: int
    ) -> Page[OrderStateRow]:
        text = None if wanted.text is None else searchable(wanted.text)
        return await self._page(
            ORDER_STATE_VIEW,
            tenant,
            **{**wanted._asdict(), "text": text},
            before=MAX_BIGINT if before is None else before,
            limit=limit,
        )

    async def timeline(
        self,
        tenant: TenantName,
        order_id: str,
        wanted: TimelineFilter,
        *,
        cursor: int | None,
        limit: int,
        known: KnownEntries | None = None,
    ) -> Page[TimelineEntry]:
        beginning = 0 if wanted.order == "asc" else MAX_BIGINT
        rows = await self._part(
            _SQL[f"timeline_{wanted.order}"],
            _ENTRIES,
            tenant,
            **wanted._asdict(),
            order_id=order_id,
            cursor=beginning if cursor is None else cursor,
            limit=limit,
        )
        is_known = [known is not None and known.is_known(row[_ENTRIES.key], row) for row in rows]
        unknown = [recorded_event(row[2:]) for row, is_it in zip(rows, is_known, strict=True) if not is_it]
        opened = iter(await self._vault.opened(tenant, unknown))
        entries = [
            TimelineEntry(row[0], row[1], recorded_event(row[2:]) if is_it else next(opened))
            for row, is_it in zip(rows, is_known, strict=True)
        ]
        return Page(entries, has_more=rows.has_more)

    async def system_log(
        self, tenant: TenantName, order_id: str, wanted: CallFilter, *, offset: int, limit: int
    ) -> Page[RecordedEvent]:
        part = {**wanted._asdict(), "order_id": order_id, "offset": offset, "limit": limit}
        rows, count = await self._reads.counted(_SQL["system_log"], EVENTS, tenant, max_bytes=PAGE_BYTES, **part)
        events = await self._vault.opened(tenant, [recorded_event(row) for row in rows])
        return Page(events, has_more=count > len(rows))

    async def integration(self, tenant: TenantName, integration_id: int) -> IntegrationRow | None:
        return await self._one(INTEGRATIONS_VIEW, tenant, integration_id=integration_id)

    async def integrations(self, tenant: TenantName, *, limit: int) -> list[IntegrationRow]:
        return await self._all(INTEGRATIONS_VIEW, tenant, limit=limit)

    async def exceptions(
        self, tenant: TenantName, wanted: ExceptionFilter, *, order: Order, cursor: int | None, limit: int
    ) -> Page[RecordedEvent]:
        beginning = 0 if order == "asc" else MAX_BIGINT
        statement = f"exceptions_{order}" if wanted.integration_id is not None else f"exceptions_of_all_{order}"
        rows = await self._part(
            _SQL[statement],
            EVENTS,
            tenant,
            **wanted._asdict(),
            cursor=beginning if cursor is None else cursor,
            limit=limit,
        )
        return Page(await self._vault.opened(tenant, [recorded_event(row) for row in rows]), has_more=rows.has_more)

    async def _one(self, view: View[R], tenant: TenantName, **key: Any) -> R | None:
        """Return the row with a key; None if there is none."""
        return next(iter(await self._opened(view, tenant, await self._fetch(one(view), tenant=tenant, **key))), None)

    async def _all(self, view: View[R], tenant: TenantName, **wanted: Any) -> list[R]:
        """Return a list of a view's rows."""
        return await self._opened(
            view, tenant, await self._reads.rows(*listed(view), tenant, max_bytes=PAGE_BYTES, **wanted)
        )

    async def _page(self, view: View[R], tenant: TenantName, *, limit: int, **wanted: Any) -> Page[R]:
        """Return a page of a view's rows."""
        rows = await self._part(*listed(view), tenant, limit=limit, **wanted)
        return Page(await self._opened(view, tenant, rows), has_more=rows.has_more)

    async def _part(
        self, statement: bytes, shape: RowShape, tenant: TenantName, *, limit: int, **parameters: Any
    ) -> Page[Row]:
        """Return rows, and find out whether there are more by asking for one more."""
        wanted = {**parameters, "limit": limit + 1}
        rows, count = await self._reads.counted(statement, shape, tenant, max_bytes=PAGE_BYTES, **wanted)
        return Page(rows[:limit], has_more=count > len(rows[:limit]))

    async def _opened(self, view: View[R], tenant: TenantName, rows: Sequence[Row]) -> list[R]:
        made: list[Any] = [view.row(*row) for row in rows]
        return await opened_rows(self._vault, tenant, made) if view.is_encrypted else made

    async def _fetch(self, statement: bytes, **parameters: Any) -> list[Row]:
        async with reading(self._pool) as connection:
            return await fetch_whatever_times(connection, statement, parameters)
