"""The metrics of consumers and webhooks, over all tenants."""

from collections.abc import Iterator, Sequence

from prometheus_client.core import Metric

from api.http.observation.exposition import gauge
from application.views.health import DeliveryHealth

_METRICS = {
    "number": ("ordertrail_consumers", "Consumers, and webhooks"),
    "lag_events": ("ordertrail_consumer_lag_events", "Events that the slowest one has yet to look through"),
    "lag_seconds": ("ordertrail_consumer_lag_seconds", "The age of the first event it has yet to look through"),
    "waiting": ("ordertrail_consumer_waiting_orders", "Orders with a refused event that will be tried again"),
    "parked": ("ordertrail_consumer_parked_orders", "Orders that wait for somebody to decide about a refused event"),
    "disabled": ("ordertrail_webhooks_disabled", "Webhooks that were disabled, as their receivers took nothing"),
}


def of_deliveries(found: Sequence[DeliveryHealth]) -> Iterator[Metric]:
    """Yield the gauges of consumers and of webhooks."""
    for field, (name, what) in _METRICS.items():
        if field == "disabled":
            yield gauge(name, what, [((), sum(health.disabled for health in found))])
        else:
            yield gauge(name, what, [((health.kind,), getattr(health, field)) for health in found], ("kind",))
