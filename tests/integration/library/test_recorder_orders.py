"""Orders through the eventsourcing library, on the ledger that the HTTP service writes and reads."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import pytest
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.cipher import AESCipher
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import BaseAggregate, CanInitAggregate, CanMutateAggregate, CanSnapshotAggregate, event
from eventsourcing.persistence import (
    IntegrityError,
    JSONTranscoder,
    MapperDeserialisationError,
    Notification,
    NotSupportedError,
    StoredEvent,
    Tracking,
)
from eventsourcing.projection import Projection, ProjectionRunner

from api.services import Services
from application.access.callers import Tenant
from domain.events.lifecycle import Created, StatusUpdated
from domain.events.split import Split
from domain.order import Order
from domain.streams import order_stream
from infrastructure.library import OrderEventMapper, OrdertrailTrackingRecorder
from infrastructure.library.ledger_event import LedgerEvent, LedgerNotification
from tests.builders import a_moment, an_actor, an_event, totals

MAPPER = "infrastructure.library:OrderEventMapper"
READ_EVENTS = """
    SELECT stream, version, type, metadata <> '' FROM ordertrail.events WHERE tenant = 'acme' ORDER BY position
"""
CREATE_TITLES = """
    CREATE SCHEMA views;
    CREATE TABLE views.split_titles (position bigint PRIMARY KEY, title text NOT NULL);
    GRANT USAGE ON SCHEMA views TO ordertrail_runtime;
    GRANT SELECT, INSERT ON views.split_titles TO ordertrail_runtime;
"""


class Orders(Application[str]):
    """An application as somebody writes it who knows the library and our orders."""

    def create_order(self, order_id: str, cents: int) -> None:
        self.save(Order.create(order_id, totals=totals(cents), actor=an_actor(), timestamp=a_moment()))

    def split_order(self, order_id: str, child_id: str, cents: int) -> None:
        order = self.get(order_id)
        child = order.split(child_id, totals(cents), timestamp=a_moment(60))
        self.save(order, child)

    def get(self, order_id: str) -> Order:
        return self.repository.get(order_stream(order_id))


@dataclass(frozen=True)
class ParcelEvent(CanMutateAggregate[str]):
    originator_id: str
    originator_version: int
    timestamp: datetime


@dataclass(frozen=True)
class ParcelRegistered(ParcelEvent, CanInitAggregate[str]):
    originator_topic: str


@dataclass(frozen=True)
class ParcelSnapshot(CanSnapshotAggregate[str]):
    originator_id: str
    originator_version: int
    timestamp: datetime
    topic: str
    state: dict[str, Any]


class Parcel(BaseAggregate[str]):
    """An aggregate of somebody else, with the library's own events."""

    Event = ParcelEvent
    Snapshot = ParcelSnapshot

    def __init__(self) -> None:
        self.is_packed = False

    @event("Packed")
    def pack(self) -> None:
        self.is_packed = True


@pytest.fixture
def settings(dsn: str) -> dict[str, str]:
    return {
        "PERSISTENCE_MODULE": "infrastructure.library",
        "ORDERTRAIL_DSN": dsn,
        "ORDERS_ORDERTRAIL_TENANT": "acme",
        "ORDERS_MAPPER_TOPIC": MAPPER,
    }


@pytest.fixture
def orders(settings: dict[str, str]) -> Iterator[Orders]:
    with Orders(settings) as app:
        yield app


def test_orders_are_created_split_and_folded_through_the_library(orders: Orders, dsn: str) -> None:
    orders.create_order("A1", 10_000)
    orders.split_order("A1", "A2", 4_000)

    parent, child = orders.get("A1"), orders.get("A2")
    assert parent.version == 3
    assert parent.state.children == ["A2"]
    assert parent.state.totals == totals(6_000)
    assert child.version == 2
    assert child.state.parent == "A1"
    assert child.state.totals == totals(4_000)
    with psycopg.connect(dsn) as connection:
        assert connection.execute(READ_EVENTS).fetchall() == [
            ("order-A1", 1, "order.created", True),
            ("order-A1", 2, "order.split", True),
            ("order-A1", 3, "order.split_changes", True),
            ("order-A2", 1, "order.created", True),
            ("order-A2", 2, "order.split_from", True),
        ]


def test_a_split_whose_child_exists_stores_nothing_of_either_order(orders: Orders) -> None:
    orders.create_order("A1", 10_000)
    orders.create_order("A2", 500)

    with pytest.raises(IntegrityError, match="version_conflict"):
        orders.split_order("A1", "A2", 4_000)

    assert orders.get("A1").version == 1
    assert orders.recorder.max_notification_id() == 2


def test_an_order_that_was_never_recorded_is_not_found(orders: Orders) -> None:
    with pytest.raises(AggregateNotFoundError):
        orders.get("A1")


async def test_the_service_and_the_library_write_the_same_orders(
    services: Services, tenant: Tenant, orders: Orders
) -> None:
    await services.orders.create(tenant, "A1", totals=totals(10_000), timestamp=a_moment())
    orders.split_order("A1", "A2", 4_000)
    await services.orders.record(tenant, "A2", [an_event(StatusUpdated, order_id="A2", status="shipped")])

    for order_id, version in (("A1", 3), ("A2", 3)):
        by_library, by_service = orders.get(order_id), await services.orders.load(tenant, order_id)
        assert by_library.version == by_service.version == version
        assert by_library.state == by_service.state
    assert orders.get("A2").state.status == "shipped"


