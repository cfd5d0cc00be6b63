"""The sources of a ledger's leaves. The database hashes the events, or we do, for those who do not trust it."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple, Protocol

from application.ledger.port import EventStore
from application.transparency.leaf import leaf_hash_of
from application.transparency.tiles import Leaves
from domain.values import MAX_BIGINT, TenantName

PAGE = 1_000
PAGE_BYTES = 8 * 2**20


class Leaf(NamedTuple):
    """An event's position, its leaf's hash, and the time when it was recorded."""

    position: int
    hash: bytes
    recorded_at: datetime


class LeafSource(Protocol):
    """Hashes events."""

    async def leaves(self, tenant: TenantName, *, after: int | None, limit: int) -> Leaves:
        """Return leaves computed from the events after a position; from the first existing event if after is None."""

    async def leaves_one_by_one(self, tenant: TenantName, *, after: int | None, limit: int) -> Sequence[Leaf]:
        """Return the same leaves one by one, each with its event's position and time."""


class HashedHere:
    """Implements LeafSource by hashing the events here, because PostgreSQL could be made to hash others."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def leaves(self, tenant: TenantName, *, after: int | None, limit: int) -> Leaves:
        found = await self.leaves_one_by_one(tenant, after=after, limit=limit)
        times = [leaf.recorded_at for leaf in found]
        return Leaves(
            first=found[0].position if found else 0,
            last=found[-1].position if found else 0,
            size=len(found),
            hashes=b"".join([leaf.hash for leaf in found]),
            first_time=min(times, default=None),
            last_time=max(times, default=None),
            are_in_time=all(before <= after for before, after in pairwise(times)),
        )

    async def leaves_one_by_one(self, tenant: TenantName, *, after: int | None, limit: int) -> list[Leaf]:
        found: list[Leaf] = []
        last = -MAX_BIGINT if after is None else after
        while len(found) < limit:
            wanted = min(PAGE, limit - len(found))
            page = await self._store.read_ledger(tenant, after=last, limit=wanted, max_bytes=PAGE_BYTES)
            if not page:
                break
            found += [Leaf(event.position, leaf_hash_of(tenant, event), event.recorded_at) for event in page]
            last = page[-1].position
        return found
