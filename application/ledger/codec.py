"""Turns domain events into the bytes that are stored, and back."""

from collections.abc import Mapping
from copy import deepcopy
from functools import cache, lru_cache
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import from_json
from uuid_utils import uuid7

from application.ledger.fields import Fields, PlainFields, plain_fields, stored
from application.ledger.port import ERASED, WHY_UNREADABLE, Draft, NewEvent, RecordedEvent
from domain.errors import InvalidEvent, OrdertrailError, UnreadableEvent
from domain.events.catalogue import CATALOGUE
from domain.events.event import Event
from domain.personal import shape_of
from domain.values import Actor, Origin, SaidOrigin

E = TypeVar("E", bound=Event)

DAMAGE = (AttributeError, LookupError, TypeError, ValueError)
"""The errors that are raised when a stored event does not have the form in which we store events."""
MAX_ACTORS = 4_096
"""How many actors are remembered as JSON has them. What is encrypted of them is remembered by that."""
_NOBODY: dict[str, Any] = {}
_NO_FIELDS = {"schema_version", "encryption", WHY_UNREADABLE, ERASED}
"""The members of metadata that are not fields of the event."""


def new_event_id() -> str:
    """Return an id for an event. Ids sort by the time they were made, which keeps their index compact."""
    return str(uuid7())


def encode(event: Event) -> NewEvent:
    """Return the event as it is stored: data holds its own fields, metadata the envelope. Neither holds nulls."""
    return draft(event).written()


def draft(event: Event, origin: SaidOrigin | None = None) -> Draft:
    """Return the event as encode does, but before its JSON is written.

    origin is the request that the event came with. It is used if the event names no origin itself.
    """
    return _draft(event, _metadata(event, origin))


class Drafts:
    """Makes the drafts of many events that came with one request. Those with the same actor share their metadata."""

    def __init__(self, origin: SaidOrigin | None) -> None:
        self._origin = origin
        self._shared: dict[tuple[int, int], tuple[Actor, dict[str, Any]]] = {}
        """By the identity of the actor, which is kept so that it stays the actor's, and the schema's version."""

    def draft(self, event: Event) -> Draft:
        """Return what draft does."""
        if event.correlation_id is not None or event.causation_id is not None or event.origin is not None:
            return draft(event, self._origin)
        key = id(event.actor), event.class_version
        if (shared := self._shared.get(key)) is None:
            shared = self._shared[key] = event.actor, _metadata(event, self._origin)
        return _draft(event, shared[1])


def _metadata(event: Event, origin: SaidOrigin | None) -> dict[str, Any]:
    said = event.__dict__  # pydantic's models take several times as long to look up an attribute
    metadata: dict[str, Any] = {"schema_version": event.class_version}
    if (correlation_id := said["correlation_id"]) is not None:
        metadata["correlation_id"] = correlation_id
    if (causation_id := said["causation_id"]) is not None:
        metadata["causation_id"] = causation_id
    if (own := said["origin"]) is not None:
        metadata["origin"] = own.model_dump(exclude_none=True)
    elif origin is not None:
        metadata["origin"] = origin
    if actor := _said_of(said["actor"]):
        metadata["actor"] = actor
    return metadata


def _draft(event: Event, metadata: dict[str, Any]) -> Draft:
    # The database dates an event that has no time of its own, because the workers' clocks differ.
    said = event.__dict__  # as above
    occurred_at = said["timestamp"] if "timestamp" in event.__pydantic_fields_set__ else None
    return Draft(said["event_id"] or new_event_id(), event.topic, _data(event), metadata, occurred_at)


def _data(event: Event) -> dict[str, Any] | bytes:
    """Return the values of an event's own fields as JSON has them; their JSON, if none of them is personal."""
    event_class = type(event)
    if not shape_of(event_class):
        return event.__pydantic_serializer__.to_json(event, include=_data_fields(event_class), exclude_none=True)
    if (plain := _plain(event_class)) is not None:
        return plain.values(event)
    data: dict[str, Any] = event.__pydantic_serializer__.to_python(
        event, mode="json", include=_data_fields(event_class), exclude_none=True
    )
    return data


def decode(recorded: RecordedEvent) -> Event:
    """Return the domain event, brought to the present schema.

    Raises InvalidEvent if its type is not in our catalogue, UnreadableEvent if it does not have our stored form.
    """
    event_class = _class_of(recorded)
    try:
        metadata = _json(recorded.metadata)
        return stored(event_class).load(
            _fields_in(event_class, _json(recorded.data), metadata),
            **_envelope(metadata),
            originator_id=recorded.stream,
            originator_version=recorded.version,
            timestamp=recorded.occurred_at,
            event_id=recorded.event_id,
        )
    except DAMAGE as exc:
        raise _unreadable(recorded, exc) from exc


def decode_as(event_class: type[E], recorded: RecordedEvent) -> E:
    """Return what decode does. Also raises UnreadableEvent if the event has another type than this one."""
    event = decode(recorded)
    if not isinstance(event, event_class):
        raise UnreadableEvent(
            f"Event {recorded.position} ({recorded.type}) cannot be read: its type was changed after it was recorded"
        )
    return event


