"""Domain events to the bytes that are stored, and back."""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json
from uuid_utils import uuid7

from application.ledger import NewEvent, RecordedEvent
from application.stored import stored
from domain.errors import InvalidEvent
from domain.events.catalogue import CATALOGUE
from domain.events.event import Event
from domain.values import NOBODY, Actor, Origin


class Envelope(NamedTuple):
    """The version of the schema of an event's data, and the fields that its metadata holds."""

    schema_version: int
    fields: Mapping[str, Any]


def new_event_id() -> str:
    """Return an id for an event; ids sort by the time they were made, which keeps their index compact."""
    return str(uuid7())


def encode(event: Event, origin: Origin | None = None) -> NewEvent:
    """Return the event as it is stored: data holds its own fields, metadata the envelope's, neither holds nulls.

    origin is the request that it comes with, if it does not say so itself.
    """
    metadata: dict[str, Any] = {"schema_version": event.class_version}
    if event.actor != NOBODY:
        metadata["actor"] = _said_of(event.actor)
    if event.correlation_id is not None:
        metadata["correlation_id"] = event.correlation_id
    if event.causation_id is not None:
        metadata["causation_id"] = event.causation_id
    if (origin := event.origin or origin) is not None:
        metadata["origin"] = {"method": origin.method, "path": origin.path}
    return NewEvent(
        event_id=event.event_id or new_event_id(),
        type=event.topic,
        data=event.__pydantic_serializer__.to_json(event, include=_data_fields(type(event)), exclude_none=True),
        metadata=to_json(metadata),
        occurred_at=event.timestamp,
    )


def decode(recorded: RecordedEvent) -> Event:
    """Return the domain event of our catalogue, brought to the present schema. Raises InvalidEvent if there is none."""
    return decode_with_envelope(recorded)[0]


def decode_with_envelope(recorded: RecordedEvent) -> tuple[Event, Envelope]:
    """Return the domain event as decode does, and what its metadata says. Raises InvalidEvent."""
    event_class = CATALOGUE.get(recorded.type)
    if event_class is None:
        raise InvalidEvent(f"Event {recorded.position} has type {recorded.type!r}, which this version does not know")
    try:
        told = envelope(recorded.metadata)
        return _event(event_class, recorded, told), told
    except (AttributeError, LookupError, TypeError, ValueError) as exc:
        raise InvalidEvent(f"Event {recorded.position} ({recorded.type}) cannot be read: {exc}") from exc


def _event(event_class: type[Event], recorded: RecordedEvent, told: Envelope) -> Event:
    schema_version, given = told
    if schema_version > event_class.class_version:
        # A newer release wrote it. Its fields may have the names of ours and mean something else.
        raise ValueError(f"its schema is {schema_version}, and this version knows {event_class.class_version}")
    data = event_class.upcast(from_json(recorded.data), schema_version)
    if None in data.values():
        raise ValueError("it holds a null, which is never stored")
    return stored(event_class).load(
        data,
        **given,
        originator_id=recorded.stream,
        originator_version=recorded.version,
        timestamp=recorded.occurred_at,
        event_id=recorded.event_id,
    )


def envelope(metadata: bytes) -> Envelope:
    """Return what an event's metadata says of it. Raises ValueError."""
    given = from_json(metadata)
    schema_version = given.pop("schema_version", 1)
    given.pop("encryption", None)
    for name, value_class in (("actor", Actor), ("origin", Origin)):
        if name in given:
            given[name] = stored(value_class).load(given[name])
    return Envelope(schema_version, given)


@lru_cache(maxsize=1_024)
def _said_of(actor: Actor) -> dict[str, Any]:
    return actor.model_dump(exclude_defaults=True)


@cache
def _data_fields(event_class: type[Event]) -> set[str]:
    return set(event_class.data_fields())
