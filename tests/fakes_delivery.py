"""Ledgers in memory as followers read them, which keep the contract of those on PostgreSQL."""

from application.delivery.filters import EventFilter
from application.delivery.reading import Found
from application.ledger.port import EventStore
from domain.values import Position, TenantName


class WantedEventsOf:
    """Implements application.delivery.reading.WantedEvents on any EventStore."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def head(self, tenant: TenantName) -> Position:
        return await self._store.head(tenant)

    async def find(
        self, tenant: TenantName, wanted: EventFilter, *, after: int, upto: int, limit: int, max_bytes: int
    ) -> Found:
        found = [
            event
            for event in await self._store.read_ledger(tenant, after=after, upto=upto, limit=upto - after)
            if (wanted.read_types is None or event.type in wanted.read_types)
            and (wanted.streams is None or event.stream in wanted.streams)
        ]
        page, size = [], 0
        for event in found[:limit]:
            page.append(event)
            size += len(event.data) + len(event.metadata)
            if size >= max_bytes:
                break
        return Found(page, is_whole=len(page) == len(found) < limit)
