"""Encrypts personal data on its way into the ledger, and decrypts it where it is shown."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from functools import partial
from weakref import ref

from application.ledger.port import IdempotencyKey, NewEvent, PendingAppend, RecordedEvent, UnwrittenEvent
from application.privacy.cipher import KeyOf
from application.privacy.damage import in_words
from application.privacy.documents import (
    Document,
    Plain,
    document,
    encrypt,
    may_hold_personal_data,
    opened_event,
    sealed_event,
    subjects_in,
)
from application.privacy.keys import KeyRing, NotRemembered
from application.privacy.notices import Noticed
from application.runtime.room import BREATH_BYTES
from domain.values import TenantName

_log = logging.getLogger(__name__)

MAX_AT_ONCE = 50
"""About how many events are sealed at once. Sealing takes a while, and other tasks should not have to wait for it."""


class SealedAppend:
    """Stands for an append. Its events are encrypted when they are asked for, or earlier.

    They are encrypted in steps, so that each step can run for many appends at once. A ledger sees encrypted events
    only.
    """

    __slots__ = ("__weakref__", "_events", "_key_of", "_plain", "_vault", "key", "outcome", "tenant", "writes")

    def __init__(self, append: PendingAppend, key: IdempotencyKey | None, vault: "Vault", key_of: KeyOf) -> None:
        self.tenant = append.tenant
        self.writes = append.writes
        self.key = key
        self._vault = vault
        self._key_of = key_of
        self.outcome: list[NewEvent] | Exception | None = None
        """The encrypted events, or the error that encryption raised; None before that."""

    @property
    def size(self) -> int:
        """The number of its events."""
        return sum([len(write.events) for write in self.writes])

    def written(self) -> list[NewEvent]:
        """Return the encrypted events. Raises NotRemembered if the database has to be asked for a key."""
        if self.outcome is None:
            self._vault.seal(self)
        if isinstance(self.outcome, list):
            return self.outcome
        raise self.outcome or AssertionError("Nothing was sealed")

    def find(self) -> None:
        self._events: list[tuple[NewEvent | UnwrittenEvent, Document | None]] = []
        self._plain: list[Plain] = []
        for write in self.writes:
            for event in write.events:
                found = document(self.tenant, write.stream, event)
                self._events.append((event, found))
                if found is not None:
                    self._plain += found.begin_sealing(self._key_of)

    def encrypt(self) -> None:
        encrypt(self._plain)

    def write(self) -> None:
        self.outcome = [sealed_event(event, found) for event, found in self._events]
        del self._events, self._plain


class Vault:
    """Encrypts and decrypts the personal data in events with the keys of its subjects."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys
        self._noticed = Noticed()
        # Weak references: an append that is refused or given up is never asked for its events.
        self._waiting: deque[ref[SealedAppend]] = deque()

    def is_ready_for(self, append: PendingAppend) -> bool:
        """Return whether an append is small and all its keys are in memory. This is a quick check, and not certain."""
        events = 0
        for write in append.writes:
            events += len(write.events)
            for event in write.events:
                # Personal data in an event's own fields belongs to the stream's subject.
                if may_hold_personal_data(event) and not self._keys.remembers(append.tenant, write.stream):
                    return False
        return events <= MAX_AT_ONCE

    def sealed(self, append: PendingAppend, key: IdempotencyKey | None) -> SealedAppend:
        """Return an append with this key whose events are sealed: their personal data is encrypted.

        Data of forgotten subjects is left out. Sealing the same append again gives the same bytes. Asking for the
        events raises NotRemembered if the database has to be asked for a key.
        """
        return self._wait(append, key, partial(self._keys.recall, append.tenant))

    async def sealed_with_new_keys(self, append: PendingAppend, key: IdempotencyKey | None) -> SealedAppend:
        """Return what sealed does, after asking the database for the keys. Raises TenantNotFound, Unavailable."""
        tenant = append.tenant
        found = [document(tenant, write.stream, event) for write in append.writes for event in write.events]
        subjects = subjects_in(found)
        keys = await self._keys.to_write(tenant, subjects) if subjects else {}
        sealed = self._wait(append, key, keys.__getitem__)
        if len(found) > MAX_AT_ONCE:
            _seal([sealed])
        return sealed

    def _wait(self, append: PendingAppend, key: IdempotencyKey | None, key_of: KeyOf) -> SealedAppend:
        sealed = SealedAppend(append, key, self, key_of)
        self._waiting.append(ref(sealed))
        return sealed

    def seal(self, append: SealedAppend) -> None:
        """Seal an append together with others that wait, the oldest first."""
        together, events = [append], append.size
        while self._waiting and events < MAX_AT_ONCE:
            other = self._waiting.popleft()()
            if other is not None and other is not append and other.outcome is None:
                together.append(other)
                events += other.size
        _seal(together)

    async def opened(self, tenant: TenantName, events: Sequence[RecordedEvent]) -> list[RecordedEvent]:
        """Return events as they may be shown at this moment. [redacted] stands where a key was destroyed.

        [unreadable] stands for data that cannot be opened, because the data or its key was changed;
        application.privacy.legible tells why. An event that is not JSON is returned as it is. Raises Unavailable.
        """
        found = [document(tenant, event.stream, event) for event in events]
        keys = await self._keys.to_read(tenant, subjects_in(found))
        imported: int | None = None
        shown, size = [], 0
        for n, event in enumerate(events):
            each, found[n] = found[n], None  # free each document before the next is opened
            if each is not None:
                each.open(keys)
                if each.missed and imported is None:
                    imported = await self._keys.imported(tenant)
                self._explain(tenant, event, each, imported or 0)
            shown.append(opened_event(event, each) if each else event)
            size += len(event.data)
            if size > BREATH_BYTES:
                size = 0
                await asyncio.sleep(0)
        return shown

    def _explain(self, tenant: TenantName, event: RecordedEvent, found: Document, imported: int) -> None:
        """Report data as unreadable unless its key stayed in another installation, and log data damaged here."""
        if event.position > imported:
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


def _seal(appends: Sequence[SealedAppend]) -> None:
    """Encrypt the personal data of some appends. An error in one append does not affect the others.

    Each step runs for all appends before the next step runs. The ciphers' code is large; in this way the processor
    loads it once for all appends instead of once for each.
    """
    for step in (SealedAppend.find, SealedAppend.encrypt, SealedAppend.write):
        for append in appends:
            if append.outcome is None:
                try:
                    step(append)
                except NotRemembered as error:
                    # This error is frequent, and its traceback would keep all appends in memory.
                    append.outcome = error.with_traceback(None)
                except Exception as error:
                    append.outcome = error
