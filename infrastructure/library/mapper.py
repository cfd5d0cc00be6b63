"""Our domain events for the eventsourcing library, in the same bytes that the HTTP service writes and reads."""

from typing import cast

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    Cipher,
    Compressor,
    Mapper,
    MapperDeserialisationError,
    NotSupportedError,
    StoredEvent,
    Transcoder,
)
from pydantic import ValidationError
from pydantic_core import from_json

from application.ledger.codec import decode, encode
from application.ledger.port import WHY_UNREADABLE, RecordedEvent
from domain.errors import InvalidEvent
from domain.events.catalogue import is_ours
from domain.events.event import Event
from domain.order import Order
from infrastructure.library.ledger_event import LedgerEvent, LedgerNotification

AGGREGATES = (Order,)
"""The aggregates whose events are mapped: the library finds them by their topics once they are imported."""


class OrderEventMapper(Mapper[str]):
    """Maps our domain events to ledger events and back. All others, such as snapshots, are mapped as the library does.

    Refuses a compressor and a cipher: the service could not read what they wrote.
    """

    def __init__(
        self, transcoder: Transcoder, compressor: Compressor | None = None, cipher: Cipher | None = None
    ) -> None:
        if compressor is not None or cipher is not None:
            raise NotSupportedError("The events of orders are stored as they are: unset COMPRESSOR_TOPIC and CIPHER_*")
        super().__init__(transcoder)

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        if not isinstance(domain_event, Event):
            return super().to_stored_event(domain_event)
        new = encode(domain_event)
        return LedgerEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=new.type,
            state=new.data,
            metadata=new.metadata,
            occurred_at=domain_event.timestamp,
            event_id=new.event_id,
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[str]:
        if isinstance(stored_event, LedgerEvent):
            return self._decode(stored_event)
        if is_ours(stored_event.topic):
            # The library would build an object that looks like our event, but holds none of our types.
            raise MapperDeserialisationError(
                f"The event {stored_event.topic} of {stored_event.originator_id} has no metadata; "
                "it was not written by this mapper"
            )
        return super().to_domain_event(stored_event)

    @staticmethod
    def _decode(stored: LedgerEvent) -> DomainEventProtocol[str]:
        recorded = RecordedEvent(
            position=stored.id if isinstance(stored, LedgerNotification) else 0,
            stream=str(stored.originator_id),
            version=stored.originator_version,
            event_id=stored.event_id,
            type=stored.topic,
            data=stored.state,
            metadata=stored.metadata,
            occurred_at=stored.occurred_at,
            recorded_at=stored.occurred_at,  # our clock's time is not part of a domain event
        )
        if why := _unreadable(stored):
            # What is decided upon it would be recorded for good.
            raise MapperDeserialisationError(f"The {stored.topic} of {stored.originator_id} cannot be read: {why}")
        try:
            event = decode(recorded)
            # Any program can have stored it through the library, so it is less trusted than the service's own events.
            type(event).model_validate(event.model_dump(warnings=False))
        except InvalidEvent as exc:
            raise MapperDeserialisationError(str(exc)) from exc
        except ValidationError as exc:
            raise MapperDeserialisationError(f"The {stored.topic} of {stored.originator_id} is invalid: {exc}") from exc
        return cast("DomainEventProtocol[str]", event)


def _unreadable(stored: LedgerEvent) -> str | None:
    """Return which parts of an event cannot be read, and why; None if all can be read."""
    if WHY_UNREADABLE.encode() not in stored.metadata:
        return None  # as for nearly every event
    try:
        metadata = from_json(stored.metadata)
    except ValueError:
        return None  # which is found out when it is decoded
    why = metadata.get(WHY_UNREADABLE) if isinstance(metadata, dict) else None
    return None if why is None else str(why)
