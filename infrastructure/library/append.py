"""The eventsourcing library's stored events as one append."""

from collections.abc import Sequence
from itertools import groupby

from eventsourcing.persistence import IntegrityError, StoredEvent

from application.ledger.codec import new_event_id
from application.ledger.port import ANY, Append, Exactly, NewEvent, Write, written
from domain.values import TenantName
from infrastructure.ledger.append_call import AppendCall
from infrastructure.library.ledger_event import LedgerEvent
from infrastructure.library.personal import PersonalData


def call_of(
    tenant: TenantName, stored_events: Sequence[StoredEvent], personal: PersonalData | None = None
) -> AppendCall:
    """Return the call that appends these events, all or none. Personal data in them is encrypted.

    The call has the same event ids each time it is made. Raises IntegrityError if the versions of a stream do not
    follow each other.
    """
    append = Append(tenant, tuple(_writes(stored_events)))
    call = AppendCall(tenant)
    call.add(append, written(append) if personal is None else personal.sealed(append))
    return call


def _writes(stored_events: Sequence[StoredEvent]) -> list[Write]:
    """Return the events as writes in the given order, which becomes their order in the ledger.

    A stream may come again after events of others. Its first write then states the condition on the stream. A later
    write needs no condition of its own, because the append function puts it behind the first.
    """
    writes: list[Write] = []
    newest: dict[str, int] = {}
    for stream, group in groupby(stored_events, key=lambda event: str(event.originator_id)):
        events = tuple(group)
        first = newest[stream] + 1 if stream in newest else events[0].originator_version
        versions = [event.originator_version for event in events]
        # A negative expected version would be one of the append function's codes.
        if first < 0 or versions != list(range(first, first + len(events))):
            raise IntegrityError(
                f"The versions {versions} for {stream} do not follow each other, beginning with 0 or 1"
            )
        expected = ANY if stream in newest else Exactly(first - 1)
        writes.append(Write(stream, expected, tuple(_new_event(event) for event in events)))
        newest[stream] = versions[-1]
    return writes


def _new_event(event: StoredEvent) -> NewEvent:
    """Return an event as it is stored: one of ours with its envelope, a plain one with a new id and no metadata."""
    if isinstance(event, LedgerEvent):
        return NewEvent(event.event_id, event.topic, event.state, event.metadata, event.occurred_at)
    return NewEvent(new_event_id(), event.topic, event.state, b"", None)
