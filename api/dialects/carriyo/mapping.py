"""Carriyo's system logs to domain events, and back."""

from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_json

from api.dialects.carriyo.models import NewSystemLog
from application.access import Caller
from application.masking import masked
from domain.events.records import Call, CallDirection, SystemLogRecorded
from domain.order import stream_of
from domain.values import ContentRef

BUCKET = "ordertrail-contents"
LAST_MILLISECOND = 253_370_764_799_999
"""The end of the year 9998, where the moments we keep end."""


def call_of(body: NewSystemLog) -> Call:
    """Return what was said in a call, without the secrets in its headers."""
    return Call(
        request_headers=masked(body.request_headers),
        request_body=body.request_body,
        raw_request_body=body.raw_request_body,
        response_headers=masked(body.response_headers),
        response_body=body.response_body,
        timings=body.call_statistics,
        durations=body.duration_statistics,
    )


def event_of(order_id: str, body: NewSystemLog, content: ContentRef, caller: Caller) -> SystemLogRecorded:
    """Return the fact that a call was made."""
    envelope: dict[str, Any] = {"actor": caller.actor}
    if (occurred_at := _moment(body.request_time) or _moment(body.response_time)) is not None:
        envelope["timestamp"] = occurred_at
    return SystemLogRecorded(
        originator_id=stream_of(order_id),
        correlation_id=body.correlation_id,
        direction=CallDirection(body.event_type.lower()) if body.event_type else None,
        request_type=body.request_type,
        entity_ids=body.entity_ids,
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


def _moment(milliseconds: int | None) -> datetime | None:
    """Return a time of the body as a moment; 0 is how clients whose numbers cannot be null leave it unset."""
    if milliseconds is None or not 0 < milliseconds <= LAST_MILLISECOND:
        return None
    return datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000)


def system_log(tenant: str, position: int, event: SystemLogRecorded) -> dict[str, Any]:
    """Return a logged call in Carriyo's words."""
    return {
        "tenant": tenant,
        # As many digits as the largest position has, so that identifiers sort as strings.
        "identifier": f"{position:019}",
        "order_id": event.order_id,
        "correlation_id": event.correlation_id,
        "event_type": event.direction and event.direction.upper(),
        "request_type": event.request_type,
        "source_type": event.source_type,
        "source_id": event.source_id,
        "request_time": event.request_time,
        "response_time": event.response_time,
        "response_code": event.response_code,
        "s3_content_key": event.content and f"system-logs/{event.content.digest}.json",
        "s3_content_bucket": event.content and BUCKET,
        "details_json": to_json(_details(event)).decode(),
    }


def _details(event: SystemLogRecorded) -> dict[str, Any]:
    """Return what the log's other fields do not tell of a call, short of what was said in it."""
    details = {
        "request_method": event.request_method,
        "request_url": event.request_url,
        "carrier_id": event.carrier_id,
        "webhook_id": event.webhook_id,
        "entity_ids": event.entity_ids,
    }
    return {name: value for name, value in details.items() if value is not None}
