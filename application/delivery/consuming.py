"""What tenants do with consumers: define them, look at them, and take part in them."""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from application.delivery.consumers import (
    Acknowledged,
    Consumer,
    ConsumerMember,
    ConsumerRegister,
    ConsumerSettings,
    Handed,
    Membership,
    Partition,
    Progress,
    RefusedEvent,
)
from application.delivery.growth import Growth
from application.delivery.reading import LedgerReader
from application.runtime.request_context import resting
from domain.errors import BeyondHead
from domain.values import TenantName

LOOK_SECONDS = 1.0
"""How often a member that waits looks whether its share has changed, or a refused event is due."""

Start = int | datetime | Literal["start", "now"]
"""Where to begin: after a position, with the first event recorded at or after a time, with the first, or the next."""


class ConsumerState(NamedTuple):
    """A consumer with its members and partitions."""

    consumer: Consumer
    progress: Progress
    members: Sequence[ConsumerMember]
    partitions: Sequence[Partition]


class Consuming:
    """The consumers of all tenants."""

    def __init__(
        self, consumers: ConsumerRegister, membership: Membership, reader: LedgerReader, growth: Growth
    ) -> None:
        self.register = consumers
        self._membership = membership
        self._reader = reader
        self._growth = growth

    async def define(self, tenant: TenantName, name: str, settings: ConsumerSettings, start: Start) -> bool:
        """Create a consumer, or change the one with this name, which stays where it is; return whether it is new.

        Raises BeyondHead, TenantNotFound.
        """
        return await self.register.define(tenant, name, settings, position=await self.position_of(tenant, start))

    async def reset(self, tenant: TenantName, name: str, start: Start) -> int:
        """Go on from somewhere else, and return the position after which that is. Raises BeyondHead, ConsumerNotFound.

        Nothing is held any more, and whatever was handed out cannot be acknowledged any more.
        """
        position = await self.position_of(tenant, start)
        await self.register.reset(tenant, name, position)
        return position

    async def position_of(self, tenant: TenantName, start: Start) -> int:
        """Return the position after which to begin. Raises BeyondHead, TenantNotFound."""
        if isinstance(start, datetime):
            return await self.register.position_before(tenant, start)
        head = await self._reader.head(tenant)
        position = {"start": 0, "now": int(head)}[start] if isinstance(start, str) else start
        if position > head:
            raise BeyondHead(position, head)
        return position

    async def drop(self, tenant: TenantName, name: str, stream: str, *, upto: int | None) -> None:
        """Pass over the refused event of a held stream, or over all of the stream's events up to a position.

        Raises BeyondHead, ConsumerNotFound, StreamNotHeld.
        """
        head = await self._reader.head(tenant)
        if upto is not None and upto > head:
            raise BeyondHead(upto, head)
        await self.register.drop(tenant, name, stream, upto=upto)

    async def state(self, tenant: TenantName, name: str) -> ConsumerState:
        """Return a consumer with all about it. Raises ConsumerNotFound."""
        consumer = await self.register.find(tenant, name)
        progress = await self.register.progress(tenant, [name])
        members = await self.register.members(tenant, name)
        return ConsumerState(consumer, progress[name], members, await self.register.partitions(tenant, name))

    async def list(
        self, tenant: TenantName, *, after: str, limit: int
    ) -> tuple[Sequence[Consumer], Mapping[str, Progress]]:
        """Return a page of consumers by name, and how far they have come."""
        consumers = await self.register.list(tenant, after=after, limit=limit)
        return consumers, await self.register.progress(tenant, [consumer.name for consumer in consumers])

    async def fetch(
        self,
        tenant: TenantName,
        name: str,
        member: str | None,
        *,
        limit: int,
        wait_seconds: float = 0,
        is_over: Callable[[], bool] = lambda: False,
        may_join: bool = True,
    ) -> Handed:
        """Hand events to a member, which gets a name if it has none. Wait for the first, at most so long.

        The wait ends soon after is_over says so, and soon after the member has left: it does not join again while it
        waits. Without may_join, it has to be a member already. Raises ConsumerNotFound, TooManyMembers.
        """
        member = member or f"m-{secrets.token_hex(8)}"
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_seconds
        with self._growth.followed(tenant) as waker:
            while True:
                handed = await self._membership.fetch(tenant, name, member, limit=limit, may_join=may_join)
                left, may_join = until - loop.time(), False
                if handed.deliveries or left <= 0 or is_over() or not handed.is_member:
                    return handed
                if not handed.has_more:
                    with resting():
                        await waker.wait(min(left, LOOK_SECONDS))

    async def settle(
        self,
        tenant: TenantName,
        name: str,
        member: str,
        acknowledged: Sequence[Acknowledged],
        refused: Sequence[RefusedEvent],
    ) -> datetime | None:
        """Take what a member says of events; see Membership.settle."""
        return await self._membership.settle(tenant, name, member, acknowledged, refused)

    async def leave(self, tenant: TenantName, name: str, member: str) -> None:
        """Give up a member's partitions at once. Idempotent. Raises ConsumerNotFound."""
        await self._membership.leave(tenant, name, member)
