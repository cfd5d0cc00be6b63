"""All types of events by their topics."""

from eventsourcing.utils import register_topic

from domain.events import delivery, integration, lifecycle, payment, person, records, split
from domain.events.event import Event
from domain.events.order_event import OrderEvent

ORDER_ACTIONS: tuple[type[OrderEvent], ...] = (
    lifecycle.Created,
    lifecycle.DetailsUpdated,
    lifecycle.CustomerDetailsUpdated,
    lifecycle.Edited,
    lifecycle.Transferred,
    lifecycle.CommentAdded,
    lifecycle.StatusUpdated,
    payment.PaymentStatusUpdated,
    payment.PaymentMethodChanged,
    payment.PaymentSlipAdded,
    payment.AmountUnmatched,
    payment.ChargebackRequested,
    payment.ChargebackUnderReview,
    payment.ChargebackLost,
    payment.ChargebackExpired,
    payment.ChargebackWon,
    payment.ChargebackCanceled,
    payment.ChargebackResolved,
    payment.InvoiceRequestUpdated,
    payment.InvoiceCreated,
    payment.InvoiceCancelled,
    payment.InvoiceStatusUpdated,
    delivery.DeliveryStatusUpdated,
    delivery.RefDeliveryStatusUpdated,
    delivery.DeliveryDetailsUpdated,
    delivery.DeliveryMethodChanged,
    delivery.DeliveryLocationUpdated,
    delivery.ReturningStoreUpdated,
    delivery.DeliveryRemarkCreated,
    delivery.DeliveryRemarkUpdated,
    delivery.DeliveryRemarkDeleted,
    delivery.ShipmentIdSet,
    delivery.ShipmentJobFailed,
    delivery.ShipmentExecutionFailed,
    delivery.ShipmentCancellationFailed,
    split.Split,
    split.SplitChanges,
    split.SplitFrom,
    lifecycle.ProductSubscriptionCreated,
    lifecycle.ProductSubscriptionCancelled,
    lifecycle.CancellationRequested,
    lifecycle.CancellationFailed,
)
"""The 42 things that people and programs do to an order."""

RECORDS: tuple[type[Event], ...] = (
    records.ServiceEventRecorded,
    records.SystemLogRecorded,
    integration.ExceptionLogged,
)
"""What services report: their state, their calls, and the failures of their integrations."""

TIES: tuple[type[OrderEvent], ...] = (integration.IntegrationTied, integration.IntegrationUntied)
"""The events that say which integrations an order depends on."""

_ALL: tuple[type[Event], ...] = (
    *ORDER_ACTIONS,
    lifecycle.Archived,
    lifecycle.Redacted,
    *RECORDS,
    integration.Registered,
    integration.Recovered,
    integration.IntegrationRedacted,
    *TIES,
    person.Forgotten,
)

CATALOGUE: dict[str, type[Event]] = {event.topic: event for event in _ALL}

for _topic, _event in CATALOGUE.items():
    _event.TOPIC = _topic
    register_topic(_topic, _event)


def is_ours(topic: str) -> bool:
    """Whether the catalogue must know the topic. A ledger may also hold events of applications of the library."""
    return topic.startswith(("order.", "integration.", "person."))
