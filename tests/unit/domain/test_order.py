"""The Order aggregate: which decisions it allows, and what comes of them."""

from typing import Any

import pytest
from eventsourcing.domain import OriginatorIDError

from domain.errors import RuleViolation
from domain.events.catalogue import CATALOGUE
from domain.events.lifecycle import CommentAdded, Created, Edited, Redacted, StatusUpdated, Transferred
from domain.events.order_event import OrderEvent
from domain.events.split import Split, SplitChanges, SplitFrom
from domain.order import DECISIONS, Order
from domain.order_state import changes
from domain.streams import order_stream
from domain.values import Money, Totals
from tests.builders import a_customer, a_moment, a_service_event, an_actor, an_event, an_order, money, totals
from tests.refusals import assert_refused
from tests.unit.domain.customers import ALAN


def types_of(order: Order) -> list[type[Any]]:
    return [type(event) for event in order.collect_events()]


def test_creating_an_order_is_its_first_event() -> None:
    order = Order.create("1001", created_by="shop", totals=totals(), actor=an_actor(), timestamp=a_moment())

    assert (order.id, order.order_id, order.version) == ("order-1001", "1001", 1)
    assert order.state.totals == totals()
    assert order.collect_events() == [
        Created(
            originator_id="order-1001",
            originator_version=1,
            created_by="shop",
            totals=totals(),
            actor=an_actor(),
            timestamp=a_moment(),
        )
    ]


def test_the_amounts_of_a_new_order_are_in_one_currency() -> None:
    mixed = Totals(total=money(1), subtotal=money(1, "USD"), discount=money(0))

    with pytest.raises(RuleViolation, match="different currencies: EUR, USD"):
        Order.create("1001", totals=mixed)


def test_editing_records_what_the_order_amounted_to_and_what_it_amounts_to() -> None:
    order = an_order(totals=totals(10_000))

    order.edit(totals(12_500), actor=an_actor(), correlation_id="c", timestamp=a_moment(1))

    (edited,) = order.collect_events()
    assert edited == an_event(
        Edited,
        **changes(totals(10_000), totals(12_500)),
        originator_version=2,
        actor=an_actor(),
        correlation_id="c",
        timestamp=a_moment(1),
    )
    assert order.state.totals == totals(12_500)


def test_an_edit_does_not_change_the_currency() -> None:
    order = an_order()

    assert_refused(order, lambda: order.edit(totals(currency="USD")), "different currencies")


def test_an_order_without_totals_cannot_be_edited() -> None:
    order = an_order(totals=None)

    assert_refused(order, lambda: order.edit(totals()), "created without totals")


def test_a_reported_decision_becomes_the_next_event() -> None:
    order = an_order(totals=totals(10_000))

    order.accept(an_event(Edited, **changes(totals(10_000), totals(9_000))))
    order.accept(an_event(Transferred, original_customer=a_customer(), new_customer=ALAN))
    order.accept(an_event(Split, child_order_id="1001-2"))
    order.accept(an_event(SplitChanges, **changes(totals(9_000), totals(5_000))))
    order.accept(an_event(SplitFrom, parent_order_id="1000"))
    order.accept(an_event(StatusUpdated))

    assert [event.originator_version for event in order.pending_events] == [2, 3, 4, 5, 6, 7]
    assert types_of(order) == [Edited, Transferred, Split, SplitChanges, SplitFrom, StatusUpdated]
    assert order.state.totals == totals(5_000)
    assert (order.state.customer, order.state.children, order.state.parent) == (ALAN, ["1001-2"], "1000")


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (an_event(Created), "Order 1001 exists already"),
        (an_event(Edited, **changes(totals(9_999), totals(1))), "are not the totals before the change"),
        (an_event(SplitChanges, **changes(totals(9_999), totals(1))), "are not the totals before the change"),
        (an_event(Edited, **changes(totals(10_000), totals(1, currency="USD"))), "different currencies"),
        (an_event(Transferred, original_customer=ALAN, new_customer=a_customer()), "belongs to customer 'c1'"),
        (an_event(Split, child_order_id="1001"), "Order 1001 exists already"),
        (an_event(Split, child_order_id="1001-1"), "Order 1001-1 exists already"),
        (an_event(SplitFrom, parent_order_id="1001"), "cannot be split from itself"),
        (an_event(SplitFrom, parent_order_id="999"), "was split from 1000 already"),
        (an_event(Split, child_order_id="1000"), "Order 1001 was split from 1000, which is not its child"),
        (an_event(SplitFrom, parent_order_id="1001-1"), "Order 1001-1 was split from 1001, and is not its parent"),
    ],
)
def test_a_reported_decision_that_does_not_fit_is_refused(event: OrderEvent, why: str) -> None:
    order = an_order(totals=totals(10_000))
    order.accept(an_event(Split, child_order_id="1001-1"))
    order.accept(an_event(SplitFrom, parent_order_id="1000"))

    assert_refused(order, lambda: order.accept(event), why)


