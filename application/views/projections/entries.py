"""The input of projections: events of one ledger, each decoded when a field is first asked for."""

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
        """The field that names a customer, without what is erased or cannot be opened; None if nobody opened it."""

    @property
    def type(self) -> str:
        """The event's type. Raises InvalidEvent if our catalogue lacks a type of ours, so that no event is skipped."""
        if not self._is_known:
            message = f"Event {self.position} has type {self.recorded.type!r}, which this version does not know"
            raise InvalidEvent(message)
        return self.recorded.type

    @property
    def order_id(self) -> str | None:
        """The order the event is about; None for an integration's event and for events of other applications.

        Raises InvalidEvent as type does.
        """
        return order_id_of(self.recorded.stream) if self.type.startswith("order.") else None

    @property
    def is_ours(self) -> bool:
        """Whether the event is in our catalogue."""
        return self.recorded.type in CATALOGUE

    @property
    def integration_id(self) -> int:
        """The integration that an integration's event is about. Raises ValueError if the stream is not an
        integration's.
        """
        return int(integration_id_of(self.recorded.stream))

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The event's metadata as JSON. Raises InvalidEvent."""
        if self._metadata is None:
            metadata = metadata_of(self.recorded)
            if why := metadata.get(WHY_UNREADABLE):
                # Its metadata may be wrong, such as its times, and the views would keep what is wrong for good.
                raise UnreadableEvent(f"Event {self.position} ({self.recorded.type}) cannot be read: {why}")
            self._metadata = metadata
        return self._metadata

    @property
    def actor(self) -> Mapping[str, Any]:
        """The actor who made the event happen, as JSON; empty if nobody was named. Raises InvalidEvent."""
        actor: Mapping[str, Any] = self.metadata.get("actor", {})
        return actor

    @property
    def fields(self) -> Mapping[str, Any]:
        """The own fields of an event of ours as JSON, with all defaults. Raises InvalidEvent."""
        if self._fields is None:
            self._fields = fields_of(self.recorded, self.metadata)
        return self._fields
