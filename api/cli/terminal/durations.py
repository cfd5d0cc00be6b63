"""Durations and ends of validity in commands' options."""

import re
from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter, ValidationError

from domain.errors import OrdertrailError
from domain.values import Moment

MAX_DAYS = 36_500
_DURATION = re.compile(r"([0-9]{1,12})([smhdw])")
_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class InvalidOption(OrdertrailError):
    """An option cannot have this value."""


def duration(option: str, text: str) -> timedelta:
    """Return the duration in a text such as 90s, 45m, 24h, 30d or 2w; 0 means none. Raises InvalidOption."""
    found = _DURATION.fullmatch("0s" if text == "0" else text)
    if found is None:
        raise InvalidOption(f"{option} {text!r} is not a duration such as 90s, 45m, 24h, 30d or 2w")
    number, unit = int(found[1]), _UNITS[found[2]]
    if number > timedelta(MAX_DAYS) // unit:
        raise InvalidOption(f"{option} {text!r} is longer than {MAX_DAYS} days")
    return number * unit


def expiry(option: str, text: str, now: datetime) -> datetime:
    """Return the time that a text names: a duration from now, a date, or a time of RFC 3339. Raises InvalidOption.

    A date means its first moment in UTC. The time must be in the future.
    """
    is_duration = _DURATION.fullmatch(text) is not None
    when = now.replace(microsecond=0) + duration(option, text) if is_duration else instant(option, text)
    if when <= now:
        raise InvalidOption(f"{option} {text!r} is not in the future")
    return when.astimezone(UTC)


def instant(option: str, text: str) -> datetime:
    """Return the time that a text names: a date's first moment in UTC, or a time of RFC 3339. Raises InvalidOption."""
    try:
        instant: datetime = TypeAdapter(Moment).validate_python(f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text)
    except ValidationError as invalid:
        raise InvalidOption(
            f"{option} {text!r} is neither a duration such as 30d, nor a date such as 2027-01-31, "
            "nor a time of RFC 3339 with an offset such as 2027-01-31T18:00:00+01:00"
        ) from invalid
    return instant
