"""The webhooks of tenants, in PostgreSQL. Their secrets are encrypted with the installation's key."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

from application.delivery.errors import TooManyWebhooks, WebhookNotFound
from application.delivery.webhooks.port import (
    MAX_WEBHOOKS,
    Endpoint,
    NewWebhook,
    SigningSecret,
    Webhook,
    consumer_of,
    settings_of,
)
from application.delivery.webhooks.signing import SECRET_BYTES
from application.privacy.cipher import bound
from domain.values import TenantName
from infrastructure.delivery import consumers
from infrastructure.keys.installation_key import InstallationKey
from infrastructure.postgres.database import Connection, Pool, reading, writing
from infrastructure.postgres.statements import statements

_SQL = statements("webhooks")

Take = Callable[[Pool], AbstractAsyncContextManager[Connection]]
"""How a connection is taken: to read, or to write."""


class PostgresWebhooks:
    """Implements application.delivery.webhooks.port.WebhookStore."""

    def __init__(self, pool: Pool, key: InstallationKey) -> None:
        self._pool = pool
        self._key = key

    async def create(self, tenant: TenantName, id_: str, new: NewWebhook, secret: SigningSecret, position: int) -> None:
        row = {**_given(tenant, id_, new), "secret": self._wrapped(tenant, id_, secret)}
        async with writing(self._pool) as connection, connection.transaction():
            await consumers.define(connection, tenant, consumer_of(id_), settings_of(new.wanted), position)
            await connection.execute(_SQL["create"], row)
            counted = await (await connection.execute(_SQL["count"], {"tenant": tenant})).fetchone()
            assert counted is not None
            if counted[0] > MAX_WEBHOOKS:
                raise TooManyWebhooks(f"A tenant has {MAX_WEBHOOKS} webhooks at most; remove some")

    async def change(self, tenant: TenantName, id_: str, new: NewWebhook) -> None:
        async with writing(self._pool) as connection, connection.transaction():
            if await (await connection.execute(_SQL["change"], _given(tenant, id_, new))).fetchone() is None:
                raise WebhookNotFound(id_)
            await consumers.define(connection, tenant, consumer_of(id_), settings_of(new.wanted), 0)

    async def find(self, tenant: TenantName, id_: str) -> tuple[Webhook, Sequence[SigningSecret]]:
        row = await self._row("find", tenant, id_, take=reading)
        webhook, (secret, earlier, is_valid) = Webhook(*row[:-3]), row[-3:]
        kept = [secret, earlier] if earlier is not None and is_valid else [secret]
        return webhook, [self._unwrapped(tenant, id_, each) for each in kept]

    async def list(self, tenant: TenantName, *, after: str = "", limit: int = 100) -> Sequence[Webhook]:
        page = {"tenant": tenant, "after": after, "limit": limit}
        async with reading(self._pool) as connection:
            rows = await (await connection.execute(_SQL["list"], page)).fetchall()
        return [Webhook(*row[:-3]) for row in rows]

    async def remove(self, tenant: TenantName, id_: str) -> None:
        of_webhook = {"tenant": tenant, "webhook": id_}
        async with writing(self._pool) as connection, connection.transaction():
            if await (await connection.execute(_SQL["remove"], of_webhook)).fetchone() is None:
                raise WebhookNotFound(id_)
            await connection.execute(_SQL["remove_attempts"], of_webhook)
            await consumers.remove(connection, tenant, consumer_of(id_))

    async def rotate(self, tenant: TenantName, id_: str, secret: SigningSecret, *, keep: timedelta) -> None:
        await self._row("rotate", tenant, id_, take=writing, secret=self._wrapped(tenant, id_, secret), keep=keep)

    async def disable(self, tenant: TenantName, id_: str, reason: str) -> bool:
        disabling = {"tenant": tenant, "webhook": id_, "reason": reason}
        async with writing(self._pool) as connection:
            return await (await connection.execute(_SQL["disable"], disabling)).fetchone() is not None

    async def enable(self, tenant: TenantName, id_: str) -> None:
        await self._row("enable", tenant, id_, take=writing)

    async def note_failure(self, tenant: TenantName, id_: str, *, wait: timedelta) -> Endpoint:
        return Endpoint(*await self._row("note_failure", tenant, id_, take=writing, wait=wait))

    async def hold_up(self, tenant: TenantName, id_: str, *, wait: timedelta) -> None:
        async with writing(self._pool) as connection:
            await connection.execute(_SQL["hold_up"], {"tenant": tenant, "webhook": id_, "wait": wait})

    async def note_success(self, tenant: TenantName, id_: str) -> None:
        async with writing(self._pool) as connection:
            await connection.execute(_SQL["note_success"], {"tenant": tenant, "webhook": id_})

    async def due(self) -> Sequence[tuple[TenantName, str]]:
        return await self._all("due")

    async def all(self) -> Sequence[tuple[TenantName, str]]:
        return await self._all("all")

    async def _all(self, statement: str) -> Sequence[tuple[TenantName, str]]:
        async with reading(self._pool) as connection:
            rows = await self._pool.nodes.rows(connection, _SQL[statement])
        return [(TenantName(tenant), webhook) for tenant, webhook in rows]

    async def _row(self, statement: str, tenant: TenantName, id_: str, *, take: Take, **more: Any) -> Any:
        async with take(self._pool) as connection:
            cursor = await connection.execute(_SQL[statement], {"tenant": tenant, "webhook": id_, **more})
            row = await cursor.fetchone()
        if row is None:
            raise WebhookNotFound(id_)
        return row

    def _wrapped(self, tenant: TenantName, id_: str, secret: SigningSecret) -> bytes:
        return self._key.wrap(secret.shared + secret.seed, _bound(tenant, id_))

    def _unwrapped(self, tenant: TenantName, id_: str, kept: bytes) -> SigningSecret:
        both = self._key.unwrap(kept, _bound(tenant, id_))
        return SigningSecret(both[:SECRET_BYTES], both[SECRET_BYTES:])


def _given(tenant: TenantName, id_: str, new: NewWebhook) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "webhook": id_,
        "url": new.url,
        "description": new.description,
        "with_data": new.with_data,
    }


def _bound(tenant: TenantName, id_: str) -> bytes:
    return bound(tenant, id_, "webhook")
