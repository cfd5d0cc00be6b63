"""How long we wait for the database, and how a wait ends if the database is silent."""

import asyncio
import os
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import psycopg

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


class Patience(NamedTuple):
    """How many seconds to wait; None is for ever."""

    statement: float | None
    """How long the server may work on a statement. It reports when it gives one up."""
    lock: float | None
    """How long the server may wait for somebody else's lock."""
    lease: float | None
    """How long a connection may be used at a time. This is for a silent server, which gives up nothing."""
    turn: float | None
    """How long to wait for a connection while others use all of them."""

    @property
    def settings(self) -> dict[str, str]:
        """Return the settings with which PostgreSQL keeps the first two."""
        return {"statement_timeout": _milliseconds(self.statement), "lock_timeout": _milliseconds(self.lock)}


def _milliseconds(seconds: float | None) -> str:
    return "0" if seconds is None else f"{seconds * 1_000:.0f}"


REQUESTS = Patience(statement=10.0, lock=5.0, lease=12.0, turn=5.0)
BACKGROUND = Patience(statement=60.0, lock=30.0, lease=150.0, turn=60.0)
SEALING = BACKGROUND._replace(lock=0.25)
"""While a sealer waits for somebody's lock on one ledger's tree, all other ledgers wait."""
COMMANDS = Patience(statement=None, lock=None, lease=None, turn=None)
"""A command waits for ever, because a person watches it and may end it."""


@contextmanager
def limited(connection: Connection, seconds: float | None) -> Iterator[None]:
    """Hang up if the work on a connection takes longer than this."""
    if seconds is None:
        yield
        return
    timer = asyncio.get_running_loop().call_later(seconds, hang_up, connection)
    try:
        yield
    finally:
        timer.cancel()


def hang_up(connection: Connection) -> None:
    """End a connection's conversation: the task that waits on it learns at once that it is lost.

    Cancelling that task instead would make psycopg ask the server to give up the statement and wait for its answer,
    which a silent server does not give.
    """
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


def listening_to(connection: Connection) -> Callable[[int], list[tuple[int, int]]]:
    """Return a function that tells, when it is called with 0, whether there is something to read on a connection.

    Data that nobody asked for may mean that the server is going away: it says so, or hangs up.
    """
    line = select.poll()
    line.register(connection.fileno(), select.POLLIN)
    return line.poll


async def answers(connection: Connection, seconds: float) -> bool:
    """Return whether the server answers on a connection within this time."""
    try:
        with limited(connection, seconds):
            await connection.execute("")
    except psycopg.Error:
        return False
    return True
