"""Keeps the views up to date for as long as the process lives."""

import asyncio
import logging
import time
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from application.runtime.hints import Hints
from application.runtime.loops import keep_going
from application.runtime.outage_log import OutageLog
from application.views.upkeep.projector import Projector
from domain.errors import Busy, Unavailable
from domain.values import TenantName

_log = logging.getLogger(__name__)


class Rest(NamedTuple):
    """The seconds between the starts of two rounds while appends pour in. A batch takes little more than one event."""

    awaited: float
    """While somebody waits for the views."""
    unawaited: float
    """While nobody does."""


REST = Rest(awaited=0.04, unawaited=0.1)
FEW = 3
"""A round with so few events is followed by no rest: nothing more was waiting, and a lone writer can read at once."""


class _Inbox:
    """The tenants that wait for the projector, each of them once, however many hints came."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._tenants: set[TenantName] = set()
        self._known: set[TenantName] = set()
        self._is_all = False
        self._arrived = asyncio.Event()
        self._is_awake = asyncio.Event()
        self._is_awake.set()
        self._is_awaited = asyncio.Event()

    def put(self, tenants: set[TenantName] | None) -> None:
        """Note these tenants; None means that any tenant may have new events."""
        # A look at all tenants also creates the checkpoints of new tenants.
        self._is_all = self._is_all or tenants is None or not tenants <= self._known
        self._tenants |= tenants or set()
        self._known |= self._tenants
        if self._is_all or self._tenants:
            self._arrived.set()

    async def take(self, projector: Projector) -> set[TenantName]:
        """Wait until there is something to do, and return its tenants."""
        await self._arrived.wait()
        self._arrived.clear()
        self._is_awaited.clear()  # who has rung until now waits for what this round reads
        tenants, is_all = self._tenants, self._is_all
        self._tenants, self._is_all = set(), False
        return tenants | set(await projector.behind()) if is_all else tenants

    async def rest(self, began: float) -> None:
        """Take no hints for a while after a round began. They wait, and taking them all together costs little.

        The rest is cut short if somebody waits for the views.
        """
        self._is_awake.clear()
        await asyncio.sleep(began + self._rest.awaited - time.monotonic())
        with suppress(TimeoutError):
            async with asyncio.timeout(began + self._rest.unawaited - time.monotonic()):
                await self._is_awaited.wait()
        self._is_awake.set()

    def ring(self, tenants: set[TenantName]) -> None:
        """Note that somebody waits for the views of these tenants."""
        self.put(tenants)
        self._is_awaited.set()

    async def awake(self) -> None:
        """Wait until a rest is over."""
        await self._is_awake.wait()


class _Rounds:
    """Projects one batch of each tenant, so that a tenant with much to do does not hold up the others.

    Tenants with few events are projected together, and then the others in turn.
    """

    def __init__(self, projector: Projector, inbox: _Inbox) -> None:
        self._projector = projector
        self._inbox = inbox
        self._troubles: dict[TenantName, OutageLog] = {}

    async def go(self) -> None:
        """Wait for something to do, and do it. Raises Unavailable."""
        try:
            tenants = await self._inbox.take(self._projector)
            began = time.monotonic()
            read = await self._projector.project_together(tenants)
            read |= {tenant: await self._project(tenant) for tenant in tenants - read.keys()}
        except BaseException:
            # Tenants that this round has missed are looked at in the next.
            self._inbox.put(None)
            raise
        self._inbox.put({tenant for tenant, events in read.items() if events > FEW})
        if sum(read.values()) > FEW:
            await self._inbox.rest(began)

    async def _project(self, tenant: TenantName) -> int:
        """Project a batch; return its number of events. A tenant's error is logged and does not stop the others."""
        try:
            read = await self._projector.project(tenant)
        except Exception as error:
            if isinstance(error, Unavailable) and not isinstance(error, Busy):
                raise
            begins, ends = f"Tenant {tenant} cannot be projected", f"Tenant {tenant} can be projected again"
            self._troubles.setdefault(tenant, OutageLog(_log, begins, ends)).failed(error)
            return 0
        if trouble := self._troubles.pop(tenant, None):
            trouble.over()
        return read


async def keep_up(projector: Projector, hints: Hints, readers: Hints, *, rest: Rest = REST) -> None:
    """Project new events, for ever. If the database is lost, wait for it; no event is missed.

    readers tells for whose views somebody waits.
    """
    inbox = _Inbox(rest)
    rounds = _Rounds(projector, inbox)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(keep_going("listener", partial(_listen, hints, inbox)), name="listener")
        tasks.create_task(keep_going("bell", partial(_hear, readers, inbox, rest)), name="bell")
        tasks.create_task(keep_going("projector", rounds.go), name="projector")


async def _hear(readers: Hints, inbox: _Inbox, rest: Rest) -> None:
    async for waiting in readers.hints():
        if waiting:
            inbox.ring(waiting)
            # Readers ring again and again. If nothing can be projected for them, each ring is a round in vain.
            await asyncio.sleep(rest.awaited)


async def _listen(hints: Hints, inbox: _Inbox) -> None:
    async for tenants in hints.hints():
        inbox.put(tenants)
        await inbox.awake()
