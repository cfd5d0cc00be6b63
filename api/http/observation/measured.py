"""Counts and times requests by route and status."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Any

from application.runtime.measures import MEASURES, SECONDS, Measure, Measures

STATUSES = (
    200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308,
    400, 401, 403, 404, 405, 406, 409, 410, 411, 412, 413, 415, 417, 422, 428, 429, 431,
    500, 501, 502, 503, 504, 0,
)  # fmt: skip
"""The statuses that are told apart. 0 stands for all others, and for requests whose client left unanswered."""
NO_ROUTE = ("", "")
MAX_ROUTES = 250
_PLACES = {status: n for n, status in enumerate(STATUSES)}
_OTHER = _PLACES[0]
_TIMES = len(SECONDS) + 2
_ROW = _TIMES + len(STATUSES)

Route = tuple[str, str]
"""A method and a path with the names of its parameters."""


class MeasuredRequests(Measure):
    """A row for each route: a histogram of the seconds until its answers began, and how many had which status."""

    kind = "histogram"

    def __init__(self, measures: Measures) -> None:
        super().__init__(
            measures, "ordertrail_http_request_seconds", "Seconds until an answer began", _ROW * MAX_ROUTES
        )
        self.rows: Mapping[Route, int] = {NO_ROUTE: self.at}

    def know(self, routes: Iterable[Route]) -> None:
        """Take the routes of the application, always in the same order."""
        routes = list(dict.fromkeys(routes))
        assert len(routes) < MAX_ROUTES, "There are more routes than there is room for"
        self.rows = {route: self.at + n * _ROW for n, route in enumerate([NO_ROUTE, *routes])}

    def observe(self, scope: Mapping[str, Any], status: int, seconds: float) -> None:
        """Count an answered request."""
        route, rows = scope.get("route"), self.rows
        row = self.at if route is None else rows.get((scope["method"], route.path), self.at)
        numbers = self.numbers
        numbers[row + bisect_left(SECONDS, seconds)] += 1.0
        numbers[row + _TIMES - 1] += seconds
        numbers[row + _TIMES + _PLACES.get(status, _OTHER)] += 1.0

    @staticmethod
    def statuses(row: int) -> Iterable[tuple[int, int]]:
        """Yield each status, and the place of its count in a row."""
        return ((status, row + _TIMES + n) for status, n in _PLACES.items())


REQUESTS = MeasuredRequests(MEASURES)
"""The requests to this process."""
