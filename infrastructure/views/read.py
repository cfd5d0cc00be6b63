"""The views on PostgreSQL, as queries read them."""

from collections.abc import Sequence
from typing import Any

from application.ledger.port import PAGE_BYTES, Page, RecordedEvent
from application.privacy.vault import Vault
from application.runtime.gathering import Gathering
from application.views.integration_queries import ExceptionFilter, Order
from application.views.projections.action_log import ActionLogRow
from application.views.projections.integrations import IntegrationRow
from application.views.projections.order_state import OrderStateRow
from application.views.projections.service_events import ServiceEventRow
from application.views.queries import CallFilter, Edition, OrderFilter, TimelineEntry, TimelineFilter, ViewProgress
from application.views.row_opener import opened_actions, opened_orders, opened_reports
from application.views.search import searchable
from domain.errors import TenantNotFound
from domain.values import MAX_BIGINT, TenantName
from infrastructure.ledger.event_store import EVENTS
from infrastructure.postgres.arrays import texts
from infrastructure.postgres.bounded_reads import BoundedReads, Large
from infrastructure.postgres.bounded_rows import Row, Shape
from infrastructure.postgres.database import Pool, reading
from infrastructure.postgres.rows import fetch_whatever_times, recorded_event
from infrastructure.postgres.statements import statements

_SQL = statements("queries")
_ENTRIES = Shape(columns=slice(7, 9), key=2, statement=EVENTS.statement)
_ACTIONS = Shape(columns=slice(5, 6), key=1, statement=_SQL["large_actions"])
_REPORTS = Shape(columns=slice(8, 9), key=1, statement=_SQL["large_reports"])
_ORDERS = Shape(columns=slice(9, 10), key=0, statement=_SQL["large_orders"])
_INTEGRATIONS = Shape(columns=slice(6, 7), key=0, statement=_SQL["large_integrations"])


