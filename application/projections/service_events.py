"""The service events: what each service said of each order."""

from datetime import datetime
from typing import NamedTuple

from pydantic_core import to_json

from application.projections.entries import Entry
from application.projections.projection import log
from domain.events.records import ServiceEventRecorded


class ServiceEventRow(NamedTuple):
    """One report of a service; metadata is JSON."""

    order_id: str
    position: int
    recorded_at: datetime
    event_id: str
    state: str
    service: str
    service_status: str
    description: str | None
    metadata: bytes | None
    created_by: str


def _row(entry: Entry) -> ServiceEventRow:
    event = entry.event
    assert isinstance(event, ServiceEventRecorded)
    return ServiceEventRow(
        order_id=event.order_id,
        position=entry.position,
        recorded_at=entry.recorded.recorded_at,
        event_id=event.event_id,
        state=event.state,
        service=event.service,
        service_status=event.service_status,
        description=event.description,
        metadata=None if event.metadata is None else to_json(event.metadata),
        created_by=event.actor.id,
    )


SERVICE_EVENTS = log("service_events", frozenset({ServiceEventRecorded.topic}), _row)
