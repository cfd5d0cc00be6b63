"""An order comes into being, changes hands, and ends."""

from typing import Annotated

from pydantic import StrictBool

from domain.events.order_event import OrderEvent
from domain.values import (
    OF_ORDER,
    Body,
    Change,
    Customer,
    Identifier,
    JsonObject,
    Money,
    Name,
    OptionalCustomer,
    OptionalId,
    Totals,
)


class Created(OrderEvent):
    """The order came into being; reference is the id the merchant's partner knows it by."""

    topic = "order.created"
    created_by: Name = ""
    reference: Identifier | None = None
    totals: Totals | None = None
    customer: OptionalCustomer = None


class DetailsUpdated(OrderEvent):
    """Details of the order were changed."""

    topic = "order.details_updated"


class CustomerDetailsUpdated(OrderEvent):
    """Details of the customer were changed."""

    topic = "order.customer_details_updated"


class Edited(OrderEvent):
    """The order's lines were edited, and with them what it amounts to."""

    topic = "order.edited"
    total: Change[Money]
    subtotal: Change[Money]
    discount: Change[Money]


class Transferred(OrderEvent):
    """The order was handed over to another customer."""

    topic = "order.transferred"
    original_customer: Customer
    new_customer: Customer


class CommentAdded(OrderEvent):
    """Somebody commented on the order."""

    topic = "order.comment_added"
    text: Annotated[Body, OF_ORDER] = ""
    is_private: StrictBool = False
    sender: Name | None = None
    """On whose side it is: the merchant's or the customer's, whoever wrote it down."""
    media_id: OptionalId = None
    subject_type: OptionalId = None
    subject_id: OptionalId = None
    custom_data: Annotated[JsonObject | None, OF_ORDER] = None


class StatusUpdated(OrderEvent):
    """The order's status changed."""

    topic = "order.status_updated"
    status: Name
    reason: Annotated[Name, OF_ORDER] = ""
    options: Annotated[JsonObject | None, OF_ORDER] = None
    """What else was asked for with it, in the words of whoever asked: mails, refunds."""


class Archived(OrderEvent):
    """The order was put away: it is kept, and no longer shown among those that are worked on."""

    topic = "order.archived"


class Redacted(OrderEvent):
    """What is known of the customer through the order was erased; it stays so, whatever is told of the order later."""

    topic = "order.redacted"


class ProductSubscriptionCreated(OrderEvent):
    """A subscription to a product of the order was created."""

    topic = "order.product_subscription_created"
    product_subscription_id: Name
    product_title: Name = ""


class ProductSubscriptionCancelled(OrderEvent):
    """A subscription to a product of the order was cancelled."""

    topic = "order.product_subscription_cancelled"


class CancellationRequested(OrderEvent):
    """The customer asked for the order to be cancelled."""

    topic = "order.cancellation_requested"
    reason: Annotated[Name, OF_ORDER] = ""
    performer_ip: Annotated[Name, OF_ORDER] = ""
    """The customer's address, whoever reports it."""


class CancellationFailed(OrderEvent):
    """The customer's request to cancel the order could not be met."""

    topic = "order.cancellation_failed"
    reason: Annotated[Name, OF_ORDER] = ""
    performer_ip: Annotated[Name, OF_ORDER] = ""
    """The customer's address, whoever reports it."""
