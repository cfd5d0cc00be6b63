"""Encrypts personal data on its way into the ledger, and decrypts it where it is shown."""

import asyncio
import logging
from collections.abc import Sequence

from application.ledger.port import Append, RecordedEvent
from application.privacy.cipher import Keys
from application.privacy.damage import in_words
from application.privacy.documents import Document, document, opened_event, subjects_in
from application.privacy.keys import KeyRing
from application.privacy.notices import Noticed
from application.privacy.parts import OpenedPart, SealedPart, document_of_part, opened_part
from application.privacy.preparation import Secrets
from application.runtime.room import BREATH_BYTES
from domain.values import TenantName

_log = logging.getLogger(__name__)

BREATH = 200
"""How many events are encrypted before other tasks get a turn."""


class Vault:
    """Encrypts and decrypts the personal data in events with the keys of its subjects."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys
        self._noticed = Noticed()

    async def with_keys(self, append: Append) -> Append:
        """Return an append with the keys for the personal data in it, so that its preparation can encrypt that.

        Raises TenantNotFound, Unavailable.
        """
        tenant, writes, key, secrets = append
        if secrets is not None or not (found := Secrets(append)).subjects:
            return append
        found.keys = await self._keys.to_write(tenant, found.subjects)
        return Append(tenant, writes, key, found)

    async def prepared(self, append: Append) -> Append:
        """Return an append of many events that are encrypted and written already.

        Nothing of that is left to do when its turn comes. Raises TenantNotFound, Unavailable, UnreadableKey.
        """
        append = await self.with_keys(append)
        if (secrets := append.secrets) is not None:
            for first in range(0, secrets.size, BREATH):
                secrets.seal(first, first + BREATH)
                await asyncio.sleep(0)
            secrets.written()
        return append

    async def opened(self, tenant: TenantName, events: Sequence[RecordedEvent]) -> list[RecordedEvent]:
        """Return events as they may be shown at this moment. [redacted] stands where a key was destroyed.

        [unreadable] stands for data that cannot be opened, because the data or its key was changed;
        application.privacy.legible tells why. An event that is not JSON is returned as it is. Raises Unavailable.
        """
        found = [document(tenant, event) for event in events]
        keys = await self._keys.to_read(tenant, subjects_in(found))
        imports, shown, size = _Imports(self._keys, tenant), [], 0
        for n, event in enumerate(events):
            each, found[n] = found[n], None  # free each document before the next is opened
            if each is not None:
                await self._open(tenant, event, each, keys, imports)
            shown.append(opened_event(event, each) if each else event)
            size += len(event.data)
            if size > BREATH_BYTES:
                size = 0
                await asyncio.sleep(0)
        return shown

    async def opened_parts(self, tenant: TenantName, parts: Sequence[SealedPart]) -> list[OpenedPart]:
        """Return parts of events as they may be shown at this moment, as opened does. Raises Unavailable."""
        found = [document_of_part(tenant, part) for part in parts]
        keys = await self._keys.to_read(tenant, subjects_in(found))
        imports, size = _Imports(self._keys, tenant), 0
        for part, each in zip(parts, found, strict=True):
            if each is not None:
                await self._open(tenant, part, each, keys, imports)
                size += each.size
                if size > BREATH_BYTES:
                    size = 0
                    await asyncio.sleep(0)
        return list(map(opened_part, parts, found))

    async def _open(
        self, tenant: TenantName, event: RecordedEvent | SealedPart, found: Document, keys: Keys, imports: "_Imports"
    ) -> None:
        """Open an event's personal data, and log data damaged here.

        Data is reported as unreadable unless its key may have stayed in another installation.
        """
        found.open(keys)
        if found.missed and event.position > await imports.last():
            found.miss_keys()
        # A damaged key was already logged, once for everything that it makes unreadable.
        if found.is_damaged and self._noticed.is_new((tenant, event.event_id)):
            _log.error(
                "Event %s (%s) of %s of tenant %s cannot be opened: %s",
                event.event_id,
                event.type,
                event.stream,
                tenant,
                in_words(found.unopened),
            )


class _Imports:
    """The imported part of a ledger. The database is asked for it when it is first needed."""

    def __init__(self, keys: KeyRing, tenant: TenantName) -> None:
        self._keys = keys
        self._tenant = tenant
        self._last: int | None = None

    async def last(self) -> int:
        """Return the position of the last imported event."""
        if self._last is None:
            self._last = await self._keys.imported(self._tenant)
        return self._last
