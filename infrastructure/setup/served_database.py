"""Sets up the database to serve, in a process that can be ended if it takes too long."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from domain.errors import Unavailable
from infrastructure.embedded.server import data_directory, has_ended, start_again
from infrastructure.postgres.database import says_anything
from infrastructure.postgres.session import described_dsn
from infrastructure.setup.migrations import pending

ANSWER_SECONDS = 2.0
"""How long a server may take to answer at all."""
QUESTION_SECONDS = 30.0
"""How long the database may take to answer all questions before it is served."""


class ServedDatabase(NamedTuple):
    """A database to serve, which may be away."""

    set_up: Callable[[], str]
    """Starts the database if it is ours and does not run, sets it up, and returns its DSN. Raises Unavailable,
    Misconfigured.
    """
    has_ended: Callable[[], bool]
    """Whether the database is ours and does not run."""


@contextmanager
def served_database(dsn: str | None, data_dir: Path, set_up: Callable[[str], None]) -> Iterator[ServedDatabase]:
    """Yield the database with this DSN, or ours in this directory, without asking it anything.

    set_up migrates it. Raises Misconfigured.
    """
    if dsn is not None:
        described_dsn(dsn)
        yield ServedDatabase(partial(_set_up, partial(str, dsn), set_up), lambda: False)
    else:
        with data_directory(data_dir) as used:
            yield ServedDatabase(partial(_set_up, partial(start_again, used), set_up), partial(has_ended, used))


def _set_up(start: Callable[[], str], set_up: Callable[[str], None]) -> str:
    dsn = start()
    if not asyncio.run(says_anything(dsn, seconds=ANSWER_SECONDS)):
        raise Unavailable(f"The {described_dsn(dsn)} does not answer; try again")
    with _ended_after(QUESTION_SECONDS):
        missing = pending(dsn)
    # Migrations may take as long as they need.
    with _ended_after(None if missing else QUESTION_SECONDS):
        set_up(dsn)
    return dsn


@contextmanager
def _ended_after(seconds: float | None) -> Iterator[None]:
    """End this process by SIGALRM if its work takes longer. Without an event loop, a driver would wait for ever."""
    signal.setitimer(signal.ITIMER_REAL, seconds or 0.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
