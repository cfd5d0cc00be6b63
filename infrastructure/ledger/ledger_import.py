"""Imports events that already have their positions, on PostgreSQL."""

from collections.abc import Sequence

from application.ledger.port import RecordedEvent
from domain.errors import TenantNotFound
from domain.values import TenantName
from infrastructure.postgres.arrays import BigIntArray, ByteaArray, texts, timestamps
from infrastructure.postgres.database import Pool, reading
from infrastructure.postgres.statements import statements

_SQL = statements("ledger_import")


class PostgresLedgerContinuation:
    """Implements application.ledger_file.importing.LedgerContinuation."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, tenant: TenantName, events: Sequence[RecordedEvent]) -> bool:
        columns = dict(zip(RecordedEvent._fields, zip(*events, strict=True), strict=True))
        rows = {
            "tenant": tenant,
            "positions": BigIntArray(columns["position"]),
            "streams": texts(columns["stream"]),
            "versions": BigIntArray(columns["version"]),
            "event_ids": texts(columns["event_id"]),
            "types": texts(columns["type"]),
            "data": ByteaArray(columns["data"]),
            "metadata": ByteaArray(columns["metadata"]),
            "occurred_at": timestamps(columns["occurred_at"]),
            "recorded_at": timestamps(columns["recorded_at"]),
        }
        newest = {"tenant": tenant, "position": events[-1].position, "recorded_at": events[-1].recorded_at}
        async with reading(self._pool) as connection, connection.transaction():
            # This is the lock of an append: nobody writes in between, and position order stays commit order.
            row = await (await connection.execute(_SQL["hold_ledger"], {"tenant": tenant})).fetchone()
            if row is None:
                raise TenantNotFound(tenant)
            if row[0] != events[0].position - 1:
                return False
            await connection.execute(_SQL["add_events"], rows)
            await connection.execute(_SQL["advance_ledger"], newest)
            await connection.execute(_SQL["notify"], {"tenant": tenant})
        return True
