"""Carriyo's system logs to domain events, and back."""

from datetime import UTC, datetime
from typing import Any

from api.dialects.carriyo.models import CarriyoOrder, NewSystemLog, SystemLog
from api.http.reading.json_text import to_json
from application.access.callers import Caller
from application.bodies.masking import SECRET_HEADERS, masked_call, masked_event
from application.bodies.port import BodyPlace
from application.ledger.port import RecordedEvent
from application.privacy.legible import legible
from domain.events.order_event import OrderEvent
from domain.events.records import Call, CallDirection, SystemLogRecorded
from domain.order_state import OrderState
from domain.personal import UNREADABLE_OBJECT
from domain.streams import order_id_of, order_stream
from domain.values import MAX_BIGINT, NOBODY, BodyRef

DIGITS = 19
"""The number of digits of the largest ledger position."""
LAST_MILLISECOND = 253_370_764_799_999
"""The end of the year 9998, which is also the end of the times that we store."""
FIRST_MILLISECOND = 100_000_000_000
"""In March 1973. A smaller number is in seconds; as seconds, this number is in the year 5138."""
FIRST_SECOND = FIRST_MILLISECOND // 1_000
"""Also in March 1973. A smaller number is not the time of a call, not even in seconds."""


def call_of(body: NewSystemLog, secret: frozenset[str] = SECRET_HEADERS) -> Call:
    """Return a call's content, without the secrets in its headers."""
    call = Call(
        request_headers=body.request_headers,
        request_body=body.request_body,
        raw_request_body=body.raw_request_body,
        response_headers=body.response_headers,
        response_body=body.response_body,
        timings=body.call_statistics,
        durations=body.duration_statistics,
    )
    return masked_call(call, secret)


def event_of(
    order_id: str,
    body: NewSystemLog,
    content: BodyRef | None,
    caller: Caller,
    secret: frozenset[str] = SECRET_HEADERS,
) -> SystemLogRecorded:
    """Return the event about a call, without the secrets in its address."""
    envelope: dict[str, Any] = {"actor": caller.actor}
    if (occurred_at := _moment(body.request_time) or _moment(body.response_time)) is not None:
        envelope["timestamp"] = occurred_at
    event = SystemLogRecorded(
        originator_id=order_stream(order_id),
        correlation_id=body.correlation_id,
        direction=CallDirection(body.event_type.lower()) if body.event_type else None,
        request_type=body.request_type,
        entity_ids=None if body.entity_ids is None else [id_ for id_ in body.entity_ids if id_],
        carrier_id=body.carrier_id,
        webhook_id=body.webhook_id,
        source_type=body.source_type,
        source_id=body.source_id,
        request_time=body.request_time,
        request_method=body.request_method,
        request_url=body.request_url,
        response_time=body.response_time,
        response_code=body.response_code,
        content=content,
        **envelope,
    )
    return masked_event(event, secret)


def _moment(time: int | None) -> datetime | None:
    """Return a time of the body, in milliseconds or in seconds, as a moment; None if it is not a time.

    Clients whose numbers cannot be null use 0 for an unset time.
    """
    if time is None or not FIRST_SECOND <= time <= LAST_MILLISECOND:
        return None
    milliseconds = time * 1_000 if time < FIRST_MILLISECOND else time
    return datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000)


def position_of(identifier: str) -> int | None:
    """Return the ledger position in an identifier; None if we never make such an identifier."""
    is_one = len(identifier) == DIGITS and identifier.isascii() and identifier.isdigit()
    return int(identifier) if is_one and 0 < int(identifier) <= MAX_BIGINT else None


def identifier_of(position: int) -> str:
    """Return the identifier for a ledger position. As strings, identifiers sort in the ledger's order."""
    return f"{position:0{DIGITS}}"


def system_log(tenant: str, position: int, event: SystemLogRecorded, place: BodyPlace | None) -> dict[str, Any]:
    """Return a logged call in Carriyo's words; place is where its bodies are stored."""
    return {
        "tenant": tenant,
        "identifier": identifier_of(position),
        "order_id": event.order_id,
        "correlation_id": event.correlation_id,
        "event_type": event.direction and event.direction.upper(),
        "request_type": event.request_type,
        "source_type": event.source_type,
        "source_id": event.source_id,
        "request_time": event.request_time,
        "response_time": event.response_time,
        "response_code": event.response_code,
        "s3_content_key": place and place.key,
        "s3_content_bucket": place and place.bucket,
        "details_json": to_json(_details(event)).decode(),
    }


