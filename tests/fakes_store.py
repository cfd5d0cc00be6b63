"""An EventStore in memory, which keeps the port's contract: the suite that PostgreSQL passes runs against it too."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

from application.ledger.port import (
    PAGE_BYTES,
    Append,
    Appended,
    Exactly,
    ExpectedVersion,
    IdempotencyKey,
    RecordedEvent,
    StreamState,
    written,
)
from application.privacy.preparation import prepare
from domain.errors import (
    EventIdReused,
    IntegrationNotFound,
    InvalidEvent,
    KeyReused,
    NotFound,
    OrderNotFound,
    TenantNotFound,
    VersionConflict,
)
from domain.values import Position, TenantName

BEGINNING = datetime.min.replace(tzinfo=UTC)


class _Request(NamedTuple):
    fingerprint: bytes
    appended: Appended


@dataclass
class _Ledger:
    events: list[RecordedEvent] = field(default_factory=list)
    streams: dict[str, list[RecordedEvent]] = field(default_factory=lambda: defaultdict(list))
    by_id: dict[str, RecordedEvent] = field(default_factory=dict)
    requests: dict[str, _Request] = field(default_factory=dict)

    def version(self, stream: str) -> int | None:
        events = self.streams.get(stream)
        return events[-1].version if events else None

    def find_request(self, key: IdempotencyKey) -> Appended | None:
        request = self.requests.get(key.key)
        if request is not None and request.fingerprint != key.fingerprint:
            raise KeyReused(key.key)
        return request and request.appended

    def find_events(self, append: Append) -> Appended | None:
        """Return where the append's events stand, None if the ledger has none of their ids. Raises EventIdReused."""
        given = [(write.stream, event) for write in append.writes for event in write.events]
        known = [self.by_id.get(event.event_id) for _, event in given]
        found = [event for event in known if event is not None]
        if not found:
            return None
        first, last = min(e.position for e in found), max(e.position for e in found)
        is_same = len(found) == len(given) == last - first + 1 and all(
            (old.stream, old.type, old.data) == (stream, new.type, new.data)
            for (stream, new), old in zip(given, found, strict=True)
        )
        if not is_same:
            raise EventIdReused(tuple(event.event_id for _, event in given))
        return Appended(Position(first), Position(last), (), min(e.recorded_at for e in found), is_replayed=True)

    def record(self, append: Append) -> Appended:
        first = len(self.events) + 1
        now = max(datetime.now(UTC), self.events[-1].recorded_at if self.events else BEGINNING)
        versions = []
        for stream, expected, events in append.writes:
            before = -1 if expected == Exactly(-1) else self.version(stream) or 0
            versions.append(before + 1)
            for version, new in enumerate(events, before + 1):
                event = RecordedEvent(
                    position=len(self.events) + 1,
                    stream=stream,
                    version=version,
                    **{**new._asdict(), "occurred_at": (new.occurred_at or now).astimezone(UTC)},
                    recorded_at=now,
                )
                self.events.append(event)
                self.streams[stream].append(event)
                self.by_id[event.event_id] = event
        last = Position(len(self.events))
        return Appended(Position(first), last, tuple(versions), now, is_replayed=False)


