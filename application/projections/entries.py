"""What projections are given: events of one ledger, decoded when first asked for."""

from functools import cached_property
from typing import Any

from pydantic_core import from_json

from application.codec import decode
from application.ledger import RecordedEvent
from domain.errors import InvalidEvent
from domain.events.catalogue import CATALOGUE, is_ours
from domain.events.event import Event


class Entry:
    """One event of the ledger."""

    def __init__(self, recorded: RecordedEvent) -> None:
        self.recorded = recorded

    @property
    def position(self) -> int:
        return self.recorded.position

    @property
    def topic(self) -> str:
        """The event's type. Raises InvalidEvent if it should be in our catalogue but is not: nothing is passed over."""
        topic = self.recorded.type
        if topic not in CATALOGUE and is_ours(topic):
            raise InvalidEvent(f"Event {self.position} has type {topic!r}, which this version does not know")
        return topic

    @property
    def order_id(self) -> str | None:
        """The order the event is about; None for an integration's event and for events of others' applications."""
        return self.recorded.stream.removeprefix("order-") if self.topic.startswith("order.") else None

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """The event's envelope, as it was stored."""
        envelope: dict[str, Any] = from_json(self.recorded.metadata)
        return envelope

    @property
    def schema_version(self) -> int:
        """The version of its data's schema that the event was stored in."""
        return int(self.metadata.get("schema_version", 1))

    @cached_property
    def event(self) -> Event:
        """The domain event. Raises InvalidEvent."""
        return decode(self.recorded)
