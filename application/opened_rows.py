"""Rows of views as they may be shown: their personal data is opened as part of the events that it was told in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic_core import from_json, to_json

from application.encryption import MARK, is_token
from application.ledger import RecordedEvent
from application.projections.action_log import ActionLogRow
from application.projections.order_state import CUSTOMER_FIELDS, OrderStateRow
from application.projections.service_events import ServiceEventRow
from application.unopened import MARK as UNREADABLE
from application.vault import Vault
from domain.events.lifecycle import Created
from domain.events.records import ServiceEventRecorded
from domain.order import stream_of
from domain.values import TenantName

_NAMING = {field: topic for topic, field in CUSTOMER_FIELDS.items()}
_NO_EVENT = "none"


async def opened_actions(vault: Vault, tenant: TenantName, rows: Sequence[ActionLogRow]) -> list[ActionLogRow]:
    """Return rows of the action log. Raises Unavailable, as the others do."""
    events = [
        _event(
            row.type,
            row.order_id,
            row.sealed_in,
            position=row.position,
            data=row.data,
            actor={"id": row.actor_id, "name": row.actor_name},
            occurred_at=row.occurred_at,
        )
        for row in rows
    ]
    return [
        row._replace(data=event.data, actor_name=from_json(event.metadata)["actor"]["name"])
        for row, event in zip(rows, await vault.opened(tenant, events), strict=True)
    ]


async def opened_reports(vault: Vault, tenant: TenantName, rows: Sequence[ServiceEventRow]) -> list[ServiceEventRow]:
    """Return rows of the service events."""
    told = [(row, _json(row.metadata)) for row in rows if row.metadata is not None]
    events = [
        _event(
            ServiceEventRecorded.topic,
            row.order_id,
            row.event_id if is_token(metadata) else None,  # services tell objects
            position=row.position,
            data=to_json({"metadata": metadata}),
            occurred_at=row.recorded_at,
        )
        for row, metadata in told
    ]
    shown = {
        row.position: row._replace(metadata=to_json(from_json(event.data)["metadata"]))
        for (row, _), event in zip(told, await vault.opened(tenant, events), strict=True)
    }
    return [shown.get(row.position, row) for row in rows]


async def opened_orders(vault: Vault, tenant: TenantName, rows: Sequence[OrderStateRow]) -> list[OrderStateRow]:
    """Return orders' states; detail has the member unreadable, with the reason, where the customer cannot be opened."""
    named = [(row, detail) for row in rows if (detail := _detail_with_customer(row)) is not None]
    shown = {}
    for (row, detail), event in zip(
        named, await vault.opened(tenant, [_naming(row, detail["customer"]) for row, detail in named]), strict=True
    ):
        [customer] = from_json(event.data).values()
        why = from_json(event.metadata).get(UNREADABLE)
        marked = {UNREADABLE: why} if why else {}
        shown[row.order_id] = row._replace(detail=to_json({**detail, "customer": customer, **marked}))
    return [shown.get(row.order_id, row) for row in rows]


def _detail_with_customer(row: OrderStateRow) -> dict[str, Any] | None:
    """Return the state of an order that is somebody's; None if it is nobody's, or no state as we keep them."""
    detail = _json(row.detail)
    return detail if isinstance(detail, dict) and isinstance(detail.get("customer"), dict) else None


def _naming(row: OrderStateRow, customer: dict[str, Any]) -> RecordedEvent:
    """Return as much as there is of the event that named an order's customer."""
    field, _, event_id = (row.customer_from or "").partition("/")
    topic = _NAMING.get(field, Created.topic)  # what was not told in an event that can be opens in none
    return _event(
        topic,
        row.order_id,
        (event_id or _NO_EVENT) if any(map(is_token, customer.values())) else None,
        data=to_json({CUSTOMER_FIELDS[topic]: customer}),
        occurred_at=row.updated_at,
    )


def _json(text: bytes) -> Any:
    """Return what JSON says; None if it is nested too deeply, as somebody may have made it in the database."""
    try:
        return from_json(text)
    except ValueError:
        return None


def _event(
    topic: str,
    order_id: str,
    sealed_in: str | None,
    *,
    position: int = 0,
    data: bytes,
    actor: dict[str, Any] | None = None,
    occurred_at: datetime,
) -> RecordedEvent:
    """Return as much of an event as it takes to open its personal data: encrypted if it says in which event it is."""
    metadata = {"actor": actor or {}, **({MARK: 1} if sealed_in else {})}
    return RecordedEvent(
        position=position,
        stream=stream_of(order_id),
        version=0,
        event_id=sealed_in or "",
        type=topic,
        data=data,
        metadata=to_json(metadata),
        occurred_at=occurred_at,
        recorded_at=occurred_at,
    )
