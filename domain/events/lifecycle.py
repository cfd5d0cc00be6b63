"""The life of an order: it is created, changed, and ended."""

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
    """The order was created; reference is the id that the merchant's partner uses for it."""

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
    """The order's lines were edited, and so were its amounts."""

    topic = "order.edited"
    total: Change[Money]
    subtotal: Change[Money]
    discount: Change[Money]


class Transferred(OrderEvent):
    """The order was transferred to another customer."""

    topic = "order.transferred"
    original_customer: Customer
    new_customer: Customer


class CommentAdded(OrderEvent):
    """Somebody commented on the order."""

    topic = "order.comment_added"
    text: Annotated[Body, OF_ORDER] = ""
    is_private: StrictBool = False
    sender: Name | None = None
    """The side that the comment comes from: the merchant's or the customer's. Somebody else may have recorded it."""
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
    """Further wishes of the request, in the requester's words: mails, refunds."""


class Archived(OrderEvent):
    """The order was archived: it is kept, and no longer shown among active orders."""

    topic = "order.archived"


class Redacted(OrderEvent):
    """The order's data about its customer was erased. Later events of the order do not undo this."""

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
    """The customer's IP address, even if somebody else reports it."""


class CancellationFailed(OrderEvent):
    """The customer's request to cancel the order could not be met."""

    topic = "order.cancellation_failed"
    reason: Annotated[Name, OF_ORDER] = ""
    performer_ip: Annotated[Name, OF_ORDER] = ""
    """The customer's IP address, even if somebody else reports it."""
