"""The common parts of all events: envelope, topic and schema version."""

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
"""The fields that every event has. All other fields are the event's data."""


class Event(BaseModel, CanMutateAggregate[str]):
    """An immutable fact about one stream.

    originator_id is the name of the stream, originator_version its version there: 0 until the store has assigned one.
    timestamp is when it occurred, by the producer's clock. event_id identifies it for ever: recording the same id again
    has no effect.
    """

    # Build a type's validator with its first event: a process meets few types, and none when it starts.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    topic: ClassVar[str]
    """The stable name under which the event is stored."""
    TOPIC: ClassVar[str]
    """The same, where the eventsourcing library looks for it."""
    class_version: ClassVar[int] = 1
    """The version of its data's schema.

    A static method upcast_v1_v2(data) changes data of version 1 into data of version 2, in place; and so on. Nulls are
    not stored, so the default of a field that may be None is None.
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