def test_a_side_of_a_split_that_was_implied_may_be_told_once() -> None:
    order = an_order()
    order.accept(an_event(Split, child_order_id="1001-1", implied_by="e1"))
    order.accept(an_event(SplitFrom, parent_order_id="1000", implied_by="e2"))

    order.accept(an_event(Split, child_order_id="1001-1"))
    order.accept(an_event(SplitFrom, parent_order_id="1000"))

    assert (order.state.children, order.state.parent) == (["1001-1"], "1000")
    assert_refused(order, lambda: order.accept(an_event(Split, child_order_id="1001-1")), "exists already")
    assert_refused(order, lambda: order.accept(an_event(SplitFrom, parent_order_id="999")), "was split from 1000")


def test_an_order_knows_its_side_of_a_split() -> None:
    order = an_order()
    order.accept(an_event(Split, child_order_id="1001-1"))
    order.accept(an_event(SplitFrom, parent_order_id="1000"))

    assert order.knows_of(an_event(Split, child_order_id="1001-1", implied_by="e1"))
    assert order.knows_of(an_event(SplitFrom, parent_order_id="1000", implied_by="e1"))
    assert not order.knows_of(an_event(Split, child_order_id="1001-2"))
    assert not order.knows_of(an_event(SplitFrom, parent_order_id="1001"))


def test_a_reported_edit_may_print_the_amounts_in_its_own_way() -> None:
    order = an_order(totals=totals(10_000))
    plain = Money(cents=10_000, currency_iso="EUR")
    before = totals(10_000).model_copy(update={"total": plain})

    order.accept(an_event(Edited, **changes(before, totals(9_000))))

    assert order.state.totals == totals(9_000)


def test_what_is_not_known_of_an_order_refuses_no_report() -> None:
    order = an_order(totals=None, customer=None)

    order.accept(an_event(Edited, **changes(totals(10_000), totals(9_000))))
    order.accept(an_event(Transferred, original_customer=ALAN, new_customer=a_customer()))

    assert (order.state.totals, order.state.customer) == (totals(9_000), a_customer())


def test_an_order_does_not_take_another_orders_event() -> None:
    order = an_order("1001")

    with pytest.raises(OriginatorIDError):
        order.accept(an_event(StatusUpdated, order_id="1002"))

    assert order.collect_events() == []


@pytest.mark.parametrize("event", [an_event(), a_service_event(), an_event(CommentAdded), an_event(Created)])
def test_any_event_may_be_the_first_that_we_hear_of(event: OrderEvent) -> None:
    order = Order.begin(event)

    assert (order.id, order.version, order.state.version) == ("order-1001", 1, 1)
    assert order.collect_events() == [event.model_copy(update={"originator_version": 1})]


def test_how_an_order_began_is_told_once_whenever_that_is() -> None:
    order = Order.begin(an_event())

    order.accept(an_event(Created, reference="PO-1", totals=totals()))

    assert (order.state.reference, order.state.totals, order.state.status) == ("PO-1", totals(), "confirmed")
    assert_refused(order, lambda: order.accept(an_event(Created)), "Order 1001 exists already")


def test_the_first_event_keeps_the_rules_too() -> None:
    with pytest.raises(RuleViolation, match="different currencies"):
        Order.begin(an_event(Edited, **changes(totals(), totals(currency="USD"))))
    with pytest.raises(RuleViolation, match="cannot be split from itself"):
        Order.begin(an_event(SplitFrom, order_id="1001", parent_order_id="1001"))


def test_an_order_is_folded_from_its_stored_events() -> None:
    decided = Order.create("1001", totals=totals(10_000), customer=a_customer())
    decided.edit(totals(9_000))
    decided.transfer(ALAN)
    decided.split("1001-2", totals(1_000))
    decided.accept(a_service_event("pending"))

    order = None
    for event in decided.collect_events():
        order = event.mutate(order)

    assert isinstance(order, Order)
    assert order.state == decided.state
    assert (order.id, order.version) == (decided.id, decided.version)
    assert order.collect_events() == []


def test_decisions_are_the_events_that_have_rules() -> None:
    assert set(DECISIONS) == {Created, Edited, Transferred, Redacted, Split, SplitChanges, SplitFrom}
    assert set(DECISIONS) < set(CATALOGUE.values())


def test_a_stream_is_named_after_its_order() -> None:
    assert order_stream("1001") == "order-1001"
    assert an_event(order_id="order-7").order_id == "order-7"
