"""Logs a lasting failure: when it begins, when its reason changes, every now and then, and when it is over."""

import re
import time
from logging import Logger

from domain.errors import Unavailable

AGAIN_SECONDS = 60.0
_NUMBER = re.compile(r"\d+")


def told(error: Exception) -> str:
    """Return an error in one line, with the database's own message."""
    said = error.said if isinstance(error, Unavailable) else ""
    reason = (str(error) or type(error).__name__).removesuffix(".").removesuffix("; try again")
    return " ".join((f"{reason} ({said})" if said else reason).split())


class OutageLog:
    """Keeps the log readable while something fails again and again: each reason is logged once per outage."""

    def __init__(self, log: Logger, begins: str, ends: str) -> None:
        self._log = log
        self._begins = begins
        self._ends = ends
        self._since: float | None = None
        self._told_at = 0.0
        self._told: set[str] = set()

    @property
    def is_on(self) -> bool:
        """Whether the outage lasts."""
        return self._since is not None

    def failed(self, error: Exception) -> None:
        """Record a failure. An unexpected error is logged with its traceback."""
        now, reason = time.monotonic(), told(error)
        # Another process number or file number is not another reason.
        kind = _NUMBER.sub("#", reason)
        if self._since is None:
            self._since = now
        if kind not in self._told:
            traceback = None if isinstance(error, Unavailable) else error
            self._log.warning("%s: %s", self._begins, reason, exc_info=traceback)
        elif now - self._told_at >= AGAIN_SECONDS:
            self._log.warning("%s, for %d s now: %s", self._begins, now - self._since, reason)
        else:
            return
        self._told.add(kind)
        self._told_at = now

    def over(self) -> None:
        """Record that it works again. Cheap if it worked before."""
        if self._since is not None:
            self._log.warning("%s after %.1f s", self._ends, time.monotonic() - self._since)
            self._since = None
            self._told.clear()
