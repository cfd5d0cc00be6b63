"""The words of the ledger: appends, their conditions, their results, and the events that are read back."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple, Protocol, TypeVar

from pydantic_core import to_json

from domain.values import Position, TenantName

T = TypeVar("T")

PAGE_BYTES = 8 * 2**20
"""The bytes of data and metadata on a page. A page ends with the event that reaches this; it has at least one event."""
WHY_UNREADABLE = "unreadable"
"""The metadata member of a read event that says which parts cannot be read, and why. It is never stored."""
ERASED = "erased"
"""The metadata member of a read event that lists the paths of what was erased. It is never stored.

A text that somebody recorded may look like the placeholder of an erased one, so the text alone does not tell.
"""


class StreamState(Enum):
    """A condition of a write on the state of its stream, without a version."""

    ANY = "any"
    NO_STREAM = "no stream"
    STREAM_EXISTS = "stream exists"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Exactly:
    """A write's condition that the stream's newest event has this version; 0 means that there is no event yet."""

    version: int

    def __str__(self) -> str:
        return f"version {self.version}"


ExpectedVersion = StreamState | Exactly
ANY = StreamState.ANY
NO_STREAM = StreamState.NO_STREAM
STREAM_EXISTS = StreamState.STREAM_EXISTS


class NewEvent(NamedTuple):
    """An event on its way into the ledger. data and metadata are stored byte for byte. occurred_at None means now."""

    event_id: str
    type: str
    data: bytes
    metadata: bytes
    occurred_at: datetime | None

    def written(self) -> "NewEvent":
        """Return the event itself: its JSON is already written."""
        return self


class Storable(Protocol):
    """An event that can be appended. Its JSON may be written later, when its group is prepared."""

    @property
    def event_id(self) -> str: ...

    @property
    def type(self) -> str: ...

    @property
    def occurred_at(self) -> datetime | None: ...

    def written(self) -> NewEvent:
        """Return the event as it is stored. Every call returns the same."""


class Draft(NamedTuple):
    """An event whose JSON is not written yet, so that parts of it can be encrypted first.

    data is already bytes if the event's type holds nothing personal.
    """

    event_id: str
    type: str
    data: dict[str, Any] | bytes
    metadata: dict[str, Any]
    occurred_at: datetime | None

    def written(self) -> NewEvent:
        data = self.data if isinstance(self.data, bytes) else to_json(self.data)
        return NewEvent(self.event_id, self.type, data, to_json(self.metadata), self.occurred_at)


class RecordedEvent(NamedTuple):
    """An event as the ledger keeps it. recorded_at is read from our clock and never runs backwards along a ledger."""

    position: int
    stream: str
    version: int
    event_id: str
    type: str
    data: bytes
    metadata: bytes
    occurred_at: datetime
    recorded_at: datetime


class Write(NamedTuple):
    """Events to add to the end of one stream, under a condition."""

    stream: str
    expected: ExpectedVersion
    events: tuple[Storable, ...]


class IdempotencyKey(NamedTuple):
    """A client's name for its request, and the SHA-256 of that request."""

    key: str
    fingerprint: bytes


class Append(NamedTuple):
    """Writes of one tenant, at most one per stream. Either all of them are stored, or none is."""

    tenant: TenantName
    writes: tuple[Write, ...]
    key: IdempotencyKey | None = None
    secrets: Any = None
    """What its preparation needs besides its events."""


Prepared = list[NewEvent] | Exception
"""The events of all writes of an append as they are stored, or the error that preparing them raised."""
Prepare = Callable[[Sequence[Append]], Sequence[Prepared]]
"""Prepares the appends of a group. An error in one of them never affects the others."""


def written(append: Append) -> list[NewEvent]:
    """Return the events of all writes of an append as they are stored."""
    return [event.written() for write in append.writes for event in write.events]


def prepare(group: Sequence[Append]) -> list[Prepared]:
    """Write the events of a group of appends. This is the plain Prepare."""
    prepared: list[Prepared] = []
    for append in group:
        try:
            prepared.append(written(append))
        except Exception as error:
            prepared.append(error)
    return prepared


class Appended(NamedTuple):
    """Where an append's events stand: at all positions from first to last.

    versions holds the version of each write's first event. It is empty if the append was replayed, that is, if an
    earlier request recorded it.
    """

    first_position: Position
    last_position: Position
    versions: tuple[int, ...]
    recorded_at: datetime
    is_replayed: bool


class Page(list[T]):
    """A part of a list, which knows whether more items follow in its direction."""

    def __init__(self, items: Iterable[T], *, has_more: bool) -> None:
        super().__init__(items)
        self.size = len(self)
        """How many items it had at first. The code that shows a page may remove them one by one."""
        self.has_more = has_more


class EventStore(Protocol):
    """The ledgers of all tenants.

    An append is durable when append returns. append may be called from many tasks at once. Appends of one tenant that
    wait at the same time share a transaction; an error in one of them never affects the others.
    """

    async def append(self, append: Append) -> Appended:
        """Record an append. If preparing its events raises an error, append raises that error, and nothing is stored.

        Idempotent by the append's key and by its event ids: an append that was recorded before gets its first answer
        again. Raises VersionConflict, OrderNotFound or IntegrationNotFound (STREAM_EXISTS did not hold), KeyReused,
        EventIdReused, TenantNotFound, InvalidEvent: nothing was stored. Raises Unavailable if nothing was attempted.
        Raises OutcomeUnknown if the database was lost for good during the attempt.
        """

    async def find_request(self, tenant: TenantName, key: IdempotencyKey) -> Appended | None:
        """Return what an earlier append with this key recorded. Raises KeyReused if that was another request."""

    async def bind_request(
        self, tenant: TenantName, key: IdempotencyKey, position: Position, recorded_at: datetime
    ) -> None:
        """Bind the key of a request whose events are all in the ledger to one of them, so that the key is used.

        recorded_at is when the first of them was recorded. Raises KeyReused if the key belongs to another request.
        """

    async def find_events(self, tenant: TenantName, event_ids: Sequence[str]) -> list[RecordedEvent]:
        """Return the events with these ids that the ledger holds, in ledger order."""

    async def read_stream(
        self,
        tenant: TenantName,
        stream: str,
        *,
        after: int = 0,
        upto: int | None = None,
        types: tuple[str, ...] = (),
        limit: int = 1_000,
        max_bytes: int = PAGE_BYTES,
    ) -> list[RecordedEvent]:
        """Return the stream's events of these types (all, if none are named) with after < version <= upto, in order.

        A page ends before its limit if it reaches max_bytes of data and metadata.
        """

    async def read_ledger(
        self,
        tenant: TenantName,
        *,
        after: int = 0,
        upto: int | None = None,
        types: tuple[str, ...] = (),
        limit: int = 1_000,
        max_bytes: int = PAGE_BYTES,
    ) -> list[RecordedEvent]:
        """Return events of these types (all, if none are named) with after < position <= upto in ledger order.

        A page ends before its limit if it reaches max_bytes of data and metadata.
        """

    async def head(self, tenant: TenantName) -> Position:
        """Return the position of the ledger's newest event, 0 if there is none. Raises TenantNotFound."""
