"""What an order is because of its events: each event changes what it is about, and nothing else."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events.catalogue import CATALOGUE
from domain.events.delivery import DeliveryStatusUpdated, RefDeliveryStatusUpdated
from domain.events.event import Event
from domain.events.integration import IntegrationTied, IntegrationUntied
from domain.events.lifecycle import CommentAdded, Created, Edited, Redacted, StatusUpdated, Transferred
from domain.events.order_event import OrderEvent
from domain.events.payment import PaymentStatusUpdated
from domain.events.records import ServiceEventRecorded, SystemLogRecorded
from domain.events.split import Split, SplitChanges, SplitFrom
from domain.order_state import OrderState, changes
from tests.builders import a_created_event, a_customer, a_moment, a_service_event, an_event, totals

STATES = ("error", "failure", "success", "pending")

# Types that change more of an order than its version and the time of its last change.
WITH_AN_EFFECT = {
    Created,
    StatusUpdated,
    PaymentStatusUpdated,
    DeliveryStatusUpdated,
    Edited,
    Transferred,
    Redacted,
    IntegrationTied,
    IntegrationUntied,
    Split,
    SplitChanges,
    SplitFrom,
    ServiceEventRecorded,
}


def folded(*events: Event) -> OrderState:
    state = OrderState()
    for version, event in enumerate(events, start=1):
        state.evolve(event.model_copy(update={"originator_version": version}))
    return state


def test_an_order_to_which_nothing_happened_is_at_version_0() -> None:
    assert OrderState().version == 0
    assert OrderState().created_at is None


def test_the_first_event_says_when_it_was_created_and_the_last_when_it_was_updated() -> None:
    state = folded(
        an_event(timestamp=a_moment(1)), an_event(timestamp=a_moment(2)), an_event(CommentAdded, timestamp=a_moment(3))
    )

    assert (state.version, state.created_at, state.updated_at) == (3, a_moment(1), a_moment(3))


def test_created_says_who_created_it_and_what_it_is() -> None:
    state = folded(a_created_event(created_by="shop", reference="PO-1"))

    assert (state.created_by, state.reference) == ("shop", "PO-1")
    assert (state.customer, state.totals) == (a_customer(), totals())


def test_how_an_order_began_may_be_told_late() -> None:
    state = folded(
        an_event(timestamp=a_moment(60)),
        a_created_event(created_by="shop", reference="PO-1", timestamp=a_moment()),
    )

    assert (state.created_by, state.reference, state.customer, state.totals) == ("shop", "PO-1", a_customer(), totals())
    assert (state.version, state.created_at, state.updated_at) == (2, a_moment(), a_moment(60))


def test_what_happened_since_is_newer_than_what_an_order_began_with() -> None:
    heir = a_customer(id="c2", name="Alan")

    state = folded(
        an_event(Transferred, original_customer=a_customer(), new_customer=heir),
        an_event(Edited, **changes(totals(10_000), totals(7_000))),
        an_event(Split, child_order_id="a"),
        a_created_event(reference="PO-1"),
    )

    assert (state.customer, state.totals) == (heir, totals(7_000))
    assert (state.reference, state.children) == ("PO-1", ["a"])


def test_an_order_that_was_redacted_before_it_was_created_has_no_customer() -> None:
    assert folded(an_event(Redacted), a_created_event()).customer is None


@pytest.mark.parametrize(
    ("event_class", "field"),
    [
        (StatusUpdated, "status"),
        (PaymentStatusUpdated, "payment_status"),
        (DeliveryStatusUpdated, "delivery_status"),
    ],
)
def test_the_newest_status_of_each_kind_counts(event_class: type[OrderEvent], field: str) -> None:
    state = folded(an_event(event_class, status="first"), an_event(event_class, status="second"))

    assert getattr(state, field) == "second"
    assert {"status", "payment_status", "delivery_status"} - state.model_dump(exclude_none=True).keys() == {
        "status",
        "payment_status",
        "delivery_status",
    } - {field}


def test_what_the_logistics_provider_reports_is_not_the_orders_delivery_status() -> None:
    state = folded(an_event(DeliveryStatusUpdated, status="shipped"), an_event(RefDeliveryStatusUpdated, status="lost"))

    assert state.delivery_status == "shipped"


@pytest.mark.parametrize("event_class", [Edited, SplitChanges])
def test_a_change_of_totals_counts_with_what_is_after_it(event_class: type[OrderEvent]) -> None:
    state = folded(a_created_event(), an_event(event_class, **changes(totals(10_000), totals(7_000))))

    assert state.totals == totals(7_000)


def test_a_transfer_changes_the_customer() -> None:
    heir = a_customer(id="c2", name="Alan")

    state = folded(a_created_event(), an_event(Transferred, original_customer=a_customer(), new_customer=heir))

    assert state.customer == heir


def test_children_are_kept_in_the_order_of_their_splits() -> None:
    state = folded(a_created_event(), an_event(Split, child_order_id="b"), an_event(Split, child_order_id="a"))

    assert state.children == ["b", "a"]


def test_a_child_knows_its_parent() -> None:
    assert folded(a_created_event(), an_event(SplitFrom, parent_order_id="1000")).parent == "1000"


def test_each_services_newest_report_is_its_status() -> None:
    state = folded(
        a_service_event("pending", "wms", service_status="PICKING"),
        a_service_event("success", "psp", service_status="CAPTURED"),
        a_service_event("success", "wms", service_status="PACKED", description="2 parcels", timestamp=a_moment(9)),
    )

    assert {name: s.status for name, s in state.services.items()} == {"wms": "PACKED", "psp": "CAPTURED"}
    assert (state.services["wms"].description, state.services["wms"].occurred_at) == ("2 parcels", a_moment(9))


def test_an_older_report_that_comes_late_does_not_take_the_place_of_the_newest() -> None:
    state = folded(
        a_service_event("pending", service_status="PICKING", timestamp=a_moment(0)),
        a_service_event("success", service_status="DELIVERED", timestamp=a_moment(120)),
        a_service_event("pending", service_status="IN_TRANSIT", timestamp=a_moment(60)),
    )

    assert (state.services["wms"].status, state.services["wms"].occurred_at) == ("DELIVERED", a_moment(120))
    assert (state.combined_state, state.version, state.updated_at) == ("success", 3, a_moment(120))


def test_of_two_reports_of_the_same_time_the_one_recorded_later_is_the_newest() -> None:
    state = folded(a_service_event("pending"), a_service_event("success"))

    assert state.combined_state == "success"


def test_a_failure_that_is_told_late_is_a_failure() -> None:
    state = folded(
        a_service_event("success", timestamp=a_moment(60)), a_service_event("failure", timestamp=a_moment(0))
    )

    assert (state.services["wms"].state, state.combined_state) == ("success", "failure")


REPORTS = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(STATES), st.integers(0, 3)), max_size=8)


@given(REPORTS)
def test_a_services_newest_report_is_the_newest_by_time_and_place(reports: list[tuple[str, str, int]]) -> None:
    events = [a_service_event(state, service, timestamp=a_moment(at)) for service, state, at in reports]

    state = folded(*events)

    for service in {service for service, _, _ in reports}:
        places = [(at, place) for place, (of, _, at) in enumerate(reports) if of == service]
        at, place = max(places)
        shown = state.services[service]
        assert (shown.state, shown.occurred_at) == (reports[place][1], a_moment(at))


@given(REPORTS, st.integers(0, 8))
def test_the_newest_report_is_the_same_however_often_the_state_was_stored_meanwhile(
    reports: list[tuple[str, str, int]], cut: int
) -> None:
    events = [a_service_event(state, service, timestamp=a_moment(at)) for service, state, at in reports]
    stored = OrderState.model_validate_json(folded(*events[:cut]).model_dump_json())

    for version, event in enumerate(events[cut:], start=len(events[:cut]) + 1):
        stored.evolve(event.model_copy(update={"originator_version": version}))

    assert stored == folded(*events)


@pytest.mark.parametrize("event_class", [event for event in CATALOGUE.values() if event not in WITH_AN_EFFECT])
def test_other_events_change_nothing_but_the_version_and_the_time(event_class: type[Event]) -> None:
    before = folded(a_created_event(), a_service_event("pending"))
    after = before.model_copy(deep=True)

    after.evolve(event_class.model_construct(originator_id="order-1", originator_version=3, timestamp=a_moment(9)))

    assert after == before.model_copy(update={"version": 3, "updated_at": a_moment(9)})


@pytest.mark.parametrize(
    ("reports", "combined"),
    [
        ([], "pending"),
        ([("wms", "success")], "success"),
        ([("wms", "pending")], "pending"),
        ([("wms", "failure")], "failure"),
        ([("wms", "error")], "failure"),
        ([("wms", "pending"), ("wms", "success")], "success"),
        ([("wms", "success"), ("wms", "pending")], "pending"),
        ([("wms", "success"), ("psp", "success")], "success"),
        ([("wms", "success"), ("psp", "pending")], "pending"),
        ([("wms", "pending"), ("psp", "success")], "pending"),
        # A failure outweighs what is pending …
        ([("wms", "pending"), ("psp", "failure")], "failure"),
        ([("wms", "error"), ("psp", "pending")], "failure"),
        # … and is never made up for.
        ([("wms", "failure"), ("wms", "success")], "failure"),
        ([("wms", "error"), ("wms", "success"), ("psp", "success")], "failure"),
        ([("wms", "failure"), ("wms", "pending")], "failure"),
    ],
)
def test_the_combined_state_follows_dinteros_rule(reports: list[tuple[str, str]], combined: str) -> None:
    state = folded(*(a_service_event(state, service) for service, state in reports))

    assert state.combined_state == combined


def test_events_that_are_no_reports_leave_the_combined_state_pending() -> None:
    assert folded(a_created_event(), an_event(), an_event(SystemLogRecorded)).combined_state == "pending"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(STATES)), max_size=8))
def test_the_combined_state_is_what_the_rule_says_of_all_reports(reports: list[tuple[str, str]]) -> None:
    state = folded(*(a_service_event(state, service) for service, state in reports))

    newest = dict(reports)
    if any(reported in {"error", "failure"} for _, reported in reports):
        expected = "failure"
    elif not reports or "pending" in newest.values():
        expected = "pending"
    else:
        expected = "success"
    assert state.combined_state == expected


@pytest.mark.parametrize("states", list(permutations(("failure", "pending", "success"))))
def test_which_service_reports_first_does_not_matter(states: tuple[str, ...]) -> None:
    state = folded(*(a_service_event(state, service=f"of {state}") for state in states))

    assert state.combined_state == "failure"


def test_a_state_survives_being_stored() -> None:
    state = folded(a_created_event(reference="PO-1"), an_event(), a_service_event("pending", timestamp=a_moment(0.5)))

    assert OrderState.model_validate_json(state.model_dump_json()) == state
