"""The eventsourcing library's own suites for recorders and factories, on our ledger."""

from collections.abc import Iterator
from typing import ClassVar

import pytest
from eventsourcing.persistence import AggregateRecorder, ApplicationRecorder, ProcessRecorder, TrackingRecorder
from eventsourcing.tests import persistence as suites
from eventsourcing.utils import Environment

from infrastructure.library import (
    OrdertrailAggregateRecorder,
    OrdertrailApplicationRecorder,
    OrdertrailFactory,
    OrdertrailProcessRecorder,
    OrdertrailTrackingRecorder,
)


class OnOurLedger:
    """Gives a suite a factory for an empty ledger in a database of its own."""

    changed: ClassVar[dict[str, str]] = {}

    @pytest.fixture(autouse=True)
    def _ledger(self, dsn: str) -> Iterator[None]:
        settings = {"PERSISTENCE_MODULE": "infrastructure.library", "ORDERTRAIL_DSN": dsn, **self.changed}
        self.env = Environment("Suite", settings)
        self.factory = OrdertrailFactory(self.env)
        yield
        self.factory.close()


class TestEvents(OnOurLedger, suites.AggregateRecorderTestCase):
    def create_recorder(self) -> AggregateRecorder:
        return self.factory.aggregate_recorder()


class TestSnapshots(OnOurLedger, suites.AggregateRecorderTestCase):
    def create_recorder(self) -> AggregateRecorder:
        return self.factory.aggregate_recorder(purpose="snapshots")


class TestApplicationRecorder(OnOurLedger, suites.ApplicationRecorderTestCase):
    def create_recorder(self) -> ApplicationRecorder:
        return self.factory.application_recorder()

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestApplicationRecorderWithTextIds(TestApplicationRecorder):
    changed: ClassVar[dict[str, str]] = {"ORIGINATOR_ID_TYPE": "text"}

    def new_originator_id(self) -> str:
        return str(super().new_originator_id())


class TestNotificationIds(OnOurLedger, suites.NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> ApplicationRecorder:
        return self.factory.application_recorder()


class TestTracking(OnOurLedger, suites.TrackingRecorderTestCase):
    def create_recorder(self) -> TrackingRecorder:
        return self.factory.tracking_recorder()


class TestProcessRecorder(OnOurLedger, suites.ProcessRecorderTestCase):
    def create_recorder(self) -> ProcessRecorder:
        return self.factory.process_recorder()


class ViewOfNothing(OrdertrailTrackingRecorder):
    pass


class TestFactory(OnOurLedger, suites.InfrastructureFactoryTestCase[OrdertrailFactory]):
    def expected_factory_class(self) -> type[OrdertrailFactory]:
        return OrdertrailFactory

    def expected_aggregate_recorder_class(self) -> type[AggregateRecorder]:
        return OrdertrailAggregateRecorder

    def expected_application_recorder_class(self) -> type[ApplicationRecorder]:
        return OrdertrailApplicationRecorder

    def expected_tracking_recorder_class(self) -> type[TrackingRecorder]:
        return OrdertrailTrackingRecorder

    def tracking_recorder_subclass(self) -> type[TrackingRecorder]:
        return ViewOfNothing

    def expected_process_recorder_class(self) -> type[ProcessRecorder]:
        return OrdertrailProcessRecorder
