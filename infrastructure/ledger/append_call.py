"""One call of the append function: collects appends into its arrays, makes the call, and reads the outcomes."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from application.ledger.port import (
    ANY,
    NO_STREAM,
    STREAM_EXISTS,
    Append,
    Appended,
    Exactly,
    ExpectedVersion,
    NewEvent,
)
from domain.errors import (
    EventIdReused,
    IntegrationNotFound,
    InvalidEvent,
    KeyReused,
    NotFound,
    OrderNotFound,
    OrdertrailError,
    TenantNotFound,
    VersionConflict,
)
from domain.values import MAX_BIGINT, Position, TenantName
from infrastructure.ledger.clock import Clock
from infrastructure.postgres.arrays import BigIntArray, ByteaArray, IntArray, texts, timestamps
from infrastructure.postgres.database import Connection
from infrastructure.postgres.statements import statements

_SQL = statements("ledger")

MAX_NAME_BYTES = 1_000
"""The largest stream, event id, type or key. An index entry holds 2,704 bytes, the tenant included."""


def check(append: Append, events: Sequence[NewEvent]) -> None:
    """Check an append on its own, before it joins others. Raises InvalidEvent, TenantNotFound."""
    tenant, writes, key, _ = append
    names: str = tenant
    if not writes:
        raise InvalidEvent("There is nothing to append")
    for stream, expected, new in writes:
        if not new:
            raise InvalidEvent("There is nothing to append")
        if isinstance(expected, Exactly) and expected.version < -1:
            raise InvalidEvent(f"No stream can be at {expected}")
        names += stream
    for event_id, type_, _, _, occurred_at in events:
        if occurred_at is not None:
            _check_time(occurred_at)
        names += event_id + type_
    # Together they are checked faster than one by one, and nearly all can be stored.
    if not _is_plain(names) or key is not None:
        _check_names(append, events)
    if len(events) > 1:
        _check_repeats(append, events)


def _check_names(append: Append, events: Sequence[NewEvent]) -> None:
    if not _is_storable(append.tenant):
        raise TenantNotFound(append.tenant)
    if append.key is not None:
        _check_name("key", append.key.key)
    for write in append.writes:
        _check_name("stream", write.stream)
    for event_id, type_, *_ in events:
        _check_name("event id", event_id)
        _check_name("event type", type_)


def _check_repeats(append: Append, events: Sequence[NewEvent]) -> None:
    if len({event.event_id for event in events}) < len(events):
        raise InvalidEvent("Two events of one append have the same id")
    if len({write.stream for write in append.writes}) < len(append.writes):
        raise InvalidEvent("Two writes of one append are for the same stream")


def _check_name(what: str, name: str) -> None:
    if _is_plain(name):
        return
    if not _is_storable(name):
        raise InvalidEvent(f"The {what} {name[:100]!r} holds a character that cannot be stored")
    if len(name.encode()) > MAX_NAME_BYTES:
        raise InvalidEvent(f"The {what} {name[:100]!r}… is longer than {MAX_NAME_BYTES:,} bytes")


def _is_plain(name: str) -> bool:
    """Whether a name, or several together, can be stored. Nearly all are ASCII, for which this is found out fast."""
    return name.isascii() and len(name) <= MAX_NAME_BYTES and "\x00" not in name


def _is_storable(text: str) -> bool:
    """Return whether PostgreSQL's text can hold a text: no NUL, and no lone surrogates in UTF-8."""
    try:
        return b"\x00" not in text.encode()
    except UnicodeEncodeError:
        return False


def _check_time(moment: datetime) -> None:
    if moment.tzinfo is None:
        raise InvalidEvent("The time an event occurred at has no time zone")
    try:
        moment.astimezone(UTC)
    except OverflowError as exc:
        # It could be stored, but then nobody could read the ledger beyond it.
        raise InvalidEvent("The time an event occurred at is not in the years 1 to 9999 of UTC") from exc


def expected_code(expected: ExpectedVersion) -> int:
    """Return the condition in the form that the append function takes."""
    if expected is STREAM_EXISTS:
        return -3
    if expected is ANY:
        return -2
    if expected is NO_STREAM:
        return -4
    assert isinstance(expected, Exactly)
    return min(expected.version, MAX_BIGINT)


