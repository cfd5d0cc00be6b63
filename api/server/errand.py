"""A one-time task in a process of its own, which reports its result. So a hanging task holds up nobody else."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from api.server.child import PROCESSES, started
from domain.errors import OrdertrailError, Unavailable


class ErrandFailed(OrdertrailError):
    """A process ended without a result; the log above says more."""


class Errand:
    """Runs a function that returns a text, in a new process each time, one at a time."""

    def __init__(self, name: str, run: Callable[[], str]) -> None:
        self._name = name
        self._run = run
        self._process: BaseProcess | None = None
        self._results: Connection | None = None

    @property
    def is_running(self) -> bool:
        """Whether it was started and its result was not taken yet."""
        return self._process is not None

    def start(self) -> None:
        self._results, theirs = PROCESSES.Pipe(duplex=False)
        self._process = started(self._name, _do, self._run, theirs)
        theirs.close()

    def result(self) -> str | None:
        """Return the result, None if there is none yet. Raises what the function raised, or ErrandFailed."""
        assert self._process is not None
        assert self._results is not None
        if not self._results.poll():
            return None
        try:
            result = self._results.recv()
        except EOFError:
            result = ErrandFailed()
        process = self._ended()
        if isinstance(result, ErrandFailed) and process.exitcode == -signal.SIGALRM:
            result = Unavailable("The database does not answer; try again")
        if isinstance(result, OrdertrailError):
            raise result
        return str(result)

    def stop(self, seconds: float) -> None:
        """End the process and the processes it has started. It is killed if it is still there after this time."""
        if self._process is not None and self._process.pid is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGTERM)
            self._process.terminate()
            self._process.join(seconds)
            self._process.kill()
            self._ended()

    def _ended(self) -> BaseProcess:
        process, results = self._process, self._results
        self._process = self._results = None
        assert process is not None
        assert results is not None
        results.close()
        process.join()
        return process


def _do(run: Callable[[], str], results: Connection) -> None:
    try:
        results.send(run())
    except OrdertrailError as error:
        results.send(error.with_traceback(None))
