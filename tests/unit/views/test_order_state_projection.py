"""The order state as a projection: events are folded onto the rows that are present."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from application.ledger.codec import decode
from application.ledger.port import RecordedEvent
from application.views.projections.entries import Entry
from application.views.projections.order_state import ORDER_STATE, OrderStateRow
from application.views.projections.projection import Projection
from application.views.search import joined
from domain.events.event import Event
from domain.events.lifecycle import Transferred
from domain.events.split import Split
from domain.order_state import OrderState
from domain.streams import order_id_of
from tests.builders import (
    a_created_event,
    a_customer,
    a_foreign_event,
    a_ledger,
    a_moment,
    a_service_event,
    an_event,
    an_exception,
)
from tests.samples import one_of_each, stored


def entries(ledger: Iterable[RecordedEvent]) -> list[Entry]:
    return [Entry(recorded) for recorded in ledger]


def rows(projection: Projection, *events: Event) -> Sequence[Any]:
    return projection.rows(entries(a_ledger(*events)), {})


def test_the_order_state_has_a_row_for_every_order_whatever_happened_to_it() -> None:
    ledger = one_of_each()

    orders = {row[0] for row in ORDER_STATE.rows(entries(ledger), {})}

    assert orders == {order_id_of(recorded.stream) for recorded in ledger if recorded.stream[0] == "o"}


def test_an_orders_state_is_kept_with_what_it_is_found_by() -> None:
    events = [
        a_created_event(reference="PO-1", event_id="e1"),
        an_event(timestamp=a_moment(-5)),
        a_service_event("pending"),
    ]

    (row,) = rows(ORDER_STATE, an_exception(), *events)

    assert row == OrderStateRow(
        order_id="1001",
        first_position=2,
        updated_at=a_moment(),
        reference="PO-1",
        state="pending",
        status="confirmed",
        payment_status=None,
        delivery_status=None,
        search=joined(["1001", "po-1", "c1", "grace"]),
        detail=row.detail,
        customer_from="customer/e1",
    )
    state = OrderState.model_validate_json(row.detail)
    assert (state.version, state.created_at, state.totals) == (3, a_moment(), events[0].totals)


def test_an_orders_state_goes_on_from_its_present_row() -> None:
    first, second, third = a_ledger(a_created_event(), an_event(Split, child_order_id="b"), a_service_event("error"))
    (present,) = ORDER_STATE.rows(entries([first, second]), {})

    (row,) = ORDER_STATE.rows(entries([third]), {"1001": present})

    state = OrderState.model_validate_json(row.detail)
    assert (row.first_position, row.state, state.children, state.version) == (1, "failure", ["b"], 3)


def test_an_orders_state_is_what_folding_its_events_as_an_aggregate_does_makes_of_it() -> None:
    ledger = [
        recorded._replace(stream="order-1", position=n, version=n)
        for n, recorded in enumerate((e for e in one_of_each() if e.type.startswith("order.")), start=1)
    ]
    state, present = OrderState(), {}

    for recorded in ledger:
        state.evolve(decode(recorded))
        (row,) = ORDER_STATE.rows([Entry(recorded)], present)
        present = {"1": row}

        assert row.detail == state.model_dump_json().encode()
    assert ORDER_STATE.rows(entries(ledger), {}) == [row]


def test_a_late_report_of_a_service_is_compared_with_what_the_row_has() -> None:
    at = {"DELIVERED": a_moment(120.5), "IN_TRANSIT": a_moment(120), "RETURNED": a_moment(121)}
    ledger = a_ledger(*(a_service_event(service_status=status, timestamp=time) for status, time in at.items()))
    present: dict[str, OrderStateRow] = {}
    shown = []

    for recorded in ledger:
        (row,) = ORDER_STATE.rows([Entry(recorded)], present)
        present = {"1001": row}
        shown.append(OrderState.model_validate_json(row.detail).services["wms"].status)

    assert shown == ["DELIVERED", "DELIVERED", "RETURNED"]
    assert ORDER_STATE.rows(entries(ledger), {}) == [row]


def test_totals_that_were_valid_by_the_rules_of_an_earlier_release_do_not_stop_the_view() -> None:
    edited = stored("order.edited.v1.json")
    edited = edited._replace(data=edited.data.replace(b'"TWD"', b'"NT$"'))

    (row,) = ORDER_STATE.rows([Entry(edited)], {})

    state = OrderState()
    state.evolve(decode(edited))
    assert b'"NT$"' in row.detail
    assert row.detail == state.model_dump_json().encode()


def test_folding_leaves_the_present_row_as_it_was() -> None:
    first, second = a_ledger(a_created_event(), an_event(Split, child_order_id="b"))
    (present,) = ORDER_STATE.rows(entries([first]), {})

    once = ORDER_STATE.rows(entries([second]), {"1001": present})
    again = ORDER_STATE.rows(entries([second]), {"1001": present})

    assert once == again


def test_orders_that_a_batch_does_not_touch_get_no_row() -> None:
    (untouched,) = rows(ORDER_STATE, an_event(order_id="1"))
    recorded = a_ledger(an_event(order_id="2"))

    assert [row[0] for row in ORDER_STATE.rows(entries(recorded), {"1": untouched})] == ["2"]


def test_the_order_state_needs_the_rows_of_the_orders_in_the_batch() -> None:
    ledger = a_ledger(an_event(order_id="1"), an_event(order_id="2"), an_event(order_id="1"), an_exception())

    assert sorted(ORDER_STATE.needs(entries([*ledger, a_foreign_event()]))) == ["1", "2"]


def test_an_order_whose_beginning_is_told_late_is_found_by_it() -> None:
    (row,) = rows(ORDER_STATE, an_event(), a_created_event(reference="PO-1", event_id="e2"))

    assert (row.search, row.reference, row.customer_from) == (
        joined(["1001", "po-1", "c1", "grace"]),
        "PO-1",
        "customer/e2",
    )


def test_an_order_whose_beginning_is_told_after_a_transfer_is_found_by_its_new_customer() -> None:
    heir = a_customer(id="C2", name="Alan")
    transfer = an_event(Transferred, original_customer=a_customer(), new_customer=heir, event_id="e1")

    (named,) = rows(ORDER_STATE, transfer, a_created_event(reference="PO-1", event_id="e2"))
    (nameless,) = rows(ORDER_STATE, transfer, a_created_event(event_id="e2"))

    assert (named.search, named.customer_from) == (joined(["1001", "c2", "alan", "po-1"]), "new_customer/e1")
    assert (nameless.search, nameless.customer_from) == (joined(["1001", "c2", "alan"]), "new_customer/e1")
    assert OrderState.model_validate_json(named.detail).customer == heir


def test_an_order_is_found_by_its_new_customer_after_a_transfer() -> None:
    transfer = an_event(Transferred, original_customer=a_customer(), new_customer=a_customer(id="C2", name="Alan"))

    (row,) = rows(ORDER_STATE, a_created_event(), transfer)

    assert row.search == joined(["1001", "c2", "alan"])


def test_a_report_with_a_state_that_this_version_does_not_know_is_not_folded() -> None:
    [told] = a_ledger(a_service_event("success"))
    changed = told._replace(data=told.data.replace(b'"success"', b'"splendid"'))

    with pytest.raises(ValueError, match="splendid"):
        ORDER_STATE.rows(entries([changed]), {})


def test_a_report_is_the_newest_of_its_service_whether_it_came_in_this_batch_or_in_the_last() -> None:
    newer, older = a_service_event("success", timestamp=a_moment(5)), a_service_event("pending", timestamp=a_moment())
    first, second = entries(a_ledger(newer, older))

    [before] = ORDER_STATE.rows([first], {})
    [apart] = ORDER_STATE.rows([second], {before.order_id: before})
    [together] = ORDER_STATE.rows([first, second], {})

    assert together == apart
    assert together.state == "success"
