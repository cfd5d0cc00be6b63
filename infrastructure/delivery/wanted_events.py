"""The ledgers on PostgreSQL, as far as a filter can be put to them."""

from collections.abc import Collection
from typing import Any

from application.delivery.filters import EventFilter
from application.delivery.reading import Found
from application.ledger.port import EventStore
from application.privacy.vault import Vault
from domain.values import Position, TenantName
from infrastructure.ledger.event_store import EVENTS
from infrastructure.postgres.arrays import TextArray, texts
from infrastructure.postgres.bounded_reads import BoundedReads, Large
from infrastructure.postgres.database import Pool
from infrastructure.postgres.rows import recorded_event
from infrastructure.postgres.statements import statements

_FIND = statements("feed")["find"]


class PostgresWantedEvents:
    """Implements application.delivery.reading.WantedEvents."""

    def __init__(self, store: EventStore, pool: Pool, vault: Vault, large: Large | None = None) -> None:
        self._store = store
        self._reads = BoundedReads(pool, large, whatever_times=True)
        self._vault = vault

    async def head(self, tenant: TenantName) -> Position:
        return await self._store.head(tenant)

    async def find(
        self, tenant: TenantName, wanted: EventFilter, *, after: int, upto: int, limit: int, max_bytes: int
    ) -> Found:
        part: dict[str, Any] = {"after": after, "upto": upto, "limit": limit, "max_bytes": max_bytes}
        part |= {"types": _array(wanted.read_types), "streams": _array(wanted.streams)}
        rows, count = await self._reads.counted(_FIND, EVENTS, tenant, **part)
        events = await self._vault.opened(tenant, [recorded_event(row) for row in rows])
        return Found(events, is_whole=count < limit and count == len(rows))


def _array(names: Collection[str] | None) -> TextArray | None:
    return None if names is None else texts(sorted(names))
