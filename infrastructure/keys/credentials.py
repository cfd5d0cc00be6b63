"""Tenants and credentials on PostgreSQL."""

import secrets
from datetime import datetime

from application.access.callers import Credential, Tenant
from application.access.credentials import Ends, NewKey
from domain.errors import AccountTaken, TenantExists, TenantNotFound, TenantWasDeleted
from domain.values import Actor, TenantName
from infrastructure.keys.key_register import new_secret, performer_of
from infrastructure.keys.tokens import digest_of
from infrastructure.postgres.database import Pool, reading, writing
from infrastructure.postgres.statements import statements
from infrastructure.postgres.tenants import tenant_names

_SQL = statements("credentials")


class PostgresCredentialStore:
    """Implements application.access.callers.CredentialStore and application.access.accounts.Accounts."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find(self, key_id: str) -> Credential | None:
        if "\x00" in key_id:
            return None
        async with reading(self._pool) as connection:
            row = await (await connection.execute(_SQL["find_credential"], {"key_id": key_id})).fetchone()
        if row is None:
            return None
        tenant, is_implicit, account, found, digest, scopes, name, *ends, earlier_digest, id_, person, type_ = row
        return Credential(
            tenant=Tenant(TenantName(tenant), is_implicit, account),
            key_id=found,
            secret_digest=digest,
            scopes=tuple(scopes),
            name=name,
            performer=performer_of(id_, person, type_),
            ends=Ends(*ends),
            earlier_digest=earlier_digest,
        )

    async def create_tenant(
        self, tenant: str, *, is_implicit: bool, dintero_account: str | None, may_return: bool = False
    ) -> None:
        parameters = {"tenant": tenant, "implicit": is_implicit, "dintero_account": dintero_account}
        async with writing(self._pool) as connection, connection.transaction():
            await connection.execute(_SQL["lock_names"])
            [(holder, deleted_at)] = await (await connection.execute(_SQL["taken"], parameters)).fetchall()
            if holder == tenant:
                raise TenantExists(tenant)
            if holder is not None:
                raise AccountTaken(dintero_account or "", holder)
            if deleted_at is not None and not may_return:
                raise TenantWasDeleted(tenant, deleted_at)
            if await (await connection.execute(_SQL["create_tenant"], parameters)).fetchone() is None:
                raise TenantExists(tenant)

    async def create_key(
        self,
        tenant: str,
        *,
        scopes: tuple[str, ...],
        name: str,
        performer: Actor | None = None,
        expires_at: datetime | None = None,
    ) -> NewKey:
        key_id, secret = secrets.token_hex(12), new_secret()
        parameters = {
            "tenant": tenant,
            "key_id": key_id,
            "secret_digest": digest_of(secret),
            "scopes": list(scopes),
            "name": name,
            "expires_at": expires_at,
            "performer_id": performer and performer.id,
            "performer_name": performer and performer.name,
            "performer_type": performer and performer.type,
        }
        async with writing(self._pool) as connection:
            if await (await connection.execute(_SQL["create_credential"], parameters)).fetchone() is None:
                raise TenantNotFound(tenant)
        return NewKey(tenant, key_id, secret, scopes, expires_at)

    async def forget_performer(self, tenant: TenantName, person_id: str) -> None:
        async with writing(self._pool) as connection:
            await connection.execute(_SQL["forget_performer"], {"tenant": tenant, "person_id": person_id})

    async def tenants(self) -> list[TenantName]:
        return await tenant_names(self._pool)
