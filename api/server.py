"""`ordertrail serve`: a parent that keeps the HTTP workers and the projector alive, and the database if it is ours."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection

from domain.errors import OrdertrailError

_log = logging.getLogger(__name__)

STOP_SECONDS = 15
START_SECONDS = 60
TRIES = 5
"""How often in a row a process may end within its first seconds before we give up on it."""
FIRST_SECONDS = 10


class CannotListen(OrdertrailError):
    """The address cannot be listened on."""


class WorkerFailed(OrdertrailError):
    """A process of the server ends as soon as it is started; what it said before is above."""


class NoAnswer(OrdertrailError):
    """The server was started and does not answer."""


@dataclass
class Child:
    """One process, started again when it ends."""

    arguments: list[str]
    dsn: str
    fds: tuple[int, ...] = ()
    failures: int = 0
    started_at: float = 0.0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 ourselves
            [sys.executable, "-m", "api.worker", *self.arguments],
            stdin=subprocess.PIPE,
            pass_fds=self.fds,
            env={**os.environ, "ORDERTRAIL_DSN": self.dsn},
            start_new_session=True,  # the terminal's Ctrl-C is the parent's to pass on
        )

    def look_after(self) -> None:
        """Start the process again if it has ended. Raises WorkerFailed if that does not help."""
        if self.process is None or self.process.poll() is None:
            return
        has_started = time.monotonic() - self.started_at > FIRST_SECONDS
        self.failures = 1 if has_started else self.failures + 1
        if self.failures >= TRIES:
            raise WorkerFailed
        _log.warning("The %s process ended with %s; starting it again", self.arguments[0], self.process.returncode)
        self.start()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait(self, deadline: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


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
    listener.set_inheritable(True)
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
    fd = listener.fileno()
    children = [Child(["http", str(fd)], dsn, (fd,)) for _ in range(workers)] + [Child(["projector"], dsn)]
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
    signals = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signals.append(signal.SIGHUP)
    before = [signal.signal(number, lambda number, _frame: received.append(number)) for number in signals]
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
