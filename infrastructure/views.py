"""The views on PostgreSQL, as queries read them."""

from collections.abc import Sequence
from typing import Any

from application.gathering import Gathering
from application.integration_queries import ExceptionFilter, Order
from application.ledger import RecordedEvent
from application.opened_rows import opened_actions, opened_orders, opened_reports
from application.projections.action_log import ActionLogRow
from application.projections.integrations import IntegrationRow
from application.projections.order_state import OrderStateRow
from application.projections.service_events import ServiceEventRow
from application.queries import CallFilter, Edition, OrderFilter, Progress, TimelineEntry, TimelineFilter
from application.search import searchable
from application.vault import Vault
from domain.errors import TenantNotFound
from domain.values import MAX_BIGINT, TenantName
from infrastructure.arrays import texts
from infrastructure.database import Pool, reading
from infrastructure.rows import fetch_whatever_times, recorded_event
from infrastructure.statements import statements

_SQL = statements("queries")


class PostgresViews:
    """Implements application.queries.Views and application.integration_queries.IntegrationViews."""

    def __init__(self, pool: Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault
        self._progress = Gathering(self._progress_of)

    async def progress(self, tenant: TenantName, views: Sequence[str], order_id: str | None) -> Progress:
        return await self._progress.ask((tenant, tuple(views)), order_id or "")

    async def _progress_of(self, of: tuple[TenantName, tuple[str, ...]], order_ids: Sequence[str]) -> list[Progress]:
        tenant, views = of
        rows = await self._fetch(
            "progress", tenant=tenant, views=texts(views), shown=views[0], order_ids=texts(order_ids)
        )
        if not rows:
            raise TenantNotFound(tenant)
        head, reached, is_stopped, number, newest = rows[0]
        return [Progress(head, reached, is_stopped, Edition(number, position)) for position in newest]

    async def action_log(self, tenant: TenantName, order_id: str, *, limit: int) -> list[ActionLogRow]:
        rows = await self._fetch("action_log", tenant=tenant, order_id=order_id, limit=limit)
        return await opened_actions(self._vault, tenant, [ActionLogRow(*row) for row in rows])

    async def newest_actions(self, tenant: TenantName, order_id: str, *, limit: int) -> list[RecordedEvent]:
        rows = await self._fetch("newest_actions", tenant=tenant, order_id=order_id, limit=limit)
        return await self._vault.opened(tenant, [recorded_event(row) for row in rows])

    async def service_events(self, tenant: TenantName, order_id: str, *, limit: int) -> list[ServiceEventRow]:
        rows = await self._fetch("service_events", tenant=tenant, order_id=order_id, limit=limit)
        return await opened_reports(self._vault, tenant, [ServiceEventRow(*row) for row in rows])

    async def order(self, tenant: TenantName, order_id: str) -> OrderStateRow | None:
        rows = await self._fetch("order", tenant=tenant, order_id=order_id)
        return next(iter(await opened_orders(self._vault, tenant, [OrderStateRow(*row) for row in rows])), None)

    async def order_id_of(self, tenant: TenantName, reference: str) -> str | None:
        rows = await self._fetch("order_id_of", tenant=tenant, reference=reference)
        return rows[0][0] if rows else None

    async def orders(
        self, tenant: TenantName, wanted: OrderFilter, *, before: int | None, limit: int
    ) -> list[OrderStateRow]:
        text = None if wanted.text is None else searchable(wanted.text)
        rows = await self._fetch(
            "orders",
            **{**wanted._asdict(), "text": text},
            tenant=tenant,
            before=MAX_BIGINT if before is None else before,
            limit=limit,
        )
        return await opened_orders(self._vault, tenant, [OrderStateRow(*row) for row in rows])

    async def timeline(
        self, tenant: TenantName, order_id: str, wanted: TimelineFilter, *, cursor: int | None, limit: int
    ) -> list[TimelineEntry]:
        beginning = 0 if wanted.order == "asc" else MAX_BIGINT
        rows = await self._fetch(
            f"timeline_{wanted.order}",
            **wanted._asdict(),
            tenant=tenant,
            order_id=order_id,
            cursor=beginning if cursor is None else cursor,
            limit=limit,
        )
        events = await self._vault.opened(tenant, [recorded_event(row[2:]) for row in rows])
        return [TimelineEntry(row[0], row[1], event) for row, event in zip(rows, events, strict=True)]

    async def system_log(
        self, tenant: TenantName, order_id: str, wanted: CallFilter, *, offset: int, limit: int
    ) -> list[RecordedEvent]:
        rows = await self._fetch(
            "system_log", **wanted._asdict(), tenant=tenant, order_id=order_id, offset=offset, limit=limit
        )
        return await self._vault.opened(tenant, [recorded_event(row) for row in rows])

    async def integration(self, tenant: TenantName, integration_id: int) -> IntegrationRow | None:
        rows = await self._fetch("integration", tenant=tenant, integration_id=integration_id)
        return IntegrationRow(*rows[0]) if rows else None

    async def integrations(self, tenant: TenantName, *, limit: int) -> list[IntegrationRow]:
        rows = await self._fetch("integrations", tenant=tenant, limit=limit)
        return [IntegrationRow(*row) for row in rows]

    async def exceptions(
        self, tenant: TenantName, wanted: ExceptionFilter, *, order: Order, cursor: int | None, limit: int
    ) -> list[RecordedEvent]:
        beginning = 0 if order == "asc" else MAX_BIGINT
        rows = await self._fetch(
            f"exceptions_{order}" if wanted.integration_id is not None else f"exceptions_of_all_{order}",
            **wanted._asdict(),
            tenant=tenant,
            cursor=beginning if cursor is None else cursor,
            limit=limit,
        )
        return await self._vault.opened(tenant, [recorded_event(row) for row in rows])

    async def _fetch(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        async with reading(self._pool) as connection:
            return await fetch_whatever_times(connection, _SQL[statement], parameters)