def unreadable_system_log(tenant: str, recorded: RecordedEvent) -> dict[str, Any]:
    """Return an entry for a logged call that cannot be read.

    It is not left out, because clients take a page that is not full for the last one.
    """
    nothing = dict.fromkeys(SystemLog.model_fields)
    return {
        **nothing,
        "tenant": tenant,
        "identifier": identifier_of(recorded.position),
        "order_id": order_id_of(recorded.stream),
        "details_json": to_json(UNREADABLE_OBJECT).decode(),
    }


def _details(event: SystemLogRecorded) -> dict[str, Any]:
    """Return the details of a call that the log's other fields do not hold, without its bodies."""
    details = {
        "request_method": event.request_method,
        "request_url": event.request_url,
        "carrier_id": event.carrier_id,
        "webhook_id": event.webhook_id,
        "entity_ids": event.entity_ids,
    }
    return {name: value for name, value in details.items() if value is not None}


def whole_log(tenant: str, position: int, event: SystemLogRecorded, call: Call) -> dict[str, Any]:
    """Return everything about a call, in the words in which it was logged."""
    return {
        "identifier": identifier_of(position),
        "entity_id": event.order_id,
        "entity_ids": event.entity_ids,
        "carrier_id": event.carrier_id,
        "webhook_id": event.webhook_id,
        "tenant": tenant,
        "correlation_id": event.correlation_id,
        "event_type": event.direction and event.direction.upper(),
        "request_type": event.request_type,
        "source_type": event.source_type,
        "source_id": event.source_id,
        "request_time": event.request_time,
        "request_method": event.request_method,
        "request_url": event.request_url,
        "request_headers": call.request_headers,
        "request_body": call.request_body,
        "raw_request_body": call.raw_request_body,
        "response_time": event.response_time,
        "response_headers": call.response_headers,
        "response_code": event.response_code,
        "response_body": call.response_body,
        "call_statistics": call.timings and call.timings.model_dump(),
        "duration_statistics": call.durations and call.durations.model_dump(),
    }


def change_log(tenant: str, position: int, event: OrderEvent) -> dict[str, Any]:
    """Return an action on an order in Carriyo's words."""
    return {
        "tenant": tenant,
        "identifier": identifier_of(position),
        "order_id": event.order_id,
        "log_date": moment(event.timestamp),
        "change_type": event.topic.removeprefix("order.").upper(),
        "changes": event.model_dump(mode="json", include=set(type(event).data_fields()), exclude_none=True),
        "user_id": event.actor.id,
        "user_name": event.actor.name,
        "user_type": event.actor.type,
        "source": event.actor.application_id,
        "correlation_id": event.correlation_id,
    }


def unreadable_change_log(tenant: str, recorded: RecordedEvent) -> dict[str, Any]:
    """Return the readable part of an action on an order that cannot be read as a whole."""
    data, metadata, _ = legible(recorded)
    actor = {**NOBODY.model_dump(), **metadata.get("actor", {})}
    return {
        "tenant": tenant,
        "identifier": identifier_of(recorded.position),
        "order_id": order_id_of(recorded.stream),
        "log_date": moment(recorded.occurred_at),
        "change_type": recorded.type.removeprefix("order.").upper(),
        "changes": {**(data or {}), **UNREADABLE_OBJECT},
        "user_id": actor["id"],
        "user_name": actor["name"],
        "user_type": actor["type"],
        "source": actor["application_id"],
        "correlation_id": metadata.get("correlation_id"),
    }


def order(tenant: str, order_id: str, state: OrderState) -> dict[str, Any]:
    """Return a redacted order in Carriyo's words, with null for the fields that we do not know."""
    created_at = state.created_at and moment(state.created_at)
    known = {
        "tenant": tenant,
        "order_id": order_id,
        "partner_order_reference": state.reference,
        "order_date": created_at,
        "creation_source": state.created_by or None,
        "status": state.status,
        "redacted": state.redacted,
        "creation_date": created_at,
        "update_date": state.updated_at and moment(state.updated_at),
    }
    return {name: known.get(name) for name in CarriyoOrder.model_fields}


def moment(instant: datetime) -> str:
    """Return a moment in Carriyo's form: with milliseconds and an offset."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds")
