"""The 42 actions under SHOPLINE's keys and in its shapes."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from api.dialects.shopline.values import rendered, zulu
from domain.events import delivery, lifecycle, payment, split
from domain.events.order_event import OrderEvent

_TOTALS = {"total": "total", "subtotal": "subtotal", "discount": "discount"}

ACTIONS: Mapping[type[OrderEvent], tuple[str, Mapping[str, str] | None]] = {
    delivery.ShipmentJobFailed: ("execute_shipment_job_failed", None),
    delivery.DeliveryStatusUpdated: ("updated_delivery_status", {"updated_delivery_status": "status"}),
    delivery.RefDeliveryStatusUpdated: ("updated_ref_delivery_status", {"updated_ref_delivery_status": "status"}),
    lifecycle.StatusUpdated: ("updated_status", {"updated_status": "status", "reason": "reason"}),
    payment.PaymentStatusUpdated: ("updated_payment_status", {"updated_payment_status": "status", "reason": "reason"}),
    delivery.ShipmentIdSet: ("set_shipment_id", {"set_shipment_id": "shipment_id"}),
    # Two keys end in a space on the vendor's page, and clients compare keys as they are printed there.
    delivery.DeliveryDetailsUpdated: ("updated_delivery_details ", None),
    lifecycle.CustomerDetailsUpdated: ("updated_customer_details ", None),
    lifecycle.DetailsUpdated: ("updated_order_details", None),
    lifecycle.CommentAdded: ("added_a_comment", None),
    delivery.DeliveryRemarkCreated: ("create_delivery_remark", None),
    delivery.DeliveryRemarkUpdated: ("update_delivery_remark", None),
    delivery.DeliveryRemarkDeleted: ("delete_delivery_remark", None),
    delivery.DeliveryLocationUpdated: (
        "delivery_location_updated",
        {"current_location_name": "location_name.before", "updated_location_name": "location_name.after"},
    ),
    delivery.ReturningStoreUpdated: ("returning_store_updated", {"updated_location_name": "location_name"}),
    lifecycle.Edited: ("order_edit", _TOTALS),
    split.Split: ("order_split", {"order_id": "child_order_id"}),
    split.SplitChanges: ("order_split_changes", _TOTALS),
    split.SplitFrom: ("order_split_from", {"order_id": "parent_order_id"}),
    delivery.DeliveryMethodChanged: (
        "update_delivery_method",
        {"from_delivery_method": "method.before", "to_delivery_method": "method.after"},
    ),
    payment.PaymentMethodChanged: (
        "update_payment_method",
        {"from_payment_method": "method.before", "to_payment_method": "method.after"},
    ),
    lifecycle.ProductSubscriptionCreated: (
        "product_subscription_created",
        {"product_subscription_id": "product_subscription_id", "product_title": "product_title"},
    ),
    lifecycle.ProductSubscriptionCancelled: ("cancell_product_subscription", None),
    payment.AmountUnmatched: ("unmatch_amount", {"amount": "amount"}),
    payment.PaymentSlipAdded: ("added_order_payment_slip", None),
    lifecycle.Transferred: (
        "order_transferred",
        {
            "original_customer_id": "original_customer.id",
            "original_customer_name": "original_customer.name",
            "new_customer_id": "new_customer.id",
            "new_customer_name": "new_customer.name",
        },
    ),
    lifecycle.Created: ("order_created", {"created_by": "created_by"}),
    lifecycle.CancellationRequested: (
        "customer_cancel_requested",
        {"cancelled_reason": "reason", "performer_ip": "performer_ip"},
    ),
    lifecycle.CancellationFailed: (
        "customer_cancel_failed",
        {"cancelled_reason": "reason", "performer_ip": "performer_ip"},
    ),
    payment.ChargebackRequested: ("chargeback_request", None),
    payment.ChargebackUnderReview: ("chargeback_review", None),
    payment.ChargebackLost: ("chargeback_lost", None),
    payment.ChargebackExpired: ("chargeback_expired", None),
    payment.ChargebackWon: ("chargeback_won", None),
    payment.ChargebackCanceled: ("chargeback_canceled", None),
    payment.ChargebackResolved: ("chargeback_resolved", None),
    delivery.ShipmentExecutionFailed: ("execute_shipment_failed", {"messasge": "message"}),
    delivery.ShipmentCancellationFailed: ("cancel_shipment_failed", {"messasge": "message"}),
    payment.InvoiceRequestUpdated: ("update_invoice_request", None),
    payment.InvoiceCreated: ("create_invoice", None),
    payment.InvoiceCancelled: ("cancel_invoice", None),
    payment.InvoiceStatusUpdated: ("update_invoice_status", {"status": "status", "updated_at": "updated_at"}),
}
"""Each action's key, and its data: SHOPLINE's name -> the event's field. They are in the order of the vendor's page.

The vendor's spelling is kept: trailing spaces, messasge, cancell_. A pair of before and after is an array of two.
"""

_READ = {
    action: (key, None if members is None else [(name, attrgetter(field)) for name, field in members.items()])
    for action, (key, members) in ACTIONS.items()
}


def action_log(event: OrderEvent) -> dict[str, Any]:
    """Return an action in the form of SHOPLINE's log."""
    key, members = _READ[type(event)]
    application = event.actor.application_id or ""
    return {
        "key": key,
        "data": None if members is None else {name: rendered(read(event)) for name, read in members},
        "created_at": zulu(event.timestamp),
        "performer_name": event.actor.name,
        "performer_type": event.actor.type,
        "performer_id": event.actor.id,
        "performing_application_id": application,
        # The vendor's page has both names: one in its sample, the other in its table of keys.
        "performer_application_id": application,
    }
