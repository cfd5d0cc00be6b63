"""Splits: the events of both orders are recorded in one append."""

from collections.abc import Awaitable, Callable, Sequence

from application.ledger.port import NO_STREAM, Exactly, ExpectedVersion
from domain.errors import InvalidEvent, OrderNotFound, RuleViolation
from domain.events.order_event import OrderEvent
from domain.events.split import Split, SplitFrom
from domain.order import Order
from domain.streams import order_stream

Load = Callable[[str], Awaitable[Order | None]]
"""Loads an order; None if it does not exist yet but may begin with a split's event. Raises OrderNotFound."""
Other = tuple[Order, ExpectedVersion]
"""The other order of a split with its new events, and the condition on its stream."""


def require_told(events: Sequence[OrderEvent]) -> None:
    """Raise InvalidEvent if the caller marks a split as implied. Only we may do that."""
    if any(event.implied_by for event in events if isinstance(event, Split | SplitFrom)):
        raise InvalidEvent("The server itself sets implied_by; leave it out")


def other_streams(events: Sequence[OrderEvent]) -> set[str]:
    """Return the streams of the other orders in the reported splits."""
    return {_other_side(event).originator_id for event in events if isinstance(event, Split | SplitFrom)}


async def other_sides(events: Sequence[OrderEvent], load: Load) -> list[Other]:
    """Return the other orders of the reported splits, except those that have recorded the split already.

    Raises RuleViolation if there is no such order, or if it was split from another one.
    """
    orders: dict[str, Other] = {}
    for side in [_other_side(event) for event in events if isinstance(event, Split | SplitFrom)]:
        order, expected = orders.get(side.order_id) or await _known(side.order_id, load)
        if order is None:
            orders[side.order_id] = Order.begin(side), expected
        elif not order.knows_of(side):
            order.accept(side)
            orders[side.order_id] = order, expected
    return list(orders.values())


async def of_child(child: Order, load: Load | None) -> Other:
    """Return the child of a split that is decided here: a new order.

    With load, the child may have events already, as long as it was not created. Raises RuleViolation if it was.
    """
    known, expected = await _known(child.order_id, load) if load else (None, NO_STREAM)
    if known is None:
        return child, expected
    for event in child.collect_events():
        known.accept(event)  # type: ignore[arg-type]
    return known, expected


async def _known(order_id: str, load: Load) -> tuple[Order | None, ExpectedVersion]:
    try:
        order = await load(order_id)
    except OrderNotFound as exc:
        raise RuleViolation(f"A split needs both orders, and there is no order {order_id!r}") from exc
    return order, NO_STREAM if order is None else Exactly(order.version)


def _other_side(event: Split | SplitFrom) -> Split | SplitFrom:
    """Return the other order's event for a split that was reported of one order."""
    # If the event has no time, the other order's event has none either.
    envelope = event.model_dump(include={"timestamp", "actor", "correlation_id", "causation_id"}, exclude_unset=True)
    envelope["implied_by"] = event.event_id
    if isinstance(event, Split):
        return SplitFrom(originator_id=order_stream(event.child_order_id), parent_order_id=event.order_id, **envelope)
    return Split(originator_id=order_stream(event.parent_order_id), child_order_id=event.order_id, **envelope)
