"""Conflicts: if somebody else writes to an order between reading it and deciding, the decision is taken anew."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Collection, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager
from time import monotonic
from weakref import WeakValueDictionary

from domain.errors import Busy, VersionConflict

SECONDS = 5.0
"""How long a decision is tried, and how long it waits for its turn before that."""
PAUSE_MILLISECONDS = 20
"""The longest pause between two attempts."""
_OTHERS = "Others change the same order all the time; try again"


class Tries:
    """The attempts at a decision. Each loads, decides and appends:

    async for attempt in Tries():
        order = await load(…)
        order.decide(…)
        with attempt.may_lose(streams):
            return await append(…)
    """

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._until = monotonic() + seconds
        self._number = 0

    def __aiter__(self) -> "Tries":
        return self

    async def __anext__(self) -> "Tries":
        if self._number:
            # A random pause: those who lost to the same writer would otherwise collide again.
            await asyncio.sleep(secrets.randbelow(PAUSE_MILLISECONDS) / 1_000)
        self._number += 1
        return self

    @contextmanager
    def may_lose(self, streams: Collection[str]) -> Iterator[None]:
        """Begin another attempt if others wrote to these streams in between. Raises Busy once the time is up.

        A conflict in another stream is raised: it is no race that another attempt could win.
        """
        try:
            yield
        except VersionConflict as conflict:
            if conflict.stream not in streams:
                raise
            if monotonic() > self._until:
                raise Busy(_OTHERS, is_told=True) from conflict


class Turns:
    """Has the decisions of one process about one order wait for each other, so that they do not lose to each other.

    Decisions of other processes, and facts, may still come in between.
    """

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, *what: Hashable) -> AsyncIterator[None]:
        """Wait until nobody else is in here for the same thing. Raises Busy if that takes too long."""
        lock = self._locks.setdefault(what, asyncio.Lock())
        try:
            async with asyncio.timeout(self._seconds):
                await lock.acquire()
        except TimeoutError as exc:
            raise Busy(_OTHERS, is_told=True) from exc
        try:
            yield
        finally:
            lock.release()
