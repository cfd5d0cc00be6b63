"""Filters: an event is wanted if all that the filter says holds."""

import pytest

from application.delivery.filters import EVERYTHING, REPORT, EventFilter, service_of
from application.ledger.port import RecordedEvent
from tests.builders import INTEGRATION, a_foreign_event, a_service_event, an_event, an_exception, recorded

STATUS = recorded(an_event(order_id="A"))
EXCEPTION = recorded(an_exception())
WMS = recorded(a_service_event(service="wms", order_id="A"))
ERP = recorded(a_service_event(service="erp"))
FOREIGN = a_foreign_event()
ALL = [STATUS, EXCEPTION, WMS, ERP, FOREIGN]


def of(*names: str) -> frozenset[str]:
    return frozenset(names)


@pytest.mark.parametrize(
    ("wanted", "events"),
    [
        (EVERYTHING, ALL),
        (EventFilter(types=of(STATUS.type)), [STATUS]),
        (EventFilter(types=of(STATUS.type, FOREIGN.type)), [STATUS, FOREIGN]),
        (EventFilter(orders=of("A")), [STATUS, WMS]),
        (EventFilter(integrations=frozenset({INTEGRATION})), [EXCEPTION]),
        (EventFilter(orders=of("A"), integrations=frozenset({INTEGRATION})), [STATUS, EXCEPTION, WMS]),
        (EventFilter(services=of("wms")), [WMS]),
        (EventFilter(services=of("wms", "erp")), [WMS, ERP]),
        (EventFilter(services=of("wms"), orders=of("1001")), []),
        (EventFilter(types=of(STATUS.type), services=of("wms")), []),
        (EventFilter(types=of(STATUS.type, REPORT), services=of("wms")), [WMS]),
    ],
)
def test_an_event_is_wanted_if_all_that_the_filter_says_holds(wanted: EventFilter, events: list[RecordedEvent]) -> None:
    assert [event for event in ALL if wanted.wants(event)] == events


def test_a_report_that_cannot_be_read_is_of_no_service() -> None:
    damaged = [WMS._replace(data=data) for data in (b"", b"[]", b"{}", b'{"service": 7}', b'{"service": null}')]

    assert [service_of(event) for event in damaged] == [None] * 5
