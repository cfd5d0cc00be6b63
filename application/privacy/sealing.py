"""Personal data in events on their way into the ledger: whose keys it needs, and how it is encrypted."""

from collections.abc import Iterable
from typing import Any

from pydantic_core import from_json, to_json

from application.ledger.port import Draft, NewEvent, Storable
from application.privacy.cipher import MARK, Keys, bound_to_event, bound_to_place, seal
from application.privacy.documents import shape_of_type
from application.privacy.subjects import ACTOR_SHAPE, Performer, Value, performer_of, values_of
from domain.personal import Shape, placeholder, places
from domain.values import TenantName


class Sealing:
    """One event that holds personal data: first it is encrypted, then it is written. It works on a copy of the data."""

    __slots__ = ("_actor", "_data", "_event", "_performer", "_stream", "_subject", "_tenant", "_values", "subjects")

    def __init__(self, tenant: TenantName, stream: str, event: Draft, shape: Shape) -> None:
        self._tenant, self._stream, self._event = tenant, stream, event
        actor = event.metadata.get("actor")
        performer = performer_of(actor) if actor else None
        self._subject = (performer and performer.subject) or stream
        """The subject that the performer's data is about."""
        self._performer: Performer | None = None
        """The performer, if they have a name."""
        self._actor = b""
        """The encrypted actor as JSON."""
        self._data: dict[str, Any] | bytes = event.data
        self._values: list[Value] = []
        self.subjects: set[str] = set()
        """The subjects whose data the event holds: the stream, or a performer with an id of their own."""
        if shape and isinstance(event.data, dict):
            self._data = data = {**event.data}
            self._values = values_of(places(data, shape), self._subject, stream)
            for value in self._values:
                self.subjects.add(value[4])
        if performer is not None and performer.is_personal:
            self._performer = performer
            self.subjects.add(self._subject)

    def seal(self, keys: Keys) -> None:
        """Encrypt the personal data. A value whose key was destroyed is left out. Raises KeyError if a key is missing.

        Raises UnreadableKey.
        """
        if self._values:
            self._seal(self._values, keys)
        if self._performer is not None:
            self._actor = self._sealed_actor(self._performer, keys)

    def written(self) -> NewEvent:
        """Return the event as it is stored."""
        event_id, event_type, _, metadata, occurred_at = self._event
        data = self._data if isinstance(self._data, bytes) else to_json(self._data)
        performer = self._performer
        if performer is None:
            return NewEvent(event_id, event_type, data, to_json({**metadata, MARK: 1}), occurred_at)
        written = performer.written
        if written is None or written[0] is not metadata or written[1] is not self._actor:
            rest = {**metadata, MARK: 1}
            del rest["actor"]
            as_json = b'%b,"actor":%b}' % (to_json(rest)[:-1], self._actor)
            # Many events that came with one request share their metadata.
            performer.written = written = metadata, self._actor, as_json
        return NewEvent(event_id, event_type, data, written[2], occurred_at)

    def _seal(self, values: Iterable[Value], keys: Keys) -> None:
        tenant, stream = self._tenant, self._stream
        event = bound_to_event(tenant, stream, self._event.event_id)
        for holder, name, member, path, subject in values:
            if (key := keys[subject]) is None:
                holder[name] = placeholder(holder[name], member)
            else:
                holder[name] = seal(holder[name], key, bound_to_place(tenant, stream, event, path, subject))

    def _sealed_actor(self, performer: Performer, keys: Keys) -> bytes:
        """Return the encrypted actor as JSON. Unless it is bound to the event, it is remembered."""
        key, sealed = keys[self._subject], performer.sealed
        is_shared = key is not None and self._subject != self._stream
        if is_shared and sealed is not None and sealed[0] is key:
            return sealed[1]
        actor = {**performer.actor}
        self._seal(values_of(places(actor, ACTOR_SHAPE, "actor."), self._subject, self._stream), keys)
        as_json = to_json(actor)
        if is_shared:
            performer.sealed = key, as_json
        return as_json


def sealing(tenant: TenantName, stream: str, event: Storable) -> Sealing | None:
    """Return how an event is encrypted; None if it holds no personal data, or if it is no event of ours."""
    shape = shape_of_type(event.type)
    if shape is None:
        return None
    if isinstance(event, Draft):
        found = Sealing(tenant, stream, event, shape)
    elif isinstance(event, NewEvent) and (shape or b'"name"' in event.metadata):
        try:
            found = Sealing(tenant, stream, _unwritten(event, shape), shape)
        except (AttributeError, TypeError, ValueError):
            # Others may write under our names. Decoding will report what cannot be read.
            return None
    else:
        return None
    return found if found.subjects else None


def _unwritten(event: NewEvent, shape: Shape) -> Draft:
    """Return an event as it was before its JSON was written. Raises ValueError."""
    data = from_json(event.data) if shape else event.data
    return Draft(event.event_id, event.type, data, from_json(event.metadata), event.occurred_at)
