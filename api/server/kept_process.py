"""A process that the server keeps alive: it is started again when it ends, and ended when it hangs."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from multiprocessing.process import BaseProcess
from typing import Any

from api.server.child import started
from api.server.pulse import Pulse
from domain.errors import OrdertrailError

_log = logging.getLogger(__name__)

TRIES = 5
"""How often in a row a process may end within its first seconds. After that we give up, if none was ever ready."""
FIRST_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 5.0
HANG_SECONDS = 10.0
"""A process whose event loop stands still for this time is ended."""
BEGIN_SECONDS = 60.0
"""How long a process may take until its event loop starts."""


class WorkerFailed(OrdertrailError):
    """A process of the server ends as soon as it is started; the log above says more."""


@dataclass
class Child:
    """One process of the server."""

    name: str
    run: Callable[..., None]
    arguments: tuple[Any, ...]
    pulse: Pulse = field(default_factory=Pulse)
    failures: int = 0
    process: BaseProcess | None = None
    _started_at: float = 0.0
    _start_at: float = -inf
    _beat: float = 0.0
    _silent_for: float = 0.0
    _looked_at: float = 0.0

    def start(self) -> None:
        self.pulse.begin()
        self._started_at = self._looked_at = time.monotonic()
        self._beat = self._silent_for = 0.0
        self.process = started(self.name, self.run, *self.arguments, self.pulse)

    def look_after(self, *, is_needed: bool) -> None:
        """Start the process again if it has ended, after a pause if starting does not help; end it if it hangs.

        Raises WorkerFailed if starting does not help, unless the process is needed: then it is tried for ever.
        """
        now = time.monotonic()
        if self.process is None:
            self._start_if_due(now)
        elif self.process.is_alive():
            self._end_if_it_hangs(now)
        else:
            self._take_note(now, is_needed=is_needed)

    def _start_if_due(self, now: float) -> None:
        if now < self._start_at:
            return
        try:
            self.start()
        except OSError as error:
            # The system is out of memory or processes, which also passes.
            _log.error("The %s process cannot be started: %s; it is tried again", self.name, error)
            self._start_at = now + LONGEST_PAUSE_SECONDS

    def _take_note(self, now: float, *, is_needed: bool) -> None:
        """Record that the process has ended, and when to start it again."""
        assert self.process is not None
        self.failures = 1 if now - self._started_at > FIRST_SECONDS else self.failures + 1
        if self.failures >= TRIES and not is_needed:
            raise WorkerFailed
        pause = min(2.0 ** (self.failures - 3), LONGEST_PAUSE_SECONDS) if self.failures > 1 else 0.0
        when = f"in {pause:.1f} s" if pause else "now"
        _log.warning("The %s process ended with %s; it is started again %s", self.name, self.process.exitcode, when)
        self.process.join()
        self.process = None
        self._start_at = now + pause

    def _end_if_it_hangs(self, now: float) -> None:
        # Time in which this process itself stood still does not count against the other.
        passed, self._looked_at = min(now - self._looked_at, 1.0), now
        self._silent_for = self._silent_for + passed if self.pulse.beat == self._beat else 0.0
        self._beat = self.pulse.beat
        if self._silent_for > (HANG_SECONDS if self._beat else BEGIN_SECONDS):
            assert self.process is not None
            _log.error("The %s process has stood still for %d s; it is ended", self.name, self._silent_for)
            self._silent_for = 0.0
            self.process.kill()

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()

    def wait(self, deadline: float) -> None:
        if self.process is None:
            return
        self.process.join(max(deadline - time.monotonic(), 0.1))
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
