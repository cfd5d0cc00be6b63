"""A consumer of an empty ledger in PostgreSQL, and its members."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count, islice

import psycopg
import pytest

from application.delivery.consumers import (
    PARTITIONS,
    Acknowledged,
    ConsumerSettings,
    Delivery,
    Handed,
    RefusedEvent,
    partition_of,
)
from application.delivery.consuming import Consuming, Start
from application.delivery.filters import EVERYTHING, EventFilter
from application.delivery.growth import growth_of
from application.delivery.reading import LedgerReader
from application.privacy.vault import Vault
from domain.values import TenantName
from infrastructure.delivery.consumers import PostgresConsumers
from infrastructure.delivery.members import PostgresMembership
from infrastructure.delivery.wanted_events import PostgresWantedEvents
from infrastructure.postgres.database import open_pool
from tests.fakes_keys import FakeKeyRing
from tests.fix_store import Ledger, new_event, open_ledger

CONSUMER = "billing"


class Silent:
    """Hints that never come."""

    async def hints(self) -> AsyncGenerator[set[TenantName] | None, None]:
        await asyncio.Event().wait()
        yield None


@dataclass
class Followed:
    """A ledger and what follows it."""

    ledger: Ledger
    consuming: Consuming
    dsn: str

    async def define(
        self, *, wanted: EventFilter = EVERYTHING, max_failures: int = 3, start: Start = "start"
    ) -> "Followed":
        settings = ConsumerSettings(wanted, max_failures, timedelta(hours=1))
        await self.consuming.define(self.ledger.tenant, CONSUMER, settings, start)
        return self

    async def append(self, order: str, *, type: str = "order.status_updated") -> int:  # noqa: A002 the field's name
        return (await self.ledger.append(f"order-{order}", new_event(type=type))).last_position

    async def fetch(self, member: str = "one", *, limit: int = 100) -> Handed:
        return await self.consuming.fetch(self.ledger.tenant, CONSUMER, member, limit=limit)

    async def acknowledge(self, member: str, *deliveries: Delivery, refused: Sequence[RefusedEvent] = ()) -> None:
        done = [acknowledged(delivery) for delivery in deliveries]
        await self.consuming.settle(self.ledger.tenant, CONSUMER, member, done, refused)

    async def refuse(self, member: str, delivery: Delivery, *, seconds: float = 0) -> None:
        await self.consuming.settle(self.ledger.tenant, CONSUMER, member, [], [refused(delivery, seconds=seconds)])

    async def freeze(self, member: str) -> None:
        """Let a member's lease end, as if it had said nothing for so long."""
        statement = "UPDATE ordertrail.consumer_members SET expires_at = now() WHERE tenant = %s AND member = %s"
        async with await psycopg.AsyncConnection.connect(self.dsn) as connection:
            await connection.execute(statement, [self.ledger.tenant, member])

    async def parked(self) -> list[str]:
        held = await self.consuming.register.held(self.ledger.tenant, CONSUMER, are_parked=True)
        return [stream.stream for stream in held]


def acknowledged(delivery: Delivery) -> Acknowledged:
    stream = delivery.event.stream if delivery.is_held else None
    return Acknowledged(delivery.partition, delivery.token, delivery.event.position, stream)


def refused(delivery: Delivery, *, seconds: float = 0) -> RefusedEvent:
    delay = timedelta(seconds=seconds)
    return RefusedEvent(delivery.partition, delivery.token, delivery.event.position, delay, "it failed")


def positions(handed: Handed) -> list[int]:
    return [delivery.event.position for delivery in handed.deliveries]


def orders_of(partition: int, number: int) -> list[str]:
    """Return orders whose streams are in this partition."""
    names = (f"p{partition}-{n}" for n in count())
    return list(islice((name for name in names if partition_of(f"order-{name}") == partition), number))


EACH_PARTITION = [orders_of(partition, 1)[0] for partition in range(PARTITIONS)]
"""An order in each partition."""


@pytest.fixture
async def followed(shared_dsn: str) -> AsyncIterator[Followed]:
    async with open_followed(shared_dsn) as opened:
        yield opened


@asynccontextmanager
async def open_followed(dsn: str) -> AsyncIterator[Followed]:
    async with open_ledger(dsn) as ledger, open_pool(dsn, size=4) as pool, growth_of(Silent()) as growth:
        vault = Vault(FakeKeyRing())
        reader = LedgerReader(PostgresWantedEvents(ledger.store, pool, vault))
        membership = PostgresMembership(pool, vault)
        yield Followed(ledger, Consuming(PostgresConsumers(pool), membership, reader, growth), dsn)
