"""Traces: what a caller's trace is kept on, and what is told to a collector."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from api.bootstrap import set_up_database
from api.settings import read_settings
from tests.fix_embedded import wait_until
from tests.fix_postgres import database
from tests.native import new_id, status
from tests.outage import Served, new_token, served, write

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{CALLER}-01"
ROUTE = "/trail/v1/orders/{order_id}/events"


class Collector(ThreadingHTTPServer):
    """Takes spans as OpenTelemetry's collector does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.services: set[str] = set()
        self.spans: list[Span] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def take(self, sent: bytes) -> None:
        for group in ExportTraceServiceRequest.FromString(sent).resource_spans:
            self.services |= {a.value.string_value for a in group.resource.attributes if a.key == "service.name"}
            self.spans += [span for scope in group.scope_spans for span in scope.spans]


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.take(gzip.decompress(sent) if self.headers.get("Content-Encoding") == "gzip" else sent)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:  # type: ignore[override]
        pass


@contextmanager
def collecting() -> Iterator[Collector]:
    with Collector() as collector:
        Thread(target=collector.serve_forever, daemon=True).start()
        yield collector
        collector.shutdown()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def server(server_dsn: str, template_name: str, collector: Collector) -> Iterator[Served]:
    """A server that sends its spans as soon as there are any."""
    settings = {"ORDERTRAIL_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    with database(server_dsn, template=template_name) as dsn:
        set_up_database(dsn, read_settings())
        token = new_token(dsn)
        with served("--dsn", dsn, token=token, **settings) as running:
            yield running


def feed(http: httpx.Client) -> list[dict[str, object]]:
    items: list[dict[str, object]] = http.get("/trail/v1/feed").json()["items"]
    return items


def test_an_event_keeps_the_trace_of_the_request_that_recorded_it(server: Served) -> None:
    with server.client() as http:
        order_id = new_id()
        assert write(http, order_id).status_code == 201
        http.headers["traceparent"] = TRACEPARENT
        assert http.patch(f"/v1/orders/{order_id}/order_payment_status", json={"status": "completed"}).is_success
        http.headers["traceparent"] = "no trace"
        assert write(http, order_id).status_code == 201

        events = [event for event in feed(http) if event["subject"] == f"order-{order_id}"]

    assert [event.get("traceparent") for event in events][-3:] == [None, TRACEPARENT, None]


def test_an_event_that_is_sent_again_within_another_trace_is_the_same(server: Served) -> None:
    with server.client() as http:
        order_id, event = new_id(), status("confirmed", event_id=new_id())
        path = ROUTE.replace("{order_id}", order_id)
        first = http.post(path, json=event, headers={"traceparent": TRACEPARENT})
        again = http.post(path, json=event, headers={"traceparent": TRACEPARENT.replace(CALLER, "1" * 16)})

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotency-replayed"] == "true"
    assert first.json()["items"] == again.json()["items"]


def test_a_collector_gets_a_span_of_each_request_in_its_callers_trace(server: Served, collector: Collector) -> None:
    with server.client(**{"traceparent": TRACEPARENT, "X-Request-Id": "traced-1"}) as http:
        assert write(http).status_code == 201

    wait_until(lambda: any(told_of(span).get("ordertrail.request_id") == "traced-1" for span in collector.spans))
    [span] = [each for each in collector.spans if told_of(each).get("ordertrail.request_id") == "traced-1"]
    assert (span.name, span.kind) == (f"POST {ROUTE}", Span.SPAN_KIND_SERVER)
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, CALLER)
    assert 0 < span.end_time_unix_nano - span.start_time_unix_nano < 25 * 10**9
    assert told_of(span)["http.response.status_code"] == "201"
    assert collector.services == {"ordertrail"}


def told_of(span: Span) -> dict[str, str]:
    return {a.key: a.value.string_value or str(a.value.int_value) for a in span.attributes}
