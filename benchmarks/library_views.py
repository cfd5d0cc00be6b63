"""The same views by the eventsourcing library's own means: a projection that processes one event at a time."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, cast

import psycopg
from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent, Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection as LibraryProjection
from eventsourcing.projection import ProjectionRunner
from psycopg import Cursor, sql
from psycopg.rows import tuple_row

from application.ledger.codec import encode, new_event_id
from application.ledger.port import RecordedEvent
from application.views.projections.catalogue import PROJECTIONS, VIEWS
from application.views.projections.entries import Entry
from application.views.projections.integrations import IntegrationRow
from application.views.projections.order_state import OrderStateRow
from application.views.projections.projection import Projection, Row
from application.views.projections.timeline import TIMELINE_VIEW, TiedOrders
from benchmarks.databases import forget_views, fresh_database, library_settings
from benchmarks.order_stories import stories
from domain.events.catalogue import CATALOGUE
from domain.events.event import Event
from infrastructure.postgres.statements import statements
from infrastructure.views.composed import present

TENANT = "bench"
KEYS = {"order_state": "order_id", "integrations": "integration_id"}
PRESENT: dict[str, type[Any]] = {
    "order_state": OrderStateRow,
    "integrations": IntegrationRow,
    "timeline": TiedOrders,
}
_TIED_ORDERS = statements("views")["tied_orders"]
_VIEWS = {view.name: view for view in VIEWS}


class PydanticMapper(Mapper[str]):
    """Maps events as the library's example for pydantic does: the whole of an event as JSON."""

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        event = cast("Event", domain_event)
        return StoredEvent(
            event.originator_id,
            event.originator_version,
            event.topic,
            event.model_dump_json(exclude_none=True).encode(),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[str]:
        return CATALOGUE[stored_event.topic].model_validate_json(stored_event.state)


class Shop(Application[str]):
    """The application that the events are recorded by."""

    env: ClassVar[dict[str, str]] = {"MAPPER_TOPIC": f"{PydanticMapper.__module__}:{PydanticMapper.__name__}"}


class ViewRecorder(PostgresTrackingRecorder):
    """Our views, in tables with our indexes; the rows of an event and its tracking are one transaction."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._statements: dict[str, sql.Composed] = {}

    def save(self, entry: Entry, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            for projection in PROJECTIONS:
                for row in projection.rows([entry], self._present(cursor, projection, entry)):
                    values = [value.decode() if isinstance(value, bytes) else value for value in row]
                    cursor.execute(self._statement(projection.name, row), [TENANT, *values], prepare=True)
            self._insert_tracking(cursor, tracking)

    @staticmethod
    def _present(cursor: Cursor[Any], projection: Projection, entry: Entry) -> dict[str, Any]:
        ids = list(projection.needs([entry]))
        if not ids:
            return {}
        with cursor.connection.cursor(row_factory=tuple_row) as rows:
            rows.execute(_present_rows(projection.name), {"tenant": TENANT, "ids": ids}, prepare=True)
            return {str(row[0]): PRESENT[projection.name](*row) for row in rows}

    def _statement(self, view: str, row: Row) -> sql.Composed:
        if view not in self._statements:
            columns = ["tenant", *row._fields]  # type: ignore[attr-defined]
            names = sql.SQL(", ").join(map(sql.Identifier, columns))
            statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                sql.Identifier("ordertrail", view), names, sql.SQL(", ").join(sql.Placeholder() * len(columns))
            )
            if view in KEYS:
                excluded = sql.SQL(", ").join(sql.Identifier("excluded", column) for column in columns)
                statement += sql.SQL(" ON CONFLICT (tenant, {}) DO UPDATE SET ({}) = ROW ({})").format(
                    sql.Identifier(KEYS[view]), names, excluded
                )
            self._statements[view] = statement
        return self._statements[view]


def _present_rows(view: str) -> bytes:
    """Return the statement that reads the rows that a projection needs."""
    return _TIED_ORDERS if view == TIMELINE_VIEW.name else present(_VIEWS[view])


class ShopViews(LibraryProjection[ViewRecorder]):
    """Derives all views with the projections that we have."""

    @singledispatchmethod
    def process_event(self, domain_event: Event, tracking: Tracking) -> None:
        new = encode(domain_event)
        recorded = RecordedEvent(
            position=tracking.notification_id,
            stream=domain_event.originator_id,
            version=domain_event.originator_version,
            event_id=new.event_id,
            type=new.type,
            data=new.data,
            metadata=new.metadata,
            occurred_at=domain_event.timestamp,
            recorded_at=domain_event.timestamp,
        )
        self.view.save(Entry(recorded), tracking)


@contextmanager
def recorded(server: str, events: int, **settings: str) -> Iterator[Callable[[], float]]:
    """Record so many events in a database with these settings, and yield what catches up with them once."""
    with fresh_database(server, is_ours=True) as dsn:
        with psycopg.connect(dsn) as connection:
            database = sql.Identifier(connection.info.dbname)
            for name, value in {"search_path": "ordertrail", **settings}.items():
                connection.execute(
                    sql.SQL("ALTER DATABASE {} SET {} TO {}").format(database, sql.SQL(name), sql.SQL(value))
                )
        _record(dsn, events)
        yield lambda: _catch_up(dsn, events)


def _record(dsn: str, events: int) -> None:
    versions: Counter[str] = Counter()
    with Shop(library_settings(dsn)) as shop:
        for event in stories(events):
            versions[event.originator_id] += 1
            numbered = event.model_copy(
                update={"event_id": new_event_id(), "originator_version": versions[event.originator_id]}
            )
            shop.recorder.insert_events([shop.mapper.to_stored_event(numbered)])


def _catch_up(dsn: str, events: int) -> float:
    """Derive the views anew; return how many events were projected per second."""
    forget_views(dsn)
    started = time.perf_counter()
    with ProjectionRunner(
        application_class=Shop, projection_class=ShopViews, view_class=ViewRecorder, env=library_settings(dsn)
    ) as runner:
        runner.wait(events, timeout=600)
        return events / (time.perf_counter() - started)