class InMemoryEventStore:
    """Implements application.ledger.port.EventStore."""

    def __init__(self, *tenants: str) -> None:
        self._ledgers = {TenantName(tenant): _Ledger() for tenant in tenants}

    def create_tenant(self, tenant: str) -> None:
        self._ledgers[TenantName(tenant)] = _Ledger()

    async def append(self, append: Append) -> Appended:
        append = _written(append)
        ledger = self._ledger(append.tenant)
        _check(append)
        earlier = (append.key and ledger.find_request(append.key)) or ledger.find_events(append)
        if earlier is None:
            for write in append.writes:
                _check_expected(write.stream, write.expected, ledger.version(write.stream))
        appended = earlier or ledger.record(append)
        if append.key is not None:
            replay = appended._replace(versions=(), is_replayed=True)
            ledger.requests.setdefault(append.key.key, _Request(append.key.fingerprint, replay))
        return appended

    async def find_request(self, tenant: TenantName, key: IdempotencyKey) -> Appended | None:
        ledger = self._ledgers.get(tenant)
        return ledger and ledger.find_request(key)

    async def bind_request(
        self, tenant: TenantName, key: IdempotencyKey, position: Position, recorded_at: datetime
    ) -> None:
        ledger = self._ledger(tenant)
        bound = Appended(position, position, (), recorded_at, is_replayed=True)
        if ledger.requests.setdefault(key.key, _Request(key.fingerprint, bound)).fingerprint != key.fingerprint:
            raise KeyReused(key.key)

    async def find_events(self, tenant: TenantName, event_ids: Sequence[str]) -> list[RecordedEvent]:
        return [event for event in self._ledger(tenant).events if event.event_id in event_ids]

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
        events = self._ledgers[tenant].streams.get(stream, []) if tenant in self._ledgers else []
        events = [e for e in events if not types or e.type in types]
        events = [e for e in events if after < e.version and (upto is None or e.version <= upto)]
        return _page(events[:limit], max_bytes)

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
        events = self._ledgers[tenant].events[max(after, 0) : upto] if tenant in self._ledgers else []
        return _page([e for e in events if not types or e.type in types][:limit], max_bytes)

    async def head(self, tenant: TenantName) -> Position:
        return Position(len(self._ledger(tenant).events))

    def _ledger(self, tenant: TenantName) -> _Ledger:
        if tenant not in self._ledgers:
            raise TenantNotFound(tenant)
        return self._ledgers[tenant]


def _page(events: Sequence[RecordedEvent], max_bytes: int) -> list[RecordedEvent]:
    """Return events until they have so many bytes; one at least."""
    page: list[RecordedEvent] = []
    size = 0
    for event in events:
        if size >= max_bytes:
            break
        page.append(event)
        size += len(event.data) + len(event.metadata)
    return page


def _written(append: Append) -> Append:
    """Return an append with the JSON of its events written."""
    [prepared] = [written(append)] if append.secrets is None else prepare([append])
    if isinstance(prepared, Exception):
        raise prepared
    events = iter(prepared)
    writes = [write._replace(events=tuple(islice(events, len(write.events)))) for write in append.writes]
    return append._replace(writes=tuple(writes))


def _check(append: Append) -> None:
    events = [event for write in append.writes for event in write.events]
    if not events or not all(write.events for write in append.writes):
        raise InvalidEvent("There is nothing to append")
    if len({event.event_id for event in events}) < len(events):
        raise InvalidEvent("Two events of one append have the same id")
    if len({write.stream for write in append.writes}) < len(append.writes):
        raise InvalidEvent("Two writes of one append are for the same stream")
    if any(isinstance(write.expected, Exactly) and write.expected.version < -1 for write in append.writes):
        raise InvalidEvent("No stream can be at such a version")
    names = [write.stream for write in append.writes] + [name for event in events for name in event[:2]]
    for name in [*names, *([append.key.key] if append.key else [])]:
        if "\x00" in name or any("\ud800" <= char <= "\udfff" for char in name) or len(name.encode()) > 1_000:
            raise InvalidEvent(f"{name[:100]!r} cannot be stored")
    for event in events:
        _check_time(event.occurred_at)


def _check_time(moment: datetime | None) -> None:
    try:
        if moment is not None and moment.utcoffset() is not None:
            moment.astimezone(UTC)
        elif moment is not None:
            raise InvalidEvent("The time an event occurred at has no time zone")
    except OverflowError as exc:
        raise InvalidEvent("The time an event occurred at is not in the years 1 to 9999 of UTC") from exc


def _check_expected(stream: str, expected: ExpectedVersion, actual: int | None) -> None:
    match expected:
        case StreamState.STREAM_EXISTS if actual is None:
            kind, _, name = stream.partition("-")
            if kind == "integration" and name.isdecimal():
                raise IntegrationNotFound(int(name))
            raise OrderNotFound(name) if kind == "order" else NotFound(f"There is no stream {stream!r}")
        case StreamState.NO_STREAM if actual is not None:
            raise VersionConflict(stream, str(expected), actual)
        case Exactly(-1) if actual is not None:
            raise VersionConflict(stream, str(expected), actual)
        case Exactly(version) if version >= 0 and (actual or 0) != version:
            raise VersionConflict(stream, str(expected), actual)
        case _:
            pass
