"""Sealing: after their commit, events become leaves of their ledger's tree, and its root is signed.

Before a tree grows, it is proven to be the tree that was signed last. A tree that does not match is left as it is and
reported, until somebody has repaired it.
"""

import logging
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import partial
from math import inf
from typing import Protocol

from application.ledger.activity import RECENT, WholeLooks
from application.runtime.groups import work_on_groups
from application.runtime.loops import keep_going
from application.runtime.measures import EVENTS_SEALED, SEAL_SECONDS
from application.runtime.outage_log import told
from application.transparency.joint_sealing import FEW, GROUP, Backlog, JointTrees, extended, seal_together
from application.transparency.kept_tree import KeptTree, TreeDamaged, proven_edge
from application.transparency.keys import Identity, SigningKey, SigningKeyStore, identity, identity_of
from application.transparency.tiles import Edge, Leaves, Tile
from application.transparency.verified_notes import VerifiedNotes
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
LANES = 3
"""How many groups of ledgers are sealed at a time."""


class TreeBatch(KeptTree, Protocol):
    """One transaction on a ledger's tree. Nobody else can change the tree meanwhile."""

    async def next_leaves(self, *, after: int, limit: int) -> Leaves:
        """Return the leaves of the next events after a position."""

    async def save(self, size: int, tiles: Mapping[Tile, bytes], note: str) -> None:
        """Store a tree that has grown, and its signed root."""

    async def stop(self, error: str) -> None:
        """Stop sealing this tree until it is repaired, and store the reason."""


class TreeStore(JointTrees, Protocol):
    """Holds trees."""

    async def unsealed(self, *, within: timedelta | None) -> Sequence[Backlog]:
        """Return the ledgers whose length is not the kept size of their tree, of those that were written to within
        this time before now; of all, if it is None.

        Missing trees are created. Raises Unavailable.
        """

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
        self._verified = VerifiedNotes()
        self._again_at: dict[TenantName, float] = {}
        self._looks = WholeLooks()
        self._known: Sequence[SigningKey] = ()
        self._ask_at = -inf

    async def seal_all(self) -> None:
        """Seal everything that is committed now. Raises Unavailable."""
        self._ask_at = time.monotonic()
        waiting, looked = await self._round(), time.monotonic()
        while waiting:
            # Ledgers that have much to seal take turns, a batch at a time. A batch that is not full was the last:
            # newer events wait for the next time. Otherwise a ledger that is written to all the time would hold up the
            # others.
            tenant = waiting.popleft()
            if await self._sealed(tenant) == self._batch:
                waiting.append(tenant)
            if waiting and time.monotonic() - looked >= SECONDS:
                # Ledgers that have little to seal do not wait for those that have much.
                waiting.extend(await self._seal_few(await self._trees.unsealed(within=RECENT)))
                waiting, looked = deque(dict.fromkeys(waiting)), time.monotonic()

    async def _round(self) -> deque[TenantName]:
        """Seal the ledgers that have little to seal; return those that have to be sealed one by one.

        Now and then all ledgers and trees are looked at, otherwise only the ledgers that were written to.
        """
        if self._looks.is_due:
            backlogs, others = await self._trees.unsealed(within=None), await self._trees.misnoted()
            self._looks.done()
            self._again_at = {tenant: at for tenant, at in self._again_at.items() if not self._is_due(tenant)}
        else:
            backlogs, others = await self._trees.unsealed(within=RECENT), list[TenantName]()
        much = [backlog.tenant for backlog in backlogs if not self._is_few(backlog)]
        doubtful = await self._seal_few([backlog for backlog in backlogs if backlog.tenant not in others])
        return deque(tenant for tenant in dict.fromkeys([*much, *others, *doubtful]) if self._is_due(tenant))

    async def _seal_few(self, backlogs: Sequence[Backlog]) -> list[TenantName]:
        """Seal those of these ledgers that have little to seal; return those that are not as expected."""
        few = [backlog for backlog in backlogs if self._is_few(backlog) and self._is_due(backlog.tenant)]
        doubtful: list[TenantName] = []

        async def seal(group: Sequence[Backlog]) -> None:
            doubtful.extend(await self._seal_group(group))

        # While one group is stored, the next is proven.
        await work_on_groups(few, seal, size=GROUP, lanes=LANES)
        return doubtful

    async def _seal_group(self, group: Sequence[Backlog]) -> Sequence[TenantName]:
        """Seal these ledgers; return the tenants of those that are not as expected."""
        identify = partial(identity_of, await self._keys.origin(), await self._signing_keys())
        try:
            doubtful, failed = await seal_together(self._trees, group, identify, self._verified)
        except Exception as error:
            if isinstance(error, Unavailable) and not isinstance(error, Busy):
                raise
            # Something of one ledger cannot be read now. One by one, the others can.
            return [backlog.tenant for backlog in group]
        one_by_one = list(doubtful)
        for tenant, why in failed.items():
            if isinstance(why, Busy):
                one_by_one.append(tenant)
            else:
                self._put_off(tenant, why)
        return one_by_one

    def _put_off(self, tenant: TenantName, error: Exception) -> None:
        """Leave a ledger alone for a while, so that the others need not wait for it each time."""
        _log.warning("Tenant %s cannot be sealed; it is tried again in %d s: %s", tenant, RETRY_SECONDS, told(error))
        self._again_at[tenant] = time.monotonic() + RETRY_SECONDS

    def _is_few(self, backlog: Backlog) -> bool:
        return 0 < backlog.events <= min(FEW, self._batch)

    def _is_due(self, tenant: TenantName) -> bool:
        return self._again_at.get(tenant, -inf) <= time.monotonic()

    async def _sealed(self, tenant: TenantName) -> int:
        """Seal a batch as seal does. An error in one ledger's tree stops neither the other ledgers nor the views."""
        try:
            return await self.seal(tenant)
        except Busy as error:
            self._put_off(tenant, error)
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
        return identity_of(await self._keys.origin(), await self._signing_keys(), tenant)

    async def _signing_keys(self) -> Sequence[SigningKey]:
        if (now := time.monotonic()) >= self._ask_at:
            self._known, self._ask_at = await self._keys.signing_keys(), now + KEYS_SECONDS
        return self._known

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
        leaves = await batch.next_leaves(after=edge.size, limit=self._batch)
        grown = extended(edge, leaves, batch.head, known)
        await batch.save(grown.checkpoint.size, grown.tiles, grown.note)
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
