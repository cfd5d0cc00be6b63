"""Ids that are left out or empty: they are nobody's, and none is the same as another."""

import pytest

from api.native.models import NewEventBody
from domain.events.lifecycle import CommentAdded, Created
from domain.values import Actor, Customer
from tests.builders import a_caller, a_system_log, an_event


def test_empty_ids_of_an_event_are_none() -> None:
    event = an_event(correlation_id="", causation_id="")

    assert (event.correlation_id, event.causation_id) == (None, None)


def test_empty_ids_in_what_happened_are_none() -> None:
    call = a_system_log(carrier_id="", webhook_id="", source_type="", source_id="")
    comment = an_event(CommentAdded, media_id="", subject_type="", subject_id="")

    assert (call.carrier_id, call.webhook_id, call.source_type, call.source_id) == (None, None, None, None)
    assert (comment.media_id, comment.subject_type, comment.subject_id) == (None, None, None)


def test_a_customer_of_whom_nothing_is_told_is_none() -> None:
    assert an_event(Created, customer={"id": "", "name": ""}).customer is None
    assert an_event(Created, customer={}).customer is None
    assert an_event(Created, customer={"name": "Guest"}).customer == Customer(name="Guest")


@pytest.mark.parametrize("told", [None, {}, {"id": "", "name": "", "type": "", "application_id": ""}])
def test_the_caller_acts_if_nobody_is_told(told: dict[str, str] | None) -> None:
    caller = a_caller().actor

    given = NewEventBody(type="x", actor=told).envelope(caller)

    assert given == {"actor": caller}


@pytest.mark.parametrize("application", [{}, {"application_id": None}, {"application_id": ""}])
def test_who_is_told_acts_with_the_callers_application_unless_another_is_told(application: dict[str, None]) -> None:
    caller = a_caller().actor

    own = NewEventBody(type="x", actor={"id": "u-7", **application}).envelope(caller)
    other = NewEventBody(type="x", actor={"id": "u-7", "application_id": "till"}).envelope(caller)

    nobody = NewEventBody(type="x", actor={"application_id": "till"}).envelope(caller)

    assert nobody == {"actor": caller.model_copy(update={"application_id": "till"})}
    assert own == {"actor": Actor(id="u-7", application_id="k1")}
    assert other == {"actor": Actor(id="u-7", application_id="till")}
