"""One order becomes two; the parent's and the child's events are recorded together or not at all."""

from typing import Annotated

from domain.events.order_event import OrderEvent
from domain.values import OF_ORDER, Change, Identifier, JsonObject, Money


class Split(OrderEvent):
    """Part of this order became another order, the child."""

    topic = "order.split"
    child_order_id: Identifier
    options: Annotated[JsonObject | None, OF_ORDER] = None
    """What else was asked for with it, in the words of whoever asked: which lines, which mails."""
    implied_by: Identifier | None = None
    """The child's event that told us of the split, as long as this order's own was not told."""


class SplitChanges(OrderEvent):
    """What this order amounts to before and after a part was split off."""

    topic = "order.split_changes"
    total: Change[Money]
    subtotal: Change[Money]
    discount: Change[Money]


class SplitFrom(OrderEvent):
    """This order was split off from another one, the parent."""

    topic = "order.split_from"
    parent_order_id: Identifier
    implied_by: Identifier | None = None
    """The parent's event that told us of the split, as long as this order's own was not told."""
