"""The order state: what each order is now."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic_core import from_json

from application.projections.entries import Entry
from application.projections.projection import Projection
from application.stored import stored
from domain.order_state import OrderState


class OrderStateRow(NamedTuple):
    """One order; detail is its OrderState as JSON, first_position the ledger position of its first event."""

    order_id: str
    first_position: int
    updated_at: datetime
    reference: str | None
    state: str
    status: str | None
    payment_status: str | None
    delivery_status: str | None
    search: str
    detail: bytes


def _needs(entries: Sequence[Entry]) -> list[str]:
    streams = {entry.recorded.stream for entry in entries if entry.recorded.type.startswith("order.")}
    return [stream.removeprefix("order-") for stream in streams]


def _rows(entries: Sequence[Entry], present: Mapping[str, OrderStateRow]) -> list[OrderStateRow]:
    """Fold each order's events onto its row."""
    orders: dict[str, tuple[int, OrderState]] = {}
    for entry in entries:
        order_id = entry.order_id
        if order_id is not None:
            if order_id not in orders:
                orders[order_id] = _before(entry, present.get(order_id))
            orders[order_id][1].evolve(entry.event)
    return [_row(order_id, first_position, state) for order_id, (first_position, state) in orders.items()]


def _before(entry: Entry, row: OrderStateRow | None) -> tuple[int, OrderState]:
    """Return the position of an order's first event, and what the order was before this one."""
    if row is None:
        return entry.position, OrderState()
    return row.first_position, stored(OrderState).load(from_json(row.detail))


def _row(order_id: str, first_position: int, state: OrderState) -> OrderStateRow:
    customer = (state.customer.id, state.customer.name) if state.customer else ()
    assert state.updated_at is not None
    return OrderStateRow(
        order_id=order_id,
        first_position=first_position,
        updated_at=state.updated_at,
        reference=state.reference,
        state=state.combined_state,
        status=state.status,
        payment_status=state.payment_status,
        delivery_status=state.delivery_status,
        search=" ".join(word.lower() for word in (order_id, state.reference, *customer) if word),
        detail=state.__pydantic_serializer__.to_json(state),
    )


ORDER_STATE = Projection("order_state", rows=_rows, needs=_needs)
