"""Whose data the personal data in an event is."""

from collections.abc import Iterable, Mapping
from typing import Any

from domain.personal import Member, Place, shape_of
from domain.streams import person_stream
from domain.values import OF_PERFORMER, Actor

CUSTOMER = "customer"
"""The type of an actor who is the order's customer, in capitals or not."""
ACTOR_SHAPE = shape_of(Actor)
MAX_PERFORMERS = 256
"""How many performers are remembered."""

Value = tuple[dict[str, Any], str, Member, str, str]
"""A personal value: its place (see domain.personal.Place), and the subject whose data it is."""


class Performer:
    """An actor in the metadata of events, with what is found out about it once, because the same come again."""

    __slots__ = ("actor", "is_personal", "sealed", "subject", "written")

    def __init__(self, actor: Mapping[str, Any]) -> None:
        self.actor = actor
        self.subject = subject_of(actor)
        """The subject that the actor's data is about; None if it is about the event's stream."""
        self.is_personal = any(map(actor.get, ACTOR_SHAPE))
        """Whether the actor has a name."""
        self.sealed: tuple[object, bytes] | None = None
        """The key with which the actor was encrypted last, and its JSON since then."""
        self.written: tuple[object, bytes, bytes] | None = None
        """The metadata that were written last, with which encrypted actor, and their JSON."""


_performers: dict[int, Performer] = {}
"""By the identities of their actors, which they keep."""


def performer_of(actor: Mapping[str, Any]) -> Performer:
    """Return the performer whom this actor stands for. Nobody changes the actor from then on."""
    found = _performers.get(id(actor))
    if found is None:
        found = Performer(actor)
        if len(_performers) >= MAX_PERFORMERS:
            _performers.clear()
        _performers[id(actor)] = found
    return found


def subject_of(actor: Mapping[str, Any]) -> str | None:
    """Return the subject that an actor's data is about, if it has an id; None if it is about the stream.

    The customer's own name belongs to the order, like all other data about the customer.
    """
    actor_id = actor.get("id")
    if actor_id and str(actor.get("type")).lower() != CUSTOMER:
        return person_stream(actor_id)
    return None


def values_of(found: Iterable[Place], performer: str, stream: str) -> list[Value]:
    """Return personal values, each with its subject: the performer's, or else the stream's."""
    return [(*place, performer if place[2].mark is OF_PERFORMER else stream) for place in found]