def metadata_of(recorded: RecordedEvent) -> Mapping[str, Any]:
    """Return an event's metadata as JSON. Raises UnreadableEvent."""
    try:
        metadata = _shared(recorded.metadata)
        if isinstance(metadata, dict):
            return metadata
        raise TypeError
    except DAMAGE as exc:
        raise _unreadable(recorded, exc) from exc


def erased_of(recorded: RecordedEvent) -> frozenset[str]:
    """Return the paths of what was erased of an event; none if its metadata cannot be read."""
    try:
        return frozenset(metadata_of(recorded).get(ERASED, ()))
    except (UnreadableEvent, TypeError):
        return frozenset()


def fields_of(recorded: RecordedEvent, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the own fields of an event of our catalogue as JSON, brought to the present schema.

    This takes a fraction of the time that decode takes. Raises InvalidEvent, UnreadableEvent.
    """
    event_class = _class_of(recorded)
    try:
        return _fields(event_class).completed(_fields_in(event_class, _json(recorded.data), metadata))
    except DAMAGE as exc:
        raise _unreadable(recorded, exc) from exc


def fits(event_type: str, data: dict[str, Any], metadata: dict[str, Any]) -> bool:
    """Return whether this JSON has the present form of this type's events. May raise one of DAMAGE."""
    version, needed, possible = _form(event_type)
    names = data.keys()
    return (
        names <= possible
        and names >= needed
        and None not in data.values()
        and metadata.get("schema_version", 1) == version
        and isinstance(metadata.get("actor", _NOBODY), dict)
    )


def what_does_not_fit(event_type: str, data: dict[str, Any], metadata: Mapping[str, Any]) -> str | None:
    """Return why this JSON does not have the form of an event of this type; None if it has.

    Only the names of the members are checked. decode checks their values.
    """
    event_class = CATALOGUE.get(event_type)
    if event_class is None:
        return "this version does not know its type"
    try:
        if schema_version_of(metadata) != event_class.class_version:
            data = deepcopy(data)  # upcast changes it in place
        _fields(event_class).completed(_fields_in(event_class, data, metadata))
    except DAMAGE as damage:
        return in_words(damage)
    return None


def in_words(damage: Exception) -> str:
    """Say what is wrong with a stored event, without quoting its content."""
    if isinstance(damage, OrdertrailError):
        return str(damage)
    if isinstance(damage, ValidationError):
        error = damage.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(map(str, error['loc']))}: {error['msg']}"
    if isinstance(damage, KeyError):
        return f"{damage.args[0]} is missing"
    return str(damage) if isinstance(damage, ValueError) else "its JSON does not have the form in which it was recorded"


def schema_version_of(metadata: Mapping[str, Any]) -> int:
    """Return the schema version in which an event's data was stored."""
    version: int = metadata.get("schema_version", 1)
    return version


def _class_of(recorded: RecordedEvent) -> type[Event]:
    event_class = CATALOGUE.get(recorded.type)
    if event_class is None:
        raise InvalidEvent(f"Event {recorded.position} has type {recorded.type!r}, which this version does not know")
    return event_class


def _unreadable(recorded: RecordedEvent, damage: Exception) -> UnreadableEvent:
    return UnreadableEvent(f"Event {recorded.position} ({recorded.type}) cannot be read: {in_words(damage)}")


def _json(text: bytes) -> Any:
    return from_json(text, allow_inf_nan=False)


@lru_cache(maxsize=256)
def _shared(metadata: bytes) -> Any:
    """Return JSON that nobody changes. Events that a performer records in one way have the same metadata."""
    return _json(metadata)


def _fields_in(event_class: type[Event], data: dict[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return data brought to the present schema. Changes data in place."""
    schema_version = schema_version_of(metadata)
    if schema_version > event_class.class_version:
        # A newer release wrote it. Its fields may have the names of ours and another meaning.
        raise ValueError(f"its schema is {schema_version}, and this version knows {event_class.class_version}")
    data = event_class.upcast(data, schema_version)
    if None in data.values():
        raise ValueError("it holds a null, which is never stored")
    return data


def _envelope(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event's fields that are stored in its metadata."""
    given = {name: value for name, value in metadata.items() if name not in _NO_FIELDS}
    for name, value_class in (("actor", Actor), ("origin", Origin)):
        if name in given:
            given[name] = stored(value_class).load(given[name])
    return given


@lru_cache(maxsize=MAX_ACTORS)
def _said_of(actor: Actor) -> dict[str, Any]:
    return actor.model_dump(exclude_defaults=True)


@cache
def _data_fields(event_class: type[Event]) -> set[str]:
    return set(event_class.data_fields())


@cache
def _plain(event_class: type[Event]) -> PlainFields | None:
    return plain_fields(event_class, event_class.data_fields())


@lru_cache(maxsize=1_024)
def _form(event_type: str) -> tuple[int, frozenset[str], frozenset[str]]:
    """Return a type's schema version, the fields it requires, and all fields it may have. Raises LookupError."""
    event_class = CATALOGUE[event_type]
    possible = event_class.data_fields()
    needed = frozenset(name for name in possible if event_class.model_fields[name].is_required())
    return event_class.class_version, needed, possible


@cache
def _fields(event_class: type[Event]) -> Fields:
    return Fields({name: f for name, f in event_class.model_fields.items() if name in event_class.data_fields()})
