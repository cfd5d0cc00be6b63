"""Prepares appends: whose keys they need, and their events encrypted and written."""

from collections.abc import Sequence

from application.ledger.port import Append, Draft, NewEvent, Prepared, Storable
from application.privacy.documents import ACTOR_SHAPE, Document, document, performer_of, shape_of_type, subjects_in
from domain.personal import places
from domain.values import OF_PERFORMER, TenantName


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
        performer = performer_of(actor, stream)
    return {performer if member.mark is OF_PERFORMER else stream for _, _, member, _ in found}


def prepare(group: Sequence[Append]) -> list[Prepared]:
    """Encrypt and write the events of a group of appends. An error in one append does not affect the others.

    The secrets of an append are the keys of its subjects. Data of forgotten subjects is left out. The same append gives
    the same bytes. All are encrypted before any is written: the ciphers' code is large, and in this way the processor
    loads it once for all appends instead of once for each.
    """
    sealed = [_sealed(append) for append in group]
    return [
        each if isinstance(each, Exception) else _written(append, each)
        for append, each in zip(group, sealed, strict=True)
    ]


def _sealed(append: Append) -> list[Document | None] | Exception:
    """Return the documents of the events of all writes, encrypted; None for an event without personal data."""
    try:
        found = [document(append.tenant, write.stream, event) for write in append.writes for event in write.events]
        for each in found:
            if each is not None:
                each.seal(append.secrets)
    except Exception as error:
        return error
    return found


def _written(append: Append, found: Sequence[Document | None]) -> Prepared:
    events = [event for write in append.writes for event in write.events]
    try:
        return [
            event.written() if each is None else _stored(event, each) for event, each in zip(events, found, strict=True)
        ]
    except Exception as error:
        return error


def _stored(event: Storable, found: Document) -> NewEvent:
    return NewEvent(event.event_id, event.type, *found.written(), event.occurred_at)
