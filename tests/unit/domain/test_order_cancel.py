"""Cancelling an order: once, for the merchant or at the customer's request."""

from domain.events.lifecycle import CancellationRequested, StatusUpdated
from tests.builders import a_moment, an_actor, an_event, an_order
from tests.refusals import assert_refused


def test_the_merchant_cancels() -> None:
    order = an_order()

    order.cancel("sold out", options={"refund_order": True}, actor=an_actor(), timestamp=a_moment(1))

    assert order.collect_events() == [
        an_event(
            StatusUpdated,
            status="cancelled",
            reason="sold out",
            options={"refund_order": True},
            originator_version=2,
            actor=an_actor(),
            timestamp=a_moment(1),
        )
    ]


def test_the_customer_asks_first() -> None:
    order = an_order()

    order.cancel("too late", requested_from="192.0.2.7", timestamp=a_moment(1))

    requested, cancelled = order.collect_events()
    assert requested == an_event(
        CancellationRequested,
        reason="too late",
        performer_ip="192.0.2.7",
        originator_version=2,
        timestamp=a_moment(1),
    )
    assert isinstance(cancelled, StatusUpdated)
    assert (cancelled.status, order.state.status) == ("cancelled", "cancelled")


def test_an_order_is_cancelled_once() -> None:
    order = an_order()
    order.cancel()
    order.collect_events()

    assert_refused(order, lambda: order.cancel(requested_from=""), "Order 1001 is cancelled already")


def test_an_order_that_was_taken_up_again_can_be_cancelled_again() -> None:
    order = an_order()
    order.cancel()
    order.accept(an_event(status="pending"))

    order.cancel()

    assert order.state.status == "cancelled"
