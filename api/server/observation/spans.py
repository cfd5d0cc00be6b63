"""Spans of requests, which are sent to an OpenTelemetry collector. It takes the extra ordertrail[otel]."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from time import time_ns
from typing import Any

from api.http.exchange import Observe
from api.http.reading.headers import headers_of
from api.http.request_ids import request_id
from api.http.tracing import traceparent_of
from domain.errors import Misconfigured

EXPORT_SECONDS = 5.0
"""How long a worker waits for the collector, also when it ends."""
_SAMPLED = 1


class NoTelemetry(Misconfigured):
    """ORDERTRAIL_OTLP_ENDPOINT is set, and OpenTelemetry is not installed; install ordertrail[otel]."""


def require_telemetry() -> None:
    """Raise NoTelemetry unless OpenTelemetry's SDK and its exporter are installed."""
    for package in ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"):
        try:
            found = find_spec(package)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise NoTelemetry


@contextmanager
def exporting_spans(endpoint: str) -> Iterator[Observe]:
    """Yield a function that records a span of an answered request. Raises NoTelemetry.

    The span continues the trace that the request's sender began. Names and sampling follow the standard variables, such
    as OTEL_SERVICE_NAME and OTEL_TRACES_SAMPLER.
    """
    require_telemetry()
    # They are imported late, because most installations do without them.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    resource = Resource.create({"service.name": "ordertrail", **OTELResourceDetector().detect().attributes})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield _recorder(provider.get_tracer("ordertrail"))
    finally:
        provider.shutdown()


def _recorder(tracer: Any) -> Observe:
    from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415

    def record(scope: Mapping[str, Any], status: int, seconds: float) -> None:
        method, route = scope["method"], scope.get("route")
        path = "" if route is None else route.path
        end = time_ns()
        span = tracer.start_span(
            f"{method} {path}".strip(),
            context=_context(scope),
            kind=SpanKind.SERVER,
            start_time=end - int(seconds * 1e9),
            attributes={
                "http.request.method": method,
                "http.route": path,
                "http.response.status_code": status,
                "url.path": scope["raw_path"].decode("ascii", "replace"),
                "ordertrail.request_id": request_id(),
            },
        )
        if status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end(end)

    return record


def _context(scope: Mapping[str, Any]) -> Any:
    """Return the context of the trace that a request belongs to; None if it begins one."""
    from opentelemetry.trace import (  # noqa: PLC0415
        NonRecordingSpan,
        SpanContext,
        TraceFlags,
        set_span_in_context,
    )

    traceparent = traceparent_of(headers_of(scope))
    if traceparent is None:
        return None
    _, trace_id, span_id, flags = traceparent.split("-")
    sampled = TraceFlags(int(flags, 16) & _SAMPLED)
    parent = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=sampled)
    return set_span_in_context(NonRecordingSpan(parent))
