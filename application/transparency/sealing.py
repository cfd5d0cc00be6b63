"""Sealing: after their commit, events become leaves of their ledger's tree, and its root is signed.

Before a tree grows, it is proven to be the tree that was signed last. A tree that does not match is left as it is and
reported, until somebody has repaired it.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from math import inf
from typing import Protocol

from application.runtime.loops import keep_going
from application.runtime.measures import EVENTS_SEALED, SEAL_SECONDS
from application.runtime.outage_log import told
from application.transparency.checkpoint import Checkpoint
from application.transparency.kept_tree import KeptTree, TreeDamaged, proven_edge
from application.transparency.keys import Identity, SigningKey, SigningKeyStore, identity, identity_of
from application.transparency.tiles import Edge, Leaves, Tile
from domain.errors import Busy, Unavailable
from domain.values import TenantName

_log = logging.getLogger(__name__)

BATCH = 20_000
SECONDS = 0.5
"""How often grown ledgers are sealed. A ledger gets one checkpoint in this time, and more only if whole batches wait.
"""
RETRY_SECONDS = 30.0
"""How soon sealing is tried again for a ledger that could not be sealed."""
KEYS_SECONDS = 0.5
"""How long keys are remembered within a round. A retired key signs no longer than that."""
LOOK_SECONDS = 10.0
"""How often all trees are checked, whether their ledgers have grown or not. This costs more than looking for growth."""


class TreeBatch(KeptTree, Protocol):
    """One transaction on a ledger's tree. Nobody else can change the tree meanwhile."""

    async def next_leaves(self, *, after: int, limit: int) -> Leaves:
        """Return the leaves of the next events after a position."""

    async def save(self, size: int, tiles: Mapping[Tile, bytes], note: str) -> None:
        """Store a tree that has grown, and its signed root."""

    async def stop(self, error: str) -> None:
        """Stop sealing this tree until it is repaired, and store the reason."""


class TreeStore(Protocol):
    """Holds trees."""

    async def unsealed(self) -> list[TenantName]:
        """Return the tenants whose ledger's length is not the kept size of their tree. Raises Unavailable."""

    async def misnoted(self) -> list[TenantName]:
        """Return the tenants whose tree's kept size is not that of the newest checkpoint. Raises Unavailable.

        Tenants whose sealing has stopped are neither here nor in unsealed.
        """

    def hold(self, tenant: TenantName) -> AbstractAsyncContextManager[TreeBatch | None]:
        """Open a transaction on a tenant's tree; None if another sealer has one, or if sealing has stopped.

        Raises Unavailable.
        """


class Sealer:
    """Seals ledgers. Several may run at once, in several processes."""

    def __init__(self, trees: TreeStore, keys: SigningKeyStore, *, batch: int = BATCH) -> None:
        self._trees = trees
        self._keys = keys
        self._batch = batch
        self._again_at: dict[TenantName, float] = {}
        self._look_at = -inf
        self._known: Sequence[SigningKey] = ()
        self._ask_at = -inf

    async def seal_all(self) -> None:
        """Seal everything that is committed now. Raises Unavailable."""
        now = time.monotonic()
        self._ask_at = now
        tenants = [tenant for tenant in await self._to_seal(now) if self._again_at.get(tenant, now) <= now]
        while tenants:
            # Each ledger seals one batch in turn. A batch that is not full was its last: newer events wait for the next
            # time. Otherwise a ledger that is written to all the time would hold up the others.
            # or a ledger that is written to all the time would keep the others waiting.
            tenants = [tenant for tenant in tenants if await self._sealed(tenant) == self._batch]

    async def _to_seal(self, now: float) -> list[TenantName]:
        """Return the tenants whose ledgers have grown and, every now and then, those whose trees have a wrong kept
        size.
        """
        tenants = await self._trees.unsealed()
        if now >= self._look_at:
            tenants = list(dict.fromkeys([*tenants, *await self._trees.misnoted()]))
            self._look_at = now + LOOK_SECONDS
        return tenants

    async def _sealed(self, tenant: TenantName) -> int:
        """Seal a batch as seal does. An error in one ledger's tree stops neither the other ledgers nor the views."""
        try:
            return await self.seal(tenant)
        except Busy as error:
            _log.warning("Tenant %s cannot be sealed now: %s", tenant, told(error))
            return 0
        except Unavailable:
            raise
        except Exception:
            _log.exception("Tenant %s cannot be sealed; it is tried again in %d s", tenant, RETRY_SECONDS)
            self._again_at[tenant] = time.monotonic() + RETRY_SECONDS
            return 0

    async def seal(self, tenant: TenantName) -> int:
        """Seal a batch of a tenant's events; return how many were sealed."""
        known = await self._identity(tenant)
        async with self._trees.hold(tenant) as batch:
            if batch is None:
                return 0
            try:
                edge, known = await self._proven(tenant, batch, known)
                return 0 if batch.head == edge.size else await self._measured(batch, edge, known)
            except TreeDamaged as damaged:
                await self._refuse(tenant, batch, damaged)
                return 0

    async def _identity(self, tenant: TenantName) -> Identity:
        if (now := time.monotonic()) >= self._ask_at:
            self._known, self._ask_at = await self._keys.signing_keys(), now + KEYS_SECONDS
        return identity_of(await self._keys.origin(), self._known, tenant)

    async def _proven(self, tenant: TenantName, batch: TreeBatch, known: Identity) -> tuple[Edge, Identity]:
        """Return the edge of a tree, and the keys that sign for it now. Raises TreeDamaged."""
        try:
            return await proven_edge(batch, known), known
        except TreeDamaged:
            # Another sealer may have signed with a key that was added after the keys were read.
            known = await identity(self._keys, tenant)
            return await proven_edge(batch, known), known

    async def _measured(self, batch: TreeBatch, edge: Edge, known: Identity) -> int:
        began = time.monotonic()
        sealed = await self._extend(batch, edge, known)
        EVENTS_SEALED.add(sealed)
        SEAL_SECONDS.observe(time.monotonic() - began)
        return sealed

    async def _extend(self, batch: TreeBatch, edge: Edge, known: Identity) -> int:
        """Add a batch of leaves to a tree and sign it; return how many were added. Raises TreeDamaged."""
        sealed = edge.size
        leaves = await batch.next_leaves(after=sealed, limit=self._batch)
        if not (leaves.size and leaves.follow(sealed)):
            raise TreeDamaged(
                f"after the {sealed} sealed events, the events up to {batch.head} are missing or out of order"
            )
        edge.add(leaves.hashes)
        checkpoint = Checkpoint(known.origin, edge.size, edge.root())
        await batch.save(edge.size, edge.changed(), checkpoint.signed(known.signers))
        return leaves.size

    @staticmethod
    async def _refuse(tenant: TenantName, batch: TreeBatch, damaged: TreeDamaged) -> None:
        """Sign nothing on top of a damaged tree: that would hide the damage."""
        _log.critical(
            "Sealing of tenant %s has stopped: %s; run ordertrail verify, then ordertrail repair tiles", tenant, damaged
        )
        await batch.stop(str(damaged))


async def keep_sealed(sealer: Sealer, *, seconds: float = SECONDS) -> None:
    """Seal new events, for ever."""
    await keep_going("sealing", sealer.seal_all, seconds=seconds)