class AppendCall:
    """The appends of one call, with their events as they are stored."""

    def __init__(self, tenant: TenantName, clock: Clock | None = None) -> None:
        self.tenant = tenant
        self._clock = clock or Clock()
        self.bytes = 0
        self.appends: list[Append] = []
        self._events: list[Sequence[NewEvent]] = []
        self._event_ids: set[str] = set()
        self._keys: set[str] = set()

    @property
    def size(self) -> int:
        """The number of its events."""
        return len(self._event_ids)

    def add(self, append: Append, events: Sequence[NewEvent]) -> bool:
        """Add an append, unless it repeats a key or an event id of the call; return whether it was added.

        events are those of all its writes.
        """
        key, known = append.key, self._event_ids
        if key is not None and key.key in self._keys:
            return False
        event_ids, size = [], 0
        for event_id, _, data, metadata, _ in events:
            if event_id in known:
                return False
            event_ids.append(event_id)
            size += len(data) + len(metadata)
        known.update(event_ids)
        if key is not None:
            self._keys.add(key.key)
        self.appends.append(append)
        self._events.append(events)
        self.bytes += size
        return True

    def event_ids(self) -> list[tuple[str, ...]]:
        """Return the event ids of each append."""
        return [tuple(event.event_id for event in events) for events in self._events]

    def one_by_one(self) -> list["AppendCall"]:
        """Return a call for each of its appends."""
        calls = [AppendCall(self.tenant, self._clock) for _ in self.appends]
        for call, append, events in zip(calls, self.appends, self._events, strict=True):
            call.add(append, events)
        return calls

    async def make(self, connection: Connection) -> list[Appended | OrdertrailError]:
        """Return each append's outcome, in the order in which they were added.

        Raises psycopg.Error. Raises ClockAhead; nothing was recorded then.
        """
        try:
            return await self._make(connection)
        except psycopg.Error as error:
            if (refusal := self._clock.refusal(error)) is not None:
                raise refusal from error
            raise

    async def _make(self, connection: Connection) -> list[Appended | OrdertrailError]:
        cursor = connection.cursor(binary=True)
        if alone := self.alone_parameters():
            await cursor.execute(_SQL["append_alone"], alone, prepare=True)
            [(position, version, recorded_at)] = await cursor.fetchall()
            if position is not None:
                return [Appended(position, position, (version,), recorded_at, is_replayed=False)]
        await cursor.execute(_SQL["append"], self.parameters(), prepare=True)
        return self._outcomes(await cursor.fetchall())

    def alone_parameters(self) -> dict[str, Any] | None:
        """Return the parameters of the function for one event without a key; None if the call holds anything else."""
        if len(self.appends) > 1 or self.appends[0].key is not None or len(self._events[0]) > 1:
            return None
        [(stream, expected, _)], [event] = self.appends[0].writes, self._events[0]
        condition = {"tenant": self.tenant, "stream": stream, "expected": expected_code(expected)}
        return {**condition, **event._asdict(), "latest": self._clock.latest()}

    def parameters(self) -> dict[str, Any]:
        """Return the arrays in the form that the append function takes."""
        keys = [key for _, _, key, _ in self.appends]
        writes: list[tuple[int, str, int, int, int, int]] = []
        event_writes: list[int] = []
        event_streams: list[str] = []
        behind: dict[str, int] = {}
        for number, (_, appended, _, _) in enumerate(self.appends, 1):
            for stream, expected, new in appended:
                size, before = len(new), behind.get(stream, 0)
                writes.append((number, stream, expected_code(expected), size, before, len(event_writes)))
                behind[stream] = before + size
                event_writes += [len(writes)] * size
                event_streams += [stream] * size
        write_append, write_stream, write_expected, write_size, write_behind, write_offset = zip(*writes, strict=True)
        write_streams = texts(write_stream)
        event_ids, types, data, metadata, occurred_at = zip(*chain.from_iterable(self._events), strict=True)
        return {
            "tenant": self.tenant,
            "keys": texts([key and key.key for key in keys]) if self._keys else None,
            "fingerprints": ByteaArray([key and key.fingerprint for key in keys]),
            "write_append": IntArray(write_append),
            "write_stream": write_streams,
            "write_expected": BigIntArray(write_expected),
            "write_size": IntArray(write_size),
            "write_behind": IntArray(write_behind),
            "write_offset": IntArray(write_offset),
            "event_write": IntArray(event_writes),
            "event_stream": write_streams if len(event_streams) == len(writes) else texts(event_streams),
            "event_ids": texts(event_ids),
            "types": texts(types),
            "data": ByteaArray(data),
            "metadata": ByteaArray(metadata),
            "occurred_at": timestamps(occurred_at),
            "latest": self._clock.latest(),
        }

    def _outcomes(self, rows: list[TupleRow]) -> list[Appended | OrdertrailError]:
        if len(rows) < len(self.appends):
            [(_, first, _, versions, recorded_at, _)] = rows
            return list(self._all_appended(first, versions, recorded_at))
        return [
            _outcome(append, events, row) for append, events, row in zip(self.appends, self._events, rows, strict=True)
        ]

    def _all_appended(self, first: int, versions: list[int], recorded_at: datetime) -> Iterator[Appended]:
        """Divide the single answer for all appends among them."""
        first_write = 0
        for (_, writes, _, _), events in zip(self.appends, self._events, strict=True):
            last_write, last = first_write + len(writes), first + len(events) - 1
            of_writes = tuple(versions[first_write:last_write])
            yield Appended(Position(first), Position(last), of_writes, recorded_at, is_replayed=False)
            first, first_write = last + 1, last_write


def _outcome(append: Append, events: Sequence[NewEvent], row: TupleRow) -> Appended | OrdertrailError:
    outcome, first, last, versions, recorded_at, refused = row
    match outcome:
        case "appended":
            return Appended(Position(first), Position(last), tuple(versions), recorded_at, is_replayed=False)
        case "replayed":
            return Appended(Position(first), Position(last), (), recorded_at, is_replayed=True)
        case "key_reused":
            return KeyReused(append.key.key if append.key else "")
        case "event_id_reused":
            return EventIdReused(tuple(event.event_id for event in events))
        case "stream_missing":
            return _missing(append.writes[refused - 1].stream)
        case "version_conflict":
            stream, expected, _ = append.writes[refused - 1]
            return VersionConflict(stream, str(expected), versions[refused - 1])
        case _:
            raise AssertionError(f"The append function returned {outcome!r}")


def _missing(stream: str) -> NotFound:
    kind, _, name = stream.partition("-")
    if kind == "integration" and name.isascii() and name.isdecimal():
        return IntegrationNotFound(int(name))
    return OrderNotFound(name) if kind == "order" else NotFound(f"There is no stream {stream!r}")
