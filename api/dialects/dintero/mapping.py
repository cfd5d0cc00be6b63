"""Domain events in Dintero's form: what services report, and what was done through an API."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel
from pydantic_core import from_json, to_json

from application.codec import decode
from application.ledger import RecordedEvent
from application.legible import legible
from application.projections.service_events import ServiceEventRow
from domain.events.event import Event
from domain.events.records import ServiceEventRecorded
from domain.values import Personal

MAX_BODY = 4_000
"""What an API event's body may have in characters; a longer one is left out."""


def status_event(event: ServiceEventRecorded, recorded_at: datetime) -> dict[str, Any]:
    """Return a service's report as Dintero has it; what was not reported is left out."""
    return _status_event(event.event_id, event.actor.id, event, recorded_at, event.metadata)


def status_event_of(row: ServiceEventRow) -> dict[str, Any]:
    """Return a row of the view service_events as Dintero has it."""
    metadata = None if row.metadata is None else from_json(row.metadata)
    return _status_event(row.event_id, row.created_by, row, row.recorded_at, metadata)


def _status_event(
    event_id: str,
    created_by: str,
    report: ServiceEventRecorded | ServiceEventRow,
    recorded_at: datetime,
    metadata: dict[str, Any] | None,
) -> dict[str, Any]:
    return _without_none(
        state=str(report.state),
        service=report.service,
        service_status=report.service_status,
        id=event_id,
        created_at=_instant(recorded_at),
        created_by=created_by,
        description=report.description,
        metadata=metadata,
    )


def api_event(recorded: RecordedEvent) -> dict[str, Any]:
    """Return an action as Dintero has it: which request it came with, if it came with one, and what that did."""
    event = decode(recorded)
    origin = event.origin
    return _without_none(
        id=event.event_id,
        created_at=_instant(recorded.recorded_at),
        created_by=event.actor.id,
        version=recorded.version,
        request=origin and _without_none(method=origin.method, path=origin.path, body=_body(event)),
    )


def unreadable_event(recorded: RecordedEvent) -> dict[str, Any]:
    """Return as much of an action as can be read where what it did cannot."""
    performer = legible(recorded).metadata.get("actor", {}).get("id")
    return {
        "id": recorded.event_id,
        "created_at": _instant(recorded.recorded_at),
        "created_by": performer if isinstance(performer, str) else "",
        "version": recorded.version,
    }


def _body(event: Event) -> str | None:
    """Return what the event says, short of what is personal; None if that is nothing, or much."""
    own = event.data_fields()
    said = _impersonal(event, [name for name in type(event).model_fields if name in own])
    text = to_json(said).decode()
    return text if said and len(text) <= MAX_BODY else None


def _impersonal(model: BaseModel, names: Iterable[str]) -> dict[str, Any]:
    """Return the fields with these names that are not marked as personal data, all the way down."""
    said: dict[str, Any] = {}
    for name in names:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            value = _impersonal(value, type(value).model_fields) or None
        if value is not None and not any(isinstance(m, Personal) for m in type(model).model_fields[name].metadata):
            said[name] = value
    return said


def _without_none(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
