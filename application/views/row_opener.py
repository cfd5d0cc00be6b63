"""Opens rows of views: their personal data is decrypted as a part of the events in which it was reported."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic_core import from_json, to_json

from application.ledger.port import WHY_UNREADABLE, RecordedEvent
from application.privacy.cipher import is_token
from application.privacy.documents import MARK
from application.privacy.vault import Vault
from application.views.projections.action_log import ActionLogRow
from application.views.projections.order_state import CUSTOMER_FIELDS, OrderStateRow
from application.views.projections.service_events import ServiceEventRow
from domain.events.lifecycle import Created
from domain.events.records import ServiceEventRecorded
from domain.streams import order_stream
from domain.values import TenantName

_NAMING = {field: event_type for event_type, field in CUSTOMER_FIELDS.items()}
_NO_EVENT = "none"


async def opened_actions(vault: Vault, tenant: TenantName, rows: Sequence[ActionLogRow]) -> list[ActionLogRow]:
    """Return decrypted rows of the action log. Raises Unavailable, as the functions below do."""
    events = [
        _event(
            row.type,
            row.order_id,
            row.sealed_in,
            position=row.position,
            data=row.data,
            actor={"id": row.actor_id, "name": row.actor_name, "type": row.actor_type},
            occurred_at=row.occurred_at,
        )
        for row in rows
    ]
    return [
        row._replace(data=event.data, actor_name=from_json(event.metadata)["actor"]["name"])
        for row, event in zip(rows, await vault.opened(tenant, events), strict=True)
    ]


async def opened_reports(vault: Vault, tenant: TenantName, rows: Sequence[ServiceEventRow]) -> list[ServiceEventRow]:
    """Return decrypted rows of the service events."""
    told = [(row, _json(row.metadata or b"null")) for row in rows if row.description or row.metadata is not None]
    events = [
        _event(
            ServiceEventRecorded.topic,
            row.order_id,
            _sealed_in(row.sealed_in, row.description, metadata),
            position=row.position,
            data=to_json({"description": row.description, "metadata": metadata}),
            occurred_at=row.recorded_at,
        )
        for row, metadata in told
    ]
    shown = {
        row.position: _shown_report(row, event)
        for (row, _), event in zip(told, await vault.opened(tenant, events), strict=True)
    }
    return [shown.get(row.position, row) for row in rows]


def _shown_report(row: ServiceEventRow, event: RecordedEvent) -> ServiceEventRow:
    """Return a row with the values of its decrypted event."""
    said = from_json(event.data)
    metadata = None if row.metadata is None else to_json(said["metadata"])
    return row._replace(description=said["description"], metadata=metadata)


async def opened_orders(vault: Vault, tenant: TenantName, rows: Sequence[OrderStateRow]) -> list[OrderStateRow]:
    """Return decrypted states of orders. Where something cannot be opened, detail has the member unreadable with the
    reason.
    """
    details = [_json(row.detail) for row in rows]
    told = [_events_of(row, detail) for row, detail in zip(rows, details, strict=True)]
    opened = iter(await vault.opened(tenant, [event for events in told for event in events]))
    return [
        _shown_order(row, detail, [next(opened) for _ in events])
        for row, detail, events in zip(rows, details, told, strict=True)
    ]


def _events_of(row: OrderStateRow, detail: Any) -> list[RecordedEvent]:
    """Return the known parts of the events that hold a state's personal data. The customer's event comes first."""
    customer = _customer(detail)
    named = [] if customer is None else [_naming(row, customer)]
    return [*named, *(_describing(row, report) for _, report in _described(detail))]


def _customer(detail: Any) -> dict[str, Any] | None:
    """Return an order's customer; None if it has none, or if its state does not have our form."""
    customer = detail.get("customer") if isinstance(detail, dict) else None
    return customer if isinstance(customer, dict) else None


def _described(detail: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return the services in a state whose newest reports have descriptions, with these reports."""
    services = detail.get("services") if isinstance(detail, dict) else None
    reports = services.items() if isinstance(services, dict) else ()
    return [(name, report) for name, report in reports if isinstance(report, dict) and report.get("description")]


def _naming(row: OrderStateRow, customer: dict[str, Any]) -> RecordedEvent:
    """Return the known part of the event that named an order's customer."""
    field, _, event_id = (row.customer_from or "").partition("/")
    event_type = _NAMING.get(field, Created.topic)  # a customer from an unknown event cannot be opened in any
    return _event(
        event_type,
        row.order_id,
        (event_id or _NO_EVENT) if any(map(is_token, customer.values())) else None,
        data=to_json({CUSTOMER_FIELDS[event_type]: customer}),
        occurred_at=row.updated_at,
    )


def _describing(row: OrderStateRow, report: dict[str, Any]) -> RecordedEvent:
    """Return the known part of a service's newest report."""
    description = report["description"]
    return _event(
        ServiceEventRecorded.topic,
        row.order_id,
        _sealed_in(report.get("sealed_in"), description),
        data=to_json({"description": description}),
        occurred_at=row.updated_at,
    )


def _sealed_in(event_id: Any, *values: Any) -> str | None:
    """Return the id of the event in which some values are encrypted; None if none is. An unknown event opens none."""
    if event_id and isinstance(event_id, str):
        return event_id
    return _NO_EVENT if any(map(is_token, values)) else None


def _shown_order(row: OrderStateRow, detail: Any, opened: Sequence[RecordedEvent]) -> OrderStateRow:
    """Return a row with the values of its decrypted events."""
    if not opened:
        return row
    said = [(from_json(event.data), from_json(event.metadata).get(WHY_UNREADABLE)) for event in opened]
    reasons = []
    if _customer(detail) is not None:
        named, why = said.pop(0)
        [detail["customer"]] = named.values()
        reasons += [why] if why else []
    for (service, report), (told, why) in zip(_described(detail), said, strict=True):
        report["description"] = told["description"]
        reasons += [f"services.{service}.{why}"] if why else []
    marked = {WHY_UNREADABLE: "; ".join(reasons)} if reasons else {}
    return row._replace(detail=to_json({**detail, **marked}))


def _json(text: bytes) -> Any:
    """Return the value of a JSON text; None if it is nested too deeply, as somebody with access to the database could
    make it.
    """
    try:
        return from_json(text)
    except ValueError:
        return None


def _event(
    event_type: str,
    order_id: str,
    sealed_in: str | None,
    *,
    position: int = 0,
    data: bytes,
    actor: dict[str, Any] | None = None,
    occurred_at: datetime,
) -> RecordedEvent:
    """Return as much of an event as decrypting its personal data takes. With sealed_in, it counts as encrypted."""
    metadata = {"actor": actor or {}, **({MARK: 1} if sealed_in else {})}
    return RecordedEvent(
        position=position,
        stream=order_stream(order_id),
        version=0,
        event_id=sealed_in or "",
        type=event_type,
        data=data,
        metadata=to_json(metadata),
        occurred_at=occurred_at,
        recorded_at=occurred_at,
    )
