"""The system log: HTTP calls about each order, with the columns by which they are found."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from application.views.projections.entries import Entry
from application.views.projections.projection import log
from application.views.projections.view import View
from domain.events.records import SystemLogRecorded
from domain.streams import order_id_of

_SECONDS_UNTIL = 10**11
"""A time since 1970 below this is in seconds; in milliseconds it would be in the spring of 1973."""


class SystemLogRow(NamedTuple):
    """One call; content_digest is the digest of the content that holds its bodies."""

    order_id: str
    position: int
    event_id: str
    correlation_id: str | None
    carrier_id: str | None
    direction: str | None
    request_type: str | None
    response_code: int | None
    milliseconds: int | None
    content_digest: str | None


SYSTEM_LOG_VIEW = View("system_log", SystemLogRow, key=("order_id", "position"))


def milliseconds_of(fields: Mapping[str, Any]) -> int | None:
    """Return how long a call took by the times that its caller reported; None if they do not say."""
    began, ended = fields.get("request_time"), fields.get("response_time")
    if not isinstance(began, int) or not isinstance(ended, int) or not 0 <= began <= ended:
        return None
    return (ended - began) * (1_000 if ended < _SECONDS_UNTIL else 1)


def _row(entry: Entry) -> SystemLogRow:
    recorded, fields = entry.recorded, entry.fields
    content = fields["content"]
    return SystemLogRow(
        order_id=order_id_of(recorded.stream),
        position=recorded.position,
        event_id=recorded.event_id,
        correlation_id=entry.metadata.get("correlation_id"),
        carrier_id=fields["carrier_id"],
        direction=fields["direction"],
        request_type=fields["request_type"],
        response_code=fields["response_code"],
        milliseconds=milliseconds_of(fields),
        content_digest=None if content is None else content["digest"],
    )


SYSTEM_LOG = log(SYSTEM_LOG_VIEW.name, frozenset({SystemLogRecorded.topic}), _row)
