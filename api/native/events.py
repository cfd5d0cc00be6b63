"""Native event bodies to domain events."""

from pydantic import ValidationError

from api.native.models import NewEventBody, NewEventsBody
from api.problems import Fault, InvalidRequest, faults_of
from domain.events.catalogue import CATALOGUE
from domain.events.event import ENVELOPE
from domain.events.order_event import OrderEvent
from domain.order import stream_of
from domain.values import Actor


def events_of(order_id: str, body: NewEventBody | NewEventsBody, actor: Actor) -> list[OrderEvent]:
    """Return the domain events of a body. Raises InvalidRequest, with all that is wrong with all of them."""
    numbered: list[tuple[tuple[str | int, ...], NewEventBody]]
    if isinstance(body, NewEventsBody):
        numbered = [(("body", "events", n), event) for n, event in enumerate(body.events)]
    else:
        numbered = [(("body",), body)]
    events: list[OrderEvent] = []
    faults: list[Fault] = []
    for where, event in numbered:
        try:
            events.append(_event(order_id, event, actor, where))
        except InvalidRequest as invalid:
            faults.extend(invalid.faults)
    if faults:
        raise InvalidRequest(*faults)
    return events


def _event(order_id: str, body: NewEventBody, actor: Actor, where: tuple[str | int, ...]) -> OrderEvent:
    event_class = CATALOGUE.get(body.type)
    if event_class is None or not issubclass(event_class, OrderEvent):
        raise InvalidRequest(Fault((*where, "type"), "is not a type of event an order can have", "unknown_type"))
    if strange := sorted(ENVELOPE & body.data.keys()):
        raise InvalidRequest(
            *(Fault((*where, "data", name), "Extra inputs are not permitted", "extra") for name in strange)
        )
    try:
        return event_class(**body.data, originator_id=stream_of(order_id), **body.envelope(actor))
    except ValidationError as invalid:
        raise InvalidRequest(*faults_of(invalid.errors(), *where, "data")) from invalid
