"""SHOPLINE's order object, made from the order's events."""

from collections import deque
from datetime import datetime
from typing import Any

from api.dialects.shopline.values import offset, rendered
from application.ledger.codec import decode
from application.ledger.port import RecordedEvent
from domain.errors import OrderArchived
from domain.events import delivery, lifecycle, payment, split
from domain.events.event import Event
from domain.order_state import OrderState

MAX_REMARKS = 4 * 2**20
"""The largest number of characters of comments, and of notes, in an order object."""
_CREATED_BY = {"split": "openapi"}
"""Creators of orders, and SHOPLINE's own words for them."""
INITIAL = "pending"
"""The state of SHOPLINE's orders, payments and deliveries before anything is known of them."""


class OrderObject:
    """An order in SHOPLINE's form. Give it all readable events that changed the order, then render it."""

    def __init__(self, order_id: str) -> None:
        self.order_id = order_id
        self.state = OrderState()
        self.is_archived = False
        self._updated_at: datetime | None = None
        self._times: dict[str, datetime] = {}
        self._payment: dict[str, Any] = {}
        self._delivery: dict[str, Any] = {}
        self._comments, self._notes = _Remarks(), _Remarks()

    def take(self, recorded: RecordedEvent) -> None:
        """Fold the next event. Raises InvalidEvent, or an error in DAMAGE, if its changes cannot be read."""
        # Use our clock, since this time tells whether anything was recorded since. A producer's clock may stand still.
        self._updated_at = recorded.recorded_at
        event = decode(recorded)
        self.state.evolve(event)
        self._fold(event)

    def require_present(self) -> None:
        """Raise OrderArchived if the order was archived."""
        if self.is_archived:
            raise OrderArchived(self.order_id)

    def _fold(self, event: Event) -> None:
        match event:
            case lifecycle.StatusUpdated(status=("confirmed" | "completed") as status):
                self._times[f"{status}_at"] = event.timestamp
            case lifecycle.Edited():
                self._times["edited_at"] = event.timestamp
            case split.Split():
                self._times["split_at"] = event.timestamp
            case lifecycle.Archived():
                self.is_archived = True
            case lifecycle.CommentAdded():
                (self._notes if event.is_private else self._comments).add(event)
        self._fold_payment(event)
        self._fold_delivery(event)

    def _fold_payment(self, event: Event) -> None:
        match event:
            case payment.PaymentStatusUpdated():
                self._payment |= {"status": event.status, "updated_at": offset(event.timestamp)}
                if event.status == "completed":
                    self._payment["paid_at"] = offset(event.timestamp)
            case payment.PaymentMethodChanged():
                self._payment["name_translations"] = rendered(event.method.after)

    def _fold_delivery(self, event: Event) -> None:
        match event:
            case delivery.DeliveryStatusUpdated():
                self._delivery |= {"status": event.status, "updated_at": offset(event.timestamp)}
                if f"{event.status}_at" in _DELIVERY:
                    self._delivery[f"{event.status}_at"] = offset(event.timestamp)
            case delivery.RefDeliveryStatusUpdated():
                self._delivery |= {"delivery_status": event.status, "updated_at": offset(event.timestamp)}
            case delivery.DeliveryMethodChanged():
                self._delivery["name_translations"] = rendered(event.method.after)
            case delivery.DeliveryRemarkCreated() | delivery.DeliveryRemarkUpdated():
                self._delivery["remark"] = event.text
            case delivery.DeliveryRemarkDeleted():
                self._delivery["remark"] = None

    def render(self) -> dict[str, Any]:
        """Return the order object. Everything that no event tells is null or empty."""
        state, customer = self.state, self.state.customer
        times = {name: offset(moment) for name, moment in self._times.items()}
        return {
            **_UNKNOWN,
            "id": self.order_id,
            "ref_order_id": state.reference,
            "status": state.status or INITIAL,
            "created_by": _CREATED_BY.get(state.created_by, state.created_by) or None,
            "customer_id": (customer and customer.id) or None,
            "customer_name": (customer and customer.name) or None,
            **self._money(),
            "order_payment": {**_PAYMENT, **self._payment},
            "order_delivery": {**_DELIVERY, **self._delivery},
            "parent_order_id": state.parent,
            "child_order_ids": state.children,
            "order_comments": self._comments.shown(),
            "order_notes": self._notes.shown(),
            "created_at": state.created_at and offset(state.created_at),
            "updated_at": self._updated_at and offset(self._updated_at),
            **times,
        }

    def _money(self) -> dict[str, Any]:
        totals = self.state.totals
        if totals is None:
            return {}
        return {
            "currency_iso": totals.total.currency_iso,
            "subtotal": rendered(totals.subtotal),
            "order_discount": rendered(totals.discount),
            "total": rendered(totals.total),
        }


class _Remarks:
    """The comments on an order. If they are very long, only the newest are kept."""

    def __init__(self) -> None:
        self._newest: deque[dict[str, Any]] = deque()
        self._size = 0

    def add(self, event: lifecycle.CommentAdded) -> None:
        self._newest.append({"owner_type": owner_type(event), "value": event.text, "time": offset(event.timestamp)})
        self._size += len(event.text)
        while self._size > MAX_REMARKS and len(self._newest) > 1:
            self._size -= len(self._newest.popleft()["value"])

    def shown(self) -> list[dict[str, Any]]:
        return list(self._newest)


def owner_type(event: lifecycle.CommentAdded) -> str:
    """Return the author of a comment in SHOPLINE's words: customers are users there."""
    return "User" if event.sender == "customer" else "Merchant"


_PAYMENT = {"status": INITIAL, "name_translations": None, "total": None, "paid_at": None, "updated_at": None}
_DELIVERY = {
    "status": INITIAL,
    "delivery_status": None,
    "name_translations": None,
    "remark": None,
    "shipped_at": None,
    "arrived_at": None,
    "collected_at": None,
    "returned_at": None,
    "updated_at": None,
}
_UNKNOWN: dict[str, Any] = {
    "order_number": None,
    "system_order_number": None,
    "merchant_order_number": None,
    "type": None,
    "customer_email": None,
    "customer_phone": None,
    "currency_iso": None,
    "subtotal": None,
    "order_discount": None,
    "user_credit": None,
    "total_tax_fee": None,
    "total": None,
    "delivery_address": None,
    "delivery_data": None,
    "subtotal_items": [],
    "split_at": None,
    "edited_at": None,
    "confirmed_at": None,
    "completed_at": None,
    "order_items_stock_tag": None,
    "tags": [],
    "invoices": [],
}
