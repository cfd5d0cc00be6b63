"""What projections are given: events of one ledger, read when first asked for."""

from collections.abc import Mapping
from typing import Any

from application.codec import fields_of, metadata_of
from application.ledger import RecordedEvent
from application.unopened import MARK as UNREADABLE
from domain.errors import InvalidEvent, UnreadableEvent
from domain.events.catalogue import CATALOGUE, is_ours


class Entry:
    """One event of the ledger."""

    __slots__ = ("_fields", "_metadata", "order_id", "position", "recorded", "shown", "topic")

    topic: str
    """The event's type. Raises InvalidEvent if it should be in our catalogue but is not: nothing is passed over."""
    order_id: str | None
    """The order the event is about; None for an integration's event and for events of others' applications.

    Raises InvalidEvent as topic does.
    """

    def __init__(self, recorded: RecordedEvent) -> None:
        self.recorded = recorded
        self.position = recorded.position
        topic = recorded.type
        if topic in CATALOGUE or not is_ours(topic):
            self.topic = topic
            self.order_id = recorded.stream.removeprefix("order-") if topic.startswith("order.") else None
        self._fields: Mapping[str, Any] | None = None
        self._metadata: Mapping[str, Any] | None = None
        self.shown: Mapping[str, Any] | None = None
        """The field that names a customer as it may be shown; None if it is not encrypted, or nobody may see it."""

    def __getattr__(self, name: str) -> Any:
        # Of an event that should be in our catalogue, nothing is known but what was recorded.
        message = f"Event {self.position} has type {self.recorded.type!r}, which this version does not know"
        raise InvalidEvent(message)

    @property
    def is_ours(self) -> bool:
        """Whether the event is in our catalogue."""
        return self.recorded.type in CATALOGUE

    @property
    def integration_id(self) -> int:
        """The integration that an event of an integration is about. Raises ValueError if its stream is of none."""
        return int(self.recorded.stream.removeprefix("integration-"))

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the event's metadata says, as JSON has it. Raises InvalidEvent."""
        if self._metadata is None:
            metadata = metadata_of(self.recorded)
            if why := metadata.get(UNREADABLE):
                # Its times are not its own, and would be those of the views for good.
                raise UnreadableEvent(f"Event {self.position} ({self.recorded.type}) cannot be read: {why}")
            self._metadata = metadata
        return self._metadata

    @property
    def actor(self) -> Mapping[str, Any]:
        """Who made the event happen, as JSON has it; empty if nobody was named. Raises InvalidEvent."""
        actor: Mapping[str, Any] = self.metadata.get("actor", {})
        return actor

    @property
    def fields(self) -> Mapping[str, Any]:
        """The own fields of an event of ours as JSON has them, with all defaults. Raises InvalidEvent."""
        if self._fields is None:
            self._fields = fields_of(self.recorded, self.metadata)
        return self._fields
