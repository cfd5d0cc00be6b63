"""The times of a logged call: how long it took, and what it spent them on."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from api.web.showing.moments import span
from application.views.browsing import DurationCount
from application.views.projections.system_log import milliseconds_of
from domain.events.records import CallDurations

_LONGEST = 10**11
"""Three years, in milliseconds. A number that was sent as a duration may be of any size."""
PHASES = (
    ("dns_lookup_duration", "DNS", "dns"),
    ("tcp_connection_duration", "TCP", "tcp"),
    ("tls_handshake_duration", "TLS", "tls"),
    ("overhead_duration", "Overhead", "over"),
    ("sending_request_duration", "Send", "send"),
    ("wait_response_duration", "Wait", "wait"),
    ("receive_response_duration", "Receive", "receive"),
)
"""The phases of a call in the order in which they follow each other."""


class Bar(NamedTuple):
    """A phase in a waterfall: where it begins and how wide it is, in thousandths of the whole."""

    label: str
    name: str
    milliseconds: float
    left: float
    width: float


class Waterfall(NamedTuple):
    """What a call spent its time on."""

    bars: Sequence[Bar]
    total: float
    is_reused: bool
    ticks: Sequence[tuple[float, str]]


def call_span(fields: Mapping[str, Any]) -> str | None:
    """Return how long a call took, in words."""
    taken = milliseconds_of(fields)
    return None if taken is None else span(taken)


def waterfall(durations: CallDurations | None) -> Waterfall | None:
    """Return a call's phases one after the other; None if they were not measured."""
    if durations is None:
        return None
    phases = [(label, name, _measured(getattr(durations, field))) for field, label, name in PHASES]
    total = max(_measured(durations.total_duration), sum(size for _, _, size in phases))
    if total <= 0:
        return None
    return Waterfall(list(_bars(phases, total)), total, bool(durations.connection_reused), _ticks(total))


def _measured(milliseconds: float | None) -> float:
    """Return a duration that can be drawn: one that nobody can have measured is none."""
    return float(milliseconds) if milliseconds is not None and 0 < milliseconds <= _LONGEST else 0.0


def _bars(phases: Sequence[tuple[str, str, float]], total: float) -> Iterator[Bar]:
    begin = 0.0
    for label, name, size in phases:
        left = min(begin / total * 1_000, 996)
        yield Bar(label, name, size, left, max(size / total * 1_000, 4) if size else 0)
        begin += size


def _ticks(total: float) -> list[tuple[float, str]]:
    return [(quarter * 250, span(total * quarter / 4)) for quarter in range(5)]


class CallColumn(NamedTuple):
    """A column of a histogram."""

    label: str
    number: int
    bad: int
    height: float
    bad_height: float


LIMITS = (10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000)
"""Where the columns of a histogram begin, in milliseconds; the first begins at nothing."""


class Histogram(NamedTuple):
    """How many calls took how long, and of how many calls it is."""

    columns: Sequence[CallColumn]
    counted: int
    untimed: int


def histogram(counts: Sequence[DurationCount]) -> Histogram:
    """Return the histogram of calls that were counted between LIMITS."""
    of_place = {count.place: count for count in counts}
    none = DurationCount(None, 0, 0)
    places = [of_place.get(place, none) for place in range(len(LIMITS) + 1)]
    highest = max(count.number for count in places) or 1
    labels = [f"< {span(LIMITS[0])}", *(f"≥ {span(limit)}" for limit in LIMITS)]
    columns = [
        CallColumn(label, count.number, count.failed, count.number / highest * 100, count.failed / highest * 100)
        for label, count in zip(labels, places, strict=True)
    ]
    return Histogram(columns, sum(count.number for count in counts), of_place.get(None, none).number)
