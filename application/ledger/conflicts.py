"""Conflicts: if somebody else writes to an order between reading it and deciding, the decision is taken anew."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection

from application.ledger.outcome import Recorded
from domain.errors import VersionConflict

MAX_TRIES = 10
"""How often a decision is tried before a conflict is reported."""


async def again_on_conflict(attempt: Callable[[], Awaitable[Recorded]], streams: Collection[str]) -> Recorded:
    """Run an attempt again for as long as others write to these streams in between, MAX_TRIES times at most."""
    for left in range(MAX_TRIES - 1, -1, -1):
        try:
            return await attempt()
        except VersionConflict as conflict:
            if left == 0 or conflict.stream not in streams:
                raise
            # A random pause: those who lost to the same writer would otherwise collide again.
            await asyncio.sleep(secrets.randbelow(20) / 1_000)
    raise AssertionError
