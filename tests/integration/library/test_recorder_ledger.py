"""What the recorders promise beyond the eventsourcing library's suites: order, atomicity, ids, tenants, settings."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.persistence import (
    DataError,
    InfrastructureFactoryError,
    IntegrityError,
    OperationalError,
    ProgrammingError,
    StoredEvent,
    Tracking,
)
from eventsourcing.utils import Environment

from infrastructure.library import OrdertrailApplicationRecorder, OrdertrailFactory, OrdertrailTrackingRecorder
from infrastructure.library.ledger_event import LedgerEvent
from tests.builders import a_moment

RecorderOf = Callable[..., OrdertrailApplicationRecorder]

APPEND_WITHOUT_NOTIFYING = """
    WITH head AS (
        UPDATE ordertrail.ledgers SET position = position + 1 WHERE tenant = 'shop' RETURNING tenant, position
    )
    INSERT INTO ordertrail.events
        (tenant, position, version, occurred_at, recorded_at, stream, event_id, type, data, metadata)
    SELECT tenant, position, 1, now(), now(), 'silent', 'silent', 'topic', '', '' FROM head
"""


@pytest.fixture
def recorder_of(dsn: str) -> Iterator[RecorderOf]:
    """Makes application recorders by the names of their applications."""
    with ExitStack() as factories:

        def make(name: str = "Shop", **settings: str) -> OrdertrailApplicationRecorder:
            factory = OrdertrailFactory(Environment(name, {"ORDERTRAIL_DSN": dsn, **settings}))
            factories.callback(factory.close)
            recorder = factory.application_recorder()
            assert isinstance(recorder, OrdertrailApplicationRecorder)
            return recorder

        yield make


@pytest.fixture
def recorder(recorder_of: RecorderOf) -> OrdertrailApplicationRecorder:
    return recorder_of()


def stored(stream: UUID | str, version: int, state: bytes = b"") -> StoredEvent:
    return StoredEvent(stream, version, "topic", state)


def ledger(recorder: OrdertrailApplicationRecorder) -> list[tuple[int, Any, int]]:
    return [(n.id, n.originator_id, n.originator_version) for n in recorder.select_notifications(None, 100)]


def test_positions_follow_the_order_given_though_a_stream_comes_back(recorder: OrdertrailApplicationRecorder) -> None:
    given = [stored("a", 1), stored("b", 0), stored("a", 2), stored("a", 3), stored("b", 1), stored("a", 4)]

    assert recorder.insert_events(given) == [1, 2, 3, 4, 5, 6]

    assert ledger(recorder) == [(n, e.originator_id, e.originator_version) for n, e in enumerate(given, start=1)]


@pytest.mark.parametrize(
    "versions",
    [[1, 3], [1, 1], [2, 1], [2], [5, 6], [-1], [-2], [-3, -2], [0, 2]],
    ids=str,
)
def test_versions_that_do_not_follow_each_other_are_refused(
    recorder: OrdertrailApplicationRecorder, versions: list[int]
) -> None:
    with pytest.raises(IntegrityError):
        recorder.insert_events([stored("other", 1), *(stored("a", version) for version in versions)])

    assert ledger(recorder) == []


def test_a_gap_between_two_runs_of_one_stream_is_refused(recorder: OrdertrailApplicationRecorder) -> None:
    with pytest.raises(IntegrityError, match="do not follow"):
        recorder.insert_events([stored("a", 1), stored("b", 1), stored("a", 3)])

    assert ledger(recorder) == []


def test_a_conflict_of_one_stream_stores_nothing_of_any(recorder: OrdertrailApplicationRecorder) -> None:
    recorder.insert_events([stored("b", 1)])

    with pytest.raises(IntegrityError, match=r"version_conflict.*a, b, now at versions \[None, 1, None\]"):
        recorder.insert_events([stored("a", 1), stored("b", 1), stored("a", 2)])

    assert ledger(recorder) == [(1, "b", 1)]


def test_snapshots_are_recorded_all_or_none(dsn: str) -> None:
    with OrdertrailFactory(Environment("Shop", {"ORDERTRAIL_DSN": dsn})) as factory:
        snapshots = factory.aggregate_recorder("snapshots")
        snapshots.insert_events([stored("b", 1, b"first")])

        for refused in ([stored("a", 1), stored("b", 1), stored("c", 1)], [stored("a", 1), stored("a", 1)]):
            with pytest.raises(IntegrityError, match="a_snapshot_is_taken_once"):
                snapshots.insert_events(refused)

        snapshots.insert_events([stored("c", 1), stored("c", 2)])
        assert snapshots.select_events("a") == []
        assert snapshots.select_events("b") == [stored("b", 1, b"first")]
        assert snapshots.select_events("c") == [stored("c", 1), stored("c", 2)]


def test_an_event_id_that_was_used_is_refused(recorder: OrdertrailApplicationRecorder) -> None:
    def ledger_event(version: int, event_id: str) -> LedgerEvent:
        return LedgerEvent("a", version, "topic", b"", b"{}", a_moment(), event_id)

    recorder.insert_events([ledger_event(1, "evt-1")])

    for refused in ([ledger_event(1, "evt-1")], [ledger_event(2, "evt-1")], [ledger_event(2, "evt-2")] * 2):
        with pytest.raises(IntegrityError):
            recorder.insert_events(refused)
    with pytest.raises(IntegrityError):
        recorder.insert_events([ledger_event(2, "evt-2"), ledger_event(3, "evt-2")])

    assert ledger(recorder) == [(1, "a", 1)]


def test_what_postgresql_cannot_store_is_a_data_error(recorder: OrdertrailApplicationRecorder) -> None:
    with pytest.raises(DataError):
        recorder.insert_events([stored("a\x00", 1)])


def test_each_application_has_a_ledger_of_its_own_unless_they_share_a_tenant(recorder_of: RecorderOf) -> None:
    shop, warehouse = recorder_of("Shop"), recorder_of("Warehouse")
    clerk = recorder_of("Clerk", CLERK_ORDERTRAIL_TENANT="shop")

    assert shop.insert_events([stored("a", 1)]) == [1]
    assert warehouse.insert_events([stored("a", 1), stored("a", 2)]) == [1, 2]
    assert clerk.insert_events([stored("a", 2)]) == [2]

    assert ledger(shop) == ledger(clerk) == ledger(warehouse) == [(1, "a", 1), (2, "a", 2)]
    assert len(shop.select_events("a")) == 2


def test_an_id_written_as_a_uuid_comes_back_as_one_and_any_other_as_text(
    recorder: OrdertrailApplicationRecorder,
) -> None:
    uuid = UUID("0190e3a4-6b1c-7c3e-8d2f-abcdefabcdef")
    others = [str(uuid).upper(), uuid.hex, "{" + str(uuid) + "}", "order-A1"]

    recorder.insert_events([stored(uuid, 1), *(stored(other, 1) for other in others)])

    assert [n.originator_id for n in recorder.select_notifications(None, 10)] == [uuid, *others]
    assert [e.originator_id for e in recorder.select_events(uuid)] == [uuid]
    assert [e.originator_id for e in recorder.select_events(str(uuid))] == [str(uuid)]


def test_with_text_ids_every_id_comes_back_as_text(recorder_of: RecorderOf) -> None:
    recorder, uuid = recorder_of(ORIGINATOR_ID_TYPE="text"), uuid4()

    recorder.insert_events([stored(uuid, 1)])

    assert [n.originator_id for n in recorder.select_notifications(None, 10)] == [str(uuid)]


def test_a_subscription_finds_events_it_was_not_notified_of(recorder: OrdertrailApplicationRecorder, dsn: str) -> None:
    recorder.insert_events([stored("a", 1)])

    with recorder.subscribe() as subscription:
        assert next(subscription).originator_id == "a"
        with psycopg.connect(dsn) as owner:
            owner.execute(APPEND_WITHOUT_NOTIFYING)

        assert next(subscription).originator_id == "silent"


def test_tracking_and_what_a_view_writes_with_it_are_undone_together(dsn: str) -> None:
    class Notes(OrdertrailTrackingRecorder):
        def add(self, tracking: Tracking) -> None:
            with self._tracked(tracking) as cursor:
                cursor.execute("INSERT INTO views.notes VALUES (%s)", [tracking.notification_id])
                if tracking.notification_id == 2:
                    raise RuntimeError("a bug")

        def notes(self) -> list[tuple[int]]:
            with self._reading() as cursor:
                return cursor.execute("SELECT id FROM views.notes").fetchall()

    with psycopg.connect(dsn) as owner:
        owner.execute("CREATE SCHEMA views CREATE TABLE notes (id bigint)")
        owner.execute("GRANT USAGE ON SCHEMA views TO ordertrail_runtime")
        owner.execute("GRANT SELECT, INSERT ON views.notes TO ordertrail_runtime")
    with OrdertrailFactory(Environment("Notes", {"ORDERTRAIL_DSN": dsn})) as factory:
        view = factory.tracking_recorder(Notes)
        assert isinstance(view, Notes)
        view.add(Tracking("Shop", 1))

        with pytest.raises(RuntimeError, match="a bug"):
            view.add(Tracking("Shop", 2))
        with pytest.raises(IntegrityError, match="tracked before"):
            view.add(Tracking("Shop", 1))

        assert view.notes() == [(1,)]
        assert view.max_tracking_id("Shop") == 1


def test_the_recorders_have_the_rights_of_the_runtime_role(dsn: str) -> None:
    with OrdertrailFactory({"ORDERTRAIL_DSN": dsn, "ORDERTRAIL_TENANT": "acme"}) as factory:
        view = factory.tracking_recorder()

        with view._reading() as cursor:
            assert cursor.execute("SELECT current_user").fetchone() == ("ordertrail_runtime",)
        with pytest.raises(ProgrammingError, match="permission denied"), view._reading() as cursor:
            cursor.execute("DELETE FROM ordertrail.events")


def test_an_existing_tenant_and_ledger_stay_as_they_are(recorder_of: RecorderOf) -> None:
    recorder_of().insert_events([stored("a", 1)])

    assert recorder_of().max_notification_id() == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "Set SHOP_ORDERTRAIL_DSN or ORDERTRAIL_DSN"),
        ({"ORDERTRAIL_DSN": "postgresqul://shop:s3cret@localhost"}, "ORDERTRAIL_DSN: The DSN is neither"),
        ({"ORDERTRAIL_DSN": "host=a", "ORIGINATOR_ID_TYPE": "int"}, "to uuid or text, not 'int'"),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_named(settings: dict[str, str], message: str) -> None:
    with pytest.raises(InfrastructureFactoryError, match=message) as error:
        OrdertrailFactory(Environment("Shop", settings))

    assert "s3cret" not in str(error.value)


def test_without_an_application_s_name_the_tenant_must_be_set(dsn: str) -> None:
    with pytest.raises(InfrastructureFactoryError, match="Set ORDERTRAIL_TENANT"):
        OrdertrailFactory({"ORDERTRAIL_DSN": dsn})


def test_a_recorder_class_of_another_kind_and_an_unknown_purpose_are_refused(dsn: str) -> None:
    topic = "infrastructure.library:OrdertrailTrackingRecorder"
    factory = OrdertrailFactory(Environment("Shop", {"ORDERTRAIL_DSN": dsn, "APPLICATION_RECORDER_TOPIC": topic}))

    with pytest.raises(InfrastructureFactoryError, match="is not OrdertrailApplicationRecorder"):
        factory.application_recorder()
    with pytest.raises(InfrastructureFactoryError, match="only for events and snapshots"):
        factory.aggregate_recorder("anything")


def test_a_database_that_was_not_migrated_is_refused_with_what_to_do(empty_dsn: str) -> None:
    factory = OrdertrailFactory(Environment("Shop", {"ORDERTRAIL_DSN": empty_dsn}))

    with pytest.raises(ProgrammingError, match="lacks migration 0001_tenants; apply it with: ordertrail migrate"):
        factory.application_recorder()


def test_a_database_that_cannot_be_reached_is_an_operational_error() -> None:
    factory = OrdertrailFactory(Environment("Shop", {"ORDERTRAIL_DSN": "postgresql://shop:s3cret@127.0.0.1:1/orders"}))

    with pytest.raises(OperationalError, match=r"Cannot use database orders on 127\.0\.0\.1, port 1") as error:
        factory.application_recorder()

    assert "s3cret" not in str(error.value)
