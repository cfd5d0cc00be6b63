"""What happened, in the words of people: a title, a picture and a colour for every type of event."""

from typing import Any, Literal, NamedTuple

from domain.events import delivery, integration, lifecycle, payment, person, records, split
from domain.personal import EXPIRED, REDACTED, UNREADABLE

Tone = Literal["good", "bad", "wait", "info", "quiet"]
"""How something turned out; each has a colour."""


class Appearance(NamedTuple):
    """How a type of event is shown. A step is the field that holds what has become of something."""

    title: str
    icon: str
    tone: Tone = "quiet"
    step: str | None = None
    summary: str | None = None


_LOOKS: dict[str, Appearance] = {
    lifecycle.Created.topic: Appearance("Order created", "plus", "info"),
    lifecycle.DetailsUpdated.topic: Appearance("Details changed", "pen"),
    lifecycle.CustomerDetailsUpdated.topic: Appearance("Customer’s details changed", "person"),
    lifecycle.Edited.topic: Appearance("Amounts edited", "pen", "info"),
    lifecycle.Transferred.topic: Appearance("Transferred to another customer", "person", "info"),
    lifecycle.CommentAdded.topic: Appearance("Comment", "note", summary="text"),
    lifecycle.StatusUpdated.topic: Appearance("Status", "flag", step="status", summary="reason"),
    lifecycle.Archived.topic: Appearance("Order archived", "box"),
    lifecycle.Redacted.topic: Appearance("Customer’s data erased", "shield", "info"),
    lifecycle.ProductSubscriptionCreated.topic: Appearance("Subscription created", "repeat", summary="product_title"),
    lifecycle.ProductSubscriptionCancelled.topic: Appearance("Subscription cancelled", "repeat", "wait"),
    lifecycle.CancellationRequested.topic: Appearance("Customer asked to cancel", "stop", "wait", summary="reason"),
    lifecycle.CancellationFailed.topic: Appearance("Cancellation failed", "stop", "bad", summary="reason"),
    payment.PaymentStatusUpdated.topic: Appearance("Payment", "card", step="status", summary="reason"),
    payment.PaymentMethodChanged.topic: Appearance("Payment method changed", "card"),
    payment.PaymentSlipAdded.topic: Appearance("Payment slip added", "card"),
    payment.AmountUnmatched.topic: Appearance("Amount paid differs from the total", "card", "bad", summary="amount"),
    payment.ChargebackRequested.topic: Appearance("Chargeback requested", "back", "bad"),
    payment.ChargebackUnderReview.topic: Appearance("Chargeback under review", "back", "wait"),
    payment.ChargebackLost.topic: Appearance("Chargeback lost", "back", "bad"),
    payment.ChargebackExpired.topic: Appearance("Chargeback expired", "back", "bad"),
    payment.ChargebackWon.topic: Appearance("Chargeback won", "back", "good"),
    payment.ChargebackCanceled.topic: Appearance("Chargeback withdrawn", "back", "good"),
    payment.ChargebackResolved.topic: Appearance("Chargeback settled", "back", "good"),
    payment.InvoiceRequestUpdated.topic: Appearance("Wishes for the invoice changed", "page"),
    payment.InvoiceCreated.topic: Appearance("Invoice issued", "page"),
    payment.InvoiceCancelled.topic: Appearance("Invoice cancelled", "page", "wait"),
    payment.InvoiceStatusUpdated.topic: Appearance("Invoice", "page"),
    delivery.DeliveryStatusUpdated.topic: Appearance("Delivery", "truck", step="status"),
    delivery.RefDeliveryStatusUpdated.topic: Appearance("Carrier’s status", "truck", step="status"),
    delivery.DeliveryDetailsUpdated.topic: Appearance("Delivery details changed", "pin"),
    delivery.DeliveryMethodChanged.topic: Appearance("Delivery method changed", "truck"),
    delivery.DeliveryLocationUpdated.topic: Appearance("Pick-up location changed", "pin"),
    delivery.ReturningStoreUpdated.topic: Appearance("Returned to another store", "pin", summary="location_name"),
    delivery.DeliveryRemarkCreated.topic: Appearance("Delivery remark", "note", summary="text"),
    delivery.DeliveryRemarkUpdated.topic: Appearance("Delivery remark changed", "note", summary="text"),
    delivery.DeliveryRemarkDeleted.topic: Appearance("Delivery remark deleted", "note"),
    delivery.ShipmentIdSet.topic: Appearance("Shipment got its id", "box", summary="shipment_id"),
    delivery.ShipmentJobFailed.topic: Appearance("Shipping job failed", "truck", "bad"),
    delivery.ShipmentExecutionFailed.topic: Appearance("Shipment failed", "truck", "bad", summary="message"),
    delivery.ShipmentCancellationFailed.topic: Appearance(
        "Shipment could not be cancelled", "truck", "bad", None, "message"
    ),
    split.Split.topic: Appearance("Part split off", "split", "info", summary="child_order_id"),
    split.SplitChanges.topic: Appearance("Amounts after the split", "split"),
    split.SplitFrom.topic: Appearance("Split from another order", "split", "info", summary="parent_order_id"),
    records.ServiceEventRecorded.topic: Appearance("Service", "gear", step="service_status", summary="description"),
    records.SystemLogRecorded.topic: Appearance("Call", "arrows"),
    integration.ExceptionLogged.topic: Appearance("Integration’s call failed", "plug", "bad"),
    integration.IntegrationTied.topic: Appearance("Integration tied", "plug"),
    integration.IntegrationUntied.topic: Appearance("Integration untied", "plug"),
    integration.Registered.topic: Appearance("Integration registered", "plug"),
    integration.Recovered.topic: Appearance("Integration recovered", "plug", "good", summary="description"),
    person.Forgotten.topic: Appearance("Person forgotten", "shield", "info"),
    integration.IntegrationRedacted.topic: Appearance("Integration’s bodies erased", "shield", "info"),
}

