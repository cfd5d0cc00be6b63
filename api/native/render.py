"""Domain values to native bodies."""

import base64
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json

from api.problems import json_pointer
from application.codec import encode
from application.hints import hint
from application.history import FieldChange, PastOrder, described
from application.integration_queries import LoggedException
from application.ledger import RecordedEvent
from application.queries import TimelineEntry
from application.recorded import Recorded
from domain.events.integration import ExceptionLogged
from domain.order_state import OrderState
from domain.values import NOBODY


def order_body(order_id: str, state: OrderState) -> dict[str, Any]:
    """Return an order's state."""
    return {"order_id": order_id, **described(state)}


def past_order(order: PastOrder) -> dict[str, Any]:
    """Return what an order was, and the last event that it was made by."""
    return {**order_body(order.order_id, order.state), "as_of": order.newest and _made_by(order.newest)}


def field_change(change: FieldChange) -> dict[str, Any]:
    """Return how a field of an order differs, and the event that made it so."""
    return {
        "field": json_pointer(change.path),
        "before": change.before,
        "after": change.after,
        **_made_by(change.made_by),
    }


def recorded_body(order_id: str, result: Recorded) -> dict[str, Any]:
    """Return what a request recorded."""
    stream = f"order-{order_id}"
    return {
        "order_id": order_id,
        "version": max(event.version for event in result.events if event.stream == stream),
        "items": [
            {"event_id": e.event_id, "type": e.type, "version": e.version, "position": e.position}
            for e in result.events
        ],
        "recorded_at": result.recorded_at,
    }


def timeline_item(entry: TimelineEntry) -> dict[str, Any]:
    """Return one event of a timeline."""
    return {**_event(entry.event, entry.kind), "group": entry.group}


def exception_item(entry: LoggedException) -> dict[str, Any]:
    """Return an integration's failed call with all that was said in it."""
    return _event(entry.recorded._replace(data=encode(entry.event).data), "exception")


def _event(event: RecordedEvent, kind: str) -> dict[str, Any]:
    metadata, data = from_json(event.metadata), from_json(event.data)
    return {
        "position": event.position,
        "version": event.version,
        "kind": kind,
        "type": event.type,
        "event_id": event.event_id,
        "occurred_at": event.occurred_at,
        "recorded_at": event.recorded_at,
        "actor": _actor(metadata),
        "correlation_id": metadata.get("correlation_id"),
        "causation_id": metadata.get("causation_id"),
        "data": data,
        **(_hint(data) if event.type == ExceptionLogged.topic else {}),
    }


def _made_by(event: RecordedEvent) -> dict[str, Any]:
    """Return which event made something so, by whom and when."""
    return {
        "version": event.version,
        "position": event.position,
        "event_id": event.event_id,
        "type": event.type,
        "actor": _actor(from_json(event.metadata)),
        "occurred_at": event.occurred_at,
        "recorded_at": event.recorded_at,
    }


def _actor(metadata: dict[str, Any]) -> dict[str, Any]:
    return {**NOBODY.model_dump(), **metadata.get("actor", {})}


def _hint(data: dict[str, Any]) -> dict[str, Any]:
    """Return what mends an integration's failed call."""
    return {"hint": hint(data.get("exception_type"), data.get("response_code"), data.get("exception"))}


def cloud_event(tenant: str, event: RecordedEvent) -> dict[str, Any]:
    """Return an event in the form of CloudEvents 1.0."""
    try:
        data: dict[str, Any] = {
            "datacontenttype": "application/json",
            "data": from_json(event.data, allow_inf_nan=False),
        }
    except ValueError:
        encoded = base64.b64encode(event.data).decode()
        data = {"datacontenttype": "application/octet-stream", "data_base64": encoded}
    return {
        "specversion": "1.0",
        "id": event.event_id,
        "source": f"/trail/v1/ledger/{tenant}",
        "subject": event.stream,
        "type": event.type,
        "time": _instant(event.occurred_at),
        **data,
        "position": event.position,
        "streamversion": event.version,
        "recordedtime": _instant(event.recorded_at),
    }


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
