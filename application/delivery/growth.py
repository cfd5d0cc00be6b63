"""Tells the followers in one process that ledgers have grown. They share one listener, however many they are."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from contextvars import Context

from application.runtime.hints import Hints
from application.runtime.loops import keep_going
from domain.values import TenantName

REST_SECONDS = 0.04
"""The time between two looks at the hints while appends pour in: followers then find more at once."""


class Waker:
    """Wakes one follower when its tenant's ledger may have grown."""

    def __init__(self) -> None:
        self._has_grown = asyncio.Event()

    async def wait(self, seconds: float) -> bool:
        """Wait until the ledger may have grown since the last wait ended, at most so long. Return whether it may have.

        So whoever waits, reads to the head and waits again misses nothing: what is appended while it reads ends the
        next wait at once. A wake is only a hint: there can be nothing new.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._has_grown.wait()
        has_grown = self._has_grown.is_set()
        self._has_grown.clear()
        return has_grown

    def wake(self) -> None:
        self._has_grown.set()


class Growth:
    """Hands the hints on to the followers of each tenant. It listens while somebody follows, and not else."""

    def __init__(self, hints: Hints, *, rest_seconds: float = REST_SECONDS) -> None:
        self._hints = hints
        self._rest_seconds = rest_seconds
        self._followers: dict[TenantName, set[Waker]] = {}
        self._listening: asyncio.Task[None] | None = None

    @contextmanager
    def followed(self, tenant: TenantName) -> Iterator[Waker]:
        """Yield what wakes a follower of this tenant's ledger, for as long as the context lasts."""
        waker = Waker()
        self._followers.setdefault(tenant, set()).add(waker)
        if self._listening is None:
            # It belongs to no request, also if a request is the first to follow.
            listening = keep_going("listener", self._listen)
            self._listening = asyncio.create_task(listening, name="listener of followers", context=Context())
        try:
            yield waker
        finally:
            self._leave(tenant, waker)

    async def close(self) -> None:
        """Listen no more. Followers are not woken from then on."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    def _leave(self, tenant: TenantName, waker: Waker) -> None:
        followers = self._followers[tenant]
        followers.discard(waker)
        if not followers:
            del self._followers[tenant]
        if not self._followers and self._listening is not None:
            self._listening.cancel()
            self._listening = None

    async def _listen(self) -> None:
        async with aclosing(self._hints.hints()) as hints:
            async for tenants in hints:
                for tenant in self._followers if tenants is None else tenants:
                    for waker in self._followers.get(tenant, ()):
                        waker.wake()
                await asyncio.sleep(self._rest_seconds)


@asynccontextmanager
async def growth_of(hints: Hints) -> AsyncIterator[Growth]:
    """Yield the growth of all ledgers, by these hints."""
    growth = Growth(hints)
    try:
        yield growth
    finally:
        await growth.close()
