"""The lines of a bulk load: how a body is cut into them, and how each becomes a domain event."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from api.http.problems import Fault, InvalidRequest, TooLarge
from api.http.reading.bodies import json_of
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
BREATH = 100
"""How many lines are read before other tasks get a turn."""
CHUNK_EVENTS = 1_000
CHUNK_BYTES = 2**20

_NATIVE = {"event_id", "occurred_at", "correlation_id", "causation_id"}
_CLOUD = {"id": "event_id", "time": "occurred_at", "correlationid": "correlation_id", "causationid": "causation_id"}
_SENT_AS = {"order_id": "subject", "integration_id": "subject"} | {ours: theirs for theirs, ours in _CLOUD.items()}
_DIGITS = re.compile(r"[1-9][0-9]{0,18}")
_MEMBERS = {"order_id", "integration_id", "type", "data", "actor", *_NATIVE}
_PREFIXES = {"order": "order_id", "integration": "integration_id"}
_IDENTIFIER, _NUMBER, _ACTOR = TypeAdapter(Identifier), TypeAdapter(IntegrationNumber), TypeAdapter(Actor)


class Told(NamedTuple):
    """A line that holds an event."""

    number: int
    event: Event


class Chunk(NamedTuple):
    """Lines that are recorded together, those that hold no event, and how many lines were read so far."""

    told: Sequence[Told]
    refused: Sequence[tuple[int, OrdertrailError]]
    lines: int


class LineReader:
    """Turns lines into events that a caller may record."""

    def __init__(self, caller: Caller, secret_headers: frozenset[str]) -> None:
        self._caller = caller
        self._secret_headers = secret_headers
        self._allowed: set[type[Event]] = set()

    def event(self, line: bytes) -> Event:
        """Return the event of a line. Raises InvalidRequest, Forbidden, TooLarge."""
        try:
            value = json_of(line)
        except ValueError as exc:
            raise InvalidRequest(Fault(("body",), f"is not JSON: {exc}", "json_invalid")) from exc
        return self.event_of(value)

    def event_of(self, value: Any) -> Event:
        """Return the event of a line's value, which is a native one or a CloudEvent."""
        if not isinstance(value, dict):
            raise InvalidRequest(Fault(("body",), "is no object", "dict_type"))
        if "specversion" not in value:
            return self._event(value)
        try:
            return self._event(_of_cloud(value))
        except InvalidRequest as invalid:
            raise InvalidRequest(*map(_in_cloud, invalid.faults)) from invalid

    def _event(self, told: dict[str, Any]) -> Event:
        if strange := told.keys() - _MEMBERS:
            raise InvalidRequest(*(Fault(("body", name), "is no member of an event", "extra") for name in strange))
        event_class = _class_of(told.get("type"))
        self._authorise(event_class)
        data = told.get("data", {})
        if not isinstance(data, dict) or not ENVELOPE.isdisjoint(data):
            raise InvalidRequest(Fault(("body", "data"), "is not the data of an event", "data"))
        envelope = {name: told[name] for name in _NATIVE if told.get(name) is not None}
        if "occurred_at" in envelope:
            envelope["timestamp"] = envelope.pop("occurred_at")
        envelope["actor"] = acting(self._actor(told.get("actor")), self._caller.actor)
        envelope["originator_id"] = _stream_of(told, event_class)
        try:
            event = event_class.model_validate({**data, **envelope})
        except ValidationError as invalid:
            raise InvalidRequest(*as_sent(faults_in(invalid, "body"), ("body",))) from invalid
        return identified(masked_event(event, self._secret_headers))

    def _authorise(self, event_class: type[Event]) -> None:
        if event_class in self._allowed:
            return
        is_integration = issubclass(event_class, IntegrationEvent)
        authorise(self._caller, "write:integrations" if is_integration else "write:orders")
        if event_class is IntegrationTied:
            authorise(self._caller, "read:integrations")  # for its exceptions are shown with the order from then on
        self._allowed.add(event_class)

    @staticmethod
    def _actor(told: Any) -> Actor | None:
        return None if told is None else _checked(_ACTOR, told, "actor")


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


def _class_of(type_: Any) -> type[Event]:
    event_class = _TELLABLE.get(type_) if isinstance(type_, str) else None
    if event_class is None:
        raise InvalidRequest(Fault(("body", "type"), "is not a type of event that can be told", "unknown_type"))
    return event_class


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


async def lines_of(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes | None]:
    """Yield lines without their ends; None for each that is too long, of which no more is held than that."""
    rest, is_too_long = b"", False
    async for piece in pieces:
        *whole, last = piece.split(b"\n")
        for line in whole:
            if is_too_long or len(rest) + len(line) > MAX_LINE_BYTES:
                yield None
            else:
                yield rest + line
            rest, is_too_long = b"", False
        is_too_long = is_too_long or len(rest) + len(last) > MAX_LINE_BYTES
        rest = b"" if is_too_long else rest + last
    if rest or is_too_long:
        yield None if is_too_long else rest


async def chunks_of(lines: AsyncIterator[bytes | None], reader: LineReader) -> AsyncIterator[Chunk]:
    """Yield chunks of lines. Blank lines are none. A chunk holds no event id twice."""
    chunk = _Growing()
    number = 0
    async for line in lines:
        number += 1
        if line is not None and not line.strip():
            continue
        if number % BREATH == 0:
            await asyncio.sleep(0)
        try:
            if line is None:
                raise TooLarge(f"A line may have {MAX_LINE_BYTES:,} bytes")
            event = reader.event(line)
        except OrdertrailError as why:
            chunk.refused.append((number, why))
        else:
            if event.event_id in chunk.ids:
                yield chunk.at(number)
                chunk = _Growing()
            chunk.add(Told(number, event), len(line))
        if chunk.is_full:
            yield chunk.at(number)
            chunk = _Growing()
    yield chunk.at(number)


class _Growing:
    """A chunk to which lines are added."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.refused: list[tuple[int, OrdertrailError]] = []
        self.ids: set[str] = set()
        self._size = 0

    @property
    def is_full(self) -> bool:
        return max(len(self.told), len(self.refused)) >= CHUNK_EVENTS or self._size >= CHUNK_BYTES

    def add(self, told: Told, size: int) -> None:
        self.told.append(told)
        self.ids.add(told.event.event_id)
        self._size += size

    def at(self, number: int) -> Chunk:
        return Chunk(self.told, self.refused, number)
