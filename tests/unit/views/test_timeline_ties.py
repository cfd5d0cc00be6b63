"""The timeline of an order that is tied to integrations: it has what goes wrong there while it is tied."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from application.views.projections.entries import Entry
from application.views.projections.timeline import TIMELINE, TiedOrders, TimelineRow
from domain.events.event import Event
from domain.events.integration import IntegrationTied, IntegrationUntied
from domain.order_state import OrderState
from tests.builders import a_foreign_event, a_ledger, a_moment, an_event, an_exception
from tests.fakes import present_rows


def tied(order_id: str, integration_id: int = 7) -> Event:
    return an_event(IntegrationTied, order_id=order_id, integration_id=integration_id)


def untied(order_id: str, integration_id: int = 7) -> Event:
    return an_event(IntegrationUntied, order_id=order_id, integration_id=integration_id)


def timelines(*events: Event, cut_at: Sequence[int] = ()) -> dict[str, list[int]]:
    """Return the positions in each order's timeline, after batches that are cut at some places."""
    entries = [Entry(recorded) for recorded in a_ledger(*events)]
    kept: dict[Any, TimelineRow] = {}
    for start, end in pairwise([0, *cut_at, len(entries)]):
        batch = entries[start:end]
        for row in TIMELINE.rows(batch, present_rows("timeline", kept, TIMELINE.needs(batch))):
            assert isinstance(row, TimelineRow)
            assert row[:2] not in kept
            kept[row[:2]] = row
    found: dict[str, list[int]] = {}
    for order_id, position in kept:
        found.setdefault(order_id, []).append(position)
    return found


def test_an_exception_is_in_the_timelines_of_all_orders_that_are_tied_when_it_is_logged() -> None:
    events = [an_exception(7), tied("b"), tied("a"), an_exception(7), an_exception(8), untied("b"), an_exception(7)]

    assert timelines(*events) == {"a": [3, 4, 7], "b": [2, 4, 6]}


@pytest.mark.parametrize("cut", range(1, 7))
def test_it_does_not_matter_where_a_batch_ends(cut: int) -> None:
    events = [tied("a"), tied("b"), an_exception(7), untied("a"), an_exception(7), tied("a"), an_exception(7)]

    assert timelines(*events, cut_at=[cut]) == timelines(*events) == {"a": [1, 3, 4, 6, 7], "b": [2, 3, 5, 7]}


def test_a_tie_that_is_told_twice_is_one_and_an_untying_ends_it() -> None:
    assert timelines(tied("a"), tied("a"), an_exception(7), untied("a"), an_exception(7)) == {"a": [1, 2, 3, 4]}


def test_an_order_may_be_tied_to_several_integrations() -> None:
    assert timelines(tied("a", 7), tied("a", 8), an_exception(8), an_exception(7)) == {"a": [1, 2, 3, 4]}


def test_what_concerns_an_integration_says_so() -> None:
    entries = [Entry(recorded) for recorded in a_ledger(tied("a"), an_exception(7, correlation_id="c"))]

    assert TIMELINE.rows(entries, {}) == [
        TimelineRow("a", 1, "integration", "order.integration_tied", a_moment(), None, 7),
        TimelineRow("a", 2, "integration", "integration.exception_logged", a_moment(), "c", None),
    ]


def test_only_the_integrations_whose_exceptions_are_in_the_batch_are_needed() -> None:
    strange = a_foreign_event("integration.exception_logged", stream="integration-x")
    ledger = [*a_ledger(tied("a", 9), an_exception(7), an_exception(7)), strange]

    assert TIMELINE.needs([Entry(recorded) for recorded in ledger]) == ["7"]


def test_present_ties_are_left_as_they_were() -> None:
    present = {"7": TiedOrders(7, ["a"])}
    entries = [Entry(recorded) for recorded in a_ledger(untied("a"), tied("b"), an_exception(7))]

    once, again = TIMELINE.rows(entries, present), TIMELINE.rows(entries, present)

    assert once == again
    assert present == {"7": TiedOrders(7, ["a"])}


def test_an_order_knows_what_it_is_tied_to() -> None:
    state = OrderState()
    for event in (tied("a", 7), tied("a", 8), tied("a", 7), untied("a", 9)):
        state.evolve(event)
    assert state.integrations == [7, 8]

    state.evolve(untied("a", 7))
    assert state.integrations == [8]
