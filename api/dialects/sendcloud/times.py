"""Times as RFC 3339 writes them."""

import re
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from domain.values import Moment

_DATE_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", flags=re.ASCII)

_MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)


def instant(text: str) -> datetime:
    """Return the moment that an RFC 3339 date-time names, to the microsecond. Raises ValueError."""
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        raise ValueError("Input should be a date-time of RFC 3339 with an offset, such as 2023-03-01T02:02:00+01:00")
    date, minute, second, fraction, offset = match.groups()
    leap = second == "60"
    try:
        moment = datetime.fromisoformat(
            f"{date}T{minute}:{'59' if leap else second}.{(fraction or '')[:6]:0<6}{offset.upper()}"
        )
        # Our calendar has no leap seconds: the last second of that minute is the first of the next.
        return _MOMENT.validate_python(moment + timedelta(seconds=leap))
    except (ValueError, OverflowError) as exc:
        raise ValueError("Input should be a moment of the calendar, in the years 2 to 9998") from exc
