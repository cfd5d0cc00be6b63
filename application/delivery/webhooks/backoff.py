"""How long to wait after a delivery that failed."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from random import Random
from typing import NamedTuple

MAX_RETRY_AFTER = timedelta(days=1)


class Backoff(NamedTuple):
    """Waits that double from the first to the longest, each with up to so much of itself on top, by chance."""

    first: timedelta
    longest: timedelta
    jitter: float = 0.2

    def after(self, failures: int, random: Random) -> timedelta:
        """Return how long to wait after so many failures in a row."""
        wait: timedelta = min(self.longest, self.first * 2 ** min(failures - 1, 40))
        return wait * (1 + self.jitter * random.random())


def retry_after(header: str | None, now: datetime) -> timedelta:
    """Return how long a Retry-After asks to wait, a day at most; nothing if there is none, or none that is one."""
    if header is None:
        return timedelta()
    if header.isascii() and header.isdigit():
        # Python reads no number of thousands of digits; a day has five.
        return min(timedelta(seconds=int(header.lstrip("0")[:9] or "0")), MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return timedelta()
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(moment - now, timedelta()), MAX_RETRY_AFTER)
