"""The metadata of events, and the personal data in it: whose it is, and what several events say alike."""

from collections.abc import Mapping
from typing import Any

from domain.personal import Place, places, shape_of
from domain.streams import person_stream
from domain.values import Actor

MARK = "encryption"
"""The metadata member that says that all personal data of the event is encrypted, and how: 1 is the form made here."""

CUSTOMER = "customer"
"""The type of an actor who is the order's customer, in capitals or not."""

ACTOR_SHAPE = shape_of(Actor)


class Envelope:
    """An event's metadata, and the personal data in it, its performer's name. It works on a copy.

    Events that share their metadata may share an envelope too, if it says the same in all of them (is_shared). It is
    then encrypted and written once for all.
    """

    __slots__ = ("is_sealed", "json", "metadata", "performer", "places")

    def __init__(self, metadata: dict[str, Any]) -> None:
        self.metadata = metadata = {**metadata}
        self.performer: str | None = None
        self.places: list[Place] = []
        self.is_sealed = False
        self.json: bytes | None = None
        """The metadata as they are stored, once they are encrypted and were written."""
        if actor := metadata.get("actor"):
            metadata["actor"] = actor = {**actor}
            self.performer = performer_of(actor)
            self.places = places(actor, ACTOR_SHAPE, "actor.")

    def is_shared(self, stream: str) -> bool:
        """Whether events of this stream may share it: what it holds is about a performer, not about the stream."""
        return self.performer is not None and self.performer != stream


Envelopes = dict[int, Envelope]
"""The envelopes that events share, by the identities of their metadata. It must not outlive these."""


def envelope_of(metadata: dict[str, Any], stream: str, envelopes: Envelopes) -> Envelope:
    """Return the envelope of an event of a stream: a shared one, if there is one, or a new one."""
    shared = envelopes.get(id(metadata))
    if shared is None or shared.performer == stream:
        shared = Envelope(metadata)
        if shared.is_shared(stream):
            envelopes[id(metadata)] = shared
    return shared


def performer_of(actor: Mapping[str, Any]) -> str | None:
    """Return the subject that a performer's data is about, if they have an id; None if it is about the stream.

    The customer's own name belongs to the order, like all other data about the customer.
    """
    performer_id = actor.get("id")
    if performer_id and str(actor.get("type")).lower() != CUSTOMER:
        return person_stream(performer_id)
    return None
