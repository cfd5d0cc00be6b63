"""The ledgers on PostgreSQL: appends through group commit, reads through a pool."""

from collections.abc import Coroutine, Sequence
from datetime import datetime
from typing import Any

from application.ledger.port import PAGE_BYTES, Append, Appended, IdempotencyKey, RecordedEvent
from application.runtime.request_context import note_write
from domain.errors import KeyReused, TenantNotFound
from domain.values import MAX_BIGINT, Position, TenantName
from infrastructure.ledger.group_commit import GroupCommit
from infrastructure.postgres.arrays import texts
from infrastructure.postgres.bounded_reads import BoundedReads, Large
from infrastructure.postgres.bounded_rows import RowShape
from infrastructure.postgres.database import Pool, reading, writing
from infrastructure.postgres.rows import recorded_event
from infrastructure.postgres.statements import statements

_SQL = statements("ledger")
MAX_INT = 2**31 - 1
EVENTS = RowShape(columns=slice(5, 7), key=0, statement=_SQL["large_events"])
"""The columns of statements that read events."""


class PostgresEventStore:
    """Implements application.ledger.port.EventStore.

    A page raises UnreadableEvent if the time of one of its events was changed to one that Python cannot hold. With
    whatever_times the event is returned, and its metadata says so.
    """

    def __init__(
        self, pool: Pool, writer: GroupCommit, large: Large | None = None, *, whatever_times: bool = False
    ) -> None:
        self._pool = pool
        self._writer = writer
        self._reads = BoundedReads(pool, large, whatever_times=whatever_times)

    # It returns another's coroutine; one of its own would cost one more step for every append.
    def append(self, append: Append) -> Coroutine[Any, Any, Appended]:
        return self._writer.append(append)

    async def find_request(self, tenant: TenantName, key: IdempotencyKey) -> Appended | None:
        async with reading(self._pool) as connection:
            cursor = await connection.execute(_SQL["find_request"], {"tenant": tenant, "key": key.key})
            row = await cursor.fetchone()
        if row is None:
            return None
        fingerprint, first, last, recorded_at = row
        if fingerprint != key.fingerprint:
            raise KeyReused(key.key)
        note_write()
        return Appended(first, last, (), recorded_at, is_replayed=True)

    async def bind_request(
        self, tenant: TenantName, key: IdempotencyKey, position: Position, recorded_at: datetime
    ) -> None:
        bound = {**key._asdict(), "tenant": tenant, "position": position, "recorded_at": recorded_at}
        async with writing(self._pool) as connection:
            row = await (await connection.execute(_SQL["bind_request"], bound)).fetchone()
        if row != (key.fingerprint,):
            raise KeyReused(key.key)

    async def find_events(self, tenant: TenantName, event_ids: Sequence[str]) -> list[RecordedEvent]:
        wanted: dict[str, Any] = {"event_ids": texts(event_ids), "limit": len(event_ids), "max_bytes": MAX_INT}
        rows = await self._reads.rows(_SQL["find_events"], EVENTS, tenant, **wanted)
        return [recorded_event(row) for row in rows]

    async def read_stream(
        self,
        tenant: TenantName,
        stream: str,
        *,
        after: int = 0,
        upto: int | None = None,
        types: tuple[str, ...] = (),
        limit: int = 1_000,
        max_bytes: int = PAGE_BYTES,
    ) -> list[RecordedEvent]:
        page: dict[str, Any] = {"stream": stream, "after": after, "limit": limit, "max_bytes": max_bytes}
        return await self._read("read_stream", tenant, types, upto=upto, **page)

    async def read_ledger(
        self,
        tenant: TenantName,
        *,
        after: int = 0,
        upto: int | None = None,
        types: tuple[str, ...] = (),
        limit: int = 1_000,
        max_bytes: int = PAGE_BYTES,
    ) -> list[RecordedEvent]:
        page: dict[str, Any] = {"after": after, "limit": limit, "max_bytes": max_bytes}
        return await self._read("read_ledger", tenant, types, upto=upto, **page)

    async def head(self, tenant: TenantName) -> Position:
        async with reading(self._pool) as connection:
            row = await (await connection.execute(_SQL["head"], {"tenant": tenant})).fetchone()
        if row is None:
            raise TenantNotFound(tenant)
        return Position(row[0])

    async def _read(
        self, statement: str, tenant: TenantName, types: tuple[str, ...], *, upto: int | None, **page: Any
    ) -> list[RecordedEvent]:
        page["upto"] = MAX_BIGINT if upto is None else upto
        if types:
            statement, page["types"] = f"{statement}_of_types", texts(types)
        return [recorded_event(row) for row in await self._reads.rows(_SQL[statement], EVENTS, tenant, **page)]
