"""Personal data in events on their way into the ledger: whose keys it needs, and how it is encrypted."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import from_json, to_json

from application.ledger.port import Draft, NewEvent, Storable
from application.privacy.cipher import Keys, bound_to_event, bound_to_place, seal
from application.privacy.documents import shape_of_type
from application.privacy.envelopes import ACTOR_SHAPE, Envelopes, envelope_of
from domain.personal import Place, Shape, placeholder, places
from domain.values import OF_PERFORMER, TenantName

MOST_ACTORS = 4
"""How many encrypted actors are remembered with a key. A performer has one name, or several one after the other."""


class Sealing:
    """One event that holds personal data: first it is encrypted, then it is written. It works on a copy of the data."""

    __slots__ = ("_actor", "_data", "_envelope", "_event", "_performer", "_places", "_stream", "_tenant", "is_personal")

    def __init__(self, tenant: TenantName, stream: str, event: Draft, shape: Shape, envelopes: Envelopes) -> None:
        self._tenant, self._stream, self._event = tenant, stream, event
        data: dict[str, Any] | bytes = event.data
        self._places: list[Place] = []
        if shape and isinstance(data, dict):
            data = {**data}
            self._places = places(data, shape)
        self._data = data
        self._envelope = envelope = envelope_of(event.metadata, envelopes)
        self._performer = envelope.performer or stream
        self._actor: bytes | None = None
        """The encrypted actor as JSON."""
        self.is_personal = envelope.is_personal or bool(self._places)

    def subjects(self) -> set[str]:
        subjects = {self._subject(place) for place in self._places}
        if self._envelope.is_personal:
            subjects.add(self._performer)
        return subjects

    def seal(self, keys: Keys) -> None:
        """Encrypt the personal data. A value whose key was destroyed is left out. Raises KeyError if a key is missing.

        Raises UnreadableKey.
        """
        if self._places:
            self._seal(self._places, keys)
        if self._envelope.is_personal:
            self._actor = self._sealed_actor(keys)

    def written(self) -> NewEvent:
        """Return the event as it is stored."""
        event_id, event_type, _, _, occurred_at = self._event
        data = self._data if isinstance(self._data, bytes) else to_json(self._data)
        return NewEvent(event_id, event_type, data, self._envelope.written(self._actor), occurred_at)

    def _seal(self, found: Iterable[Place], keys: Keys) -> None:
        tenant, stream = self._tenant, self._stream
        event = bound_to_event(tenant, stream, self._event.event_id)
        for place in found:
            holder, name, member, path = place
            subject = self._subject(place)
            if (key := keys[subject]) is None:
                holder[name] = placeholder(holder[name], member)
            else:
                holder[name] = seal(holder[name], key, bound_to_place(tenant, stream, event, path, subject))

    def _subject(self, place: Place) -> str:
        return self._performer if place[2].mark is OF_PERFORMER else self._stream

    def _sealed_actor(self, keys: Keys) -> bytes:
        """Return the encrypted actor as JSON. It is remembered with the performer's key, because they come again."""
        actor = self._envelope.actor
        assert actor is not None
        key = keys[self._performer]
        if key is None or self._performer == self._stream:
            return self._actor_of(actor, keys)
        known = key.actors.get(id(actor))
        if known is None or known[0] is not actor:
            if len(key.actors) >= MOST_ACTORS:
                key.actors.clear()
            known = key.actors[id(actor)] = actor, self._actor_of(actor, keys)
        return known[1]

    def _actor_of(self, actor: Mapping[str, Any], keys: Keys) -> bytes:
        sealed = {**actor}
        self._seal(places(sealed, ACTOR_SHAPE, "actor."), keys)
        return to_json(sealed)


def sealing(tenant: TenantName, stream: str, event: Storable, envelopes: Envelopes) -> Sealing | None:
    """Return how an event is encrypted; None if it holds no personal data, or if it is no event of ours."""
    shape = shape_of_type(event.type)
    if shape is None:
        return None
    if isinstance(event, Draft):
        found = Sealing(tenant, stream, event, shape, envelopes)
    elif isinstance(event, NewEvent) and (shape or b'"name"' in event.metadata):
        try:
            found = Sealing(tenant, stream, _unwritten(event, shape), shape, envelopes)
        except (AttributeError, TypeError, ValueError):
            # Others may write under our names. Decoding will report what cannot be read.
            return None
    else:
        return None
    return found if found.is_personal else None


def _unwritten(event: NewEvent, shape: Shape) -> Draft:
    """Return an event as it was before its JSON was written. Raises ValueError."""
    data = from_json(event.data) if shape else event.data
    return Draft(event.event_id, event.type, data, from_json(event.metadata), event.occurred_at)
