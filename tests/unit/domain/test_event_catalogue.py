"""The catalogue of events: what is in it, what its names are, and what none of its fields may hold."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from eventsourcing.utils import get_topic, resolve_topic
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from domain.events import delivery, integration, lifecycle, payment, person, records, split
from domain.events.catalogue import CATALOGUE, ORDER_ACTIONS, RECORDS, is_ours
from domain.events.event import ENVELOPE, Event
from domain.events.integration import IntegrationRedacted, IntegrationTied, IntegrationUntied, Recovered, Registered
from domain.events.lifecycle import Archived, Created, Redacted
from domain.events.order_event import ORDER_TOPIC
from domain.events.person import Forgotten
from domain.events.records import Call, ServiceEventRecorded
from domain.order import Order
from domain.values import Actor, Change, Personal, Value
from tests.builders import an_event, an_exception

EVENTS = pytest.mark.parametrize("event_class", CATALOGUE.values(), ids=CATALOGUE)

# The ledger is full of these names: they are added to, never changed.
TOPICS = [
    "integration.exception_logged",
    "integration.recovered",
    "integration.redacted",
    "integration.registered",
    "order.amount_unmatched",
    "order.archived",
    "order.cancellation_failed",
    "order.cancellation_requested",
    "order.chargeback_canceled",
    "order.chargeback_expired",
    "order.chargeback_lost",
    "order.chargeback_requested",
    "order.chargeback_resolved",
    "order.chargeback_under_review",
    "order.chargeback_won",
    "order.comment_added",
    "order.created",
    "order.customer_details_updated",
    "order.delivery_details_updated",
    "order.delivery_location_updated",
    "order.delivery_method_changed",
    "order.delivery_remark_created",
    "order.delivery_remark_deleted",
    "order.delivery_remark_updated",
    "order.delivery_status_updated",
    "order.details_updated",
    "order.edited",
    "order.integration_tied",
    "order.integration_untied",
    "order.invoice_cancelled",
    "order.invoice_created",
    "order.invoice_request_updated",
    "order.invoice_status_updated",
    "order.payment_method_changed",
    "order.payment_slip_added",
    "order.payment_status_updated",
    "order.product_subscription_cancelled",
    "order.product_subscription_created",
    "order.redacted",
    "order.ref_delivery_status_updated",
    "order.returning_store_updated",
    "order.service_event_recorded",
    "order.shipment_cancellation_failed",
    "order.shipment_execution_failed",
    "order.shipment_id_set",
    "order.shipment_job_failed",
    "order.split",
    "order.split_changes",
    "order.split_from",
    "order.status_updated",
    "order.system_log_recorded",
    "order.transferred",
    "person.forgotten",
]


PERSONAL = {
    ("Actor", "name"): "performer",
    ("Call", "raw_request_body"): "order",
    ("Call", "request_body"): "order",
    ("Call", "response_body"): "order",
    ("CancellationFailed", "performer_ip"): "order",
    ("CancellationFailed", "reason"): "order",
    ("CancellationRequested", "performer_ip"): "order",
    ("CancellationRequested", "reason"): "order",
    ("CommentAdded", "custom_data"): "order",
    ("CommentAdded", "text"): "order",
    ("Customer", "id"): "order",
    ("Customer", "name"): "order",
    ("DeliveryRemarkCreated", "text"): "order",
    ("DeliveryRemarkUpdated", "text"): "order",
    ("DeliveryStatusUpdated", "options"): "order",
    ("ExceptionLogged", "additional_data"): "order",
    ("ExceptionLogged", "base_url"): "order",
    ("ExceptionLogged", "exception"): "order",
    ("ExceptionLogged", "full_url"): "order",
    ("ExceptionLogged", "request"): "order",
    ("ExceptionLogged", "response"): "order",
    ("FailedCall", "additional_data"): "order",
    ("FailedCall", "base_url"): "order",
    ("FailedCall", "exception"): "order",
    ("FailedCall", "full_url"): "order",
    ("FailedCall", "request"): "order",
    ("FailedCall", "response"): "order",
    ("PaymentStatusUpdated", "options"): "order",
    ("PaymentStatusUpdated", "reason"): "order",
    ("Recovered", "description"): "order",
    ("ReturningStoreUpdated", "location_name"): "order",
    ("ServiceEventRecorded", "description"): "order",
    ("ServiceEventRecorded", "metadata"): "order",
    ("ShipmentCancellationFailed", "message"): "order",
    ("ShipmentExecutionFailed", "message"): "order",
    ("Split", "options"): "order",
    ("StatusUpdated", "options"): "order",
    ("StatusUpdated", "reason"): "order",
    ("SystemLogRecorded", "request_url"): "order",
}


def own_subclasses(parent: type[Any]) -> Iterator[type[Any]]:
    for child in parent.__subclasses__():
        if child.__module__.startswith("domain."):
            yield child
        yield from own_subclasses(child)


def models() -> list[type[BaseModel]]:
    return [*CATALOGUE.values(), *(value for value in own_subclasses(Value) if not issubclass(value, Change))]


def fields() -> list[tuple[type[BaseModel], str, FieldInfo]]:
    return [(model, name, field) for model in models() for name, field in model.model_fields.items()]


OTHERS: tuple[type[Event], ...] = (
    Archived,
    Redacted,
    Registered,
    Recovered,
    IntegrationRedacted,
    IntegrationTied,
    IntegrationUntied,
    Forgotten,
)


def test_topics_never_change() -> None:
    assert sorted(CATALOGUE) == TOPICS


def test_there_are_42_actions_three_records_and_few_others() -> None:
    assert len(ORDER_ACTIONS) == 42
    assert len(RECORDS) == 3
    assert set(CATALOGUE.values()) == {*ORDER_ACTIONS, *RECORDS, *OTHERS}


def test_no_two_types_share_a_topic() -> None:
    assert len(CATALOGUE) == 42 + 3 + len(OTHERS)
    assert all(CATALOGUE[event.topic] is event for event in (*ORDER_ACTIONS, *RECORDS, *OTHERS))


def test_no_type_of_event_is_left_out_of_the_catalogue() -> None:
    with_a_topic = {event for event in own_subclasses(Event) if "topic" in vars(event)}

    assert with_a_topic == set(CATALOGUE.values())


def test_the_catalogue_knows_which_topics_it_has_to_know() -> None:
    assert all(is_ours(topic) for topic in CATALOGUE)
    assert is_ours("order.invented_later")
    assert not is_ours("library.book_lent")
    assert not is_ours("orders.created")


@EVENTS
def test_the_eventsourcing_library_finds_a_type_by_its_topic(event_class: type[Event]) -> None:
    assert resolve_topic(event_class.topic) is event_class
    assert get_topic(event_class) == event_class.topic


def test_the_eventsourcing_library_finds_the_aggregate_by_its_topic() -> None:
    assert resolve_topic(ORDER_TOPIC) is Order
    assert get_topic(Order) == ORDER_TOPIC


@EVENTS
def test_an_event_is_immutable(event_class: type[Event]) -> None:
    event = event_class.model_construct(originator_id="order-1")

    with pytest.raises(ValidationError, match="frozen"):
        event.originator_id = "order-2"  # type: ignore[misc]


@EVENTS
def test_an_event_rejects_fields_it_does_not_know(event_class: type[Event]) -> None:
    with pytest.raises(ValidationError) as caught:
        event_class(originator_id="order-1", nonsense=1)  # type: ignore[call-arg]

    assert [error["type"] for error in caught.value.errors() if error["loc"] == ("nonsense",)] == ["extra_forbidden"]


@pytest.mark.parametrize("value_class", [model for model in models() if issubclass(model, Value)])
def test_a_value_is_immutable_and_rejects_members_it_does_not_know(value_class: type[Value]) -> None:
    assert value_class.model_config["frozen"] is True
    assert value_class.model_config["extra"] == "forbid"


@EVENTS
def test_no_field_of_the_data_is_called_like_one_of_the_envelope(event_class: type[Event]) -> None:
    parents = event_class.__mro__[: event_class.__mro__.index(Event)]

    assert frozenset(Event.model_fields) == ENVELOPE
    assert not {name for parent in parents for name in vars(parent).get("__annotations__", {})} & ENVELOPE


def test_a_field_that_may_be_none_defaults_to_none_because_nulls_are_not_stored() -> None:
    for model, name, field in fields():
        if field.annotation is datetime:
            continue
        try:
            TypeAdapter[Any](field.annotation).validate_python(None)
        except ValidationError:
            continue
        assert not field.is_required(), f"{model.__name__}.{name}"
        assert field.default is None, f"{model.__name__}.{name}"


def test_personal_data_is_marked_with_its_subject() -> None:
    marked = {
        (model.__name__, name): mark.subject
        for model, name, field in fields()
        for mark in field.metadata
        if isinstance(mark, Personal)
    }

    assert marked == PERSONAL


def test_optional_fields_may_be_left_out() -> None:
    assert an_event(Created).reference is None
    assert an_exception(additional_data="").response_code is None
    assert Call() == Call(request_body=None)
    assert Actor().application_id is None
    assert ServiceEventRecorded.model_fields["metadata"].default is None


def test_the_catalogue_is_in_seven_modules() -> None:
    modules = {event.__module__ for event in CATALOGUE.values()}

    assert modules == {
        module.__name__ for module in (lifecycle, payment, delivery, split, records, integration, person)
    }
