"""The keys of subjects in PostgreSQL, each encrypted with the installation's key."""

import secrets
import time
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from application.encryption import Keys, SubjectKey, bound
from application.gathering import Gathering
from application.key_ring import NotRemembered
from domain.errors import TenantNotFound
from domain.values import TenantName
from infrastructure.arrays import ByteaArray, TextArray
from infrastructure.database import Pool, reading
from infrastructure.installation_key import InstallationKey
from infrastructure.statements import statements

_SQL = statements("subject_keys")

REMEMBER_SECONDS = 60.0
"""How long a worker may go on writing with a key that was destroyed elsewhere: nobody can read that."""
REMEMBERED = 4_096


class _Known(NamedTuple):
    key: SubjectKey | None
    until: float


class PostgresKeyRing:
    """Implements application.key_ring.KeyRing."""

    def __init__(
        self, pool: Pool, installation: InstallationKey, *, remember_seconds: float = REMEMBER_SECONDS
    ) -> None:
        self._pool = pool
        self._installation = installation
        self._remember_seconds = remember_seconds
        self._known: dict[tuple[TenantName, str], _Known] = {}
        self._offered = Gathering(self._offer_all)
        self._present = Gathering(self._read_all)

    def remembers(self, tenant: TenantName, subject: str) -> bool:
        return self._remembered(tenant, subject) is not None

    def recall(self, tenant: TenantName, subject: str) -> SubjectKey | None:
        known = self._remembered(tenant, subject)
        if known is None:
            raise NotRemembered
        return known.key

    async def to_write(self, tenant: TenantName, subjects: Collection[str]) -> Keys:
        found = [(subject, self._remembered(tenant, subject)) for subject in subjects]
        keys = {subject: known.key for subject, known in found if known is not None}
        if len(keys) == len(subjects):
            return keys
        return {**keys, **await self._offered.ask(tenant, set(subjects) - keys.keys())}

    async def to_read(self, tenant: TenantName, subjects: Collection[str]) -> Keys:
        return await self._present.ask(tenant, subjects) if subjects else {}

    async def destroy(self, tenant: TenantName, subject: str, *, by: str) -> None:
        async with reading(self._pool) as connection:
            await connection.execute(_SQL["destroy"], {"tenant": tenant, "subject": subject, "by": by})
        self._remember(tenant, {subject: None})

    async def _read_all(self, tenant: TenantName, asked: Sequence[Collection[str]]) -> list[Keys]:
        wanted = {"tenant": tenant, "subjects": _texts(set().union(*asked))}
        async with reading(self._pool) as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(_SQL["keys"], wanted, prepare=True)
            found = await cursor.fetchall()
        keys = {subject: self._unwrapped(tenant, subject, wrapped) for subject, wrapped in found}
        return [{subject: keys[subject] for subject in subjects if subject in keys} for subjects in asked]

    async def _offer_all(self, tenant: TenantName, asked: Sequence[Collection[str]]) -> list[Keys]:
        keys = await self._offer(tenant, set().union(*asked))
        self._remember(tenant, keys)
        return [{subject: keys[subject] for subject in subjects} for subjects in asked]

    async def _offer(self, tenant: TenantName, subjects: Collection[str]) -> Keys:
        """Give a key to each of these subjects that has none; return their keys."""
        keys: dict[str, SubjectKey | None] = {}
        for _ in range(2):
            # In one order everywhere: two that offer to the same subjects wait for each other.
            missing = sorted(set(subjects) - keys.keys())
            wrapped = ByteaArray(self._wrapped(tenant, subject, secrets.token_bytes(32)) for subject in missing)
            offer = {"tenant": tenant, "subjects": _texts(missing), "wrapped": wrapped}
            async with reading(self._pool) as connection, connection.cursor(binary=True) as cursor:
                await cursor.execute(_SQL["offer"], offer, prepare=True)
                found = await cursor.fetchall()
            keys |= {subject: self._unwrapped(tenant, subject, wrapped) for subject, wrapped in found}
            if len(keys) == len(subjects):
                return keys
        raise TenantNotFound(tenant)

    def _remembered(self, tenant: TenantName, subject: str) -> _Known | None:
        known = self._known.get((tenant, subject))
        return known if known is not None and time.monotonic() < known.until else None

    def _remember(self, tenant: TenantName, keys: Keys) -> None:
        until = time.monotonic() + self._remember_seconds
        for subject, key in keys.items():
            self._known.pop((tenant, subject), None)
            self._known[tenant, subject] = _Known(key, until)
        while len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]

    def _wrapped(self, tenant: TenantName, subject: str, secret: bytes) -> bytes:
        return self._installation.wrap(secret, bound(tenant, subject))

    def _unwrapped(self, tenant: TenantName, subject: str, wrapped: bytes | None) -> SubjectKey | None:
        return None if wrapped is None else SubjectKey(self._installation.unwrap(wrapped, bound(tenant, subject)))


def _texts(texts: Iterable[str]) -> TextArray:
    return TextArray(text.encode() for text in texts)
