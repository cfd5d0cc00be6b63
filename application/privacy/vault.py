"""Where personal data is encrypted on its way into the ledger, and decrypted where it is shown."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from functools import partial
from weakref import ref

from application.ledger.port import IdempotencyKey, NewEvent, PendingAppend, RecordedEvent, UnwrittenEvent
from application.privacy.cipher import Document, KeyOf, Plain, document, may_hold_personal_data, seal
from application.privacy.damage import in_words
from application.privacy.keys import KeyRing, NotRemembered
from application.privacy.notices import Noticed
from application.runtime.room import BREATH_BYTES
from domain.values import TenantName

_log = logging.getLogger(__name__)

MAX_AT_ONCE = 50
"""About so many events are sealed in one go: it takes a while, and others need not wait for it."""


class SealedAppend:
    """Stands for an append whose events are encrypted when they are asked for, if not before.

    They are encrypted step by step, so that many can be in one go. No ledger sees them otherwise.
    """

    __slots__ = ("__weakref__", "_events", "_key_of", "_plain", "_vault", "key", "outcome", "tenant", "writes")

    def __init__(self, append: PendingAppend, key: IdempotencyKey | None, vault: "Vault", key_of: KeyOf) -> None:
        self.tenant = append.tenant
        self.writes = append.writes
        self.key = key
        self._vault = vault
        self._key_of = key_of
        self.outcome: list[NewEvent] | Exception | None = None
        """The encrypted events, or what was raised in their stead; None until then."""

    @property
    def size(self) -> int:
        """How many events it has."""
        return sum([len(write.events) for write in self.writes])

    def written(self) -> list[NewEvent]:
        """Return the events, encrypted. Raises NotRemembered if somebody has to be asked for a key."""
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
        for holder, name, key, bound_to in self._plain:
            holder[name] = seal(holder[name], key, bound_to)

    def write(self) -> None:
        self.outcome = [
            event.written()
            if found is None
            else NewEvent(event.event_id, event.type, *found.written(), event.occurred_at)
            for event, found in self._events
        ]
        del self._events, self._plain


class Vault:
    """Encrypts and decrypts the personal data in events with the keys of whom it is about."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys
        self._noticed = Noticed()
        # Weakly, for what is refused or given up is never asked for.
        self._waiting: deque[ref[SealedAppend]] = deque()

    def is_ready_for(self, append: PendingAppend) -> bool:
        """Return whether an append is small, and nobody has to be asked for keys, as far as a glance can tell."""
        events = 0
        for write in append.writes:
            events += len(write.events)
            for event in write.events:
                # What an event's type holds is personal of whom the stream is of.
                if may_hold_personal_data(event) and not self._keys.remembers(append.tenant, write.stream):
                    return False
        return events <= MAX_AT_ONCE

    def sealed(self, append: PendingAppend, key: IdempotencyKey | None) -> SealedAppend:
        """Return an append, with this key, whose events are sealed: the personal data in them is encrypted.

        That of forgotten subjects is left out. Sealing the same again gives the same. To ask for the events raises
        NotRemembered if somebody has to be asked for a key.
        """
        return self._wait(append, key, partial(self._keys.recall, append.tenant))

    async def sealed_with_new_keys(self, append: PendingAppend, key: IdempotencyKey | None) -> SealedAppend:
        """Return what sealed does, with keys that were asked for. Raises TenantNotFound, Unavailable."""
        tenant = append.tenant
        found = [document(tenant, write.stream, event) for write in append.writes for event in write.events]
        subjects = _subjects(found)
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
        """Seal an append, and others that wait for it, the oldest first."""
        together, events = [append], append.size
        while self._waiting and events < MAX_AT_ONCE:
            other = self._waiting.popleft()()
            if other is not None and other is not append and other.outcome is None:
                together.append(other)
                events += other.size
        _seal(together)

    async def opened(self, tenant: TenantName, events: Sequence[RecordedEvent]) -> list[RecordedEvent]:
        """Return events as they may be shown at this moment: [redacted] stands where a key was destroyed.

        [unreadable] stands for what cannot be opened, because it or its key was changed:
        application.privacy.legible tells why. What cannot be read as JSON is returned as it is. Raises Unavailable.
        """
        found = [document(tenant, event.stream, event) for event in events]
        keys = await self._keys.to_read(tenant, _subjects(found))
        imported: int | None = None
        shown, size = [], 0
        for n, event in enumerate(events):
            each, found[n] = found[n], None  # what one of them is made of is forgotten before the next is
            if each is not None:
                each.open(keys)
                if each.missed and imported is None:
                    imported = await self._keys.imported(tenant)
                self._explain(tenant, event, each, imported or 0)
            shown.append(_written(event, each) if each else event)
            size += len(event.data)
            if size > BREATH_BYTES:
                size = 0
                await asyncio.sleep(0)
        return shown

    def _explain(self, tenant: TenantName, event: RecordedEvent, found: Document, imported: int) -> None:
        """Tell what takes keys that stayed in another installation from what should open, and log what does not."""
        if event.position > imported:
            found.miss_keys()
        # Of a damaged key the log has been told already, once for all that it makes unreadable.
        if found.is_damaged and self._noticed.is_new((tenant, event.event_id)):
            _log.error(
                "Event %s (%s) of %s of tenant %s cannot be opened: %s",
                event.event_id,
                event.type,
                event.stream,
                tenant,
                in_words(found.unopened),
            )


def _subjects(found: Sequence[Document | None]) -> set[str]:
    """Return whom there is personal data of."""
    return {subject for each in found if each for subject in each.subjects()}


def _written(event: RecordedEvent, found: Document) -> RecordedEvent:
    data, metadata = found.written()
    return event._replace(data=data, metadata=metadata)


def _seal(appends: Sequence[SealedAppend]) -> None:
    """Encrypt what is personal in the events of some appends; what goes wrong with one is its own matter.

    One step for all, then the next: the processor finds its way through the ciphers, whose code is large, once for all
    of them instead of once for each.
    """
    for step in (SealedAppend.find, SealedAppend.encrypt, SealedAppend.write):
        for append in appends:
            if append.outcome is None:
                try:
                    step(append)
                except NotRemembered as error:
                    # It comes often, and would keep all of them in memory by the way it came.
                    append.outcome = error.with_traceback(None)
                except Exception as error:
                    append.outcome = error
