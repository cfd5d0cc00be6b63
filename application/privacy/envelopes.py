"""The metadata of events, and the personal data in it: whose it is, and what several events say alike."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

from domain.personal import shape_of
from domain.streams import person_stream
from domain.values import Actor

MARK = "encryption"
"""The metadata member that says that all personal data of the event is encrypted, and how: 1 is the form made here."""

CUSTOMER = "customer"
"""The type of an actor who is the order's customer, in capitals or not."""

ACTOR_SHAPE = shape_of(Actor)


class Envelope:
    """The metadata of events that are encrypted: their performer, and the form in which they are stored.

    Events that share their metadata share an envelope too. It changes nothing of the metadata.
    """

    __slots__ = ("_actor", "_json", "actor", "is_personal", "metadata", "performer")

    def __init__(self, metadata: dict[str, Any]) -> None:
        self.metadata = metadata
        self.actor: dict[str, Any] | None = metadata.get("actor") or None
        self.performer: str | None = None
        """The subject that the performer's data is about; None if it is about the event's stream."""
        self.is_personal = False
        """Whether the performer has a name."""
        if self.actor is not None:
            self.performer = performer_of(self.actor)
            self.is_personal = any(map(self.actor.get, ACTOR_SHAPE))
        self._actor: bytes | None = None
        self._json = b""

    def written(self, actor: bytes | None) -> bytes:
        """Return the metadata as they are stored. actor is the JSON of the encrypted actor, if that is personal."""
        if actor is None:
            assert not self.is_personal
            return to_json({**self.metadata, MARK: 1})
        if actor is not self._actor:
            rest = {**self.metadata, MARK: 1}
            del rest["actor"]
            self._actor, self._json = actor, b'%b,"actor":%b}' % (to_json(rest)[:-1], actor)
        return self._json


Envelopes = dict[int, Envelope]
"""The envelopes that events share, by the identities of their metadata, which they keep."""


def envelope_of(metadata: dict[str, Any], envelopes: Envelopes) -> Envelope:
    """Return the envelope of this metadata."""
    found = envelopes.get(id(metadata))
    if found is None:
        found = envelopes[id(metadata)] = Envelope(metadata)
    return found


def performer_of(actor: Mapping[str, Any]) -> str | None:
    """Return the subject that a performer's data is about, if they have an id; None if it is about the stream.

    The customer's own name belongs to the order, like all other data about the customer.
    """
    performer_id = actor.get("id")
    if performer_id and str(actor.get("type")).lower() != CUSTOMER:
        return person_stream(performer_id)
    return None
