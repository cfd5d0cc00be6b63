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
from application.vault import Vault
from domain.events.records import ServiceEventRecorded
from domain.order import stream_of
from domain.values import TenantName

_NAMING = {field: topic for topic, field in CUSTOMER_FIELDS.items()}


async def opened_actions(vault: Vault, tenant: TenantName, rows: Sequence[ActionLogRow]) -> list[ActionLogRow]:
    """Return rows of the action log. Raises InvalidEvent, Unavailable, as the others do."""
    events = [
        _event(
            row.type,
            row.order_id,
            row.sealed_in,
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
    told = [row for row in rows if row.metadata is not None]
    events = [
        _event(
            ServiceEventRecorded.topic,
            row.order_id,
            row.event_id if is_token(metadata) else None,  # services tell objects
            data=to_json({"metadata": metadata}),
            occurred_at=row.recorded_at,
        )
        for row in told
        for metadata in [from_json(row.metadata or b"")]
    ]
    shown = {
        row.position: row._replace(metadata=to_json(from_json(event.data)["metadata"]))
        for row, event in zip(told, await vault.opened(tenant, events), strict=True)
    }
    return [shown.get(row.position, row) for row in rows]


async def opened_orders(vault: Vault, tenant: TenantName, rows: Sequence[OrderStateRow]) -> list[OrderStateRow]:
    """Return orders' states."""
    named = [(row, from_json(row.detail)) for row in rows if row.customer_from is not None]
    events = []
    for row, detail in named:
        field, _, event_id = (row.customer_from or "").partition("/")
        is_sealed = any(map(is_token, detail["customer"].values()))
        events.append(
            _event(
                _NAMING[field],
                row.order_id,
                event_id if is_sealed else None,
                data=to_json({field: detail["customer"]}),
                occurred_at=row.updated_at,
            )
        )
    shown = {}
    for (row, detail), event in zip(named, await vault.opened(tenant, events), strict=True):
        [customer] = from_json(event.data).values()
        shown[row.order_id] = row._replace(detail=to_json({**detail, "customer": customer}))
    return [shown.get(row.order_id, row) for row in rows]


def _event(
    topic: str,
    order_id: str,
    sealed_in: str | None,
    *,
    data: bytes,
    actor: dict[str, Any] | None = None,
    occurred_at: datetime,
) -> RecordedEvent:
    """Return as much of an event as it takes to open its personal data: encrypted if it says in which event it is."""
    metadata = {"actor": actor or {}, **({MARK: 1} if sealed_in else {})}
    return RecordedEvent(
        position=0,
        stream=stream_of(order_id),
        version=0,
        event_id=sealed_in or "",
        type=topic,
        data=data,
        metadata=to_json(metadata),
        occurred_at=occurred_at,
        recorded_at=occurred_at,
    )
