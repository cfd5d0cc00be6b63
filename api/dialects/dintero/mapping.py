"""Domain events in Dintero's form: services' reports, and actions through an API."""

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from pydantic import BaseModel
from pydantic_core import from_json
from uuid_utils import uuid4

from api.dialects.dintero.models import NewOrderEvent
from api.http.reading.json_text import to_json
from application.ledger.codec import decode
from application.ledger.fields import of_valid
from application.ledger.port import RecordedEvent
from application.privacy.legible import legible
from application.views.projections.service_events import ServiceEventRow
from domain.events.event import Event
from domain.events.records import ServiceEventRecorded
from domain.streams import order_stream
from domain.values import Actor, Personal

MAX_BODY = 4_000
"""The largest number of characters of an API event's body; a longer body is left out."""
MAX_ID = 40
"""The largest number of characters of Dintero's ids. Our own ids may be longer."""


def report_of(order_id: str, body: NewOrderEvent, actor: Actor) -> ServiceEventRecorded:
    """Return the domain event of a service's report. Its members have the types of the event's fields."""
    return of_valid(
        ServiceEventRecorded,
        originator_id=order_stream(order_id),
        event_id=body.id or str(uuid4()),
        actor=actor,
        state=body.state,
        service=body.service,
        service_status=body.service_status,
        description=body.description,
        metadata=body.metadata,
    )


def status_event(event: ServiceEventRecorded, recorded_at: datetime, version: int) -> dict[str, Any]:
    """Return a service's report in Dintero's form. Missing members are left out."""
    return _status_event(event, recorded_at, event.metadata, event.event_id, _performer(event.actor), version)


def status_event_of(row: ServiceEventRow) -> dict[str, Any]:
    """Return a row of the view service_events in Dintero's form."""
    metadata = None if row.metadata is None else from_json(row.metadata)
    return _status_event(row, row.recorded_at, metadata, row.event_id, row.created_by, row.version)


def _status_event(
    report: ServiceEventRecorded | ServiceEventRow,
    recorded_at: datetime,
    metadata: dict[str, Any] | None,
    event_id: str,
    created_by: str,
    version: int,
) -> dict[str, Any]:
    return _without_none(
        state=str(report.state),
        service=report.service,
        service_status=report.service_status,
        id=short_id(event_id),
        created_at=_instant(recorded_at),
        created_by=short_id(created_by),
        version=version,
        description=report.description,
        metadata=metadata,
    )


def api_event(recorded: RecordedEvent) -> dict[str, Any]:
    """Return an action in Dintero's form: the request that it came with, if there was one, and its effect."""
    event = decode(recorded)
    origin = event.origin
    return _without_none(
        id=short_id(event.event_id),
        created_at=_instant(recorded.recorded_at),
        created_by=short_id(_performer(event.actor)),
        version=recorded.version,
        request=origin and _without_none(method=origin.method, path=origin.path, body=_body(event)),
    )


def unreadable_event(recorded: RecordedEvent) -> dict[str, Any]:
    """Return the readable part of an action whose effect cannot be read."""
    actor = legible(recorded).metadata.get("actor", {})
    performer = actor.get("id") or actor.get("application_id")
    return _without_none(
        id=short_id(recorded.event_id),
        created_at=_instant(recorded.recorded_at),
        created_by=short_id(performer) if isinstance(performer, str) else None,
        version=recorded.version,
    )


def _body(event: Event) -> str | None:
    """Return the event's data without personal data; None if nothing is left, or too much."""
    own = event.data_fields()
    said = _impersonal(event, [name for name in type(event).model_fields if name in own])
    text = to_json(said).decode()
    return text if said and len(text) <= MAX_BODY else None


def _impersonal(model: BaseModel, names: Iterable[str]) -> dict[str, Any]:
    """Return the fields with these names that are not marked as personal data, at all levels."""
    said: dict[str, Any] = {}
    for name in names:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            value = _impersonal(value, type(value).model_fields) or None
        if value is not None and not any(isinstance(m, Personal) for m in type(model).model_fields[name].metadata):
            said[name] = value
    return said


def short_id(id_: str) -> str | None:
    """Return an id of at most Dintero's length; None if it is empty. A longer id is replaced by its hash."""
    return (id_ if len(id_) <= MAX_ID else sha256(id_.encode()).hexdigest()[:MAX_ID]) or None


def _performer(actor: Actor) -> str:
    """Return the id of the user, or of the client, that made an event happen; empty if neither is known."""
    return actor.id or actor.application_id or ""


def _without_none(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
