"""Where personal data is encrypted on its way into the ledger, and decrypted where it is shown."""

from collections.abc import Sequence

from application.encryption import Document, Keys, document
from application.key_ring import KeyRing
from application.ledger import NewEvent, RecordedEvent, Write
from domain.values import TenantName


class Vault:
    """Encrypts and decrypts the personal data in events with the keys of whom it is about."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    async def sealed(self, tenant: TenantName, writes: Sequence[Write]) -> tuple[Write, ...]:
        """Return writes with the personal data in their events encrypted; that of forgotten subjects is left out.

        Sealing the same again gives the same. Raises TenantNotFound, Unavailable.
        """
        documents = [[document(tenant, write.stream, event) for event in write.events] for write in writes]
        subjects = {subject for of_write in documents for found in of_write if found for subject in found.subjects}
        if not subjects:
            return tuple(writes)
        keys = await self._keys.to_write(tenant, subjects)
        return tuple([_sealed(write, of_write, keys) for write, of_write in zip(writes, documents, strict=True)])

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
