"""The timeline: everything about one order, in the order it was recorded."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from application.views.projections.entries import Entry
from application.views.projections.projection import Projection
from application.views.projections.view import View
from domain.events.catalogue import TIES
from domain.events.integration import ExceptionLogged, IntegrationTied
from domain.events.records import ServiceEventRecorded, SystemLogRecorded
from domain.streams import integration_id_of
from domain.values import MAX_BIGINT

Kind = Literal["action", "service", "call", "integration"]

_KINDS: Mapping[str, Kind] = {
    ServiceEventRecorded.topic: "service",
    SystemLogRecorded.topic: "call",
    ExceptionLogged.topic: "integration",
    **{tie.topic: "integration" for tie in TIES},
}
_TIES = frozenset(tie.topic for tie in TIES)


class TimelineRow(NamedTuple):
    """One event in an order's timeline. integration_id is the integration that the event ties the order to, or unties
    it from.
    """

    order_id: str
    position: int
    kind: Kind
    type: str
    occurred_at: datetime
    correlation_id: str | None
    integration_id: int | None


TIMELINE_VIEW = View("timeline", TimelineRow, key=("order_id", "position"))


class TiedOrders(NamedTuple):
    """The orders that are tied to an integration, as far as the timelines have read."""

    integration_id: int
    order_ids: Sequence[str]


def kind_of(event_type: str) -> Kind:
    """Return the kind of an event: an action, a service's report, a call, or an integration's event."""
    return _KINDS.get(event_type, "action")


def _needs(entries: Sequence[Entry]) -> list[str]:
    """Return the integrations whose exceptions are among the entries."""
    streams = {entry.recorded.stream for entry in entries if entry.recorded.type == ExceptionLogged.topic}
    ids = {integration_id_of(stream) for stream in streams}
    return [id_ for id_ in ids if id_.isascii() and id_.isdigit() and int(id_) <= MAX_BIGINT]


def _rows(entries: Sequence[Entry], present: Mapping[str, TiedOrders]) -> list[TimelineRow]:
    """Add each order's own events to its timeline. Add exceptions to the timelines of the orders tied at that point."""
    tied = {integration_id: set(orders.order_ids) for integration_id, orders in present.items()}
    rows: list[TimelineRow] = []
    for entry in entries:
        if (order_id := entry.order_id) is not None:
            rows.append(row := _row(entry, order_id))
            if row.integration_id is not None:
                _tie(tied.setdefault(str(row.integration_id), set()), row)
        elif entry.type == ExceptionLogged.topic:
            orders = tied.get(integration_id_of(entry.recorded.stream), ())
            rows += [_row(entry, order_id) for order_id in sorted(orders)]
    return rows


def _tie(orders: set[str], row: TimelineRow) -> None:
    """Add an order to those that are tied to an integration, or remove it."""
    if row.type == IntegrationTied.topic:
        orders.add(row.order_id)
    else:
        orders.discard(row.order_id)


def _row(entry: Entry, order_id: str) -> TimelineRow:
    event_type = entry.type
    return TimelineRow(
        order_id=order_id,
        position=entry.position,
        kind=_KINDS.get(event_type, "action"),
        type=event_type,
        occurred_at=entry.recorded.occurred_at,
        correlation_id=entry.metadata.get("correlation_id"),
        integration_id=entry.fields["integration_id"] if event_type in _TIES else None,
    )


TIMELINE = Projection(TIMELINE_VIEW.name, rows=_rows, needs=_needs)
