"""The eventsourcing library's tracking recorders, which store how far an application was followed as checkpoints."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from eventsourcing.persistence import IntegrityError, ProcessRecorder, StoredEvent, Tracking, TrackingRecorder

from infrastructure.library.database import Cursor, TenantDatabase
from infrastructure.library.recorders import OrdertrailApplicationRecorder
from infrastructure.postgres.statements import statements

_SQL = statements("recorder")

PREFIX = "library"
"""The beginning of the names of the library's checkpoints, which none of our projections has."""


class OrdertrailTrackingRecorder(TrackingRecorder):
    """Records how far a projection has followed an application; name is the projection's.

    A view is a subclass: it writes its rows in _tracked and reads them in _reading. Its tables are in a schema of its
    own and are named with it, and ordertrail_runtime is granted what the view does with them.
    """

    def __init__(self, database: TenantDatabase, *, name: str = "") -> None:
        self._database = database
        self._name = name

    def insert_tracking(self, tracking: Tracking) -> None:
        with self._tracked(tracking):
            pass

    def max_tracking_id(self, application_name: str) -> int | None:
        rows = self._database.fetch(_SQL["tracking"], projection=self._projection(application_name))
        return rows[0][0] if rows else None

    @contextmanager
    def _tracked(self, tracking: Tracking) -> Iterator[Cursor]:
        """Begin a transaction that records the tracking object together with everything else that is done in it.

        Raises IntegrityError if the event was tracked before.
        """
        with self._database.transaction() as cursor:
            self._advance(cursor, tracking)
            yield cursor

    @contextmanager
    def _reading(self) -> Iterator[Cursor]:
        """Take a connection for some reads."""
        with self._database.cursor() as cursor:
            yield cursor

    def _advance(self, cursor: Cursor, tracking: Tracking) -> None:
        parameters = {
            "tenant": self._database.tenant,
            "projection": self._projection(tracking.application_name),
            "position": tracking.notification_id,
        }
        if cursor.execute(_SQL["advance_tracking"], parameters).fetchone() is None:
            raise IntegrityError(
                f"Event {tracking.notification_id} of {tracking.application_name}, or a later one, was tracked before"
            )

    def _projection(self, application_name: str) -> str:
        return f"{PREFIX}:{self._name}:{application_name}"


class OrdertrailProcessRecorder(OrdertrailTrackingRecorder, OrdertrailApplicationRecorder, ProcessRecorder):
    """Records events together with the tracking object of the event that caused them."""

    def __init__(self, database: TenantDatabase, *, name: str = "", has_text_ids: bool = False) -> None:
        OrdertrailApplicationRecorder.__init__(self, database, has_text_ids=has_text_ids)
        OrdertrailTrackingRecorder.__init__(self, database, name=name)

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        tracking: Tracking | None = kwargs.get("tracking")
        if tracking is None:
            return self._append(stored_events)
        if not stored_events:
            self.insert_tracking(tracking)
            return []
        return self._append(stored_events, also=lambda cursor: self._advance(cursor, tracking))