class PostgresViews:
    """Implements application.views.queries.Views and application.views.integration_queries.IntegrationViews."""

    def __init__(self, pool: Pool, vault: Vault, large: Large | None = None) -> None:
        self._pool = pool
        self._reads = BoundedReads(pool, large, whatever_times=True)
        self._vault = vault
        self._progress = Gathering(self._progress_of)

    async def progress(self, tenant: TenantName, views: Sequence[str], order_id: str | None) -> ViewProgress:
        return await self._progress.ask((tenant, tuple(views)), order_id or "")

    async def _progress_of(
        self, of: tuple[TenantName, tuple[str, ...]], order_ids: Sequence[str]
    ) -> list[ViewProgress]:
        tenant, views = of
        rows = await self._fetch(
            "progress", tenant=tenant, views=texts(views), shown=views[0], order_ids=texts(order_ids)
        )
        if not rows:
            raise TenantNotFound(tenant)
        head, reached, is_stopped, number, newest = rows[0]
        return [ViewProgress(head, reached, is_stopped, Edition(number, position)) for position in newest]

    async def action_log(self, tenant: TenantName, order_id: str, *, limit: int) -> list[ActionLogRow]:
        rows = await self._rows("action_log", _ACTIONS, tenant, order_id=order_id, limit=limit)
        return await opened_actions(self._vault, tenant, [ActionLogRow(*row) for row in rows])

    async def newest_actions(self, tenant: TenantName, order_id: str, *, limit: int) -> list[RecordedEvent]:
        rows = await self._rows("newest_actions", EVENTS, tenant, order_id=order_id, limit=limit)
        return await self._vault.opened(tenant, [recorded_event(row) for row in rows])

    async def service_events(self, tenant: TenantName, order_id: str, *, limit: int) -> Page[ServiceEventRow]:
        rows = await self._page("service_events", _REPORTS, tenant, order_id=order_id, limit=limit)
        reports = await opened_reports(self._vault, tenant, [ServiceEventRow(*row) for row in rows])
        return Page(reports, has_more=rows.has_more)

    async def order(self, tenant: TenantName, order_id: str) -> OrderStateRow | None:
        rows = await self._fetch("order", tenant=tenant, order_id=order_id)
        return next(iter(await opened_orders(self._vault, tenant, [OrderStateRow(*row) for row in rows])), None)

    async def order_id_of(self, tenant: TenantName, reference: str) -> str | None:
        rows = await self._fetch("order_id_of", tenant=tenant, reference=reference)
        return rows[0][0] if rows else None

    async def orders(
        self, tenant: TenantName, wanted: OrderFilter, *, before: int | None, limit: int
    ) -> Page[OrderStateRow]:
        text = None if wanted.text is None else searchable(wanted.text)
        rows = await self._page(
            "orders",
            _ORDERS,
            tenant,
            **{**wanted._asdict(), "text": text},
            before=MAX_BIGINT if before is None else before,
            limit=limit,
        )
        return Page(
            await opened_orders(self._vault, tenant, [OrderStateRow(*row) for row in rows]), has_more=rows.has_more
        )

    async def timeline(
        self, tenant: TenantName, order_id: str, wanted: TimelineFilter, *, cursor: int | None, limit: int
    ) -> Page[TimelineEntry]:
        beginning = 0 if wanted.order == "asc" else MAX_BIGINT
        rows = await self._page(
            f"timeline_{wanted.order}",
            _ENTRIES,
            tenant,
            **wanted._asdict(),
            order_id=order_id,
            cursor=beginning if cursor is None else cursor,
            limit=limit,
        )
        events = await self._vault.opened(tenant, [recorded_event(row[2:]) for row in rows])
        entries = [TimelineEntry(row[0], row[1], event) for row, event in zip(rows, events, strict=True)]
        return Page(entries, has_more=rows.has_more)

    async def system_log(
        self, tenant: TenantName, order_id: str, wanted: CallFilter, *, offset: int, limit: int
    ) -> Page[RecordedEvent]:
        part = {**wanted._asdict(), "order_id": order_id, "offset": offset, "limit": limit}
        rows, count = await self._reads.counted(_SQL["system_log"], EVENTS, tenant, max_bytes=PAGE_BYTES, **part)
        events = await self._vault.opened(tenant, [recorded_event(row) for row in rows])
        return Page(events, has_more=count > len(rows))

    async def integration(self, tenant: TenantName, integration_id: int) -> IntegrationRow | None:
        rows = await self._fetch("integration", tenant=tenant, integration_id=integration_id)
        return IntegrationRow(*rows[0]) if rows else None

    async def integrations(self, tenant: TenantName, *, limit: int) -> list[IntegrationRow]:
        rows = await self._rows("integrations", _INTEGRATIONS, tenant, limit=limit)
        return [IntegrationRow(*row) for row in rows]

    async def exceptions(
        self, tenant: TenantName, wanted: ExceptionFilter, *, order: Order, cursor: int | None, limit: int
    ) -> Page[RecordedEvent]:
        beginning = 0 if order == "asc" else MAX_BIGINT
        rows = await self._page(
            f"exceptions_{order}" if wanted.integration_id is not None else f"exceptions_of_all_{order}",
            EVENTS,
            tenant,
            **wanted._asdict(),
            cursor=beginning if cursor is None else cursor,
            limit=limit,
        )
        return Page(await self._vault.opened(tenant, [recorded_event(row) for row in rows]), has_more=rows.has_more)

    async def _rows(self, statement: str, shape: Shape, tenant: TenantName, **parameters: Any) -> list[Row]:
        return await self._reads.rows(_SQL[statement], shape, tenant, max_bytes=PAGE_BYTES, **parameters)

    async def _page(
        self, statement: str, shape: Shape, tenant: TenantName, *, limit: int, **parameters: Any
    ) -> Page[Row]:
        """Return rows, and find out whether there are more by asking for one more."""
        wanted = {**parameters, "limit": limit + 1}
        rows, count = await self._reads.counted(_SQL[statement], shape, tenant, max_bytes=PAGE_BYTES, **wanted)
        return Page(rows[:limit], has_more=count > len(rows[:limit]))

    async def _fetch(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        async with reading(self._pool) as connection:
            return await fetch_whatever_times(connection, _SQL[statement], parameters)
