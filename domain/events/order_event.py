"""The common parts of all events of an order."""

from typing import Any

from eventsourcing.utils import resolve_topic

from domain.events.event import Event
from domain.streams import order_id_of

ORDER_TOPIC = "order"


class OrderEvent(Event):
    """Something that happened to one order; its stream is order-<id>."""

    @property
    def order_id(self) -> str:
        return order_id_of(self.originator_id)

    def mutate(self, aggregate: Any) -> Any:
        """Fold the event into the order. Any event can be an order's first, because implicit tenants need not create
        orders.
        """
        if aggregate is not None:
            return super().mutate(aggregate)
        order_class = resolve_topic(ORDER_TOPIC)
        order = order_class.__new__(order_class)
        order.__base_init__(self.originator_id, self.originator_version, self.timestamp)
        order.__init__()
        self.apply(order)
        return order

    def apply(self, aggregate: Any) -> None:
        aggregate.evolve(self)
