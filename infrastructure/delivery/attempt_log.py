"""The attempts to deliver messages, in PostgreSQL: what was said is encrypted with the key of the event's subject."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from application.delivery.errors import AttemptNotFound
from application.delivery.webhooks.port import Attempt
from application.privacy.cipher import bound, open_body, seal_body
from application.privacy.keys import KeyRing
from domain.errors import InvalidEvent, UnreadableKey
from domain.values import TenantName
from infrastructure.postgres.database import Pool, reading, writing
from infrastructure.postgres.statements import statements

_SQL = statements("webhooks")
_LAST = "g"
"""Comes after every name of an attempt: these are hexadecimal."""


class PostgresAttemptLog:
    """Implements application.delivery.webhooks.port.AttemptLog."""

    def __init__(self, pool: Pool, keys: KeyRing) -> None:
        self._pool = pool
        self._keys = keys

    async def add(self, tenant: TenantName, webhook: str, attempt: Attempt) -> None:
        key = (await self._keys.to_write(tenant, [attempt.stream]))[attempt.stream]
        is_kept = key is not None and attempt.detail is not None
        detail = seal_body(attempt.detail, key, _bound(tenant, attempt.id)) if is_kept else None  # type: ignore[arg-type]
        row = {**attempt._asdict(), "tenant": tenant, "webhook": webhook, "attempt": attempt.id, "detail": detail}
        async with writing(self._pool) as connection:
            await connection.execute(_SQL["add_attempt"], row)

    async def list(self, tenant: TenantName, webhook: str, *, before: str | None, limit: int) -> Sequence[Attempt]:
        page = {"tenant": tenant, "webhook": webhook, "before": before or _LAST, "limit": limit}
        return await self._read(tenant, "attempts", page)

    async def find(self, tenant: TenantName, webhook: str, attempt: str) -> Attempt:
        found = await self._read(tenant, "attempt", {"tenant": tenant, "webhook": webhook, "attempt": attempt})
        if not found:
            raise AttemptNotFound(f"There is no attempt {attempt!r}, or it was removed since")
        return found[0]

    async def prune(self, tenant: TenantName, webhook: str, *, before: datetime) -> None:
        began = f"{int(before.timestamp() * 1_000):012x}"
        pruned = {"tenant": tenant, "webhook": webhook, "before": f"{began[:8]}-{began[8:]}"}
        async with writing(self._pool) as connection:
            await connection.execute(_SQL["prune"], pruned)

    async def _read(self, tenant: TenantName, statement: str, asked: dict[str, Any]) -> Sequence[Attempt]:
        async with reading(self._pool) as connection:
            rows = await (await connection.execute(_SQL[statement], asked)).fetchall()
        attempts = [Attempt(*row) for row in rows]
        keys = await self._keys.to_read(tenant, {attempt.stream for attempt in attempts})
        opened = []
        for attempt in attempts:
            try:
                key = keys.get(attempt.stream)
                detail = attempt.detail and open_body(attempt.detail, key, _bound(tenant, attempt.id))
            except (InvalidEvent, UnreadableKey):
                detail = None
            opened.append(attempt._replace(detail=detail))
        return opened


def _bound(tenant: TenantName, attempt: str) -> bytes:
    return bound(tenant, attempt, "attempt")
