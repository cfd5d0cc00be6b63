"""Work that goes on for as long as its process lives, whatever happens in it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from application.runtime.outage_log import OutageLog
from domain.errors import Unavailable

_log = logging.getLogger(__name__)

SHORTEST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0


async def keep_going(what: str, work: Callable[[], Awaitable[None]], *, seconds: float = 0.0) -> None:
    """Do this work again and again, so many seconds after it was done; after a pause that grows, if it failed.

    Ends when it is cancelled, and for no other reason. A database that is away is found when it is back.
    """
    outage = OutageLog(_log, f"The {what} failed and tries again", f"The {what} works again")
    pause = SHORTEST_PAUSE_SECONDS
    while True:
        error = await failure_of(work)
        match error:
            case None:
                outage.over()
                pause = SHORTEST_PAUSE_SECONDS
                await asyncio.sleep(seconds)
            case Unavailable():
                # Of an outage that everybody suffers from, one tells for all.
                if not error.is_told:
                    outage.failed(error)
                await asyncio.sleep(SHORTEST_PAUSE_SECONDS)
            case _:
                outage.failed(error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


async def failure_of(work: Callable[[], Awaitable[None]]) -> Exception | None:
    """Do this work, and return what went wrong with it. Raises nothing but that somebody cancelled it."""
    try:
        await work()
    except Exception as error:
        return error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # A library's, which nobody asked for: it must not end us as if we had been told to go.
        return RuntimeError(f"It was cancelled from within: {error!r}")
    return None
