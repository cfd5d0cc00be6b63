"""What it means that an order refuses something: it says why, and is as it was."""

from collections.abc import Callable

import pytest

from domain.errors import RuleViolation
from domain.order import Order


def assert_refused(order: Order, decide: Callable[[], object], why: str) -> None:
    state, pending = order.state.model_copy(deep=True), list(order.pending_events)

    with pytest.raises(RuleViolation, match=why):
        decide()

    assert (order.state, order.pending_events) == (state, pending)
