"""A tenant's credentials on PostgreSQL, with the rights of the service."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from application.access.credentials import KeyRecord, NewKey
from domain.errors import TenantNotFound
from domain.values import TenantName
from infrastructure.keys.key_register import PostgresKeyRegister, new_secret
from infrastructure.keys.tokens import digest_of
from infrastructure.postgres.database import Pool, writing
from infrastructure.postgres.statements import statements

_SQL = statements("tenant_keys")


class PostgresTenantKeys:
    """Implements application.access.credentials.TenantKeys."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._register = PostgresKeyRegister(pool)

    async def of_tenant(self, tenant: TenantName) -> list[KeyRecord]:
        return await self._register.of_tenant(tenant)

    async def create(self, tenant: TenantName, *, scopes: tuple[str, ...], name: str, period: timedelta) -> NewKey:
        key_id, secret, expires_at = secrets.token_hex(12), new_secret(), datetime.now(UTC) + period
        made = await self._call("create", tenant, key_id, expires_at, scopes=list(scopes), name=name, secret=secret)
        if not made:
            raise TenantNotFound(tenant)
        return NewKey(tenant, key_id, secret, scopes, expires_at)

    async def revoke(self, tenant: TenantName, key_id: str) -> bool:
        return await self._call("revoke", tenant, key_id)

    async def _call(
        self,
        statement: str,
        tenant: TenantName,
        key_id: str,
        expires_at: datetime | None = None,
        *,
        secret: str = "",
        **others: Any,
    ) -> bool:
        parameters = {"tenant": tenant, "key_id": key_id, "expires_at": expires_at, **others}
        async with writing(self._pool) as connection:
            cursor = await connection.execute(_SQL[statement], {**parameters, "secret_digest": digest_of(secret)})
            row = await cursor.fetchone()
        return row is not None and row[0] is True
