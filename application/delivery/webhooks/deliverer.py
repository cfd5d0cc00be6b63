"""Runs the webhooks of all tenants in one process, beside other processes that do the same."""

import asyncio
import logging
import os
import secrets
import socket
from contextlib import aclosing, suppress
from datetime import UTC, datetime

from application.delivery.errors import ConsumerNotFound, WebhookNotFound
from application.delivery.webhooks.courier import Courier, Tools
from application.delivery.webhooks.port import KEEP_ATTEMPTS, consumer_of
from application.runtime.hints import Hints
from application.runtime.loops import keep_going
from domain.errors import OrdertrailError, Unavailable
from domain.values import TenantName

_log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How often it looks which webhooks have something to do, although nothing tells it."""
REST_SECONDS = 0.1
"""The time between two looks while appends pour in."""
PRUNE_SECONDS = 3_600.0
MAX_AT_ONCE = 64
"""How many webhooks are delivered to at a time. Others wait for their turn."""
PAUSE_SECONDS = 5.0
"""How long a webhook rests after a fault of ours."""


class Deliverer:
    """Starts a courier for each webhook that has something to do."""

    def __init__(self, tools: Tools, *, member: str | None = None) -> None:
        self._tools = tools
        self._member = member or f"{socket.gethostname()[:60]}-{os.getpid()}-{secrets.token_hex(4)}"
        self._couriers: dict[tuple[TenantName, str], asyncio.Task[None]] = {}
        self._seen: set[tuple[TenantName, str]] = set()
        self._turns = asyncio.Semaphore(MAX_AT_ONCE)

    async def run(self, hints: Hints) -> None:
        """Deliver, until it is cancelled. Then give up what it owns, so that others go on at once."""
        awake = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(keep_going("listener of webhooks", lambda: _listen(hints, awake)))
                tasks.create_task(keep_going("deliverer", lambda: self._look(awake)))
                tasks.create_task(keep_going("pruning of attempts", self.prune, seconds=PRUNE_SECONDS))
        finally:
            await self._leave()

    async def look(self) -> None:
        """Start couriers for the webhooks that have something to do. Raises Unavailable."""
        for key in await self._tools.webhooks.due():
            if key not in self._couriers:
                self._seen.add(key)
                self._couriers[key] = asyncio.create_task(self._deliver(*key), name="courier")

    async def rest(self) -> None:
        """Wait until no courier is under way."""
        while self._couriers:
            await asyncio.wait(self._couriers.values())

    async def prune(self) -> None:
        """Remove old attempts. Raises Unavailable."""
        before = datetime.now(UTC) - KEEP_ATTEMPTS
        for tenant, webhook in await self._tools.webhooks.all():
            await self._tools.attempts.log.prune(tenant, webhook, before=before)

    async def _look(self, awake: asyncio.Event) -> None:
        await self.look()
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await awake.wait()
        awake.clear()

    async def _deliver(self, tenant: TenantName, webhook: str) -> None:
        try:
            async with self._turns:
                await Courier(self._tools, tenant, webhook, self._member).deliver()
        except* (Unavailable, WebhookNotFound, ConsumerNotFound):
            await asyncio.sleep(LOOK_SECONDS)  # the database is away, which others tell, or the webhook was removed
        except* Exception:
            _log.exception("Webhook %s of %s failed on our side, and is tried again", webhook, tenant)
            await asyncio.sleep(PAUSE_SECONDS)
        finally:
            del self._couriers[tenant, webhook]

    async def _leave(self) -> None:
        for courier in self._couriers.values():
            courier.cancel()
        await asyncio.gather(*self._couriers.values(), return_exceptions=True)
        for tenant, webhook in self._seen:
            with suppress(OrdertrailError):
                await self._tools.membership.leave(tenant, consumer_of(webhook), self._member)


async def _listen(hints: Hints, awake: asyncio.Event) -> None:
    async with aclosing(hints.hints()) as found:
        async for _ in found:
            awake.set()
            await asyncio.sleep(REST_SECONDS)
