"""Conflicts: if somebody else writes to an order between reading it and deciding, the decision is taken anew."""

import asyncio
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from time import monotonic

from domain.errors import VersionConflict

SECONDS = 5.0
"""How long a decision is tried before a conflict is reported."""
PAUSE_MILLISECONDS = 20
"""The longest pause between two attempts."""


class Attempts:
    """The attempts at a decision. Each loads, decides and appends:

    async for attempt in Attempts():
        order = await load(…)
        order.decide(…)
        with attempt.may_lose(streams):
            return await append(…)
    """

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._until = monotonic() + seconds
        self._number = 0

    def __aiter__(self) -> "Attempts":
        return self

    async def __anext__(self) -> "Attempts":
        if self._number:
            # A random pause: those who lost to the same writer would otherwise collide again.
            await asyncio.sleep(secrets.randbelow(PAUSE_MILLISECONDS) / 1_000)
        self._number += 1
        return self

    @contextmanager
    def may_lose(self, streams: Collection[str]) -> Iterator[None]:
        """Begin another attempt if others wrote to these streams in between. Raises VersionConflict once time is up."""
        try:
            yield
        except VersionConflict as conflict:
            if conflict.stream not in streams or monotonic() > self._until:
                raise
