"""The lines of a bulk load: how each becomes a domain event."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from api.http.problems import Fault, InvalidRequest, TooLarge
from api.http.reading.bodies import jsons_of
from api.http.reading.faults import faults_in
from api.native.events import as_sent
from api.native.models import acting
from application.access.callers import Caller, authorise
from application.bodies.masking import masked_event
from application.orders.bulk import identified, is_tellable
from domain.errors import OrdertrailError
from domain.events.catalogue import CATALOGUE
from domain.events.event import ENVELOPE, Event
from domain.events.integration import IntegrationEvent, IntegrationNumber, IntegrationTied
from domain.streams import integration_stream, order_stream
from domain.values import Actor, Identifier

MAX_LINE_BYTES = 2**20
MOST_ACTORS = 1_024

_NATIVE = {
    "event_id": "event_id", "occurred_at": "timestamp", "correlation_id": "correlation_id",
    "causation_id": "causation_id",
}  # fmt: skip
"""The members of a line that are fields of the event's envelope, and these fields."""
_CLOUD = {"id": "event_id", "time": "occurred_at", "correlationid": "correlation_id", "causationid": "causation_id"}
_SENT_AS = {"order_id": "subject", "integration_id": "subject"} | {ours: theirs for theirs, ours in _CLOUD.items()}
_DIGITS = re.compile(r"[1-9][0-9]{0,18}")
_MEMBERS = frozenset({"order_id", "integration_id", "type", "data", "actor", *_NATIVE})
_PREFIXES = {"order": "order_id", "integration": "integration_id"}
_IDENTIFIER, _NUMBER, _ACTOR = TypeAdapter(Identifier), TypeAdapter(IntegrationNumber), TypeAdapter(Actor)
_NO_DATA: dict[str, Any] = {}
_LINE_TOO_LONG = TooLarge(f"A line may have {MAX_LINE_BYTES:,} bytes")


Read = Event | OrdertrailError | None
"""What a line holds: an event, or why there is none; None if it is blank."""


class LineReader:
    """Turns lines into events that a caller may record."""

    def __init__(self, caller: Caller, secret_headers: frozenset[str]) -> None:
        self._caller = caller
        self._actor = caller.actor
        self._secret_headers = secret_headers
        self._classes: dict[str, type[Event]] = {}
        """The types that the caller may tell of, as far as they were asked for."""
        self._actors: dict[tuple[Any, ...], Actor] = {}
        """Those who acted lately, by the members that name them. Events with one actor share the object."""

    def read(self, lines: Sequence[bytes | None]) -> list[Read]:
        """Return what each of a few lines holds; None is a line that is too long."""
        values = iter(jsons_of([line for line in lines if line and not line.isspace()]))
        return [
            _LINE_TOO_LONG if line is None else self._read(next(values)) if line and not line.isspace() else None
            for line in lines
        ]

    def _read(self, value: Any) -> Read:
        try:
            return self.event_of(value)
        except OrdertrailError as why:
            return why

    def event_of(self, value: Any) -> Event:
        """Return the event of a line's value, which is a native one or a CloudEvent, or the error of its JSON.

        Raises InvalidRequest, Forbidden, TooLarge.
        """
        if type(value) is not dict:
            raise _no_object(value)
        if "specversion" not in value:
            return self._event(value)
        try:
            return self._event(_of_cloud(value))
        except InvalidRequest as invalid:
            raise InvalidRequest(*map(_in_cloud, invalid.faults)) from invalid

    def _event(self, told: dict[str, Any]) -> Event:
        if not told.keys() <= _MEMBERS:
            strange = told.keys() - _MEMBERS
            raise InvalidRequest(*(Fault(("body", name), "is no member of an event", "extra") for name in strange))
        type_ = told.get("type")
        if (event_class := self._classes.get(type_) if type(type_) is str else None) is None:
            event_class = self._class_of(type_)
        data = told.get("data", _NO_DATA)
        if type(data) is not dict or not ENVELOPE.isdisjoint(data):
            raise InvalidRequest(Fault(("body", "data"), "is not the data of an event", "data"))
        fields = {**data}
        for name, field in _NATIVE.items():
            if (given := told.get(name)) is not None:
                fields[field] = given
        actor = told.get("actor")
        fields["actor"] = self._actor if actor is None else self._acting(actor)
        fields["originator_id"] = _stream_of(told, event_class)
        try:
            event: Event = event_class.__pydantic_validator__.validate_python(fields)
        except ValidationError as invalid:
            raise InvalidRequest(*as_sent(faults_in(invalid, "body"), ("body",))) from invalid
        return identified(masked_event(event, self._secret_headers))

    def _class_of(self, type_: Any) -> type[Event]:
        event_class = _TELLABLE.get(type_) if isinstance(type_, str) else None
        if event_class is None:
            raise InvalidRequest(Fault(("body", "type"), "is not a type of event that can be told", "unknown_type"))
        is_integration = issubclass(event_class, IntegrationEvent)
        authorise(self._caller, "write:integrations" if is_integration else "write:orders")
        if event_class is IntegrationTied:
            authorise(self._caller, "read:integrations")  # for its exceptions are shown with the order from then on
        self._classes[type_] = event_class
        return event_class

    def _acting(self, told: Any) -> Actor:
        if type(told) is not dict or not all(type(value) is str for value in told.values()):
            return acting(_checked(_ACTOR, told, "actor"), self._actor)
        members = tuple(told.items())
        if (actor := self._actors.get(members)) is None:
            if len(self._actors) == MOST_ACTORS:
                self._actors.clear()
            actor = self._actors[members] = acting(_checked(_ACTOR, told, "actor"), self._actor)
        return actor