def test_an_event_comes_back_as_it_was_recorded(orders: Orders) -> None:
    created = an_event(
        Created,
        order_id="A1",
        originator_version=1,
        event_id="evt-1",
        actor=an_actor(),
        correlation_id="c-1",
        causation_id="x-1",
        totals=totals(),
    )

    orders.save(created)

    [stored] = orders.recorder.select_events("order-A1")
    [notification] = orders.recorder.select_notifications(None, 10)
    assert isinstance(stored, LedgerEvent)
    assert isinstance(notification, LedgerNotification)
    assert (stored.event_id, stored.occurred_at) == ("evt-1", a_moment())
    assert orders.mapper.to_domain_event(stored) == created
    assert orders.mapper.to_domain_event(notification) == created


def test_a_notification_of_the_librarys_own_event_has_no_envelope(orders: Orders) -> None:
    orders.create_order("A1", 10_000)
    orders.recorder.insert_events([StoredEvent("parcel-1", 0, "parcels:Packed", b"any bytes")])

    ours, theirs = orders.recorder.select_notifications(None, 10)
    assert isinstance(ours, LedgerNotification)
    assert theirs == Notification("parcel-1", 0, "parcels:Packed", b"any bytes", id=2)


class SplitTitles(OrdertrailTrackingRecorder):
    """A view of which orders were split into what."""

    def add(self, title: str, tracking: Tracking) -> None:
        with self._tracked(tracking) as cursor:
            cursor.execute("INSERT INTO views.split_titles VALUES (%s, %s)", [tracking.notification_id, title])

    def titles(self) -> list[str]:
        with self._reading() as cursor:
            rows = cursor.execute("SELECT title FROM views.split_titles ORDER BY position").fetchall()
        return [title for (title,) in rows]


class SplitReport(Projection[SplitTitles]):
    name = "splitreport"
    topics = ("order.created", "order.split")

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        raise AssertionError(f"{domain_event} has another topic")

    @process_event.register
    def _(self, event: Created, tracking: Tracking) -> None:
        self.view.insert_tracking(tracking)

    @process_event.register
    def _(self, event: Split, tracking: Tracking) -> None:
        self.view.add(f"{event.order_id} -> {event.child_order_id}", tracking)


def test_a_projection_of_the_library_follows_our_events_by_their_topics(dsn: str, settings: dict[str, str]) -> None:
    with psycopg.connect(dsn) as owner:
        owner.execute(CREATE_TITLES)

    with ProjectionRunner(
        application_class=Orders, projection_class=SplitReport, view_class=SplitTitles, env=settings
    ) as runner:
        runner.app.create_order("A1", 10_000)
        runner.app.split_order("A1", "A2", 4_000)
        runner.app.split_order("A2", "A3", 1_000)
        last_created = runner.app.recorder.select_notifications(None, 100, topics=["order.created"])[-1]
        runner.wait(last_created.id, timeout=10)

        assert runner.view.titles() == ["A1 -> A2", "A2 -> A3"]
        assert runner.view.max_tracking_id("Orders") == last_created.id


def test_two_projections_with_one_tenant_follow_an_application_independently(settings: dict[str, str]) -> None:
    for name in ("FIRST", "SECOND"):
        settings[f"{name}_ORDERTRAIL_TENANT"] = "acme"

    class First(Application[str]):
        pass

    class Second(Application[str]):
        pass

    with First(settings) as first, Second(settings) as second:
        views = [app.factory.tracking_recorder() for app in (first, second)]
        views[0].insert_tracking(Tracking("Orders", 7))

        assert [view.max_tracking_id("Orders") for view in views] == [7, None]


def test_an_aggregate_of_the_library_lives_in_the_ledger_beside_our_orders(settings: dict[str, str]) -> None:
    parcel = Parcel._create(ParcelRegistered, id="parcel-1")
    parcel.pack()

    with Orders({**settings, "IS_SNAPSHOTTING_ENABLED": "y"}) as orders:
        orders.create_order("A1", 10_000)
        orders.save(parcel)
        orders.take_snapshot("parcel-1")

        assert orders.snapshots is not None
        assert [snapshot.originator_version for snapshot in orders.snapshots.get("parcel-1")] == [2]
        found: Parcel = orders.repository.get("parcel-1")
        assert found.is_packed
        assert orders.get("A1").version == 1


def test_an_order_event_without_metadata_is_refused(orders: Orders) -> None:
    orders.recorder.insert_events([StoredEvent("order-A1", 1, "order.created", b"{}")])

    with pytest.raises(MapperDeserialisationError, match="has no metadata"):
        orders.get("A1")


def test_an_event_whose_data_is_not_of_its_type_is_refused_by_name() -> None:
    stored = LedgerEvent("order-A1", 1, "order.split", b'{"child_order_id": 3}', b"{}", a_moment(), "evt-1")

    with pytest.raises(MapperDeserialisationError, match=r"order\.split"):
        OrderEventMapper(JSONTranscoder()).to_domain_event(stored)


def test_a_cipher_is_refused_because_the_service_could_not_read_what_it_wrote(settings: dict[str, str]) -> None:
    with pytest.raises(NotSupportedError, match="unset COMPRESSOR_TOPIC and CIPHER"):
        Orders({**settings, AESCipher.CIPHER_KEY: AESCipher.create_key(16)})
