"""Renders domain values as native bodies."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from api.http.problems import json_pointer
from application.ledger.codec import DAMAGE, encode
from application.ledger.outcome import Recorded
from application.ledger.port import RecordedEvent
from application.privacy.legible import legible
from application.runtime.strict_json import from_strict_json
from application.views.hints import hint
from application.views.history import FieldDifference, PastOrder, described
from application.views.integration_queries import LoggedException
from application.views.order_rows import ShownOrder
from application.views.projections.order_state import OrderStateRow
from application.views.queries import TimelineEntry
from domain.events.catalogue import is_ours
from domain.events.integration import ExceptionLogged
from domain.order_state import OrderState
from domain.streams import order_stream
from domain.values import NOBODY

_JSON = "application/json"
_NOBODY = NOBODY.model_dump()


def order_body(order_id: str, state: OrderState) -> dict[str, Any]:
    """Return an order's state."""
    return {"order_id": order_id, **described(state)}


def order_item(row: OrderStateRow, shown: ShownOrder) -> dict[str, Any]:
    """Return an order from a row of the view."""
    # The combined state has its own column.
    return {**order_body(row.order_id, shown.state), "state": row.state, **_why(shown.unreadable)}


def past_order(order: PastOrder) -> dict[str, Any]:
    """Return a past state of an order, the last event of it, and the events that cannot be read."""
    state = order_body(order.order_id, order.state)
    return {**state, "as_of": order.newest and _made_by(order.newest), **unread_events(order)}


def unread_events(order: PastOrder) -> dict[str, Any]:
    """Return the events of an order that cannot be read, or only in part; nothing if all can be read."""
    events = [
        {
            "version": event.version,
            "position": event.position,
            "event_id": event.event_id,
            "type": event.type,
            "unreadable": why,
        }
        for event, why in order.unread
    ]
    return {"unreadable_events": events} if events else {}


def field_change(change: FieldDifference) -> dict[str, Any]:
    """Return the difference in a field of an order, and the event that made it."""
    return {
        "field": json_pointer(change.path),
        "before": change.before,
        "after": change.after,
        **_made_by(change.made_by),
    }


def recorded_body(order_id: str, result: Recorded) -> dict[str, Any]:
    """Return what a request recorded."""
    newest, items, own = 0, [], order_stream(order_id)
    # They are in ledger order, so the last of the stream is its newest.
    for event_id, event_type, stream, version, position in result.events:
        items.append({"event_id": event_id, "type": event_type, "version": version, "position": position})
        if stream == own:
            newest = version
    return {"order_id": order_id, "version": newest, "items": items, "recorded_at": result.recorded_at}


def timeline_item(entry: TimelineEntry) -> dict[str, Any]:
    """Return one event of a timeline."""
    return {**_event(entry.event, entry.kind), "group": entry.group}


def exception_item(entry: LoggedException) -> dict[str, Any]:
    """Return an integration's failed call with its bodies."""
    try:
        told = entry.recorded if entry.event is None else entry.recorded._replace(data=encode(entry.event).data)
    except DAMAGE:
        told = entry.recorded
    item = _event(told, "exception")
    return {**item, **_why("; ".join(why for why in (item.get("unreadable"), entry.unreadable) if why))}


def _event(event: RecordedEvent, kind: str) -> dict[str, Any]:
    data, metadata, unreadable = legible(event)
    item = {
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
        **(_hint(data or {}) if event.type == ExceptionLogged.topic else {}),
    }
    if unreadable is not None:
        item["unreadable"] = unreadable
    return item


def _made_by(event: RecordedEvent) -> dict[str, Any]:
    """Return the event that made a change, with its actor and its time."""
    return {
        "version": event.version,
        "position": event.position,
        "event_id": event.event_id,
        "type": event.type,
        "actor": _actor(legible(event).metadata),
        "occurred_at": event.occurred_at,
        "recorded_at": event.recorded_at,
    }


def _actor(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {**_NOBODY, **metadata.get("actor", {})}


def _hint(data: dict[str, Any]) -> dict[str, Any]:
    """Return advice on how to mend an integration's failed call."""
    try:
        return {"hint": hint(data.get("exception_type"), data.get("response_code"), data.get("exception"))}
    except DAMAGE:
        return {"hint": None}


def _why(unreadable: str | None) -> dict[str, str]:
    """Return a member that says why a part of an event cannot be read; nothing if all can be read."""
    return {"unreadable": unreadable} if unreadable else {}


def cloud_event(tenant: str, event: RecordedEvent) -> dict[str, Any]:
    """Return an event in the form of CloudEvents 1.0. An unreadable event of ours may have no data."""
    why = traceparent = None
    if is_ours(event.type):
        data, metadata, why = legible(event)
        traceparent = _traceparent(metadata)
        content = {"datacontenttype": _JSON, "data": data} if data is not None else {}
    else:
        content = _foreign_data(event)
    item = {
        "specversion": "1.0",
        "id": event.event_id,
        "source": f"/trail/v1/ledger/{tenant}",
        "subject": event.stream,
        "type": event.type,
        "time": _instant(event.occurred_at),
        **content,
        "position": event.position,
        "streamversion": event.version,
        "recordedtime": _instant(event.recorded_at),
    }
    if traceparent is not None:
        item["traceparent"] = traceparent
    if why is not None:
        item["unreadable"] = why
    return item


def _traceparent(metadata: Mapping[str, Any]) -> Any:
    """Return the trace of the request that recorded an event, as CloudEvents' extension has it."""
    origin = metadata.get("origin")
    return origin.get("traceparent") if isinstance(origin, dict) else None


def _foreign_data(event: RecordedEvent) -> dict[str, Any]:
    """Return the data of another application's event, whatever it is."""
    try:
        return {"datacontenttype": _JSON, "data": from_strict_json(event.data)}
    except ValueError:
        encoded = base64.b64encode(event.data).decode()
        return {"datacontenttype": "application/octet-stream", "data_base64": encoded}


def _instant(moment: datetime) -> str:
    # isoformat takes twice as long, and a page of the feed may have 2,000 times.
    at = moment.astimezone(UTC)
    parts = (at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond)
    return "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ" % parts  # noqa: UP031 so does an f-string
