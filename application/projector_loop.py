"""Keeps the views up to date for as long as the process lives."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Protocol

from application.projector import Projector
from domain.errors import Unavailable
from domain.values import TenantName

_log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5

REST_SECONDS = 0.04
"""How far apart rounds begin while appends pour in: a batch takes little more than one event does."""
FEW = 3
"""So few events in a round are no reason to rest: they were all there were, and who writes alone may read at once."""


class Hints(Protocol):
    """Where appends are heard of."""

    def hints(self) -> AsyncIterator[set[TenantName] | None]:
        """Yield tenants whose ledgers have grown; None if any ledger may have."""


class _Inbox:
    """The tenants that wait for the projector, each once, however often it was heard of."""

    def __init__(self) -> None:
        self._tenants: set[TenantName] = set()
        self._known: set[TenantName] = set()
        self._is_all = False
        self._arrived = asyncio.Event()
        self._is_awake = asyncio.Event()
        self._is_awake.set()

    def put(self, tenants: set[TenantName] | None) -> None:
        """Note these tenants, or, if None, that any tenant may have something new."""
        # Looking at all tenants also gives new ones their checkpoints.
        self._is_all = self._is_all or tenants is None or not tenants <= self._known
        self._tenants |= tenants or set()
        self._known |= self._tenants
        if self._is_all or self._tenants:
            self._arrived.set()

    async def take(self, projector: Projector) -> set[TenantName]:
        """Wait until there is something to do, and return for whom."""
        await self._arrived.wait()
        self._arrived.clear()
        tenants, is_all = self._tenants, self._is_all
        self._tenants, self._is_all = set(), False
        return tenants | set(await projector.behind()) if is_all else tenants

    async def rest(self, seconds: float) -> None:
        """Hear of nothing for a while; it is heard of at once then, and costs little."""
        self._is_awake.clear()
        await asyncio.sleep(seconds)
        self._is_awake.set()

    async def awake(self) -> None:
        """Wait until a rest is over."""
        await self._is_awake.wait()


async def keep_up(projector: Projector, hints: Hints, *, rest_seconds: float = REST_SECONDS) -> None:
    """Project whatever comes, for ever. A lost database is waited for; it loses nothing."""
    inbox = _Inbox()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_listen(hints, inbox), name="listener")
        tasks.create_task(_project(projector, inbox, rest_seconds), name="projector")


async def _project(projector: Projector, inbox: _Inbox, rest_seconds: float) -> None:
    while True:
        try:
            tenants = await inbox.take(projector)
            began = time.monotonic()
            # One batch of each in turn, so that a tenant with much to do does not keep the others waiting.
            read = {tenant: await projector.project(tenant) for tenant in tenants}
            inbox.put({tenant for tenant, events in read.items() if events > FEW})
            if sum(read.values()) > FEW:
                await inbox.rest(began + rest_seconds - time.monotonic())
        except Unavailable as error:
            _log.warning("The database is away (%s); the projector waits for it", error)
            await asyncio.sleep(PAUSE_SECONDS)
            inbox.put(None)


async def _listen(hints: Hints, inbox: _Inbox) -> None:
    async for tenants in hints.hints():
        inbox.put(tenants)
        await inbox.awake()
