"""Credentials on PostgreSQL, for the operator."""

import secrets
from datetime import timedelta
from typing import Any

from application.access.credentials import Ends, KeyRecord, NewKey
from domain.errors import KeyHasEnded, KeyNotFound
from domain.values import Actor, TenantName
from infrastructure.keys.tokens import digest_of
from infrastructure.postgres.database import Pool, reading, writing
from infrastructure.postgres.statements import statements

_SQL = statements("key_register")
PAGE = 1_000


class PostgresKeyRegister:
    """Implements application.access.credentials.KeyRegister."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of_tenant(self, tenant: TenantName) -> list[KeyRecord]:
        keys: list[KeyRecord] = []
        async with reading(self._pool) as connection:
            while len(keys) % PAGE == 0:
                wanted = {"tenant": tenant, "after": keys[-1].key_id if keys else "", "limit": PAGE}
                rows = await (await connection.execute(_SQL["of_tenant"], wanted)).fetchall()
                keys += [_record(*row) for row in rows]
                if not rows:
                    break
        return sorted(keys, key=lambda key: (key.created_at, key.key_id))

    async def find(self, key_id: str, tenant: TenantName | None = None) -> KeyRecord:
        async with reading(self._pool) as connection:
            found = await (await connection.execute(_SQL["tenant_of"], {"key_id": key_id})).fetchone()
            if found is None or tenant not in {None, found[0]}:
                raise KeyNotFound(key_id, tenant)
            wanted = {"tenant": found[0], "key_id": key_id}
            row = await (await connection.execute(_SQL["find"], wanted)).fetchone()
        assert row is not None
        return _record(*row)

    async def revoke(self, key: KeyRecord) -> bool:
        async with writing(self._pool) as connection:
            cursor = await connection.execute(_SQL["revoke"], {"tenant": key.tenant, "key_id": key.key_id})
        return cursor.rowcount > 0

    async def rotate(self, key: KeyRecord, *, keep: timedelta) -> NewKey:
        secret = new_secret()
        change = {"tenant": key.tenant, "key_id": key.key_id, "secret_digest": digest_of(secret), "keep": keep}
        async with writing(self._pool) as connection:
            row = await (await connection.execute(_SQL["rotate"], change)).fetchone()
        if row is None:
            raise KeyHasEnded(key.key_id, key.tenant)
        scopes, expires_at = row
        return NewKey(key.tenant, key.key_id, secret, tuple(scopes), expires_at)


def new_secret() -> str:
    """Return a new random secret."""
    return secrets.token_hex(32)


def performer_of(id_: str | None, name: str | None, type_: str | None) -> Actor | None:
    """Return the person in three columns; None if they name nobody."""
    return None if id_ is None else Actor(id=id_, name=name or "", type=type_ or "")


def _record(tenant: str, key_id: str, name: str, scopes: list[str], *more: Any) -> KeyRecord:
    id_, performer_name, type_, created_at, rotated_at, *ends = more
    return KeyRecord(
        tenant=TenantName(tenant),
        key_id=key_id,
        name=name,
        scopes=tuple(scopes),
        performer=performer_of(id_, performer_name, type_),
        created_at=created_at,
        rotated_at=rotated_at,
        ends=Ends(*ends),
    )
