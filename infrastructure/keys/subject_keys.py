"""The keys of subjects in PostgreSQL, each encrypted with the installation's key."""

import logging
import time
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

import psycopg

from application.privacy.cipher import DamagedKey, Keys, SubjectKey
from application.privacy.notices import Noticed
from application.runtime.gathering import Gathering
from domain.errors import OrdertrailError, TenantNotFound
from domain.values import TenantName
from infrastructure.keys.installation_key import InstallationKey
from infrastructure.keys.wrapping import KeyWrapper
from infrastructure.postgres.arrays import ByteaArray, TextArray
from infrastructure.postgres.database import Pool, reading, writing
from infrastructure.postgres.statements import statements

_SQL = statements("subject_keys")
_log = logging.getLogger(__name__)

REMEMBER_SECONDS = 60.0
"""How long a worker may still write with a key that was destroyed elsewhere. Nobody can read such data."""
REMEMBERED = 4_096
PAGE = 5_000
"""How many keys are checked at a time."""


class _Known(NamedTuple):
    key: SubjectKey | None
    until: float


class PostgresKeyRing:
    """Implements application.privacy.keys.KeyRing."""

    def __init__(
        self, pool: Pool, installation: InstallationKey, *, remember_seconds: float = REMEMBER_SECONDS
    ) -> None:
        self._pool = pool
        self._wrapper = KeyWrapper(installation)
        self._remember_seconds = remember_seconds
        self._known: dict[tuple[TenantName, str], _Known] = {}
        self._offered = Gathering(self._offer_all)
        self._present = Gathering(self._read_all)
        self._logged = Noticed()
        self._noted = Noticed()

    async def to_write(self, tenant: TenantName, subjects: Collection[str]) -> Keys:
        now = time.monotonic()
        keys: dict[str, SubjectKey | None] = {}
        for subject in subjects:
            known = self._known.get((tenant, subject))
            if known is not None and now < known.until:
                keys[subject] = known.key
        if len(keys) == len(subjects):
            return keys
        return {**keys, **await self._offered.ask(tenant, set(subjects) - keys.keys())}

    async def to_read(self, tenant: TenantName, subjects: Collection[str]) -> Keys:
        return await self._present.ask(tenant, subjects) if subjects else {}

    async def imported(self, tenant: TenantName) -> int:
        async with reading(self._pool) as connection:
            row = await (await connection.execute(_SQL["imported"], {"tenant": tenant})).fetchone()
        return row[0] if row else 0

    async def damaged(self, tenant: TenantName) -> AsyncIterator[str]:
        after = ""
        while True:
            page = {"tenant": tenant, "after": after, "limit": PAGE}
            async with reading(self._pool) as connection, connection.cursor(binary=True) as cursor:
                await cursor.execute(_SQL["all_keys"], page)
                rows = await cursor.fetchall()
            suspected = [row for row in rows if not self._wrapper.can_read(tenant, *row)]
            for subject in await self._unwrapped(tenant, suspected):
                yield subject
            if len(rows) < PAGE:
                return
            after = rows[-1][0]

    async def destroy(self, tenant: TenantName, subject: str, *, by: str) -> None:
        async with writing(self._pool) as connection:
            await connection.execute(_SQL["destroy"], {"tenant": tenant, "subject": subject, "by": by})
        self._remember(tenant, {subject: None})

    async def _read_all(self, tenant: TenantName, asked: Sequence[Collection[str]]) -> list[Keys]:
        wanted = {"tenant": tenant, "subjects": _texts(set().union(*asked))}
        async with reading(self._pool) as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(_SQL["keys"], wanted, prepare=True)
            found = await cursor.fetchall()
        keys = await self._unwrapped(tenant, found)
        return [{subject: keys[subject] for subject in subjects if subject in keys} for subjects in asked]

    async def _offer_all(self, tenant: TenantName, asked: Sequence[Collection[str]]) -> list[Keys]:
        self._pool.require_writes()
        keys = await self._offer(tenant, set().union(*asked))
        self._remember(tenant, keys)
        return [{subject: keys[subject] for subject in subjects} for subjects in asked]

    async def _offer(self, tenant: TenantName, subjects: Collection[str]) -> Keys:
        """Give a key to each of these subjects that has none; return the keys of all."""
        keys: dict[str, SubjectKey | None] = {}
        for _ in range(2):
            # Use one order everywhere: two tasks that give keys to the same subjects wait for each other.
            missing = sorted(set(subjects) - keys.keys())
            wrapped = ByteaArray(self._wrapper.new(tenant, subject) for subject in missing)
            offer = {"tenant": tenant, "subjects": _texts(missing), "wrapped": wrapped}
            async with reading(self._pool) as connection, connection.cursor(binary=True) as cursor:
                await cursor.execute(_SQL["offer"], offer, prepare=True)
                found = await cursor.fetchall()
            keys |= await self._unwrapped(tenant, found)
            if len(keys) == len(subjects):
                return keys
        raise TenantNotFound(tenant)

    def _remember(self, tenant: TenantName, keys: Keys) -> None:
        until = time.monotonic() + self._remember_seconds
        for subject, key in keys.items():
            self._known.pop((tenant, subject), None)
            if not isinstance(key, DamagedKey):  # it may be restored at any time
                self._known[tenant, subject] = _Known(key, until)
        while len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]

    async def _unwrapped(self, tenant: TenantName, rows: Iterable[tuple[str, bytes | None]]) -> Keys:
        """Return the keys in some rows. A changed row gives a DamagedKey, and is noted."""
        keys: dict[str, SubjectKey | None] = {}
        damaged: dict[str, bytes] = {}
        for subject, wrapped in rows:
            keys[subject] = key = self._wrapper.key(tenant, subject, wrapped)
            if wrapped is not None and isinstance(key, DamagedKey):
                damaged[subject] = sha256(wrapped).digest()
        if damaged:
            await self._note(tenant, damaged)
        return keys

    async def _note(self, tenant: TenantName, damaged: Mapping[str, bytes]) -> None:
        """Report damaged keys once: in the log, and in the database, where monitoring counts them."""
        for subject, digest in damaged.items():
            if self._logged.is_new((tenant, subject, digest)):
                _log.error(
                    "The key of %s of tenant %s is damaged: what is personal of it cannot be read or recorded. Restore "
                    "its row in ordertrail.subject_keys from a backup; ordertrail verify tells which events need it",
                    subject,
                    tenant,
                )
        if not self._pool.takes_writes:
            return
        new = {subject: digest for subject, digest in damaged.items() if self._noted.is_new((tenant, subject, digest))}
        if not new:
            return
        notes = {"tenant": tenant, "subjects": _texts(new), "digests": ByteaArray(new.values())}
        try:
            async with reading(self._pool) as connection:
                await connection.execute(_SQL["note_unreadable"], notes)
        except (OrdertrailError, psycopg.Error):
            # The question is answered even if nothing can be written. The next task that meets the key tries again.
            self._noted.forget((tenant, subject, digest) for subject, digest in new.items())


def _texts(texts: Iterable[str]) -> TextArray:
    return TextArray(text.encode() for text in texts)
