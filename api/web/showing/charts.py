"""Shapes of charts, in the coordinates of their drawings."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from application.views.browsing import Failures

WIDTH, HEIGHT = 600.0, 100.0
_MOST_TYPES = 3
"""How many types of exceptions have a colour of their own; the others share one."""


class ChartPart(NamedTuple):
    """A part of a day's bar: one type of exception."""

    name: str
    colour: int
    number: int
    x: float
    y: float
    width: float
    height: float


class Chart(NamedTuple):
    """Bars, one a day, of parts that stand on each other."""

    parts: Sequence[ChartPart]
    key: Sequence[tuple[int, str, int]]
    """The number of each colour, what it stands for, and how often that was."""
    total: int
    highest: int
    first: datetime
    last: datetime


def failures_chart(failures: Sequence[Failures], days: int) -> Chart | None:
    """Return the chart of an integration's failures in the last days; None if there are none."""
    if not failures:
        return None
    sums: dict[str, int] = {}
    by_day: dict[date, dict[str, int]] = {}
    for day, exception_type, number in failures:
        name = (exception_type or "no type").rpartition(".")[2]
        sums[name] = sums.get(name, 0) + number
        counts = by_day.setdefault(day.astimezone(UTC).date(), {})
        counts[name] = counts.get(name, 0) + number
    names = sorted(sums, key=lambda name: (-sums[name], name))
    colours = {name: min(n, _MOST_TYPES) for n, name in enumerate(names)}
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first, highest = today - timedelta(days=days - 1), max(sum(counts.values()) for counts in by_day.values())
    parts = [
        part
        for place in range(days)
        for part in _bar(by_day.get((first + timedelta(days=place)).date(), {}), colours, place, days, highest)
    ]
    return Chart(
        parts, [(colours[name], name, sums[name]) for name in names], sum(sums.values()), highest, first, today
    )


def _bar(counts: dict[str, int], colours: dict[str, int], place: int, days: int, highest: int) -> list[ChartPart]:
    parts, top, step = [], HEIGHT, WIDTH / days
    for name in sorted(counts, key=lambda name: colours[name]):
        height = counts[name] / highest * HEIGHT
        top -= height
        parts.append(ChartPart(name, colours[name], counts[name], place * step + 1, top, step - 2, height))
    return parts


class ChartLine(NamedTuple):
    """A line that rises, and the area under it."""

    line: str
    area: str
    first: datetime
    last: datetime


def growth_line(points: Sequence[tuple[int, datetime]], head: int) -> ChartLine | None:
    """Return the line of a ledger's growth, from its first event to now; None if it has none."""
    if not points or not head:
        return None
    begin, end = points[0][1], datetime.now(UTC)
    length = max((end - begin).total_seconds(), 1)
    places = [
        ((moment - begin).total_seconds() / length * WIDTH, HEIGHT - position / head * HEIGHT)
        for position, moment in points
    ]
    places.append((WIDTH, places[-1][1]))
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return ChartLine(line, f"0,{HEIGHT:.0f} {line} {WIDTH:.0f},{HEIGHT:.0f}", begin, end)
