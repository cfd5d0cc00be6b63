"""The views on PostgreSQL, as queries read them."""

from collections.abc import Sequence
from typing import Any

from application.ledger import RecordedEvent
from application.projections.action_log import ActionLogRow
from application.projections.order_state import OrderStateRow
from application.projections.service_events import ServiceEventRow
from application.queries import OrderFilter, Progress, TimelineEntry, TimelineFilter
from domain.errors import TenantNotFound
from domain.values import MAX_BIGINT, TenantName
from infrastructure.database import Pool, reading
from infrastructure.statements import statements

_SQL = statements("queries")


class PostgresViews:
    """Implements application.queries.Views."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def progress(self, tenant: TenantName, views: Sequence[str]) -> Progress:
        rows = await self._fetch("progress", tenant=tenant, views=list(views))
        if not rows:
            raise TenantNotFound(tenant)
        return Progress(*rows[0])

    async def action_log(self, tenant: TenantName, order_id: str, *, limit: int) -> list[ActionLogRow]:
        rows = await self._fetch("action_log", tenant=tenant, order_id=order_id, limit=limit)
        return [ActionLogRow(*row) for row in rows]

    async def service_events(self, tenant: TenantName, order_id: str, *, limit: int) -> list[ServiceEventRow]:
        rows = await self._fetch("service_events", tenant=tenant, order_id=order_id, limit=limit)
        return [ServiceEventRow(*row) for row in rows]

    async def order(self, tenant: TenantName, order_id: str) -> OrderStateRow | None:
        rows = await self._fetch("order", tenant=tenant, order_id=order_id)
        return OrderStateRow(*rows[0]) if rows else None

    async def order_id_of(self, tenant: TenantName, reference: str) -> str | None:
        rows = await self._fetch("order_id_of", tenant=tenant, reference=reference)
        return rows[0][0] if rows else None

    async def orders(
        self, tenant: TenantName, wanted: OrderFilter, *, before: int | None, limit: int
    ) -> list[OrderStateRow]:
        text = None if wanted.text is None else wanted.text.lower()
        rows = await self._fetch(
            "orders",
            **{**wanted._asdict(), "text": text},
            tenant=tenant,
            before=MAX_BIGINT if before is None else before,
            limit=limit,
        )
        return [OrderStateRow(*row) for row in rows]

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
        return [TimelineEntry(row[0], RecordedEvent(*row[1:])) for row in rows]

    async def _fetch(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        async with reading(self._pool) as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(_SQL[statement], parameters)
            return await cursor.fetchall()