def _no_object(value: Any) -> OrdertrailError:
    """Return why a line's value, which is no object, or the error of its JSON, is no event."""
    match value:
        case TooLarge():
            return value
        case ValueError():
            return InvalidRequest(Fault(("body",), f"is not JSON: {value}", "json_invalid"))
        case _:
            return InvalidRequest(Fault(("body",), "is no object", "dict_type"))


def _of_cloud(event: dict[str, Any]) -> dict[str, Any]:
    """Return a CloudEvent as a native line. Attributes that say nothing to us are left out."""
    if event["specversion"] != "1.0":
        raise InvalidRequest(Fault(("body", "specversion"), "is not 1.0", "specversion"))
    if "data_base64" in event:
        raise InvalidRequest(Fault(("body", "data_base64"), "is not the JSON of an event of ours", "data"))
    kind, _, name = str(event.get("subject", "")).partition("-")
    if kind not in _PREFIXES or (kind == "integration" and not _DIGITS.fullmatch(name)):
        raise InvalidRequest(Fault(("body", "subject"), "is neither order-<id> nor integration-<id>", "subject"))
    told: dict[str, Any] = {ours: event[theirs] for theirs, ours in _CLOUD.items() if theirs in event}
    told[_PREFIXES[kind]] = int(name) if kind == "integration" else name
    if told.get("event_id") is None:
        raise InvalidRequest(Fault(("body", "id"), "is missing", "missing"))
    return {**told, "type": event.get("type"), "data": event.get("data", {})}


def _in_cloud(fault: Fault) -> Fault:
    """Return a fault with its place in the CloudEvent that was sent."""
    body, *within = fault.where
    return fault._replace(where=(body, *(_SENT_AS.get(str(part), part) for part in within[:1]), *within[1:]))


_TELLABLE = {topic: event_class for topic, event_class in CATALOGUE.items() if is_tellable(event_class)}


def _stream_of(told: dict[str, Any], event_class: type[Event]) -> str:
    wanted, other = ("integration_id", "order_id")[:: 1 if issubclass(event_class, IntegrationEvent) else -1]
    if told.get(wanted) is None:
        raise InvalidRequest(Fault(("body", wanted), "is missing", "missing"))
    if told.get(other) is not None:
        raise InvalidRequest(Fault(("body", other), f"does not go with the type {event_class.topic}", "extra"))
    return _order(told[wanted]) if wanted == "order_id" else integration_stream(_checked(_NUMBER, told[wanted], wanted))


def _order(name: Any) -> str:
    return _order_of(name) if isinstance(name, str) else order_stream(_checked(_IDENTIFIER, name, "order_id"))


@lru_cache(maxsize=4_096)
def _order_of(name: str) -> str:
    return order_stream(_checked(_IDENTIFIER, name, "order_id"))


def _checked(adapter: TypeAdapter[Any], value: Any, name: str) -> Any:
    try:
        return adapter.validate_python(value)
    except ValidationError as invalid:
        raise InvalidRequest(*faults_in(invalid, "body", name)) from invalid
