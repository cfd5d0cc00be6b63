"""Sealing: after their commit, events become leaves of their ledger's tree, and its root is signed."""

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from application.transparency.checkpoint import Checkpoint
from application.transparency.keys import SigningKeyStore, identity
from application.transparency.tiles import Edge, Leaves, Tile
from domain.errors import Unavailable
from domain.values import TenantName

_log = logging.getLogger(__name__)

BATCH = 20_000
SECONDS = 0.5
"""How often ledgers that have grown are sealed: as often at most is one signed, short of what fills batches."""
RETRY_SECONDS = 30.0
"""When a ledger that could not be sealed is tried again."""


class TreeBatch(Protocol):
    """One transaction on a ledger's tree, which nobody else changes meanwhile."""

    size: int
    """How many leaves the tree has."""
    head: int
    """How many events the ledger has."""

    async def last_tiles(self) -> Mapping[int, bytes]:
        """Return the hashes of the tiles that are not full, by level."""

    async def next_leaves(self, *, limit: int) -> Leaves:
        """Return the leaves of the next events that are none yet."""

    async def save(self, size: int, tiles: Mapping[Tile, bytes], note: str) -> None:
        """Keep a tree that has grown, and its signed root."""

    async def stop(self, error: str) -> None:
        """Let the tree be as it is, and say why."""


class TreeStore(Protocol):
    """Where trees are kept."""

    async def unsealed(self) -> list[TenantName]:
        """Return the tenants whose ledger is not as long as its tree. Raises Unavailable."""

    def hold(self, tenant: TenantName) -> AbstractAsyncContextManager[TreeBatch | None]:
        """Open a transaction on a tenant's tree; None if somebody else has one. Raises Unavailable."""


class Sealer:
    """Seals ledgers. Several may run at once, here and elsewhere."""

    def __init__(self, trees: TreeStore, keys: SigningKeyStore, *, batch: int = BATCH) -> None:
        self._trees = trees
        self._keys = keys
        self._batch = batch
        self._again_at: dict[TenantName, float] = {}

    async def seal_all(self) -> None:
        """Seal whatever was committed until now. Raises Unavailable."""
        now = time.monotonic()
        tenants = [tenant for tenant in await self._trees.unsealed() if self._again_at.get(tenant, now) <= now]
        while tenants:
            # A batch of each in turn. One that is not full was all there was: what has come since is for the next time,
            # or a ledger that is written to all the time would keep the others waiting.
            tenants = [tenant for tenant in tenants if await self._sealed(tenant) == self._batch]

    async def _sealed(self, tenant: TenantName) -> int:
        """Seal a batch as seal does; what is wrong with one ledger's tree stops neither the others nor the views."""
        try:
            return await self.seal(tenant)
        except Unavailable:
            raise
        except Exception:
            _log.exception("Tenant %s cannot be sealed; it is tried again in %d s", tenant, RETRY_SECONDS)
            self._again_at[tenant] = time.monotonic() + RETRY_SECONDS
            return 0

    async def seal(self, tenant: TenantName) -> int:
        """Seal a batch of a tenant's events; return how many they were."""
        known = await identity(self._keys, tenant)
        async with self._trees.hold(tenant) as batch:
            if batch is None or batch.head == batch.size:
                return 0
            leaves = await batch.next_leaves(limit=self._batch)
            if not (leaves.size and leaves.follow(batch.size)):
                await self._refuse(tenant, batch)
                return 0
            edge = Edge(batch.size, await batch.last_tiles())
            edge.add(leaves.hashes)
            checkpoint = Checkpoint(known.origin, edge.size, edge.root())
            await batch.save(edge.size, edge.changed(), checkpoint.signed(known.signers))
            return leaves.size

    @staticmethod
    async def _refuse(tenant: TenantName, batch: TreeBatch) -> None:
        """Seal nothing over a ledger that is not what it was: that would hide it."""
        error = f"The ledger has {batch.head} events in order no more, of which {batch.size} were sealed; run verify"
        _log.critical("Tenant %s: %s", tenant, error)
        await batch.stop(error)


async def keep_sealed(sealer: Sealer, *, seconds: float = SECONDS) -> None:
    """Seal whatever comes, for ever."""
    while True:
        try:
            await sealer.seal_all()
        except Unavailable as error:
            _log.warning("The database is away (%s); sealing waits for it", error)
        await asyncio.sleep(seconds)
