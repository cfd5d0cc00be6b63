"""The ledger's words: what is appended to it, on which condition, what came of it, and what is read back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple, Protocol, TypeVar

from pydantic_core import to_json

from domain.values import Position, TenantName

T = TypeVar("T")

PAGE_BYTES = 8 * 2**20
"""How much of data and metadata a page holds: it ends with the event that reaches this, and has one at least."""
WHY_UNREADABLE = "unreadable"
"""The member of a read event's metadata that says what of it cannot be read, and why. It is never stored."""


class StreamState(Enum):
    """What a stream has to be for a write, without naming a version."""

    ANY = "any"
    NO_STREAM = "no stream"
    STREAM_EXISTS = "stream exists"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Exactly:
    """A write's condition that the stream's newest event has this version; 0 means there is none yet."""

    version: int

    def __str__(self) -> str:
        return f"version {self.version}"


ExpectedVersion = StreamState | Exactly
ANY = StreamState.ANY
NO_STREAM = StreamState.NO_STREAM
STREAM_EXISTS = StreamState.STREAM_EXISTS


class NewEvent(NamedTuple):
    """An event on its way into the ledger; data and metadata are stored byte for byte. No occurred_at means now."""

    event_id: str
    type: str
    data: bytes
    metadata: bytes
    occurred_at: datetime | None

    def written(self) -> "NewEvent":
        """Return itself: its JSON is written."""
        return self


class UnwrittenEvent(NamedTuple):
    """An event on its way into the ledger whose JSON is yet to be written, so that parts of it may be encrypted first.

    data is written already where the event's type holds nothing personal.
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
    """An event as the ledger keeps it. recorded_at is our clock's and never runs backwards along a ledger."""

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
    """Events for the end of one stream, on a condition."""

    stream: str
    expected: ExpectedVersion
    events: tuple[NewEvent | UnwrittenEvent, ...]


class IdempotencyKey(NamedTuple):
    """What a client calls its request by, and the SHA-256 of that request."""

    key: str
    fingerprint: bytes


class Append(NamedTuple):
    """Writes of one tenant, at most one per stream, that happen together or not at all.

    The writes tell streams, conditions and which events; what is stored of these is what written returns, and no other.
    """

    tenant: TenantName
    writes: tuple[Write, ...]
    key: IdempotencyKey | None = None

    def written(self) -> list[NewEvent]:
        """Return the events of all writes as they are stored; asked for again, the same.

        A ledger asks when the append's turn has come. What this raises, the append raises.
        """
        return [event.written() for write in self.writes for event in write.events]


class PendingAppend(Protocol):
    """An append as ledgers take it: an Append, or what stands for one while its events are yet to be made."""

    @property
    def tenant(self) -> TenantName: ...

    @property
    def writes(self) -> tuple[Write, ...]: ...

    @property
    def key(self) -> IdempotencyKey | None: ...

    def written(self) -> list[NewEvent]:
        """See Append.written."""


class Appended(NamedTuple):
    """Where an append's events stand: positions first to last, without others between them.

    versions: of each write's first event; empty if the append was replayed, that is, recorded by an earlier request.
    """

    first_position: Position
    last_position: Position
    versions: tuple[int, ...]
    recorded_at: datetime
    is_replayed: bool


class Page(list[T]):
    """A part of a list, which knows whether there is more of it in its direction."""

    def __init__(self, items: Iterable[T], *, has_more: bool) -> None:
        super().__init__(items)
        self.size = len(self)
        """How many it had at first: whoever shows it may take them out one by one."""
        self.has_more = has_more


class EventStore(Protocol):
    """The ledgers of all tenants.

    What append returns is durable. It may be called from many tasks at once; appends of one tenant that wait at the
    same time share a transaction, and what one of them raises never touches the others.
    """

    async def append(self, append: PendingAppend) -> Appended:
        """Record an append. What its events raise when they are written is raised here, and nothing is stored.

        Idempotent by the append's key and by its event ids: what was recorded before is answered as the first time.
        Raises VersionConflict, OrderNotFound or IntegrationNotFound (STREAM_EXISTS did not hold), KeyReused,
        EventIdReused, TenantNotFound, InvalidEvent; nothing was stored then. Raises Unavailable if nothing was
        attempted, OutcomeUnknown if the database went away for good while it was.
        """

    async def find_request(self, tenant: TenantName, key: IdempotencyKey) -> Appended | None:
        """Return what an earlier append with this key recorded. Raises KeyReused if it was another request."""

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

        A page that reaches max_bytes of data and metadata ends there, before its limit.
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

        A page that reaches max_bytes of data and metadata ends there, before its limit.
        """

    async def head(self, tenant: TenantName) -> Position:
        """Return the position of the ledger's newest event, 0 if there is none. Raises TenantNotFound."""
