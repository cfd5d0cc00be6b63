"""What every event has in common: its envelope, its topic, its schema version."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from eventsourcing.domain import CanMutateAggregate
from pydantic import BaseModel, ConfigDict, Field

from domain.values import NOBODY, Actor, Identifier, Moment, OptionalId, Origin

ENVELOPE = frozenset(
    {
        "originator_id",
        "originator_version",
        "timestamp",
        "event_id",
        "actor",
        "correlation_id",
        "causation_id",
        "origin",
    }
)
"""The fields that every event has. What is not among them is the event's data."""


class Event(BaseModel, CanMutateAggregate[str]):
    """An immutable fact about one stream.

    originator_id is the name of the stream, originator_version its place in it: 0 until the store has assigned one.
    timestamp is when it occurred by the producer's clock. event_id identifies it for ever: recording the same id
    again has no effect.
    """

    # What validates an event is made with the first of its type: a process meets few of them, and not when it starts.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    topic: ClassVar[str]
    """The stable name the event is stored under."""
    TOPIC: ClassVar[str]
    """The same, where the eventsourcing library looks for it."""
    class_version: ClassVar[int] = 1
    """The version of its data's schema.

    A static upcast_v1_v2(data) turns data of version 1 into data of version 2, in place; and so on. Nulls are not
    stored, so a field that may be None has None as its default.
    """

    originator_id: str
    originator_version: int = 0
    timestamp: Moment = Field(default_factory=lambda: datetime.now(UTC))
    event_id: Identifier = ""
    actor: Actor = NOBODY
    correlation_id: OptionalId = None
    causation_id: OptionalId = None
    origin: Origin | None = None

    @property
    def occurred_at(self) -> datetime:
        return self.timestamp

    @classmethod
    def data_fields(cls) -> frozenset[str]:
        return frozenset(cls.model_fields) - ENVELOPE

    @classmethod
    def upcast(cls, data: dict[str, Any], from_version: int) -> dict[str, Any]:
        """Bring stored data to the present schema, one version at a time."""
        for version in range(from_version, cls.class_version):
            getattr(cls, f"upcast_v{version}_v{version + 1}")(data)
        return data
