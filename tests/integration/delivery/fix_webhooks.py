"""A webhook of a tenant, its receiver, and what delivers to it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from api.bootstrap import open_deliverer, open_services
from api.services import Services
from application.access.callers import Tenant
from application.delivery.consuming import Start
from application.delivery.filters import EVERYTHING
from application.delivery.webhooks.backoff import Backoff
from application.delivery.webhooks.courier import Schedule
from application.delivery.webhooks.deliverer import Deliverer
from application.delivery.webhooks.hooks import ShownSecret
from application.delivery.webhooks.port import NewWebhook, Webhook
from application.ledger.port import ANY, Append, Write
from domain.values import TenantName
from tests.fix_store import new_event
from tests.receiver import Receiver, receiving

AT_ONCE = Backoff(timedelta(), timedelta())
SCHEDULE = Schedule(AT_ONCE, AT_ONCE)
"""Failures are tried again at once."""


@dataclass
class Hooked:
    services: Services
    tenant: TenantName
    dsn: str
    receiver: Receiver
    id: str = ""
    secret: ShownSecret = field(default_factory=lambda: ShownSecret("", ""))

    async def hook(self, *, with_data: bool = False, start: Start = "start", url: str | None = None) -> "Hooked":
        new = NewWebhook(url or self.receiver.url, "a test", with_data, EVERYTHING)
        self.id, self.secret = await self.services.hooks.create(self.tenant, new, start)
        return self

    async def append(self, *orders: str) -> None:
        for order in orders:
            write = Write(f"order-{order}", ANY, (new_event(data=b'{"status": "paid"}'),))
            await self.services.store.append(Append(self.tenant, (write,)))

    async def deliver(self, schedule: Schedule = SCHEDULE, *, member: str = "one", rounds: int = 1) -> None:
        """Look so often whether there is something to deliver, and deliver it."""
        async with open_deliverer(self.dsn, schedule=schedule, member=member) as deliverer:
            for _ in range(rounds):
                await self.round(deliverer)

    async def round(self, deliverer: Deliverer) -> None:
        await deliverer.look()
        await deliverer.rest()

    async def webhook(self) -> Webhook:
        return await self.services.hooks.state(self.tenant, self.id)

    async def attempts(self) -> list[Any]:
        log = self.services.hooks.attempts.log
        return list(reversed(await log.list(self.tenant, self.id, before=None, limit=1_000)))

    async def execute(self, statement: str) -> None:
        async with await psycopg.AsyncConnection.connect(self.dsn, autocommit=True) as connection:
            await connection.execute(statement)  # type: ignore[call-overload]  # a text, not a literal


@pytest.fixture
async def hooked(monkeypatch: pytest.MonkeyPatch, dsn: str, tenant: Tenant) -> AsyncIterator[Hooked]:
    monkeypatch.setenv("ORDERTRAIL_WEBHOOK_NETWORKS", "127.0.0.1/32")
    async with receiving() as receiver, open_services(dsn) as services:
        yield Hooked(services, tenant.name, dsn, receiver)
