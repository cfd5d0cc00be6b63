"""The metrics of a server, as Prometheus gets them."""

import re

from prometheus_client import CollectorRegistry, generate_latest

from api.http.observation.exposition import MeasuresCollector
from api.http.observation.health import _Seen
from api.http.observation.looks import Look
from application.views.health import DeliveryHealth, ProjectionHealth, SealingHealth, StandbyHealth

LOOK = Look(
    [ProjectionHealth("timeline", 3, ["acme"], 0.5)], SealingHealth(4, 1, 2.0), 1, [DeliveryHealth("consumer")], {}
)


def metric_types() -> dict[str, str]:
    """Return every metric with its type."""
    registry = CollectorRegistry()
    registry.register(MeasuresCollector())
    registry.register(_Seen(LOOK, 0.1, StandbyHealth(None, 0.2, 100)))
    return dict(re.findall(r"^# TYPE (\w+) (\w+)$", generate_latest(registry).decode(), re.MULTILINE))


def series_names() -> set[str]:
    """Return the names that a query may use."""
    suffixes = {"histogram": ("_bucket", "_sum", "_count")}
    return {f"{name}{suffix}" for name, kind in metric_types().items() for suffix in suffixes.get(kind, ("",))}
