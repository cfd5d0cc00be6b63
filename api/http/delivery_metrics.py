"""The metrics of consumers and webhooks."""

from prometheus_client import CollectorRegistry, Gauge

from application.delivery.health import DeliveryHealth

_METRICS = {
    "number": ("ordertrail_consumers", "Consumers, and webhooks"),
    "lag_events": ("ordertrail_consumer_lag_events", "Events that the slowest one has yet to look through"),
    "lag_seconds": ("ordertrail_consumer_lag_seconds", "The age of the first event it has yet to look through"),
    "waiting": ("ordertrail_consumer_waiting_orders", "Orders with a refused event that will be tried again"),
    "parked": ("ordertrail_consumer_parked_orders", "Orders that wait for somebody to decide about a refused event"),
}


def add_delivery_metrics(registry: CollectorRegistry, found: list[DeliveryHealth]) -> None:
    """Add the gauges of consumers and of webhooks, over all tenants."""
    for field, (name, what) in _METRICS.items():
        gauge = Gauge(name, what, ["kind"], registry=registry)
        for health in found:
            gauge.labels(health.kind).set(getattr(health, field))
