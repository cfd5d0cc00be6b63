"""The members of consumers, in PostgreSQL: they share partitions, are handed events, and say what is done."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

from application.delivery.consumers import (
    MAX_MEMBERS,
    Acknowledged,
    Consumer,
    ConsumerMember,
    Delivery,
    Handed,
    RefusedEvent,
)
from application.delivery.errors import ConsumerNotFound, TooManyMembers
from application.delivery.lanes import LaneCursor
from application.delivery.shares import Share, share_of
from application.ledger.port import PAGE_BYTES
from application.privacy.vault import Vault
from domain.values import TenantName
from infrastructure.delivery.consumers import find, lock, members_of
from infrastructure.delivery.lanes import PartitionReads, ToHandOut
from infrastructure.delivery.settling import settle
from infrastructure.ledger.event_store import EVENTS
from infrastructure.postgres.arrays import BigIntArray, IntArray
from infrastructure.postgres.bounded_reads import BoundedReads, Large
from infrastructure.postgres.database import Connection, Pool, noting_write, reading, writing
from infrastructure.postgres.rows import recorded_event
from infrastructure.postgres.statements import statements

_SQL = statements("consumers")


class _Standing(NamedTuple):
    """The members of a consumer, and who owns what."""

    members: Sequence[ConsumerMember]
    owners: Mapping[int, str | None]

    def is_settled(self, member: str) -> bool:
        """Whether a member needs no renewal, and neither gives up nor takes anything."""
        return any(m.name == member and m.is_fresh for m in self.members) and self.share(member) == Share()

    def share(self, member: str) -> Share:
        """Return what a live member gives up and takes."""
        return share_of(member, [m.name for m in self.members if m.is_live], self.owners)


class PostgresMembership:
    """Implements application.delivery.consumers.Membership."""

    def __init__(self, pool: Pool, vault: Vault, large: Large | None = None) -> None:
        self._pool = pool
        self._vault = vault
        self._reads = BoundedReads(pool, large, whatever_times=True)

    async def fetch(
        self, tenant: TenantName, consumer: str, member: str, *, limit: int, may_join: bool = True
    ) -> Handed:
        of_member = {"tenant": tenant, "consumer": consumer, "member": member}
        async with reading(self._pool) as connection:
            if not await self._take_share(connection, tenant, consumer, member, may_join=may_join):
                return Handed(member, {}, [], is_paused=False, has_more=False, is_member=False)
            async with connection.transaction():
                found = await find(connection, tenant, consumer)
                cursor = await connection.execute(_SQL["lock_owned"], of_member)
                own = [LaneCursor(*row) for row in await cursor.fetchall()]
                chosen, has_more = await self._choose(connection, tenant, found, own, limit=limit)
        tokens = {each.partition: each.token for each in own}
        deliveries = await self._deliveries(tenant, chosen)
        return Handed(member, tokens, deliveries, found.is_paused, has_more)

    async def settle(
        self,
        tenant: TenantName,
        consumer: str,
        member: str,
        acknowledged: Sequence[Acknowledged],
        refused: Sequence[RefusedEvent],
    ) -> datetime | None:
        of_member = {"tenant": tenant, "consumer": consumer, "member": member}
        async with writing(self._pool) as connection, connection.transaction():
            found = await find(connection, tenant, consumer)
            if acknowledged or refused:
                await settle(connection, of_member, found.settings, acknowledged, refused)
            renewal = {**of_member, "lease": found.settings.lease}
            row = await (await connection.execute(_SQL["renew"], renewal)).fetchone()
        return None if row is None else row[0]

    async def leave(self, tenant: TenantName, consumer: str, member: str) -> None:
        of_member = {"tenant": tenant, "consumer": consumer, "member": member}
        async with writing(self._pool) as connection, connection.transaction():
            await lock(connection, tenant, consumer)
            await connection.execute(_SQL["lock_partitions"], of_member)
            await connection.execute(_SQL["end_members"], {**of_member, "leaving": member})
            await connection.execute(_SQL["release_all_of"], of_member)

    async def _take_share(
        self, connection: Connection, tenant: TenantName, consumer: str, member: str, *, may_join: bool
    ) -> bool:
        """Join, or renew the lease, and come to the member's share of the partitions. Return whether it is a member.

        Mostly there is nothing to do, which is seen without a lock: whoever joins or leaves is seen at the next fetch.
        """
        of_member = {"tenant": tenant, "consumer": consumer, "member": member}
        standing = await _standing(connection, tenant, consumer)
        if not standing.owners:
            raise ConsumerNotFound(consumer)
        if standing.is_settled(member):
            return True
        with noting_write(connection, self._pool):
            async with connection.transaction():
                lease = await lock(connection, tenant, consumer)
                await connection.execute(_SQL["lock_partitions"], of_member)
                leased = await connection.execute(_SQL["join" if may_join else "renew"], {**of_member, "lease": lease})
                if not leased.rowcount:
                    return False
                await connection.execute(_SQL["end_members"], {**of_member, "leaving": None})
                standing = await _standing(connection, tenant, consumer)
                if len(standing.members) > MAX_MEMBERS:
                    raise TooManyMembers(f"Consumer {consumer!r} has {MAX_MEMBERS} members; let some leave")
                share = standing.share(member)
                if share.release:
                    await connection.execute(_SQL["release"], {**of_member, "partitions": IntArray(share.release)})
                if share.take:
                    taken = {**of_member, "partitions": IntArray(share.take)}
                    await connection.execute(_SQL["take"], taken)
                    await connection.execute(_SQL["forget_what_was_handed_out"], taken)
        return True

    async def _choose(
        self, connection: Connection, tenant: TenantName, consumer: Consumer, own: Sequence[LaneCursor], *, limit: int
    ) -> tuple[list[ToHandOut], bool]:
        """Return what to hand out of a member's partitions, which are locked, and whether there may be more."""
        if consumer.is_paused or not own:
            return [], False
        reads = PartitionReads(connection, tenant, consumer.name, consumer.settings.wanted)
        of_held = await reads.of_held_streams(own, limit=limit)
        of_partitions, has_more = await reads.of_partitions(own, limit=limit - len(of_held))
        return sorted(chain(of_held, of_partitions)), has_more

    async def _deliveries(self, tenant: TenantName, chosen: Sequence[ToHandOut]) -> list[Delivery]:
        """Return the events to hand out with their data, as many as are a page. The others come with the next fetch."""
        if not chosen:
            return []
        positions = BigIntArray([each.position for each in chosen])
        page: dict[str, Any] = {"limit": len(chosen), "max_bytes": PAGE_BYTES, "positions": positions}
        rows = await self._reads.rows(_SQL["events_at"], EVENTS, tenant, **page)
        events = await self._vault.opened(tenant, [recorded_event(row) for row in rows])
        by_position = {event.position: event for event in events}
        return [Delivery(by_position[each.position], *each[1:]) for each in chosen if each.position in by_position]


async def _standing(connection: Connection, tenant: TenantName, consumer: str) -> _Standing:
    of_consumer = {"tenant": tenant, "consumer": consumer}
    members = await members_of(connection, tenant, consumer)
    cursor = await connection.execute(_SQL["partitions"], of_consumer)
    return _Standing(members, {partition: member for partition, member, _, _ in await cursor.fetchall()})
