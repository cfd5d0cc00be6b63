"""What the view of orders shows of an order, as far as its row can be read."""

from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core import from_json

from application.ledger.codec import in_words
from application.ledger.port import WHY_UNREADABLE
from application.views.projections.order_state import OrderStateRow
from domain.order_state import OrderState

_MARKED = f'"{WHY_UNREADABLE}":'.encode()


class ShownOrder(NamedTuple):
    """An order's state. unreadable says why a part of it is missing; None if nothing is missing.

    If the row's detail cannot be read, the state is made from the other columns, and has no version.
    """

    state: OrderState
    unreadable: str | None


def shown_order(row: OrderStateRow) -> ShownOrder:
    """Return the order that a decrypted row shows."""
    try:
        return ShownOrder(OrderState.model_validate_json(row.detail), _why(row.detail))
    except ValidationError as damage:
        columns = {name: getattr(row, name) for name in ("reference", "status", "payment_status", "delivery_status")}
        state = OrderState.model_construct(None, **columns, updated_at=row.updated_at)
        return ShownOrder(state, f"the view's row is not that of an order: {in_words(damage)}")


def _why(detail: bytes) -> str | None:
    return from_json(detail).get(WHY_UNREADABLE) if _MARKED in detail else None
