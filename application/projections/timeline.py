"""The timeline: everything about one order, in the order it was recorded."""

from datetime import datetime
from typing import Literal, NamedTuple

from application.projections.entries import Entry
from application.projections.projection import log
from domain.events.catalogue import CATALOGUE
from domain.events.records import ServiceEventRecorded, SystemLogRecorded

Kind = Literal["action", "service", "call"]


class TimelineRow(NamedTuple):
    """One event of an order."""

    order_id: str
    position: int
    kind: Kind
    type: str
    occurred_at: datetime


def kind_of(topic: str) -> Kind:
    """Return what kind of thing an order's event is: an action, a service's report, or a call."""
    if topic == ServiceEventRecorded.topic:
        return "service"
    return "call" if topic == SystemLogRecorded.topic else "action"


def _row(entry: Entry) -> TimelineRow:
    event = entry.recorded
    return TimelineRow(
        order_id=event.stream.removeprefix("order-"),
        position=event.position,
        kind=kind_of(event.type),
        type=event.type,
        occurred_at=event.occurred_at,
    )


TIMELINE = log("timeline", frozenset(topic for topic in CATALOGUE if topic.startswith("order.")), _row)
