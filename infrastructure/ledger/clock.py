"""The database's clock beside ours. It dates all events, and an event that is dated too late stays so."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg

from domain.errors import ClockAhead

_log = logging.getLogger(__name__)

MAX_AHEAD = timedelta(seconds=60)
"""How far the database's clock may be ahead of ours. Beyond that, nothing is appended."""
REFUSED = "OT001"
"""The SQLSTATE that append functions raise if their clock is further ahead."""
TELL_SECONDS = 30.0
"""How often this is logged, however many appends are refused."""


def now() -> datetime:
    """Return our clock's time."""
    return datetime.now(UTC)


class Clock:
    """Gives the latest time that the database's clock may show when it records something.

    The append functions compare the clocks before they do anything else. So nothing is recorded at a later time, even
    if a clock changes between two calls.
    """

    def __init__(self, *, max_ahead: timedelta = MAX_AHEAD, our_time: Callable[[], datetime] = now) -> None:
        self._max_ahead = max_ahead
        self._our_time = our_time
        self._told_at = -TELL_SECONDS

    def latest(self) -> datetime:
        """Return the latest time that may be recorded for an append that is sent now."""
        return self._our_time() + self._max_ahead

    def refusal(self, error: psycopg.Error) -> ClockAhead | None:
        """Return ClockAhead, and have it logged, if that is what an error means; otherwise None."""
        if error.diag.sqlstate != REFUSED:
            return None
        ahead = ClockAhead(float(error.diag.message_detail or 0) - self._our_time().timestamp())
        if time.monotonic() - self._told_at >= TELL_SECONDS:
            self._told_at = time.monotonic()
            _log.error("%s", ahead)
        return ahead
