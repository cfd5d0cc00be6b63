"""People who make events happen. The data about them in events can be erased."""

from domain.events.event import Event


class Forgotten(Event):
    """The data about a person was erased, except for their id, whose SHA-256 names the stream. This is not undone."""

    topic = "person.forgotten"
