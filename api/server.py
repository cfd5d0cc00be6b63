"""`ordertrail serve`: a parent that keeps the HTTP workers and the projector alive, and the database if it is ours."""

import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Any

from api import http_process, projector_process
from api.worker import STOP_SIGNALS, be
from domain.errors import OrdertrailError

_log = logging.getLogger(__name__)

STOP_SECONDS = 15
START_SECONDS = 60
TRIES = 5
"""How often in a row a process may end within its first seconds before we give up on it."""
FIRST_SECONDS = 10
PAUSE_SECONDS = 2
PROCESSES = get_context("fork") if sys.platform == "linux" else get_context("spawn")
"""Children have from their parent what it has imported, and begin at once; elsewhere system libraries forbid it."""


class CannotListen(OrdertrailError):
    """The address cannot be listened on."""


class WorkerFailed(OrdertrailError):
    """A process of the server ends as soon as it is started; what it said before is above."""


class NoAnswer(OrdertrailError):
    """The server was started and does not answer."""


@dataclass
class Child:
    """One process, started again when it ends."""

    name: str
    run: Callable[..., None]
    arguments: tuple[Any, ...]
    failures: int = 0
    started_at: float = 0.0
    process: BaseProcess | None = None

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.process = PROCESSES.Process(target=be, args=(self.name, self.run, *self.arguments), name=self.name)
        # What it is told before it can hear it, it hears then.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def look_after(self) -> None:
        """Start the process again if it has ended. Raises WorkerFailed if that does not help."""
        lived = time.monotonic() - self.started_at
        # A database that it may have ended for want of is not back at once.
        if self.process is None or self.process.is_alive() or lived < PAUSE_SECONDS:
            return
        self.failures = 1 if lived > FIRST_SECONDS else self.failures + 1
        if self.failures >= TRIES:
            raise WorkerFailed
        _log.warning("The %s process ended with %s; starting it again", self.name, self.process.exitcode)
        self.start()

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


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Listen on an address. Raises CannotListen."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, backlog=2_048)
    except OSError as exc:
        # Python adds the address to what the system says; the numbers of names that are not found are not the system's.
        reason = exc.strerror if isinstance(exc, socket.gaierror) or exc.errno is None else os.strerror(exc.errno)
        raise CannotListen(
            f"Cannot listen on {host}:{port}: {reason}; choose another with --host or --port, "
            'as in make demo ARGS="--port 8081"'
        ) from exc
    with listener:
        yield listener


def serve(
    dsn: str,
    listener: socket.socket,
    *,
    workers: int,
    on_ready: Callable[[str], None],
    look_after: Callable[[], None] | None = None,
) -> None:
    """Run workers and a projector on a migrated database until SIGTERM, SIGINT or SIGHUP.

    on_ready is called with the URL; look_after about once a second, to keep the database alive.
    """
    host, port = listener.getsockname()[:2]
    children = [Child("http", http_process.run, (dsn, listener)) for _ in range(workers)]
    children.append(Child("projector", projector_process.run, (dsn,)))
    with _stop_signals() as is_stopping:
        try:
            for child in children:
                child.start()
            _wait_for_answer(host, port, children, is_stopping)
            if not is_stopping():
                on_ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")
            rounds = 0
            while not is_stopping():
                # The database first: the children may have ended for want of it.
                if look_after is not None and rounds % 5 == 0:
                    look_after()
                for child in children:
                    child.look_after()
                time.sleep(0.2)
                rounds += 1
        finally:
            _stop(children)


def _wait_for_answer(host: str, port: int, children: list[Child], is_stopping: Callable[[], bool]) -> None:
    """Wait until a worker answers, or until we are told to stop. Raises WorkerFailed, NoAnswer."""
    deadline = time.monotonic() + START_SECONDS
    own = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 what is asked is the loopback
    while not is_stopping() and not _answers(own, port):
        for child in children:
            child.look_after()
        if time.monotonic() > deadline:
            raise NoAnswer(f"The server was started and does not answer on {own}:{port} after {START_SECONDS} s")


def _answers(host: str, port: int) -> bool:
    connection = HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _stop(children: list[Child]) -> None:
    """Stop the workers first: what they have accepted is written before they leave."""
    for child in children:
        child.stop()
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        child.wait(deadline)


@contextmanager
def _stop_signals() -> Iterator[Callable[[], bool]]:
    """Take note of SIGTERM, SIGINT and, unless nohup has us ignore it, SIGHUP instead of dying of them."""
    received: list[int] = []
    signals = [number for number in STOP_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = [signal.signal(number, lambda number, _frame: received.append(number)) for number in signals]
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
