"""Payment: money is moved, disputed, and invoiced."""

from typing import Annotated

from domain.events.order_event import OrderEvent
from domain.values import OF_ORDER, Change, JsonObject, Name, Text


class PaymentStatusUpdated(OrderEvent):
    """The order's payment status changed."""

    topic = "order.payment_status_updated"
    status: Name
    reason: Annotated[Name, OF_ORDER] = ""
    options: Annotated[JsonObject | None, OF_ORDER] = None
    """Further wishes of the request, in the requester's words: mails, refunds."""


class PaymentMethodChanged(OrderEvent):
    """The order is paid in another way."""

    topic = "order.payment_method_changed"
    method: Change[Text]


class PaymentSlipAdded(OrderEvent):
    """A payment slip was attached to the order."""

    topic = "order.payment_slip_added"


class AmountUnmatched(OrderEvent):
    """The amount paid differs from the order's total; amount is as the payment provider printed it."""

    topic = "order.amount_unmatched"
    amount: Name


class ChargebackRequested(OrderEvent):
    """The customer's bank asked for the money back."""

    topic = "order.chargeback_requested"


class ChargebackUnderReview(OrderEvent):
    """The chargeback is under review."""

    topic = "order.chargeback_under_review"


class ChargebackLost(OrderEvent):
    """The chargeback was decided for the customer."""

    topic = "order.chargeback_lost"


class ChargebackExpired(OrderEvent):
    """The chargeback was not answered in time."""

    topic = "order.chargeback_expired"


class ChargebackWon(OrderEvent):
    """The chargeback was decided for the merchant."""

    topic = "order.chargeback_won"


class ChargebackCanceled(OrderEvent):
    """The chargeback was withdrawn."""

    topic = "order.chargeback_canceled"


class ChargebackResolved(OrderEvent):
    """The chargeback was settled."""

    topic = "order.chargeback_resolved"


class InvoiceRequestUpdated(OrderEvent):
    """The customer's wishes for the invoice were changed."""

    topic = "order.invoice_request_updated"


class InvoiceCreated(OrderEvent):
    """An invoice was issued."""

    topic = "order.invoice_created"


class InvoiceCancelled(OrderEvent):
    """The invoice was cancelled."""

    topic = "order.invoice_cancelled"


class InvoiceStatusUpdated(OrderEvent):
    """The invoice's status and the time of its last update changed, both as the invoicing service prints them."""

    topic = "order.invoice_status_updated"
    status: Change[Name]
    updated_at: Change[Name]
