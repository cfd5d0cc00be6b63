"""The eventsourcing library's stored events and notifications, with our ledger's further data about an event."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from eventsourcing.persistence import Notification, StoredEvent

from application.ledger.port import RecordedEvent


@dataclass(frozen=True)
class LedgerEvent(StoredEvent):
    """A stored event with its envelope, which is never empty: empty metadata marks events of the plain library."""

    metadata: bytes
    occurred_at: datetime
    event_id: str


@dataclass(frozen=True)
class LedgerNotification(LedgerEvent, Notification):
    """A notification with its envelope."""


class _StoredFields(TypedDict):
    originator_id: UUID | str
    originator_version: int
    topic: str
    state: bytes


def stored_event(recorded: RecordedEvent, originator_id: UUID | str) -> StoredEvent:
    """Return the event in the library's form: a plain one if the plain library wrote it."""
    fields = _fields(recorded, originator_id)
    if not recorded.metadata:
        return StoredEvent(**fields)
    return LedgerEvent(
        **fields, metadata=recorded.metadata, occurred_at=recorded.occurred_at, event_id=recorded.event_id
    )


def notification(recorded: RecordedEvent, originator_id: UUID | str) -> Notification:
    """Return the event's notification: plain if the plain library wrote it."""
    fields = _fields(recorded, originator_id)
    if not recorded.metadata:
        return Notification(**fields, id=recorded.position)
    return LedgerNotification(
        **fields,
        id=recorded.position,
        metadata=recorded.metadata,
        occurred_at=recorded.occurred_at,
        event_id=recorded.event_id,
    )


def _fields(recorded: RecordedEvent, originator_id: UUID | str) -> _StoredFields:
    return {
        "originator_id": originator_id,
        "originator_version": recorded.version,
        "topic": recorded.type,
        "state": recorded.data,
    }


def originator_id_of(stream: str) -> UUID | str:
    """Return the id for a stream's name: a UUID if the name is a UUID in its canonical form, otherwise the name."""
    try:
        uuid = UUID(stream)
    except ValueError:
        return stream
    return uuid if str(uuid) == stream else stream