_TONES: dict[str, Tone] = {
    **dict.fromkeys(("failure", "error", "failed", "lost", "expired", "declined", "undeliverable", "overdue"), "bad"),
    **dict.fromkeys(("cancelled", "canceled", "returned", "refunded", "rejected", "revoked", "stopped"), "bad"),
    **dict.fromkeys(("success", "completed", "confirmed", "delivered", "collected", "paid", "captured", "ok"), "good"),
    **dict.fromkeys(("active", "arrived", "shipped", "accepted", "authorized", "won", "resolved", "healthy"), "good"),
    **dict.fromkeys(("pending", "processing", "shipping", "waiting", "temp", "returning", "rotating"), "wait"),
    **dict.fromkeys(("partially_refunded", "on_hold", "under_review", "lagging"), "wait"),
}

GONE = {
    REDACTED: ("redacted", "This was erased at the customer’s wish. The event itself is still proven."),
    EXPIRED: ("expired", "This was kept for as long as your retention period says."),
    UNREADABLE: ("unreadable", "This was changed in the database after it was recorded."),
}
"""What stands in the place of something that is not there any more, and why."""


def look_of(event_type: str) -> Appearance:
    """Return how a type of event is shown; another application's is shown by its name."""
    return _LOOKS.get(event_type) or Appearance(words(event_type.partition(".")[2] or event_type), "dot")


def tone_of(word: Any) -> Tone:
    """Return how something turned out that a word of a vendor's tells."""
    return _TONES.get(str(word).lower().replace(" ", "_").replace("-", "_"), "quiet")


def code_tone(code: int | None) -> Tone:
    """Return how a call turned out, by its status."""
    if code is None or code >= 500:
        return "bad"
    return "bad" if code >= 400 else "good" if code < 300 else "info"


def words(name: str) -> str:
    """Return a name with underscores as words: Delivery status."""
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def initials(name: str) -> str:
    """Return the first letters of a name, two at most."""
    parts = [part for part in name.split() if part[0].isalnum()]
    return "".join(part[0] for part in (parts[:1] + parts[1:][-1:])).upper() or "·"


def gone(value: Any) -> str | None:
    """Return what happened to something that is not there any more; None if it is there."""
    if isinstance(value, dict) and len(value) == 1:
        [value] = value.values()
    return GONE[value][0] if isinstance(value, str) and value in GONE else None


FILTERS: dict[str, Any] = {
    "words": words,
    "tone": tone_of,
    "code_tone": code_tone,
    "initials": initials,
    "gone": gone,
    "why_gone": lambda value: next(why for what, why in GONE.values() if what == gone(value)),
}
