"""What is done when somebody else writes to an order between reading it and deciding on it: it is decided anew."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection

from application.ledger.outcome import Recorded
from domain.errors import VersionConflict

MAX_TRIES = 10
"""How often a decision is taken anew because somebody else wrote to the order in between."""


async def again_on_conflict(attempt: Callable[[], Awaitable[Recorded]], streams: Collection[str]) -> Recorded:
    """Run an attempt until nobody else wrote to these streams in between, a bounded number of times."""
    for left in range(MAX_TRIES - 1, -1, -1):
        try:
            return await attempt()
        except VersionConflict as conflict:
            if left == 0 or conflict.stream not in streams:
                raise
            # Those who lost to the same winner would meet again.
            await asyncio.sleep(secrets.randbelow(20) / 1_000)
    raise AssertionError
