"""Prints measures as Prometheus reads them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from api.http.observation.measured import REQUESTS
from application.runtime.measures import MEASURES, SECONDS, Counter, Gauge, Histogram

Labels = Sequence[str]


class MeasuresCollector(Collector):
    """Collects what all processes of the server have counted."""

    def collect(self) -> Iterator[Metric]:
        MEASURES.look()
        for measure in MEASURES.all:
            match measure:
                case Counter():
                    yield counter(measure.name, measure.says, [((), MEASURES.total(measure.at))])
                case Gauge():
                    yield gauge(measure.name, measure.says, [((), MEASURES.total(measure.at))])
                case Histogram():
                    yield _histogram(measure.name, measure.says, measure.bounds, [((), measure.at)])
        yield from _requests()


def counter(name: str, says: str, values: Iterable[tuple[Labels, float]], labels: Labels = ()) -> Metric:
    """Return a counter for each of these labels."""
    family = CounterMetricFamily(name, says, labels=labels)
    for labelled, value in values:
        family.add_metric(labelled, value)
    return family


def gauge(name: str, says: str, values: Iterable[tuple[Labels, float]], labels: Labels = ()) -> Metric:
    """Return a gauge for each of these labels."""
    family = GaugeMetricFamily(name, says, labels=labels)
    for labelled, value in values:
        family.add_metric(labelled, value)
    return family


def _histogram(
    name: str, says: str, bounds: Sequence[float], rows: Iterable[tuple[Labels, int]], labels: Labels = ()
) -> Metric:
    """Return the histograms whose numbers begin in these places: a count for each bound, one above, and the sum."""
    family = HistogramMetricFamily(name, says, labels=labels)
    for labelled, at in rows:
        counts = accumulate(MEASURES.total(at + n) for n in range(len(bounds) + 1))
        buckets = list(zip([*map(str, bounds), "+Inf"], counts, strict=True))
        if buckets[-1][1] or not labels:
            family.add_metric(labelled, buckets, MEASURES.total(at + len(bounds) + 1))
    return family


def _requests() -> Iterator[Metric]:
    """Yield what is known of requests: only of routes and statuses that there were."""
    yield _histogram(REQUESTS.name, REQUESTS.says, SECONDS, REQUESTS.rows.items(), ("method", "route"))
    statuses = (
        ((*route, str(status) if status else "other"), MEASURES.total(at))
        for route, row in REQUESTS.rows.items()
        for status, at in REQUESTS.statuses(row)
    )
    yield counter(
        "ordertrail_http_requests_total",
        "Requests by their route and the status of their answer",
        (labelled for labelled in statuses if labelled[1]),
        ("method", "route", "status"),
    )
