"""`ordertrail serve`: a parent that keeps the HTTP workers and the projector alive, and the database if it is ours.

It never talks to a database itself, so it never waits for one, and always looks after its children.
"""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection

from api.bootstrap import ServedDatabase
from api.server import http_process, projector_process
from api.server.child import STOP_SIGNALS
from api.server.database_keeper import DatabaseKeeper
from api.server.kept_process import Child
from api.server.observation.panel import Panel
from api.server.observation.spans import require_telemetry
from api.server.pulse import Board
from api.settings import read_settings
from domain.errors import OrdertrailError

STOP_SECONDS = 15
START_SECONDS = 60
LOOK_SECONDS = 0.2
FIRST_LOOK_SECONDS = 0.02
"""The interval between two looks at all children, and the one at the start."""


class CannotListen(OrdertrailError):
    """The address cannot be listened on."""


class NoAnswer(OrdertrailError):
    """The server was started and does not answer."""


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Listen on an address. Raises CannotListen."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, backlog=2_048)
    except OSError as exc:
        # Python adds the address to the system's message. Errors of unknown names do not have the system's numbers.
        reason = exc.strerror if isinstance(exc, socket.gaierror) or exc.errno is None else os.strerror(exc.errno)
        raise CannotListen(
            f"Cannot listen on {host}:{port}: {reason}; choose another with --host or --port, "
            'as in make demo ARGS="--port 8081"'
        ) from exc
    with listener:
        yield listener


def serve(
    database: ServedDatabase,
    listener: socket.socket,
    *,
    workers: int,
    on_ready: Callable[[str, str], None],
    on_waiting: Callable[[str], None] | None = None,
) -> None:
    """Run workers and a projector until SIGTERM, SIGINT or SIGHUP, whether the database is there or not.

    on_ready is called once, with the URL and the DSN, when they serve. on_waiting, if it is given, is called instead
    when they answer but have to wait for the database. Before either call, raises errors that make it useless to go on.
    """
    if read_settings().otlp_endpoint is not None:
        require_telemetry()
    board = Board()
    keeper = DatabaseKeeper(database, board)
    panel = Panel(workers + 1)
    https = [Child("http", http_process.run, (board, listener, panel, n)) for n in range(workers)]
    children = [*https, Child("projector", projector_process.run, (board, panel, workers))]
    start = _Start(listener, https, keeper, board)
    with _stop_signals() as is_stopping:
        try:
            while not is_stopping():
                for child in children:
                    child.look_after(is_needed=board.was_ready)
                keeper.look_after()
                start.look()
                if not start.was_told and start.is_over(on_waiting is not None):
                    start.was_told = True
                    if board.dsn is not None:
                        on_ready(start.url, board.dsn)
                    elif on_waiting is not None:
                        on_waiting(start.url)
                time.sleep(LOOK_SECONDS if start.was_told else FIRST_LOOK_SECONDS)
        finally:
            _close_port(listener)
            keeper.stop(STOP_SECONDS)
            _stop(children)


class _Start:
    """How far a server's start has got."""

    def __init__(self, listener: socket.socket, workers: list[Child], keeper: DatabaseKeeper, board: Board) -> None:
        self._host, self._port = listener.getsockname()[:2]
        self._workers = workers
        self._keeper = keeper
        self._board = board
        self._deadline: float | None = None
        self.was_told = False

    @property
    def url(self) -> str:
        return f"http://{f'[{self._host}]' if ':' in self._host else self._host}:{self._port}"

    def look(self) -> None:
        """Record when all workers are ready, even if nobody waits for that."""
        if not self._board.was_ready and all(worker.pulse.is_ready for worker in self._workers):
            self._board.say_ready()

    def is_over(self, or_waiting: bool) -> bool:
        """Return whether requests are served, or are refused because the database is away. Raises NoAnswer."""
        is_waiting = or_waiting and self._keeper.is_waiting and any(worker.pulse.beat for worker in self._workers)
        if not (self._board.was_ready or is_waiting):
            return False
        own = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._host, self._host)  # noqa: S104 what is asked is the loopback
        if _answers(own, self._port):
            return True
        self._deadline = self._deadline or time.monotonic() + START_SECONDS
        if time.monotonic() > self._deadline:
            raise NoAnswer(f"The server was started and does not answer on {own}:{self._port} after {START_SECONDS} s")
        return False


def _answers(host: str, port: int) -> bool:
    connection = HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _close_port(listener: socket.socket) -> None:
    """Take no connection any more. Closing our socket would not do: the children have it as well."""
    with suppress(OSError):  # only Linux does it so
        listener.shutdown(socket.SHUT_RDWR)


def _stop(children: list[Child]) -> None:
    """Stop the workers first, so that the requests they have accepted are written before they end."""
    for child in children:
        child.stop()
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        child.wait(deadline)


@contextmanager
def _stop_signals() -> Iterator[Callable[[], bool]]:
    """Record SIGTERM, SIGINT and, unless nohup makes us ignore it, SIGHUP, instead of dying of them."""
    received: list[int] = []
    signals = [number for number in STOP_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = [signal.signal(number, lambda number, _frame: received.append(number)) for number in signals]
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
