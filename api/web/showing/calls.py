"""The times of a logged call: how long it took, and what it spent them on."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from api.web.showing.moments import span
from domain.events.records import CallDurations

_SECONDS_UNTIL = 10**11
"""A time since 1970 below this is in seconds; in milliseconds it would be in the spring of 1973."""
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


def milliseconds_of(fields: Mapping[str, Any]) -> float | None:
    """Return how long a call took by the times that its caller reported; None if they do not say."""
    began, ended = fields.get("request_time"), fields.get("response_time")
    if not isinstance(began, int) or not isinstance(ended, int) or ended < began:
        return None
    return float(ended - began) * (1_000 if ended < _SECONDS_UNTIL else 1)


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


_LIMITS = (10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000)


def histogram(calls: Sequence[tuple[float | None, bool]]) -> list[CallColumn]:
    """Return how many calls took how long. Each call is its milliseconds, and whether it failed."""
    bounds = [0, *_LIMITS]
    counts = [[0, 0] for _ in bounds]
    for taken, is_bad in calls:
        if taken is not None:
            place = sum(taken >= limit for limit in _LIMITS)
            counts[place][0] += 1
            counts[place][1] += is_bad
    highest = max((count for count, _ in counts), default=0) or 1
    labels = [f"< {span(_LIMITS[0])}", *(f"≥ {span(limit)}" for limit in _LIMITS)]
    return [
        CallColumn(label, count, bad, count / highest * 100, bad / highest * 100)
        for label, (count, bad) in zip(labels, counts, strict=True)
    ]
