"""Requests are measured by the documented path of their route and by their status, and printed for Prometheus."""

import re
from typing import Any, NamedTuple

from api.app import create_app, routes_of, with_hot_routes
from api.http.observation.measured import MAX_ROUTES, MeasuredRequests
from application.runtime.measures import Measures
from tests.exposed import metric_types
from tests.paths import ROOT


class Route(NamedTuple):
    path: str


def counts(requests: MeasuredRequests, measures: Measures, *route: str) -> dict[int, float]:
    row = requests.rows[route[0], route[1]]
    return {status: measures.total(at) for status, at in requests.statuses(row) if measures.total(at)}


def test_requests_are_counted_by_route_and_status() -> None:
    measures = Measures()
    requests = MeasuredRequests(measures)
    requests.know([("GET", "/orders/{order_id}"), ("POST", "/orders/{order_id}")])
    scope: dict[str, Any] = {"method": "GET", "route": Route("/orders/{order_id}")}

    for status in (200, 200, 404, 299):
        requests.observe(scope, status, 0.2)

    assert counts(requests, measures, "GET", "/orders/{order_id}") == {200: 2, 404: 1, 0: 1}
    assert counts(requests, measures, "POST", "/orders/{order_id}") == {}


def test_a_request_that_no_route_takes_is_counted_as_such() -> None:
    measures = Measures()
    requests = MeasuredRequests(measures)

    requests.observe({"method": "GET"}, 404, 0.2)
    requests.observe({"method": "GET", "route": Route("/docs")}, 200, 0.2)

    assert counts(requests, measures, "", "") == {404: 1, 200: 1}


def test_there_is_room_for_twice_the_routes_that_there_are() -> None:
    app = create_app(None, max_body_bytes=1)  # type: ignore[arg-type]

    with_hot_routes(app, max_body_bytes=1)

    assert 2 * len(list(routes_of(app))) < MAX_ROUTES


def test_every_metric_is_documented() -> None:
    page = (ROOT / "docs" / "operations.md").read_text().partition("\n## Metrics\n")[2].partition("\n## ")[0]
    table = re.sub(r"`(ordertrail_\w+_)(\w+)`, `_(\w+)`", r"`\1\2`, `\1\3`", page)
    documented = set(re.findall(r"`(ordertrail_\w+)`", "".join(line for line in table.splitlines() if line[:1] == "|")))

    assert metric_types().keys() == documented
