"""A redacted order knows nothing of its customer, and is redacted once."""

import pytest

from domain.errors import AlreadyRedacted
from domain.events.lifecycle import Redacted, Transferred
from domain.order_state import OrderState
from tests.builders import a_created_event, a_customer, a_system_log, an_actor, an_event, an_order


def test_a_redacted_orders_customer_is_not_known_whatever_comes_later() -> None:
    order = an_order()

    order.redact()
    order.transfer(a_customer(id="c2"))

    assert (order.state.redacted, order.state.customer) == (True, None)
    assert order.split("child", order.state.totals).state.customer is None  # type: ignore[arg-type]


def test_an_order_is_redacted_once() -> None:
    order = an_order()

    order.redact(actor=an_actor())
    order.redact()

    assert [type(event) for event in order.collect_events()] == [Redacted]
    with pytest.raises(AlreadyRedacted):
        order.accept(an_event(Redacted))


def test_a_transfer_before_the_redaction_is_not_known_after_it() -> None:
    state = OrderState()

    for event in (
        a_created_event(),
        an_event(Transferred, original_customer=a_customer(), new_customer=a_customer(id="c2")),
        an_event(Redacted),
        a_system_log(),
    ):
        state.evolve(event)

    assert (state.redacted, state.customer) == (True, None)
