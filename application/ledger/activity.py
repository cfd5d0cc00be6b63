"""Which ledgers are looked at for new events: those that were written to lately, and now and then all."""

from datetime import timedelta
from math import inf
from time import monotonic

LOOK_SECONDS = 10.0
"""How often all ledgers are looked at, whether or not they were written to. That costs more with each tenant."""
RECENT = timedelta(seconds=30)
"""Ledgers that were written to in this time are looked at each time. An append takes 10 s at most, and the time of a
ledger's last append is known to 10 s. A longer append's events are found when all ledgers are looked at.
"""


class WholeLooks:
    """Tells when it is time to look at all ledgers."""

    def __init__(self) -> None:
        self._next_at = -inf

    @property
    def is_due(self) -> bool:
        """Whether all ledgers have to be looked at now."""
        return monotonic() >= self._next_at

    def done(self) -> None:
        """Note that all were looked at."""
        self._next_at = monotonic() + LOOK_SECONDS
