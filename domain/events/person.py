"""People who make events happen: what their events say of them can be forgotten."""

from domain.events.event import Event


class Forgotten(Event):
    """What is known of a person was erased, but for their id, whose SHA-256 names the stream; it stays so."""

    topic = "person.forgotten"
