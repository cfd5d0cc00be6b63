"""Delivery: the goods are on their way, or they are not."""

from typing import Annotated

from domain.events.order_event import OrderEvent
from domain.values import OF_ORDER, Change, JsonObject, Name, Sentence, Text


class DeliveryStatusUpdated(OrderEvent):
    """The order's delivery status changed."""

    topic = "order.delivery_status_updated"
    status: Name
    options: Annotated[JsonObject | None, OF_ORDER] = None
    """Further wishes of the request, in the requester's words: mails, refunds."""


class RefDeliveryStatusUpdated(OrderEvent):
    """The delivery status that the logistics provider reports changed."""

    topic = "order.ref_delivery_status_updated"
    status: Name


class DeliveryDetailsUpdated(OrderEvent):
    """The order's delivery address or recipient was changed."""

    topic = "order.delivery_details_updated"


class DeliveryMethodChanged(OrderEvent):
    """The order is delivered in another way."""

    topic = "order.delivery_method_changed"
    method: Change[Text]


class DeliveryLocationUpdated(OrderEvent):
    """The order is picked up at another location."""

    topic = "order.delivery_location_updated"
    location_name: Change[Annotated[Name, OF_ORDER]]


class ReturningStoreUpdated(OrderEvent):
    """The order is returned to another store."""

    topic = "order.returning_store_updated"
    location_name: Annotated[Name, OF_ORDER]


class DeliveryRemarkCreated(OrderEvent):
    """A remark on the delivery was written."""

    topic = "order.delivery_remark_created"
    text: Annotated[Sentence, OF_ORDER] = ""


class DeliveryRemarkUpdated(OrderEvent):
    """The remark on the delivery was changed."""

    topic = "order.delivery_remark_updated"
    text: Annotated[Sentence, OF_ORDER] = ""


class DeliveryRemarkDeleted(OrderEvent):
    """The remark on the delivery was deleted."""

    topic = "order.delivery_remark_deleted"


class ShipmentIdSet(OrderEvent):
    """The order's shipment got its id."""

    topic = "order.shipment_id_set"
    shipment_id: Name


class ShipmentJobFailed(OrderEvent):
    """The job that was to ship the order failed."""

    topic = "order.shipment_job_failed"


class ShipmentExecutionFailed(OrderEvent):
    """The logistics provider could not execute the shipment."""

    topic = "order.shipment_execution_failed"
    message: Annotated[Sentence, OF_ORDER] = ""


class ShipmentCancellationFailed(OrderEvent):
    """The logistics provider could not cancel the shipment."""

    topic = "order.shipment_cancellation_failed"
    message: Annotated[Sentence, OF_ORDER] = ""
