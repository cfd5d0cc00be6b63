"""Prepares appends: whose keys they need, and their events encrypted and written."""

from collections.abc import Sequence

from application.ledger.port import Append, NewEvent, Prepared, Storable
from application.privacy.cipher import Keys
from application.privacy.documents import Document, document
from application.privacy.envelopes import Envelopes

Documents = list[Document | None]
"""The documents of the events of all writes of an append; None for an event without personal data."""


class Secrets:
    """What the preparation of an append needs besides its events: their documents, and the keys of the subjects.

    Each is encrypted once, and written once.
    """

    __slots__ = ("_documents", "_events", "_keys")

    def __init__(self, documents: Documents, keys: Keys) -> None:
        self._documents = documents
        self._keys = keys
        self._events: list[NewEvent] | None = None

    def seal(self, first: int = 0, last: int | None = None) -> None:
        """Encrypt the events from the first to the last, unless they are written already. Data of forgotten subjects is
        left out. Raises UnreadableKey.
        """
        if self._events is not None:
            return
        keys = self._keys
        for each in self._documents[first:last]:
            if each is not None:
                each.seal(keys)

    def written(self, append: Append) -> list[NewEvent]:
        """Return the events as they are stored. They are encrypted already."""
        if self._events is None:
            events = [event for write in append.writes for event in write.events]
            self._events = [
                event.written() if each is None else _stored(event, each)
                for event, each in zip(events, self._documents, strict=True)
            ]
        return self._events


def documents_of(append: Append) -> Documents:
    """Return the documents of an append, to be encrypted. Its events share what may be shared."""
    envelopes: Envelopes = {}
    return [
        document(append.tenant, write.stream, event, envelopes) for write in append.writes for event in write.events
    ]


def prepare(group: Sequence[Append]) -> list[Prepared]:
    """Encrypt and write the events of a group of appends. An error in one append does not affect the others.

    The secrets of an append are a Secrets; it has none if none of its events holds personal data. The same append gives
    the same bytes. All are encrypted before any is written: the ciphers' code is large, and in this way the processor
    loads it once for all appends instead of once for each.
    """
    errors = [_error_of_sealing(append.secrets) for append in group]
    return [error or _written(append) for append, error in zip(group, errors, strict=True)]


def _error_of_sealing(secrets: Secrets | None) -> Exception | None:
    if secrets is not None:
        try:
            secrets.seal()
        except Exception as error:
            return error
    return None


def _written(append: Append) -> Prepared:
    try:
        if append.secrets is not None:
            found: list[NewEvent] = append.secrets.written(append)
            return found
        return [event.written() for write in append.writes for event in write.events]
    except Exception as error:
        return error


def _stored(event: Storable, found: Document) -> NewEvent:
    return NewEvent(event.event_id, event.type, *found.written(), event.occurred_at)
