"""Redaction hides what is marked as personal data of the order, in every type of event, and nothing else."""

import json
from typing import Any

import pytest

from application.codec import decode
from application.ledger import RecordedEvent
from application.projections.action_log import ACTION_LOG
from application.projections.entries import Entry
from application.projections.service_events import SERVICE_EVENTS
from application.redaction import REDACTED, redacted, redacted_action, redacted_event, redacted_report
from domain.errors import AlreadyRedacted
from domain.events.lifecycle import CommentAdded, Created, Redacted, Transferred
from domain.events.records import Call
from domain.order_state import OrderState
from domain.values import Customer
from tests.builders import (
    a_created_event,
    a_customer,
    a_ledger,
    a_service_event,
    a_system_log,
    an_actor,
    an_event,
    an_order,
)
from tests.samples import one_of_each

NOBODY_ANY_MORE = {"id": REDACTED, "name": REDACTED}
PERSONAL: dict[str, dict[str, Any]] = {
    "integration.exception_logged": {"full_url": REDACTED},
    "order.comment_added": {"text": REDACTED},
    "order.created": {"customer": NOBODY_ANY_MORE},
    "order.delivery_remark_created": {"text": REDACTED},
    "order.delivery_remark_updated": {"text": REDACTED},
    "order.service_event_recorded": {"metadata": {"redacted": REDACTED}},
    "order.system_log_recorded": {"request_url": REDACTED},
    "order.transferred": {"original_customer": NOBODY_ANY_MORE, "new_customer": NOBODY_ANY_MORE},
}


@pytest.mark.parametrize("recorded", one_of_each(), ids=lambda recorded: recorded.type)
def test_every_type_of_event_keeps_what_is_not_personal(recorded: RecordedEvent) -> None:
    shown = redacted_event(recorded)

    before, after = json.loads(recorded.data), json.loads(shown.data)
    changed = {name for name in before if before[name] != after[name]}
    assert before.keys() == after.keys()
    assert {name: after[name] for name in PERSONAL.get(recorded.type, {})} == PERSONAL.get(recorded.type, {})
    assert (changed != set()) == (recorded.type in PERSONAL)
    assert json.loads(shown.metadata) == json.loads(recorded.metadata)
    assert shown._replace(data=b"", metadata=b"") == recorded._replace(data=b"", metadata=b"")
    assert decode(shown).event_id == recorded.event_id


def test_what_says_nothing_stays_as_it_is() -> None:
    event = an_event(Created, customer=Customer(id="c1"))

    assert redacted(event).customer == Customer(id=REDACTED, name="")
    assert redacted(an_event(Created)).customer is None
    assert redacted(a_service_event(metadata={})).metadata == {}


def test_the_performer_is_another_persons_matter() -> None:
    assert redacted(an_event(CommentAdded, actor=an_actor(name="Ada"))).actor.name == "Ada"


def test_the_event_itself_is_not_changed() -> None:
    event = a_created_event()

    redacted(event)

    assert event.customer == a_customer()


def test_what_was_said_in_a_call_is_hidden() -> None:
    call = Call(request_body="a", response_headers={"A": ["b"]})

    assert redacted(call) == Call(request_body=REDACTED, response_headers={"A": ["b"]})


def test_a_row_of_the_action_log_is_hidden() -> None:
    (recorded,) = a_ledger(an_event(CommentAdded, text="Hi"))
    (row,) = ACTION_LOG.rows([Entry(recorded)], {})

    action = redacted_action(row).action

    assert isinstance(action, CommentAdded)
    assert action.text == REDACTED


def test_a_row_of_the_service_events_is_hidden() -> None:
    events = a_ledger(a_service_event(metadata={"a": "b"}), a_service_event())
    some, none = SERVICE_EVENTS.rows([Entry(event) for event in events], {})

    assert json.loads(redacted_report(some).metadata) == {"redacted": REDACTED}
    assert redacted_report(none).metadata is None


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
