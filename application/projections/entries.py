"""What projections are given: events of one ledger, decoded when first asked for."""

from application.codec import Envelope, decode_with_envelope, envelope
from application.ledger import RecordedEvent
from domain.errors import InvalidEvent
from domain.events.catalogue import CATALOGUE, is_ours
from domain.events.event import Event


class Entry:
    """One event of the ledger."""

    __slots__ = ("_envelope", "_event", "_topic", "position", "recorded", "shown")

    def __init__(self, recorded: RecordedEvent) -> None:
        self.recorded = recorded
        self.position = recorded.position
        topic = recorded.type
        self._topic = topic if topic in CATALOGUE or not is_ours(topic) else None
        self._event: Event | None = None
        self._envelope: Envelope | None = None
        self.shown = recorded
        """The event as it may be shown, for what projections cannot do with what is encrypted."""

    @property
    def topic(self) -> str:
        """The event's type. Raises InvalidEvent if it should be in our catalogue but is not: nothing is passed over."""
        if self._topic is None:
            message = f"Event {self.position} has type {self.recorded.type!r}, which this version does not know"
            raise InvalidEvent(message)
        return self._topic

    @property
    def is_ours(self) -> bool:
        """Whether the event is in our catalogue."""
        return self.recorded.type in CATALOGUE

    @property
    def order_id(self) -> str | None:
        """The order the event is about; None for an integration's event and for events of others' applications."""
        return self.recorded.stream.removeprefix("order-") if self.topic.startswith("order.") else None

    @property
    def envelope(self) -> Envelope:
        """What the event's metadata says. Raises ValueError."""
        if self._envelope is None:
            self._envelope = envelope(self.recorded.metadata)
        return self._envelope

    @property
    def event(self) -> Event:
        """The domain event. Raises InvalidEvent."""
        if self._event is None:
            self._event, self._envelope = decode_with_envelope(self.recorded)
        return self._event
