"""What an order was, and what changed: folding a part of its events, and comparing before and after."""

from typing import Any

from application.views.history import Comparison, PastOrder
from domain.events.event import Event
from domain.events.lifecycle import CommentAdded, Redacted, Transferred
from domain.events.payment import PaymentStatusUpdated
from domain.events.split import Split
from tests.builders import ORDER, a_created_event, a_customer, a_ledger, a_moment, a_service_event, an_event, totals


def past_of(*events: Event) -> PastOrder:
    order = PastOrder(ORDER)
    for event in a_ledger(*events):
        order.take(event)
    return order


def changes_of(*events: Event, after: int) -> dict[str, tuple[Any, Any, int]]:
    """Return each field that differs from an earlier version: before, after, and the version that made it so."""
    ledger = a_ledger(*events)
    order = past_of(*events[:after])
    comparison = Comparison(order)
    for event in ledger[after:]:
        comparison.take(event)
    return {"/".join(c.path): (c.before, c.after, c.made_by.version) for c in comparison.changes()}


def test_an_order_is_what_the_events_made_it_that_it_was_given() -> None:
    order = past_of(a_created_event(), an_event(status="open"), an_event(status="shipped"))

    assert (order.state.version, order.state.status, order.state.customer) == (3, "shipped", a_customer())
    assert order.newest is not None
    assert order.newest.version == 3


def test_an_order_that_was_given_nothing_is_at_version_0() -> None:
    assert (past_of().state.version, past_of().newest) == (0, None)


def test_a_field_that_differs_is_told_with_the_event_that_made_it_so() -> None:
    changes = changes_of(
        a_created_event(timestamp=a_moment(0)),
        an_event(status="open", timestamp=a_moment(1)),
        an_event(PaymentStatusUpdated, status="paid", timestamp=a_moment(2)),
        after=1,
    )

    assert changes == {
        "status": (None, "open", 2),
        "payment_status": (None, "paid", 3),
        "updated_at": (a_moment(0), a_moment(2), 3),
    }


def test_of_several_changes_of_a_field_the_last_counts() -> None:
    changes = changes_of(an_event(status="open"), an_event(status="held"), an_event(status="shipped"), after=1)

    assert changes == {"status": ("open", "shipped", 3)}


def test_a_field_that_became_again_what_it_was_does_not_differ() -> None:
    assert changes_of(an_event(status="open"), an_event(status="held"), an_event(status="open"), after=1) == {}


def test_events_that_change_nothing_are_not_told() -> None:
    assert changes_of(an_event(), an_event(CommentAdded, text="Hi"), after=1) == {}


def test_everything_there_is_differs_from_nothing() -> None:
    changes = changes_of(a_created_event(created_by="shop", totals=None), after=0)

    assert changes == {
        "created_at": (None, a_moment(0), 1),
        "updated_at": (None, a_moment(0), 1),
        "created_by": ("", "shop", 1),
        "customer": (None, a_customer().model_dump(), 1),
    }


def test_what_is_within_a_field_is_told_apart() -> None:
    heir = a_customer(name="Alan")
    transfer = an_event(Transferred, original_customer=a_customer(), new_customer=heir)

    assert changes_of(a_created_event(), transfer, after=1) == {"customer/name": ("Grace", "Alan", 2)}


def test_a_field_that_came_as_a_whole_was_made_by_whoever_changed_the_last_of_it() -> None:
    heir = a_customer(id="c2", name="Alan")
    transfer = an_event(Transferred, original_customer=a_customer(), new_customer=heir)

    changes = changes_of(an_event(status="open"), a_created_event(totals=None), transfer, after=1)

    assert changes == {"customer": (None, heir.model_dump(), 3)}


def test_a_whole_that_was_changed_in_part_since_was_made_by_whoever_changed_it_last() -> None:
    renamed = a_customer(name="Grace H.")
    transfer = an_event(Transferred, original_customer=a_customer(), new_customer=renamed)

    changes = changes_of(an_event(), a_created_event(totals=None), transfer, after=1)

    assert changes == {"customer": (None, renamed.model_dump(), 3)}


def test_what_follows_from_the_events_differs_too() -> None:
    changes = changes_of(an_event(), a_service_event("error", "wms"), a_service_event("success", "psp"), after=1)

    assert {name: change[0::2] for name, change in changes.items()} == {
        "state": ("pending", 2),
        "has_failed": (False, 2),
        "services/wms": (None, 2),
        "services/psp": (None, 3),
    }
    assert changes["state"][1] == "failure"


def test_lists_are_told_as_a_whole() -> None:
    split = an_event(Split, child_order_id="b")

    assert changes_of(a_created_event(), split, after=1) == {"children": ([], ["b"], 2)}


def test_the_redaction_of_an_order_is_a_change_like_any_other() -> None:
    changes = changes_of(a_created_event(totals=totals()), an_event(Redacted), after=1)

    assert changes == {"redacted": (False, True, 2), "customer": (a_customer().model_dump(), None, 2)}
