"""Loops: work that goes on for as long as its process lives, whatever errors occur."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic

from application.runtime.outage_log import OutageLog
from domain.errors import Unavailable

_log = logging.getLogger(__name__)

SHORTEST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0
REST = 0.1
"""The part of its period for which work rests, even if it took the whole period."""


async def keep_going(what: str, work: Callable[[], Awaitable[None]], *, seconds: float = 0.0) -> None:
    """Repeat this work, so many seconds after it began; after a failure, with a pause that grows.

    If it took as long as that, it rests for a part of the time all the same.

    Ends only when it is cancelled. If the database is lost, the work succeeds again once the database is back.
    """
    outage = OutageLog(_log, f"The {what} failed and tries again", f"The {what} works again")
    pause = SHORTEST_PAUSE_SECONDS
    while True:
        began = monotonic()
        error = await failure_of(work)
        match error:
            case None:
                outage.over()
                pause = SHORTEST_PAUSE_SECONDS
                await asyncio.sleep(max(began + seconds - monotonic(), REST * seconds))
            case Unavailable():
                # Many suffer from the same outage, and only one of them logs it.
                if not error.is_told:
                    outage.failed(error)
                await asyncio.sleep(SHORTEST_PAUSE_SECONDS)
            case _:
                outage.failed(error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


async def failure_of(work: Callable[[], Awaitable[None]]) -> Exception | None:
    """Do this work, and return its error, if any. Raises only if the task is cancelled."""
    try:
        await work()
    except Exception as error:
        return error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # A library cancelled something by itself. This must not end the loop as a real cancellation does.
        return RuntimeError(f"It was cancelled from within: {error!r}")
    return None
