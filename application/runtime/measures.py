"""What a process counts and times, as numbers in one flat array that the server's other processes can read.

A count costs a tenth of a microsecond, and a time half of one. The metrics library takes several, and its files for
several processes more; it only prints what is collected here.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Literal, Union

SIZE = 16_384
"""How many numbers a process has room for."""
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0, 2_048.0)

Numbers = Union["array[float]", "memoryview[float]"]
Reader = Callable[[], float]
Kind = Literal["counter", "gauge", "histogram"]


class Measure:
    """A named row of numbers."""

    kind: Kind

    def __init__(self, measures: "Measures", name: str, says: str, size: int) -> None:
        self.name = name
        self.says = says
        self.at = measures.reserve(self, size)
        self.numbers = measures.numbers


class Counter(Measure):
    """Counts what happens."""

    kind = "counter"

    def __init__(self, measures: "Measures", name: str, says: str) -> None:
        super().__init__(measures, name, says, 1)

    def add(self, amount: float = 1.0) -> None:
        self.numbers[self.at] += amount


class Gauge(Measure):
    """Says how much there is of something at the moment, added up over those whom it follows."""

    kind = "gauge"

    def __init__(self, measures: "Measures", name: str, says: str) -> None:
        super().__init__(measures, name, says, 1)
        self._followed: list[Reader] = []

    @contextmanager
    def following(self, read: Reader) -> Iterator[None]:
        """Ask this function at each look, while this is entered."""
        self._followed.append(read)
        try:
            yield
        finally:
            with suppress(ValueError):
                self._followed.remove(read)
            self.look()

    def look(self) -> None:
        """Note how much there is now."""
        self.numbers[self.at] = sum(read() for read in self._followed)


class Histogram(Measure):
    """Counts observations by their size, and adds them up."""

    kind = "histogram"

    def __init__(self, measures: "Measures", name: str, says: str, bounds: Sequence[float] = SECONDS) -> None:
        super().__init__(measures, name, says, len(bounds) + 2)
        self.bounds = tuple(bounds)
        self._sum = self.at + len(bounds) + 1

    def observe(self, value: float) -> None:
        numbers = self.numbers
        numbers[self.at + bisect_left(self.bounds, value)] += 1.0
        numbers[self._sum] += value


class Measures:
    """All measures of a process. Processes that make the same measures in the same order can be added up."""

    def __init__(self) -> None:
        self.numbers: Numbers = array("d", bytes(8 * SIZE))
        self.all: list[Measure] = []
        self._used = 0
        self._processes: Sequence[Numbers] = [self.numbers]

    def reserve(self, measure: Measure, size: int) -> int:
        """Return where a new measure's numbers begin."""
        at, self._used = self._used, self._used + size
        assert self._used <= SIZE, "There are more measures than there is room for"
        self.all.append(measure)
        return at

    def share(self, own: Numbers, processes: Sequence[Numbers]) -> None:
        """Count in these numbers from now on, which are one of those of all processes of a server.

        They may hold what an earlier process in this one's place has counted. That goes on; what it had at the moment
        is gone.
        """
        self.numbers, self._processes = own, processes
        for measure in self.all:
            measure.numbers = own
            if isinstance(measure, Gauge):
                measure.look()

    def look(self) -> None:
        """Note how much there is of everything now."""
        for measure in self.all:
            if isinstance(measure, Gauge):
                measure.look()

    def total(self, at: int) -> float:
        """Return a number, added up over all processes of the server."""
        return sum(numbers[at] for numbers in self._processes)


MEASURES = Measures()
"""The measures of this process."""

APPEND_SECONDS = Histogram(
    MEASURES, "ordertrail_append_seconds", "From the moment an append is asked for until it is answered"
)
COMMIT_SECONDS = Histogram(MEASURES, "ordertrail_commit_seconds", "How long the database takes to commit a group")
GROUP_APPENDS = Histogram(MEASURES, "ordertrail_group_appends", "How many appends share a commit", SIZES)
EVENTS_APPENDED = Counter(
    MEASURES, "ordertrail_events_appended_total", "Events in the groups that the database was asked to commit"
)
APPENDS_WAITING = Gauge(MEASURES, "ordertrail_appends_waiting", "Appends that were not answered yet")
CONNECTIONS_LENT = Gauge(MEASURES, "ordertrail_pool_connections_lent", "Connections to the database that are in use")
CONNECTIONS_IDLE = Gauge(MEASURES, "ordertrail_pool_connections_idle", "Connections to the database that are idle")
CONNECTIONS_WAITED_FOR = Gauge(MEASURES, "ordertrail_pool_waiting", "Tasks that wait for a connection to the database")
POOL_WAIT_SECONDS = Histogram(
    MEASURES, "ordertrail_pool_wait_seconds", "How long those waited who found no idle connection to the database"
)
HTTP_CONNECTIONS = Gauge(MEASURES, "ordertrail_http_connections", "Open connections of clients")
HTTP_REQUESTS_UNDER_WAY = Gauge(MEASURES, "ordertrail_http_requests_under_way", "Requests that are being answered")
HTTP_CONNECTIONS_CLOSED = Counter(
    MEASURES, "ordertrail_http_connections_closed_total", "Idle connections that were closed to make room for others"
)
HTTP_CONNECTIONS_REFUSED = Counter(
    MEASURES, "ordertrail_http_connections_refused_total", "Connections that were refused because there was no room"
)
HTTP_REQUESTS_REFUSED = Counter(
    MEASURES, "ordertrail_http_requests_refused_total", "Requests that were refused at once because too many came"
)
READS_OF_STANDBY = Counter(MEASURES, "ordertrail_reads_of_standby_total", "Reads that the standby answered")
READS_OF_PRIMARY = Counter(
    MEASURES,
    "ordertrail_reads_of_primary_total",
    "Reads that the primary answered although a standby is set: it was away, or did not show enough",
)
EVENTS_PROJECTED = Counter(MEASURES, "ordertrail_events_projected_total", "Events that the views have read")
PROJECT_SECONDS = Histogram(MEASURES, "ordertrail_project_seconds", "How long a batch of a ledger takes to project")
EVENTS_SEALED = Counter(MEASURES, "ordertrail_events_sealed_total", "Events that were sealed")
SEAL_SECONDS = Histogram(MEASURES, "ordertrail_seal_seconds", "How long a batch of a ledger takes to seal")


def measure_commit(appends: int, events: int, seconds: float) -> None:
    """Count a group of appends that the database was asked to commit."""
    if appends:
        COMMIT_SECONDS.observe(seconds)
        GROUP_APPENDS.observe(appends)
        EVENTS_APPENDED.add(events)
