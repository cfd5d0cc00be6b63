"""The Order aggregate: the decisions that an order allows, and the rules for them."""

import secrets
from typing import Any, Self

from eventsourcing.domain import BaseAggregate

from domain.errors import OrderChanged, RuleViolation
from domain.events.catalogue import RECORDS, TIES
from domain.events.event import Event
from domain.events.lifecycle import CancellationRequested, Created, Edited, Redacted, StatusUpdated, Transferred
from domain.events.order_event import ORDER_TOPIC, OrderEvent
from domain.events.split import Split, SplitChanges, SplitFrom
from domain.order_rules import completed, minus, require_fit, share
from domain.order_state import OrderState, changes
from domain.streams import order_id_of, order_stream
from domain.values import NO_CUSTOMER, Change, Customer, JsonObject, Money, Name, Totals

DECISIONS: tuple[type[OrderEvent], ...] = (Created, Edited, Transferred, Redacted, Split, SplitChanges, SplitFrom)
"""Events whose recording depends on the order's state. All others are facts: they are true whatever its state is."""

CANCELLED = "cancelled"


def new_order_id() -> str:
    """Return an order id that every dialect can carry: 24 hexadecimal digits."""
    return secrets.token_hex(12)


class Order(BaseAggregate[str]):
    """An order, folded from its events. Ask it before a decision becomes an event.

    Every decision takes the envelope of its events as keywords (actor, timestamp, correlation_id …). It raises
    RuleViolation if the order does not allow it; the order is then unchanged.
    """

    TOPIC = ORDER_TOPIC
    """The class's name in the eventsourcing library."""

    def __init__(self) -> None:
        self.state = OrderState()
        self.is_created = False
        """Whether the order's creation was recorded. It may come after other events, but only once."""
        self._implied: set[str] = set()
        """The other orders of splits that only they have reported."""
        self.changed_version = 0
        """The version of the newest event that changed the order. Services' reports do not change it."""

    @property
    def order_id(self) -> str:
        return order_id_of(self.id)

    @classmethod
    def create(cls, order_id: str, **event: Any) -> Self:
        """Create an order; event holds Created's own fields too. Its totals must be in one currency."""
        return cls.begin(Created(originator_id=order_stream(order_id), **event))

    @classmethod
    def begin(cls, event: OrderEvent) -> Self:
        """Start an order with the first event that we get of it, whatever its type is."""
        require_fit(event, OrderState())
        first = event.model_copy(update={"originator_version": cls.INITIAL_VERSION})
        order: Self = first.mutate(None)
        order.pending_events.append(first)
        return order

    def evolve(self, event: Event) -> None:
        self.state.evolve(event)
        self._note_what_was_told(event)
        if not isinstance(event, (*RECORDS, *TIES)):
            self.changed_version = event.originator_version

    def _note_what_was_told(self, event: Event) -> None:
        match event:
            case Created():
                self.is_created = True
            case Split(child_order_id=other) | SplitFrom(parent_order_id=other):
                (self._implied.add if event.implied_by else self._implied.discard)(other)

    def edit(self, after: Totals, **envelope: Any) -> None:
        """Change the order's amounts; the currency stays."""
        self.accept(Edited(originator_id=self.id, **changes(self._totals(), after), **envelope))

    def transfer(self, new_customer: Customer, **envelope: Any) -> None:
        """Transfer the order to another customer."""
        original = self.state.customer or NO_CUSTOMER
        if original.is_known_as(new_customer):
            raise RuleViolation(f"Order {self.order_id} belongs to customer {original.id!r} already")
        if original == new_customer == NO_CUSTOMER:
            raise RuleViolation(f"Order {self.order_id} has no customer already")
        customers = {"original_customer": original, "new_customer": new_customer}
        self.accept(Transferred(originator_id=self.id, **customers, **envelope))

    def redact(self, **envelope: Any) -> None:
        """Erase the order's data about its customer. An order that was redacted stays as it is."""
        if not self.state.redacted:
            self.accept(Redacted(originator_id=self.id, **envelope))

    def cancel(
        self,
        reason: Name = "",
        *,
        requested_from: Name | None = None,
        options: JsonObject | None = None,
        **envelope: Any,
    ) -> None:
        """End the order. requested_from is the IP address of the customer who asked for it, None if the merchant did
        it.
        """
        if self.state.status == CANCELLED:
            raise RuleViolation(f"Order {self.order_id} is cancelled already")
        if requested_from is not None:
            request = {"reason": reason, "performer_ip": requested_from}
            self.accept(CancellationRequested(originator_id=self.id, **request, **envelope))
        self.accept(StatusUpdated(originator_id=self.id, status=CANCELLED, reason=reason, options=options, **envelope))

    def split(
        self,
        child_order_id: str,
        part: Totals | Money | None,
        *,
        changed_version: int | None = None,
        options: JsonObject | None = None,
        **envelope: Any,
    ) -> Self:
        """Split a part of the order off into a new order, and return that child. Record both orders in one append.

        part is the child's totals, or the price of its lines; a price gets its share of the discount. The totals of the
        parent afterwards and of the child add up to the parent's totals before. part is None if nobody knows it: then
        only the parent's totals before are known. changed_version is the version of the newest change that the decision
        is based on.
        """
        if changed_version not in {None, self.changed_version}:
            raise OrderChanged(self.order_id)
        child_totals, divided = self._divide(part)
        self.accept(Split(originator_id=self.id, child_order_id=child_order_id, options=options, **envelope))
        if divided:
            self.accept(SplitChanges(originator_id=self.id, **divided, **envelope))
        child = type(self).create(
            child_order_id, created_by="split", totals=child_totals, customer=self.state.customer, **envelope
        )
        child.accept(SplitFrom(originator_id=child.id, parent_order_id=self.order_id, **envelope))
        return child

    def accept(self, event: OrderEvent) -> None:
        """Take an event as the order's next if it fits the order's state, whoever decided on it."""
        match event:
            case Created() if self.is_created:
                raise RuleViolation(f"Order {self.order_id} exists already")
            case Split(child_order_id=other) | SplitFrom(parent_order_id=other) if other in self._implied:
                pass  # its own event comes now; its content is known from the other order
            case _:
                require_fit(event, self.state)
        next_event = event.model_copy(update={"originator_version": self.version + 1})
        next_event.mutate(self)
        self.pending_events.append(next_event)

    def _divide(self, part: Totals | Money | None) -> tuple[Totals | None, dict[str, Change[Money]]]:
        """Return the totals of a part of the order, and the order's totals before and after that part is split off."""
        if part is None:
            return None, {}
        before = self._totals()
        child = completed(before, part) if isinstance(part, Totals) else share(before, part)
        return child, changes(before, minus(before, child))

    def knows_of(self, event: Split | SplitFrom) -> bool:
        """Return whether the order has already recorded its side of a split, as the event reports it."""
        if isinstance(event, Split):
            return event.child_order_id in self.state.children
        return event.parent_order_id == self.state.parent

    def _totals(self) -> Totals:
        if self.state.totals is None:
            raise RuleViolation(
                f"The totals of order {self.order_id} are not known, because it was created without totals"
            )
        return self.state.totals
