"""The order state: what each order is now."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic_core import from_json

from application.codec import decode
from application.encryption import is_token
from application.personal import REDACTED
from application.projections.entries import Entry
from application.projections.projection import Projection
from application.stored import stored
from domain.events.lifecycle import Created, Redacted, Transferred
from domain.order_state import OrderState
from domain.values import Customer

CUSTOMER_FIELDS = {Created.topic: "customer", Transferred.topic: "new_customer"}
"""The fields that name the customer an order is for from then on."""


class OrderStateRow(NamedTuple):
    """One order; detail is its OrderState as JSON, first_position the ledger position of its first event.

    customer_from is the event that named the customer, and the field it did so in, as new_customer/<event id>: the
    customer in detail is encrypted as part of it.
    """

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
    customer_from: str | None


class _Fold:
    """An order as far as its events were folded, with what it is found by."""

    def __init__(self, entry: Entry, row: OrderStateRow | None) -> None:
        self.order_id = entry.order_id or ""
        self.first_position = row.first_position if row else entry.position
        self.state = stored(OrderState).load(from_json(row.detail)) if row else OrderState()
        self.search = row.search if row else self.order_id.lower()
        self.customer_from = row.customer_from if row else None

    def take(self, entry: Entry) -> None:
        event = entry.event
        self.state.evolve(event)
        if isinstance(event, Created | Transferred | Redacted):
            words = (self.order_id, self.state.reference, *_words(entry, self.state.customer))
            self.search = " ".join(word.lower() for word in words if word)
            is_named = self.state.customer is not None
            self.customer_from = f"{CUSTOMER_FIELDS[event.topic]}/{event.event_id}" if is_named else None

    def row(self) -> OrderStateRow:
        state = self.state
        assert state.updated_at is not None
        return OrderStateRow(
            order_id=self.order_id,
            first_position=self.first_position,
            updated_at=state.updated_at,
            reference=state.reference,
            state=state.combined_state,
            status=state.status,
            payment_status=state.payment_status,
            delivery_status=state.delivery_status,
            search=self.search,
            detail=state.__pydantic_serializer__.to_json(state),
            customer_from=self.customer_from,
        )


def _words(entry: Entry, customer: Customer | None) -> Iterator[str]:
    """Yield what the order is found by of its customer, as far as that may be shown."""
    if customer is not None:
        shown = decode(entry.shown)
        named: Customer = getattr(shown, CUSTOMER_FIELDS[shown.topic])
        yield from (word for word in (named.id, named.name) if word != REDACTED and not is_token(word))


def _needs(entries: Sequence[Entry]) -> list[str]:
    streams = {entry.recorded.stream for entry in entries if entry.recorded.type.startswith("order.")}
    return [stream.removeprefix("order-") for stream in streams]


def _rows(entries: Sequence[Entry], present: Mapping[str, OrderStateRow]) -> list[OrderStateRow]:
    """Fold each order's events onto its row."""
    orders: dict[str, _Fold] = {}
    for entry in entries:
        order_id = entry.order_id
        if order_id is not None:
            if order_id not in orders:
                orders[order_id] = _Fold(entry, present.get(order_id))
            orders[order_id].take(entry)
    return [order.row() for order in orders.values()]


ORDER_STATE = Projection("order_state", rows=_rows, needs=_needs)
