"""Prepares appends: whose keys they need, and their events encrypted and written."""

from collections.abc import Sequence
from typing import NamedTuple

from application.ledger.port import Append, Draft, NewEvent, Prepared, Storable
from application.privacy.documents import Document, document, shape_of_type, subjects_in
from application.privacy.envelopes import ACTOR_SHAPE, Envelopes, performer_of
from domain.personal import places
from domain.values import OF_PERFORMER, TenantName

Documents = list[Document | None]
"""The documents of the events of all writes of an append; None for an event without personal data."""


class Ready(NamedTuple):
    """The secrets of an append that was prepared before it queues: its events as they are stored."""

    events: list[NewEvent]


def subjects_of(append: Append) -> set[str]:
    """Return the subjects whose data the events of an append hold. This takes less time than their documents."""
    subjects: set[str] = set()
    for stream, _, events in append.writes:
        for event in events:
            subjects |= _subjects(append.tenant, stream, event)
    return subjects


def _subjects(tenant: TenantName, stream: str, event: Storable) -> set[str]:
    if not isinstance(event, Draft):
        return subjects_in([document(tenant, stream, event)])
    if (shape := shape_of_type(event.type)) is None:
        return set()
    found = [] if isinstance(event.data, bytes) else places({**event.data}, shape)
    performer = stream
    if (actor := event.metadata.get("actor")) is not None:
        found += places({**actor}, ACTOR_SHAPE)
        performer = performer_of(actor) or stream
    return {performer if member.mark is OF_PERFORMER else stream for _, _, member, _ in found}


def prepare(group: Sequence[Append]) -> list[Prepared]:
    """Encrypt and write the events of a group of appends. An error in one append does not affect the others.

    The secrets of an append are the keys of its subjects. Data of forgotten subjects is left out. The same append gives
    the same bytes. All are encrypted before any is written: the ciphers' code is large, and in this way the processor
    loads it once for all appends instead of once for each.
    """
    sealed = [_sealed(append) for append in group]
    return [_written(append, found) for append, found in zip(group, sealed, strict=True)]


def documents_of(append: Append) -> Documents:
    """Return the documents of an append, to be encrypted. Its events share what may be shared."""
    envelopes: Envelopes = {}
    return [
        document(append.tenant, write.stream, event, envelopes) for write in append.writes for event in write.events
    ]


def _sealed(append: Append) -> Documents | Ready | Exception:
    """Return the documents of an append, encrypted, unless it is ready."""
    if isinstance(append.secrets, Ready):
        return append.secrets
    try:
        found = documents_of(append)
        for each in found:
            if each is not None:
                each.seal(append.secrets)
    except Exception as error:
        return error
    return found


def _written(append: Append, found: Documents | Ready | Exception) -> Prepared:
    match found:
        case Ready(events):
            return events
        case Exception():
            return found
    try:
        return written(append, found)
    except Exception as error:
        return error


def written(append: Append, found: Documents) -> list[NewEvent]:
    """Return the events of an append as they are stored, with what was encrypted in their documents."""
    events = [event for write in append.writes for event in write.events]
    return [
        event.written() if each is None else _stored(event, each) for event, each in zip(events, found, strict=True)
    ]


def _stored(event: Storable, found: Document) -> NewEvent:
    return NewEvent(event.event_id, event.type, *found.written(), event.occurred_at)
