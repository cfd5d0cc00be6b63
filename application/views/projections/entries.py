"""What projections are given: events of one ledger, read when first asked for."""

from collections.abc import Mapping
from typing import Any

from application.ledger.codec import fields_of, metadata_of
from application.ledger.port import WHY_UNREADABLE, RecordedEvent
from domain.errors import InvalidEvent, UnreadableEvent
from domain.events.catalogue import CATALOGUE, is_ours
from domain.streams import integration_id_of, order_id_of


class Entry:
    """One event of the ledger."""

    __slots__ = ("_fields", "_is_known", "_metadata", "position", "recorded", "shown")

    def __init__(self, recorded: RecordedEvent) -> None:
        self.recorded = recorded
        self.position = recorded.position
        self._is_known = recorded.type in CATALOGUE or not is_ours(recorded.type)
        self._fields: Mapping[str, Any] | None = None
        self._metadata: Mapping[str, Any] | None = None
        self.shown: Mapping[str, Any] | None = None
        """The field that names a customer as it may be shown; None if it is not encrypted, or nobody may see it."""

    @property
    def type(self) -> str:
        """The event's type. Raises InvalidEvent if it should be in our catalogue but is not: nothing is passed over."""
        if not self._is_known:
            message = f"Event {self.position} has type {self.recorded.type!r}, which this version does not know"
            raise InvalidEvent(message)
        return self.recorded.type

    @property
    def order_id(self) -> str | None:
        """The order the event is about; None for an integration's event and for events of others' applications.

        Raises InvalidEvent as type does.
        """
        return order_id_of(self.recorded.stream) if self.type.startswith("order.") else None

    @property
    def is_ours(self) -> bool:
        """Whether the event is in our catalogue."""
        return self.recorded.type in CATALOGUE

    @property
    def integration_id(self) -> int:
        """The integration that an event of an integration is about. Raises ValueError if its stream is of none."""
        return int(integration_id_of(self.recorded.stream))

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the event's metadata says, as JSON has it. Raises InvalidEvent."""
        if self._metadata is None:
            metadata = metadata_of(self.recorded)
            if why := metadata.get(WHY_UNREADABLE):
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
