"""The ledgers as the service uses them: personal data is encrypted before any other store sees it."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b

from application.ledger.port import PAGE_BYTES, Append, Appended, EventStore, IdempotencyKey, RecordedEvent
from application.privacy.vault import Vault
from domain.errors import UnreadableKey
from domain.values import Position, TenantName


class EncryptedEventStore:
    """Implements application.ledger.port.EventStore on another one, which sees no personal data.

    secret protects the fingerprints of requests: without it, a reader of a fingerprint cannot test a guessed content.
    """

    def __init__(self, store: EventStore, vault: Vault, *, secret: bytes) -> None:
        self._store = store
        self._vault = vault
        self._secret = secret

    async def append(self, append: Append) -> Appended:
        if append.key is not None:
            append = append._replace(key=self._secured(append.key))
        try:
            return await self._store.append(await self._vault.with_keys(append))
        except UnreadableKey:
            # An append that was recorded when the key could still be read gets its first answer again.
            if append.key is not None and (found := await self._store.find_request(append.tenant, append.key)):
                return found
            raise

    async def prepared(self, append: Append) -> Append:
        """Return an append of many events that takes less time to append: they are encrypted and written now.

        Raises TenantNotFound, Unavailable, UnreadableKey.
        """
        return await self._vault.prepared(append)

    async def find_request(self, tenant: TenantName, key: IdempotencyKey) -> Appended | None:
        return await self._store.find_request(tenant, self._secured(key))

    async def bind_request(
        self, tenant: TenantName, key: IdempotencyKey, position: Position, recorded_at: datetime
    ) -> None:
        await self._store.bind_request(tenant, self._secured(key), position, recorded_at)

    async def find_events(self, tenant: TenantName, event_ids: Sequence[str]) -> list[RecordedEvent]:
        return await self._vault.opened(tenant, await self._store.find_events(tenant, event_ids))

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
        events = await self._store.read_stream(
            tenant, stream, after=after, upto=upto, types=types, limit=limit, max_bytes=max_bytes
        )
        return await self._vault.opened(tenant, events)

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
        events = await self._store.read_ledger(
            tenant, after=after, upto=upto, types=types, limit=limit, max_bytes=max_bytes
        )
        return await self._vault.opened(tenant, events)

    async def head(self, tenant: TenantName) -> Position:
        return await self._store.head(tenant)

    def _secured(self, key: IdempotencyKey) -> IdempotencyKey:
        return key._replace(fingerprint=blake2b(key.fingerprint, key=self._secret, digest_size=32).digest())
