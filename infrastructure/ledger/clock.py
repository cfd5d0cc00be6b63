"""The database's clock beside ours: what is recorded has its time, and a time that ran ahead stays."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg

from domain.errors import ClockAhead

_log = logging.getLogger(__name__)

MAX_AHEAD = timedelta(seconds=60)
"""How far the database's clock may be ahead of ours before nothing is appended any more."""
REFUSED = "OT001"
"""The SQLSTATE of append functions that find their clock further ahead."""
TELL_SECONDS = 30.0
"""How often the log is told, however many appends are refused."""


def now() -> datetime:
    """Return the time by our clock."""
    return datetime.now(UTC)


class Clock:
    """Says what time the database's clock may show at most when it is asked to record something.

    The append functions compare, before they do anything else: nothing is recorded at a time that is too late, whatever
    happens to a clock between two calls.
    """

    def __init__(self, *, max_ahead: timedelta = MAX_AHEAD, our_time: Callable[[], datetime] = now) -> None:
        self._max_ahead = max_ahead
        self._our_time = our_time
        self._told_at = -TELL_SECONDS

    def latest(self) -> datetime:
        """Return the latest time at which something may be recorded that is sent now."""
        return self._our_time() + self._max_ahead

    def refusal(self, error: psycopg.Error) -> ClockAhead | None:
        """Return what an error means if it is that the database's clock is too far ahead, and see that it is logged."""
        if error.diag.sqlstate != REFUSED:
            return None
        ahead = ClockAhead(float(error.diag.message_detail or 0) - self._our_time().timestamp())
        if time.monotonic() - self._told_at >= TELL_SECONDS:
            self._told_at = time.monotonic()
            _log.error("%s", ahead)
        return ahead
