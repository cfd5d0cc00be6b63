"""Translates native event bodies to domain events."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from pydantic import ValidationError

from api.http.problems import Fault, InvalidRequest
from api.http.reading.faults import faults_in, few
from api.native.models import NewEventBody, NewEventsBody
from application.access.callers import Caller, authorise, comments_on
from domain.events.catalogue import CATALOGUE
from domain.events.delivery import DeliveryRemarkCreated, DeliveryRemarkDeleted, DeliveryRemarkUpdated
from domain.events.event import ENVELOPE, Event
from domain.events.lifecycle import CommentAdded
from domain.events.order_event import OrderEvent
from domain.streams import order_stream
from domain.values import Actor

E = TypeVar("E", bound=Event)


REMARKS = frozenset(
    event.topic for event in (CommentAdded, DeliveryRemarkCreated, DeliveryRemarkUpdated, DeliveryRemarkDeleted)
)
"""What people say about an order. It changes nothing of the order."""


def authorise_append(caller: Caller, order_id: str, body: NewEventBody | NewEventsBody) -> None:
    """Let the caller append these events. A scope for comments is enough for remarks in the caller's own name.

    Raises Forbidden.
    """
    events = body.events if isinstance(body, NewEventsBody) else [body]
    for event in events:
        if event.type not in REMARKS or event.actor is not None:
            authorise(caller, "write:orders")
            return
    authorise(caller, comments_on(order_id))


def events_of(order_id: str, body: NewEventBody | NewEventsBody, actor: Actor) -> list[OrderEvent]:
    """Return the domain events of a body. Raises InvalidRequest with the faults of all events."""
    if type(body) is NewEventBody:
        return [_event(order_id, body, actor, ("body",))]
    assert isinstance(body, NewEventsBody)
    events: list[OrderEvent] = []
    faults: list[Fault] = []
    for n, event in enumerate(body.events):
        try:
            events.append(_event(order_id, event, actor, ("body", "events", n)))
        except InvalidRequest as invalid:
            faults.extend(invalid.faults)
    if faults:
        raise InvalidRequest(*few(faults, "body", "events"))
    return events


def _event(order_id: str, body: NewEventBody, actor: Actor, where: tuple[str | int, ...]) -> OrderEvent:
    event_class = CATALOGUE.get(body.type)
    if event_class is None or not issubclass(event_class, OrderEvent):
        raise InvalidRequest(Fault((*where, "type"), "is not a type of event an order can have", "unknown_type"))
    return event_of(event_class, order_stream(order_id), event=body, actor=actor, where=where)


def event_of(
    event_class: type[E], stream: str, *, event: NewEventBody, actor: Actor, where: tuple[str | int, ...]
) -> E:
    """Return the domain event of a body at this place of a request. Raises InvalidRequest."""
    data = event.data
    if not ENVELOPE.isdisjoint(data):
        strange = sorted(ENVELOPE & data.keys())
        raise InvalidRequest(
            *(Fault((*where, "data", name), "Extra inputs are not permitted", "extra") for name in strange)
        )
    try:
        return event_class.model_validate({**data, "originator_id": stream, **event.envelope(actor)})
    except ValidationError as invalid:
        raise InvalidRequest(*as_sent(faults_in(invalid, *where), where)) from invalid


def as_sent(faults: Iterable[Fault], where: tuple[str | int, ...]) -> Iterator[Fault]:
    """Yield an event's faults with their places in the body. Fields outside the envelope are in data."""
    for fault in faults:
        name, *within = fault.where[len(where) :] or ("",)
        if name in ENVELOPE:
            place: tuple[str | int, ...] = ("occurred_at" if name == "timestamp" else name, *within)
        else:
            place = ("data", *fault.where[len(where) :])
        yield fault._replace(where=(*where, *place))
