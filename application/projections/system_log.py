"""The system log: HTTP calls about each order, by what they are found by."""

from typing import NamedTuple

from application.projections.entries import Entry
from application.projections.projection import log
from domain.events.records import SystemLogRecorded


class SystemLogRow(NamedTuple):
    """One call; content_digest is that of the content that holds what was said in it."""

    order_id: str
    position: int
    event_id: str
    correlation_id: str | None
    carrier_id: str | None
    direction: str | None
    request_type: str | None
    response_code: int | None
    content_digest: str | None


def _row(entry: Entry) -> SystemLogRow:
    event = entry.event
    assert isinstance(event, SystemLogRecorded)
    return SystemLogRow(
        order_id=event.order_id,
        position=entry.position,
        event_id=event.event_id,
        correlation_id=event.correlation_id,
        carrier_id=event.carrier_id,
        direction=event.direction,
        request_type=event.request_type,
        response_code=event.response_code,
        content_digest=event.content.digest if event.content else None,
    )


SYSTEM_LOG = log("system_log", frozenset({SystemLogRecorded.topic}), _row)
