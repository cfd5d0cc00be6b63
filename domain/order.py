"""The Order aggregate: the decisions an order allows, and the rules they keep."""

from typing import Any, Self

from eventsourcing.domain import BaseAggregate

from domain.errors import RuleViolation
from domain.events.event import Event
from domain.events.lifecycle import Created, Edited, Transferred
from domain.events.order_event import ORDER_TOPIC, OrderEvent
from domain.events.split import Split, SplitChanges, SplitFrom
from domain.order_rules import minus, require_fit
from domain.order_state import OrderState, changes
from domain.values import Customer, Totals

DECISIONS: tuple[type[OrderEvent], ...] = (Created, Edited, Transferred, Split, SplitChanges, SplitFrom)
"""Events whose recording depends on what the order is. All others are facts: true whatever the order is."""


def stream_of(order_id: str) -> str:
    """Return the name of the order's stream."""
    return f"order-{order_id}"


class Order(BaseAggregate[str]):
    """An order: folded from its events, and asked before a decision becomes an event.

    Every decision takes the envelope of its events as keywords (actor, timestamp, correlation_id …) and raises
    RuleViolation if the order does not allow it; the order is as it was then.
    """

    TOPIC = ORDER_TOPIC
    """What the eventsourcing library calls the class by."""

    def __init__(self) -> None:
        self.state = OrderState()

    @property
    def order_id(self) -> str:
        return self.id.removeprefix("order-")

    @classmethod
    def create(cls, order_id: str, **event: Any) -> Self:
        """Bring an order into being; event holds Created's own fields too. Its totals must be in one currency."""
        return cls.begin(Created(originator_id=stream_of(order_id), **event))

    @classmethod
    def begin(cls, event: OrderEvent) -> Self:
        """Bring an order into being by whatever event of it is the first that we hear of."""
        require_fit(event, OrderState())
        first = event.model_copy(update={"originator_version": cls.INITIAL_VERSION})
        order: Self = first.mutate(None)
        order.pending_events.append(first)
        return order

    def evolve(self, event: Event) -> None:
        self.state.evolve(event)

    def edit(self, after: Totals, **envelope: Any) -> None:
        """Change what the order amounts to; the currency stays."""
        self.accept(Edited(originator_id=self.id, **changes(self._totals(), after), **envelope))

    def transfer(self, new_customer: Customer, **envelope: Any) -> None:
        """Hand the order over to another customer."""
        original = self.state.customer or Customer()
        if original.id == new_customer.id:
            raise RuleViolation(f"Order {self.order_id} belongs to customer {original.id!r} already")
        customers = {"original_customer": original, "new_customer": new_customer}
        self.accept(Transferred(originator_id=self.id, **customers, **envelope))

    def split(self, child_order_id: str, child_totals: Totals, **envelope: Any) -> Self:
        """Split part of the order off into a new one and return that child; record both orders in one append.

        What the parent amounts to afterwards and what the child amounts to add up to what the parent amounted to.
        """
        before = self._totals()
        after = minus(before, child_totals)
        self.accept(Split(originator_id=self.id, child_order_id=child_order_id, **envelope))
        self.accept(SplitChanges(originator_id=self.id, **changes(before, after), **envelope))
        child = type(self).create(
            child_order_id, created_by="split", totals=child_totals, customer=self.state.customer, **envelope
        )
        child.accept(SplitFrom(originator_id=child.id, parent_order_id=self.order_id, **envelope))
        return child

    def accept(self, event: OrderEvent) -> None:
        """Take an event as the order's next, whoever decided on it, if it fits what the order is."""
        require_fit(event, self.state)
        next_event = event.model_copy(update={"originator_version": self.version + 1})
        next_event.mutate(self)
        self.pending_events.append(next_event)

    def _totals(self) -> Totals:
        if self.state.totals is None:
            raise RuleViolation(f"What order {self.order_id} amounts to is not known; it was created without totals")
        return self.state.totals
