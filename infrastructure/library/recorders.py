"""The eventsourcing library's recorders of events and snapshots, on a tenant's ledger."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    ConnectionUnavailableError,
    IntegrityError,
    Notification,
    OperationalError,
    StoredEvent,
    Subscription,
)

from application.ledger.port import RecordedEvent
from domain.values import MAX_BIGINT
from infrastructure.ledger.event_store import EVENTS
from infrastructure.library.append import call_of
from infrastructure.library.database import TRIES, ConnectionLost, Cursor, TenantDatabase
from infrastructure.library.ledger_event import notification, originator_id_of, stored_event
from infrastructure.library.subscription import LedgerSubscription
from infrastructure.postgres.arrays import BigIntArray, texts
from infrastructure.postgres.bounded_rows import by_key, completed, cut, inline_of, left_out
from infrastructure.postgres.statements import statements

_LEDGER = statements("ledger")
_SQL = statements("recorder")
_WHOLE = {"inline": MAX_BIGINT}
"""Events are read whole, because the library limits only the number of events."""


class OrdertrailAggregateRecorder(AggregateRecorder):
    """Records events in their streams."""

    def __init__(self, database: TenantDatabase) -> None:
        self._database = database

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        self._append(stored_events)
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        statement = _SQL["read_stream_backwards"] if desc else _LEDGER["read_stream"]
        rows = self._database.fetch(statement, stream=str(originator_id), **_range(gt, lte), limit=limit, **_WHOLE)
        recorded = self._database.personal.opened([RecordedEvent(*row[:9]) for row in rows])
        return [stored_event(event, originator_id) for event in recorded]

    def _append(
        self, stored_events: Sequence[StoredEvent], *, also: Callable[[Cursor], None] | None = None
    ) -> list[int]:
        """Append all events or none, and return their positions; a subclass may do more in the same transaction.

        If the connection breaks, we do not know whether the transaction was committed. The same append is then made
        again: the append function recognises the event ids, and records nothing twice.
        """
        if not stored_events:
            return []
        call = call_of(self._database.tenant, stored_events, self._database.personal)
        begin = self._database.transaction if also else self._database.cursor
        was_sent = False
        for _ in range(TRIES):
            try:
                with begin() as cursor:
                    first, last, is_new = _call(cursor, call.parameters(), may_be_replayed=was_sent)
                    if also and is_new:
                        also(cursor)
                return list(range(first, last + 1))
            except ConnectionLost:
                was_sent = True
            except ConnectionUnavailableError:
                if not was_sent:
                    raise
        raise OperationalError(
            f"The connection broke while {len(stored_events)} events were being recorded, and could not be made again; "
            "they may or may not be recorded"
        )


class OrdertrailApplicationRecorder(OrdertrailAggregateRecorder, ApplicationRecorder):
    """Records events in their streams and in the ledger; notification ids are the ledger's positions.

    In notifications, a stream whose name is a UUID has a UUID as its originator id; any other stream has its name. With
    has_text_ids all streams have their names.
    """

    def __init__(self, database: TenantDatabase, *, has_text_ids: bool = False) -> None:
        super().__init__(database)
        self._originator_id: Callable[[str], UUID | str] = str if has_text_ids else originator_id_of

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        return self._append(stored_events)

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        if start is None:
            start, inclusive_of_start = 0, False
        return self.select_page(start - 1 if inclusive_of_start else start, limit, stop, topics)

    def select_page(
        self, after: int, limit: int, stop: int | None, topics: Sequence[str], *, max_bytes: int = MAX_BIGINT
    ) -> Sequence[Notification]:
        """Select notifications after a position; fewer than limit once they reach max_bytes."""
        page: dict[str, Any] = {**_range(after, stop), "limit": limit, "inline": inline_of(max_bytes, limit)}
        statement = "read_ledger"
        if topics:
            statement, page["types"] = "read_ledger_of_types", texts(list(topics))
        rows = cut(self._database.fetch(_LEDGER[statement], **page), max_bytes)
        keys = left_out(rows, EVENTS)
        large = by_key(self._database.fetch(EVENTS.statement, keys=BigIntArray(keys))) if keys else {}
        recorded = self._database.personal.opened([RecordedEvent(*row) for row in completed(rows, EVENTS, large)])
        return [notification(event, self._originator_id(event.stream)) for event in recorded]

    def max_notification_id(self) -> int | None:
        head: int = self._database.fetch(_LEDGER["head"])[0][0]
        return head or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        return LedgerSubscription(self, self._database, notifications=self, gt=gt, topics=topics)


class OrdertrailSnapshotRecorder(AggregateRecorder):
    """Records snapshots of aggregates."""

    def __init__(self, database: TenantDatabase) -> None:
        self._database = database

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        snapshots = [
            {
                "tenant": self._database.tenant,
                "stream": str(event.originator_id),
                "version": event.originator_version,
                "type": event.topic,
                "data": event.state,
            }
            for event in stored_events
        ]
        if snapshots:
            with self._database.transaction() as cursor:
                cursor.executemany(_SQL["insert_snapshot"], snapshots)
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        statement = _SQL["read_snapshots_backwards"] if desc else _SQL["read_snapshots"]
        rows = self._database.fetch(statement, stream=str(originator_id), **_range(gt, lte), limit=limit)
        return [StoredEvent(originator_id, *row) for row in rows]


def _range(after: int | None, upto: int | None) -> dict[str, int]:
    """Return the bounds of versions or positions; neither is below 0."""
    return {"after": -1 if after is None else after, "upto": MAX_BIGINT if upto is None else upto}


def _call(cursor: Cursor, parameters: dict[str, Any], *, may_be_replayed: bool) -> tuple[int, int, bool]:
    """Call the append function; return the first position, the last, and whether they are new.

    Raises IntegrityError if nothing was appended, except for a repetition with may_be_replayed.
    """
    row = cursor.execute(_LEDGER["append"], parameters, prepare=True).fetchone()
    assert row is not None  # one append in, one outcome out
    outcome, first, last, versions, _, _ = row
    is_new = outcome == "appended"
    if not is_new and not (may_be_replayed and outcome == "replayed"):
        streams = b", ".join(dict.fromkeys(parameters["write_stream"])).decode()
        raise IntegrityError(f"Nothing was recorded ({outcome}): {streams}, now at versions {versions}")
    return first, last, is_new
