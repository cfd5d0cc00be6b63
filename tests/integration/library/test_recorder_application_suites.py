"""The eventsourcing library's own suites for applications and projections, on our ledger.

Its suites for dynamic consistency boundaries do not apply: our ledger has streams, and no tags.
"""

from collections.abc import Iterator

import psycopg
import pytest
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import Tracking
from eventsourcing.projection import EventSourcedProjectionRunner, ProjectionRunner
from eventsourcing.tests import application as application_suites
from eventsourcing.tests import projection as projection_suites

from infrastructure.library import OrdertrailFactory, OrdertrailTrackingRecorder

CREATE_COUNTERS = """
    CREATE SCHEMA views;
    CREATE TABLE views.event_counters (tenant text, name text, counter bigint NOT NULL, PRIMARY KEY (tenant, name));
    GRANT USAGE ON SCHEMA views TO ordertrail_runtime;
    GRANT SELECT, INSERT, UPDATE ON views.event_counters TO ordertrail_runtime;
"""
COUNT = """
    INSERT INTO views.event_counters AS c VALUES (%s, %s, 1)
    ON CONFLICT (tenant, name) DO UPDATE SET counter = c.counter + 1
"""
COUNTED = "SELECT counter FROM views.event_counters WHERE tenant = %s AND name = %s"


class EventCounters(OrdertrailTrackingRecorder, projection_suites.EventCountersView):
    """A view as an application of the library writes it."""

    def get_created_event_counter(self) -> int:
        return self._counted("created")

    def get_subsequent_event_counter(self) -> int:
        return self._counted("subsequent")

    def incr_created_event_counter(self, tracking: Tracking) -> None:
        self._count("created", tracking)

    def incr_subsequent_event_counter(self, tracking: Tracking) -> None:
        self._count("subsequent", tracking)

    def _count(self, name: str, tracking: Tracking) -> None:
        with self._tracked(tracking) as cursor:
            cursor.execute(COUNT, [self._database.tenant, name])

    def _counted(self, name: str) -> int:
        with self._reading() as cursor:
            row = cursor.execute(COUNTED, [self._database.tenant, name]).fetchone()
        return row[0] if row else 0


class OnOurLedger:
    """Sets up the process so that an application or a projection uses an empty database, each its own ledger of it."""

    expected_factory_topic = "infrastructure.library.factory:OrdertrailFactory"

    @pytest.fixture(autouse=True)
    def _database(self, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PERSISTENCE_MODULE", "infrastructure.library")
        monkeypatch.setenv("ORDERTRAIL_DSN", dsn)
        with psycopg.connect(dsn) as owner:
            owner.execute(CREATE_COUNTERS)


class TestExampleApplication(OnOurLedger, application_suites.ExampleApplicationTestCase):
    pass


class TestApplication(OnOurLedger, application_suites.ApplicationTestCase):
    # The suite records the warning, which it cannot if it is raised.
    @pytest.mark.filterwarnings("default:'log' is deprecated:DeprecationWarning")
    def test_application_log(self) -> None:
        super().test_application_log()


class TestEventCountersView(OnOurLedger, projection_suites.EventCountersViewTestCase):
    @pytest.fixture(autouse=True)
    def _factory(self, dsn: str) -> Iterator[None]:
        self.factory = OrdertrailFactory({"ORDERTRAIL_DSN": dsn, "ORDERTRAIL_TENANT": "suite"})
        yield
        self.factory.close()

    def construct_event_counters_view(self) -> EventCounters:
        view = self.factory.tracking_recorder(EventCounters)
        assert isinstance(view, EventCounters)
        return view


class TestProjection(OnOurLedger, projection_suites.AggregateEventCountersProjectionTestCase):
    view_class = EventCounters

    def test_a_projection_goes_on_where_it_stopped(self) -> None:
        super().test_event_counters_projection()

        with ProjectionRunner(
            application_class=Application,
            projection_class=projection_suites.AggregateEventCountersProjection,
            view_class=EventCounters,
        ) as runner:
            recordings = runner.app.save(Aggregate())
            runner.wait(recordings[-1].notification.id)

            assert runner.projection.view.get_created_event_counter() == 3
            assert runner.projection.view.get_subsequent_event_counter() == 4


class TestEventSourcedProjection(OnOurLedger, projection_suites.EventSourcedProjectionTestCase):
    def test_a_projection_goes_on_where_it_stopped(self) -> None:
        super().test_event_sourced_projection()

        with EventSourcedProjectionRunner(
            application_class=Application, projection_class=projection_suites.Counters
        ) as runner:
            recordings = runner.app.save(Aggregate())
            runner.wait(recordings[-1].notification.id)

            assert runner.projection.get_count(Aggregate.Created) == 5
