"""Splits: one order becomes two. The parent's and the child's events are recorded together or not at all."""

from typing import Annotated

from domain.events.order_event import OrderEvent
from domain.values import OF_ORDER, Change, Identifier, JsonObject, Money


class Split(OrderEvent):
    """Part of this order became another order, the child."""

    topic = "order.split"
    child_order_id: Identifier
    options: Annotated[JsonObject | None, OF_ORDER] = None
    """Further wishes of the request, in the requester's words: which lines, which mails."""
    implied_by: Identifier | None = None
    """The child's event that reported the split, until this order's own event is reported."""


class SplitChanges(OrderEvent):
    """The order's amounts before and after a part was split off."""

    topic = "order.split_changes"
    total: Change[Money]
    subtotal: Change[Money]
    discount: Change[Money]


class SplitFrom(OrderEvent):
    """This order was split off from another one, the parent."""

    topic = "order.split_from"
    parent_order_id: Identifier
    implied_by: Identifier | None = None
    """The parent's event that reported the split, until this order's own event is reported."""
