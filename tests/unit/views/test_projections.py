"""The projections: pure functions from ledger entries to rows, each for its types only, however batches are cut."""

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.ledger.port import RecordedEvent
from application.views.projections.action_log import ACTION_LOG, ActionLogRow
from application.views.projections.catalogue import PROJECTIONS
from application.views.projections.entries import Entry
from application.views.projections.integration_log import INTEGRATION_LOG, IntegrationLogRow
from application.views.projections.projection import Projection, Row
from application.views.projections.service_events import SERVICE_EVENTS, ServiceEventRow
from application.views.projections.system_log import SYSTEM_LOG, SystemLogRow
from application.views.projections.timeline import TIMELINE, TimelineRow
from domain.errors import InvalidEvent
from domain.events.catalogue import CATALOGUE, ORDER_ACTIONS
from domain.events.event import Event
from domain.events.integration import IntegrationTied, IntegrationUntied, Recovered, Registered
from domain.events.lifecycle import CommentAdded
from domain.events.split import Split
from domain.values import MAX_BIGINT, Actor, BodyRef
from tests.builders import (
    NOON,
    a_created_event,
    a_foreign_event,
    a_ledger,
    a_moment,
    a_service_event,
    a_system_log,
    an_actor,
    an_event,
    an_exception,
)
from tests.fakes import STATES, present_rows
from tests.samples import one_of_each

EVERY_PROJECTION = pytest.mark.parametrize("projection", PROJECTIONS, ids=[p.name for p in PROJECTIONS])
ACTIONS = {action.topic for action in ORDER_ACTIONS}


def entries(ledger: Iterable[RecordedEvent]) -> list[Entry]:
    return [Entry(recorded) for recorded in ledger]


def rows(projection: Projection, *events: Event) -> Sequence[Any]:
    return projection.rows(entries(a_ledger(*events)), {})


def view(projection: Projection, *batches: Sequence[RecordedEvent]) -> dict[Any, Row]:
    """Return the view that batches make, by what identifies its rows."""
    kept: dict[Any, Row] = {}
    for batch in batches:
        wanted = projection.needs(entries(batch))
        present = present_rows(projection.name, kept, wanted)
        for row in projection.rows(entries(batch), present):
            key = str(row[0]) if projection.name in STATES else row[:2]
            assert projection.name in STATES or key not in kept
            kept[key] = row
    return kept


@pytest.mark.parametrize(
    ("projection", "topics"),
    [
        (ACTION_LOG, ACTIONS),
        (SERVICE_EVENTS, {"order.service_event_recorded"}),
        (SYSTEM_LOG, {"order.system_log_recorded"}),
        (INTEGRATION_LOG, {"integration.exception_logged"}),
        (TIMELINE, {topic for topic in CATALOGUE if topic.startswith("order.")}),
    ],
    ids=lambda value: value.name if isinstance(value, Projection) else "",
)
def test_a_log_has_a_row_for_every_event_of_its_types_and_for_no_other(
    projection: Projection, topics: set[str]
) -> None:
    ledger = one_of_each()

    positions = [row[1] for row in projection.rows(entries(ledger), {})]

    assert positions == [recorded.position for recorded in ledger if recorded.type in topics]


def test_an_action_is_logged_with_its_data_and_who_did_it() -> None:
    comment = an_event(CommentAdded, text="Hi", actor=an_actor(application_id="app"))
    (recorded,) = a_ledger(comment)

    assert ACTION_LOG.rows([Entry(recorded)], {}) == [
        ActionLogRow(
            order_id="1001",
            position=1,
            occurred_at=a_moment(),
            type="order.comment_added",
            schema_version=1,
            data=recorded.data,
            actor_id="u1",
            actor_name="Ada",
            actor_type="Staff",
            application_id="app",
            sealed_in=None,
        )
    ]
    assert json.loads(recorded.data) == {"text": "Hi", "is_private": False}


def test_a_service_event_is_listed_with_the_time_we_recorded_it() -> None:
    event = a_service_event(
        "failure", "wms", description="out of stock", metadata={"sku": None}, event_id="e1", actor=an_actor()
    )

    assert rows(SERVICE_EVENTS, event) == [
        ServiceEventRow(
            order_id="1001",
            position=1,
            recorded_at=a_moment(1),
            event_id="e1",
            state="failure",
            service="wms",
            service_status="OK",
            description="out of stock",
            metadata=b'{"sku":null}',
            created_by="u1",
            version=1,
            sealed_in=None,
        )
    ]


@pytest.mark.parametrize(
    ("actor", "created_by"),
    [(an_actor(id="", application_id="k1"), "k1"), (an_actor(id=""), ""), (Actor(), ""), (an_actor(id="u9"), "u9")],
)
def test_a_service_event_is_by_its_performer_or_else_by_the_application(actor: Actor, created_by: str) -> None:
    (row,) = rows(SERVICE_EVENTS, a_service_event(actor=actor))

    assert row.created_by == created_by


def test_a_service_event_without_metadata_has_none_listed() -> None:
    (row,) = rows(SERVICE_EVENTS, a_service_event())

    assert (row.metadata, row.description) == (None, None)


def test_a_call_is_listed_by_what_it_is_found_by() -> None:
    content = BodyRef(digest="ab" * 32, size=2)
    event = a_system_log(event_id="e1", correlation_id="c1", request_type="SHIPMENT_CREATE", content=content)

    assert rows(SYSTEM_LOG, event) == [
        SystemLogRow(
            order_id="1001",
            position=1,
            event_id="e1",
            correlation_id="c1",
            carrier_id="dhl",
            direction="outbound",
            request_type="SHIPMENT_CREATE",
            response_code=200,
            milliseconds=None,
            content_digest="ab" * 32,
        )
    ]


