"""What people look through, on PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from application.ledger.port import PAGE_BYTES, Page, RecordedEvent
from application.privacy.vault import Vault
from application.views.browsing import (
    GROWTH_POINTS,
    MAX_CARRIERS,
    MAX_COUNTED,
    MAX_TIED,
    CallSearch,
    DurationCount,
    Failures,
    Newest,
    ViewStanding,
)
from domain.values import MAX_BIGINT, TenantName
from infrastructure.ledger.event_store import EVENTS
from infrastructure.postgres.arrays import BigIntArray, texts
from infrastructure.postgres.bounded_reads import BoundedReads, Large
from infrastructure.postgres.database import Pool, reading
from infrastructure.postgres.rows import fetch_whatever_times, recorded_event
from infrastructure.postgres.statements import statements

_SQL = statements("browsing")


class PostgresBrowsing:
    """Implements application.views.browsing.Browsing."""

    def __init__(self, pool: Pool, vault: Vault, large: Large | None = None) -> None:
        self._pool = pool
        self._vault = vault
        self._reads = BoundedReads(pool, large, whatever_times=True)

    async def newest(self, tenant: TenantName, order_ids: Sequence[str]) -> dict[str, Newest]:
        rows = await self._fetch("newest", tenant=tenant, order_ids=texts(order_ids))
        return {row[0]: Newest(*row) for row in rows}

    async def calls(
        self, tenant: TenantName, wanted: CallSearch, *, before: int | None, limit: int
    ) -> Page[RecordedEvent]:
        statement, narrowed = ("newest_calls", {}) if wanted == CallSearch() else ("calls", wanted._asdict())
        part = {**narrowed, "before": MAX_BIGINT if before is None else before, "limit": limit + 1}
        rows, count = await self._reads.counted(_SQL[statement], EVENTS, tenant, max_bytes=PAGE_BYTES, **part)
        shown = rows[:limit]
        events = await self._vault.opened(tenant, [recorded_event(row) for row in shown])
        return Page(events, has_more=count > len(shown))

    async def durations(self, tenant: TenantName, wanted: CallSearch, limits: Sequence[int]) -> list[DurationCount]:
        counted = {"limits": BigIntArray(limits), "limit": MAX_COUNTED}
        rows = await self._fetch("durations", tenant=tenant, **counted, **wanted._asdict())
        return [DurationCount(*row) for row in rows]

    async def carriers(self, tenant: TenantName) -> list[str]:
        return [row[0] for row in await self._fetch("carriers", tenant=tenant, limit=MAX_CARRIERS)]

    async def failures(self, tenant: TenantName, integration_id: int, since: datetime) -> list[Failures]:
        rows = await self._fetch("failures", tenant=tenant, integration_id=integration_id, since=since)
        return [Failures(*row) for row in rows]

    async def tied_orders(self, tenant: TenantName, integration_id: int) -> list[str]:
        rows = await self._fetch("tied_orders", tenant=tenant, integration_id=integration_id, limit=MAX_TIED)
        return [row[0] for row in rows]

    async def growth(self, tenant: TenantName, head: int) -> list[tuple[int, datetime]]:
        places = sorted({max(1, head * n // GROWTH_POINTS) for n in range(GROWTH_POINTS + 1)}) if head else []
        return [(row[0], row[1]) for row in await self._fetch("growth", tenant=tenant, keys=BigIntArray(places))]

    async def standings(self, tenant: TenantName) -> list[ViewStanding]:
        return [ViewStanding(*row) for row in await self._fetch("standings", tenant=tenant)]

    async def _fetch(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        async with reading(self._pool) as connection:
            return await fetch_whatever_times(connection, _SQL[statement], parameters)
