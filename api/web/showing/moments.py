"""Times as pages show them: the server writes them in the reader's time zone, and scripts in the reader's language."""

from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Request
from markupsafe import Markup

ZONE_COOKIE = "ordertrail_zone"
"""Where a script of ours notes the reader's time zone."""
CLOCKS_AGREE = timedelta(seconds=5)
"""By how much the producer's clock and ours may differ before a page tells."""
_zone: ContextVar[tzinfo] = ContextVar("zone", default=UTC)
_STEPS = ((60, "second", 1), (3_600, "minute", 60), (86_400, "hour", 3_600), (86_400 * 45, "day", 86_400))


def read_zone(request: Request) -> None:
    """Take the reader's time zone for everything that is shown to them."""
    try:
        _zone.set(ZoneInfo(request.cookies.get(ZONE_COOKIE, "UTC").replace("%2F", "/")))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        _zone.set(UTC)


def day_of(moment: datetime) -> str:
    """Return the reader's day of a moment, as 2026-03-01."""
    return _here(moment).strftime("%Y-%m-%d")


def ago(moment: datetime, now: datetime | None = None) -> str:
    """Return how long ago a moment was, in one unit."""
    seconds = round(((now or datetime.now(UTC)) - moment).total_seconds())
    if abs(seconds) < 10:
        return "just now"
    unit, size = next(((unit, size) for limit, unit, size in _STEPS if abs(seconds) < limit), ("month", 86_400 * 30))
    count = max(1, round(abs(seconds) / size))
    told = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"in {told}" if seconds < 0 else f"{told} ago"


def span(period: timedelta | float | None) -> str:
    """Return a length of time, given as such or in milliseconds, in the unit that shows it best."""
    if period is None:
        return "–"
    milliseconds = period / timedelta(milliseconds=1) if isinstance(period, timedelta) else float(period)
    sign, size = "−" if milliseconds < 0 else "", abs(milliseconds)
    for limit, unit, one in ((1_000, "ms", 1), (60_000, "s", 1_000), (3_600_000, "min", 60_000)):
        if size < limit:
            return f"{sign}{_short(size / one)} {unit}"
    hours = size / 3_600_000
    return f"{sign}{_short(hours)} h" if hours < 48 else f"{sign}{hours / 24:.0f} days"


def _short(number: float) -> str:
    return f"{number:.0f}" if number >= 100 or number == round(number) else f"{number:.3g}"


def _here(moment: datetime) -> datetime:
    try:
        return moment.astimezone(_zone.get())
    except OverflowError:
        return moment


def _element(form: str, text: Callable[[datetime], str]) -> Callable[[datetime | None], Markup]:
    """Return a filter for <time>. form tells our script how to write it in the reader's language."""

    def show(moment: datetime | None) -> Markup:
        if moment is None:
            return Markup("–")
        exact = _here(moment).strftime("%d %b %Y, %H:%M:%S %Z")
        iso = moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return Markup('<time datetime="{}" data-form="{}" title="{}">{}</time>').format(iso, form, exact, text(moment))

    return show


FILTERS: dict[str, Any] = {
    "ago": _element("ago", ago),
    "clock": _element("clock", lambda moment: _here(moment).strftime("%H:%M:%S")),
    "day": _element("day", lambda moment: _here(moment).strftime("%A, %d %B %Y")),
    "minute": _element("minute", lambda moment: _here(moment).strftime("%d %b %Y, %H:%M")),
    "exact": _element("exact", lambda moment: _here(moment).strftime("%d %b %Y, %H:%M:%S.%f %Z")),
    "span": span,
}