@pytest.mark.parametrize(
    ("began", "ended", "milliseconds"),
    [
        (1_700_000_000_000, 1_700_000_000_250, 250),
        (1_700_000_000, 1_700_000_002, 2_000),  # in seconds
        (0, MAX_BIGINT, MAX_BIGINT),
        (-1, 1, None),
        (-MAX_BIGINT, MAX_BIGINT, None),
        (None, 1, None),
        (1, None, None),
        (2, 1, None),
    ],
)
def test_a_call_took_what_its_caller_reported(began: int | None, ended: int | None, milliseconds: int | None) -> None:
    (row,) = rows(SYSTEM_LOG, a_system_log(request_time=began, response_time=ended))

    assert row.milliseconds == milliseconds


def test_a_call_of_which_nothing_is_kept_has_no_content() -> None:
    (row,) = rows(SYSTEM_LOG, a_system_log())

    assert row.content_digest is None


def test_an_exception_is_listed_under_its_integration() -> None:
    event = an_exception(integration_id=7, exception_type="SSLError", response_code=502)

    assert rows(INTEGRATION_LOG, event) == [
        IntegrationLogRow(
            integration_id=7, position=1, occurred_at=a_moment(), exception_type="SSLError", response_code=502
        )
    ]


def test_a_timeline_says_what_kind_of_thing_each_event_is() -> None:
    assert rows(TIMELINE, an_event(), a_service_event(), a_system_log(), an_exception()) == [
        TimelineRow("1001", 1, "action", "order.status_updated", a_moment(), None, None),
        TimelineRow("1001", 2, "service", "order.service_event_recorded", a_moment(), None, None),
        TimelineRow("1001", 3, "call", "order.system_log_recorded", a_moment(), None, None),
    ]


@EVERY_PROJECTION
def test_events_of_other_applications_are_passed_over(projection: Projection) -> None:
    before, after = a_ledger(an_event(), a_service_event())
    foreign = [a_foreign_event(position=2), a_foreign_event("domain.model:Order.Created", position=3)]
    ledger = [before, *foreign, after._replace(position=4)]

    assert view(projection, ledger) == view(projection, [before, after._replace(position=4)])


@EVERY_PROJECTION
@pytest.mark.parametrize("topic", ["order.invented_later", "integration.invented_later"])
def test_an_event_of_ours_that_is_not_known_is_never_passed_over(projection: Projection, topic: str) -> None:
    unknown = a_foreign_event(topic, stream="order-1001", position=17)

    with pytest.raises(InvalidEvent, match=r"Event 17 has type '.*invented_later', which this version does not know"):
        projection.rows([Entry(unknown)], {})


@EVERY_PROJECTION
def test_what_a_projection_needs_can_be_told_of_any_event(projection: Projection) -> None:
    unknown = a_foreign_event("order.invented_later", stream="order-1001")

    assert list(projection.needs([Entry(unknown), Entry(a_foreign_event())])) in ([], ["1001"])


@EVERY_PROJECTION
def test_no_event_is_no_row(projection: Projection) -> None:
    assert list(projection.rows([], {})) == []
    assert list(projection.needs([])) == []


def test_views_are_named_after_their_projections() -> None:
    names = [projection.name for projection in PROJECTIONS]

    assert names == [
        "action_log",
        "service_events",
        "order_state",
        "system_log",
        "integration_log",
        "integrations",
        "timeline",
    ]


ORDERS = st.sampled_from(["1", "2", "3"])
EVENTS = st.one_of(
    st.builds(lambda order_id: a_created_event(order_id=order_id), ORDERS),
    st.builds(lambda order_id, status: an_event(order_id=order_id, status=status), ORDERS, st.sampled_from("abc")),
    st.builds(
        lambda order_id, state, service: a_service_event(state, service, order_id=order_id),
        ORDERS,
        st.sampled_from(["error", "failure", "success", "pending"]),
        st.sampled_from(["wms", "psp"]),
    ),
    st.builds(lambda order_id: a_system_log(order_id=order_id), ORDERS),
    st.builds(lambda order_id, child: an_event(Split, order_id=order_id, child_order_id=child), ORDERS, st.just("9")),
    st.builds(an_exception, st.integers(1, 2)),
    st.builds(
        lambda tie, order_id, id_: an_event(tie, order_id=order_id, integration_id=id_),
        st.sampled_from([IntegrationTied, IntegrationTied, IntegrationUntied]),
        ORDERS,
        st.integers(1, 2),
    ),
    st.builds(lambda id_: Recovered(originator_id=f"integration-{id_}", timestamp=NOON), st.integers(1, 2)),
    st.builds(
        lambda id_, name: Registered(originator_id=f"integration-{id_}", timestamp=NOON, shop_name=name),
        st.integers(1, 2),
        st.sampled_from([None, "a", "b"]),
    ),
)


@EVERY_PROJECTION
@given(events=st.lists(EVENTS, max_size=12), cuts=st.lists(st.integers(0, 12), max_size=4))
def test_batches_may_be_cut_anywhere(projection: Projection, events: list[Event], cuts: list[int]) -> None:
    ledger = a_ledger(*(e.model_copy(update={"timestamp": e.timestamp + timedelta(n)}) for n, e in enumerate(events)))
    edges = [0, *sorted(cuts), len(ledger)]

    batches = [ledger[start:end] for start, end in pairwise(edges)]

    assert view(projection, *batches) == view(projection, ledger)
