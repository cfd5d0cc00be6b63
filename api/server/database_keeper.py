"""Sets up the served database, however long that takes, and starts it again if it is ours and has ended."""

import logging
import time
from math import inf

from api.bootstrap import ServedDatabase
from api.server.errand import Errand, ErrandFailed
from api.server.kept_process import TRIES, WorkerFailed
from api.server.pulse import Board
from application.runtime.outage_log import OutageLog
from domain.errors import Misconfigured, OrdertrailError, Unavailable

_log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 2.0


class DatabaseKeeper:
    """Publishes the database's DSN once it is set up. Its own process never waits for the database."""

    def __init__(self, database: ServedDatabase, board: Board) -> None:
        self._database = database
        self._board = board
        self._errand = Errand("setup", database.set_up)
        self._outage = OutageLog(_log, "The database is waited for", "The database is there")
        self._next_at = -inf
        self._pause = FIRST_PAUSE_SECONDS
        self._failures = 0
        self.is_waiting = False
        """Whether the database was found to be away, and has not been back since."""

    @property
    def is_set_up(self) -> bool:
        return self._board.dsn is not None

    def look_after(self) -> None:
        """Do what is due. Before the database is set up, raises errors that do not pass; afterwards, raises none."""
        if self._errand.is_running:
            self._take_result()
        elif time.monotonic() < self._next_at:
            return
        elif not self.is_set_up or self.is_waiting:
            self._start()
        elif self._has_ended():
            _log.warning("Our PostgreSQL has ended; it is started again")
            self.is_waiting = True
        else:
            self._next_at = time.monotonic() + LOOK_SECONDS

    def _start(self) -> None:
        try:
            self._errand.start()
        except OSError as error:
            self._wait(Unavailable(f"No process can be started: {error}"))

    def _has_ended(self) -> bool:
        try:
            return self._database.has_ended()
        except OrdertrailError:
            # The errand will report the cause.
            return True

    def _take_result(self) -> None:
        try:
            dsn = self._errand.result()
        except Unavailable as error:
            if isinstance(error, Misconfigured) and not self.is_set_up:
                raise
            self._wait(error)
        except ErrandFailed as error:
            self._failures += 1
            if self._failures >= TRIES and not self.is_set_up:
                raise WorkerFailed from error
            self._wait(error)
        except OrdertrailError as error:
            if not self.is_set_up:
                raise
            self._wait(error)
        else:
            if dsn is not None:
                self._board.publish(dsn)
                self.is_waiting = False
                self._pause = FIRST_PAUSE_SECONDS
                self._outage.over()

    def _wait(self, error: OrdertrailError) -> None:
        self.is_waiting = True
        self._outage.failed(error)
        self._next_at = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)

    def stop(self, seconds: float) -> None:
        """End the running errand."""
        self._errand.stop(seconds)
