"""Where personal data is encrypted on its way into the ledger, and decrypted where it is shown."""

from collections.abc import Sequence
from typing import NamedTuple

from application.encryption import Document, Keys, document
from application.gathering import Gathering
from application.key_ring import KeyRing
from application.ledger import NewEvent, RecordedEvent, Write
from domain.values import TenantName

MAX_GATHERED = 50
"""Writes of more events are sealed on their own: it takes a while, and others need not wait for it."""


class _Draft(NamedTuple):
    """Writes that are to be sealed: the JSON of each of their events, where it holds personal data, and of whom."""

    writes: Sequence[Write]
    documents: Sequence[Sequence[Document | None]]
    subjects: frozenset[str]

    def sealed(self, keys: Keys) -> tuple[Write, ...]:
        """Return the writes with the personal data in their events encrypted."""
        return tuple(
            [_sealed(write, of_write, keys) for write, of_write in zip(self.writes, self.documents, strict=True)]
        )


class Vault:
    """Encrypts and decrypts the personal data in events with the keys of whom it is about."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys
        # What is asked for at the same time is sealed in one go. The processor finds its way through the ciphers,
        # whose code is large, once for all instead of once for each, which is half of the time that sealing takes.
        self._at_once = Gathering(self._all_at_once)

    async def sealed(self, tenant: TenantName, writes: Sequence[Write]) -> tuple[Write, ...]:
        """Return writes with the personal data in their events encrypted; that of forgotten subjects is left out.

        Sealing the same again gives the same. Raises TenantNotFound, Unavailable.
        """
        is_large = sum(len(write.events) for write in writes) > MAX_GATHERED
        done = self._at_once_if_known(tenant, writes) if is_large else await self._at_once.ask(tenant, writes)
        if isinstance(done, _Draft):
            return done.sealed(await self._keys.to_write(tenant, done.subjects))
        return done

    async def _all_at_once(
        self, tenant: TenantName, asked: Sequence[Sequence[Write]]
    ) -> list[tuple[Write, ...] | _Draft]:
        return [self._at_once_if_known(tenant, writes) for writes in asked]

    def _at_once_if_known(self, tenant: TenantName, writes: Sequence[Write]) -> tuple[Write, ...] | _Draft:
        """Return writes sealed; not yet if a key has to be asked for, which would keep others waiting."""
        documents = [[document(tenant, write.stream, event) for event in write.events] for write in writes]
        subjects = frozenset(
            [subject for of_write in documents for found in of_write if found for subject in found.subjects]
        )
        if not subjects:
            return tuple(writes)
        draft, keys = _Draft(writes, documents, subjects), self._keys.remembered(tenant, subjects)
        return draft if keys is None else draft.sealed(keys)

    async def opened(self, tenant: TenantName, events: Sequence[RecordedEvent]) -> list[RecordedEvent]:
        """Return events as they may be shown at this moment: [redacted] stands where a key was destroyed.

        Raises InvalidEvent if what is encrypted was changed after it was recorded; Unavailable.
        """
        documents = [document(tenant, event.stream, event) for event in events]
        subjects = {subject for found in documents if found for subject in found.subjects}
        keys = await self._keys.to_read(tenant, subjects)
        return [_opened(event, found, keys) for event, found in zip(events, documents, strict=True)]


def _sealed(write: Write, documents: Sequence[Document | None], keys: Keys) -> Write:
    events = [
        event if found is None else NewEvent(event.event_id, event.type, *found.seal(keys), event.occurred_at)
        for event, found in zip(write.events, documents, strict=True)
    ]
    return Write(write.stream, write.expected, tuple(events))


def _opened(event: RecordedEvent, found: Document | None, keys: Keys) -> RecordedEvent:
    if found is None:
        return event
    data, metadata = found.open(keys)
    return event._replace(data=data, metadata=metadata)
