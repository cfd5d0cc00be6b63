"""Repair: a ledger's tree is derived again from its events, if these are the events that were signed."""

from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from application.transparency.audit.walk import PAGE, Show
from application.transparency.checkpoint import Checkpoint, KeptNote
from application.transparency.kept_tree import KeptTree, newest_checkpoint
from application.transparency.keys import Identity, SigningKeyStore, identity
from application.transparency.note import InvalidNote
from application.transparency.tiles import HASH, WIDTH, Edge, Leaves, Tile
from domain.errors import OrdertrailError
from domain.values import TenantName

_NOTES = 500


class CannotRepair(OrdertrailError):
    """The events are not the ones that were signed; nothing was changed."""

    def __init__(self, tenant: str, what: str) -> None:
        self.what = what
        super().__init__(f"The tiles of {tenant} cannot be repaired, and were left as they are: {what}")


class Repaired(NamedTuple):
    """The result of repairing a ledger's tree. If all of it was right, the repair only let sealing go on."""

    events: int
    """The number of the ledger's events."""
    sealed: int
    """The number of its tree's leaves, by the newest checkpoint."""
    checkpoints: int
    """The number of checkpoints that agreed."""
    noted_size: int
    """The tree's kept size before the repair."""
    error: str | None
    """Why sealing had stopped; None if it had not."""
    replaced: int
    removed: int


class TreeToRepair(KeptTree, Protocol):
    """One transaction on a ledger's tree. Nobody else can change the tree meanwhile."""

    error: str | None
    """Why sealing has stopped; None if it has not."""

    async def leaves(self, *, after: int, limit: int) -> Leaves:
        """Return the leaves of the events after a position."""

    async def first_missing(self, *, after: int, limit: int) -> int:
        """Return the first position after this one that has no event. At most limit events are looked at."""

    async def notes(self, *, after: int, limit: int) -> list[KeptNote]:
        """Return checkpoints larger than after, in order of size."""

    async def replace(self, tiles: Mapping[Tile, bytes]) -> None:
        """Store tiles as they are given, in place of any stored ones."""

    async def settle(self, size: int) -> int:
        """Store the size, let sealing go on, and remove tiles beyond a tree of this size; return how many."""


class TreesToRepair(Protocol):
    """Holds trees, for a role that may change all of them."""

    def hold(self, tenant: TenantName) -> AbstractAsyncContextManager[TreeToRepair]:
        """Wait for a tenant's tree and open a transaction on it. Raises TenantNotFound, Unavailable."""


class Repair:
    """Repairs trees in constant memory. Appends go on meanwhile, but the ledger is not sealed until the repair ends."""

    def __init__(self, trees: TreesToRepair, keys: SigningKeyStore) -> None:
        self._trees = trees
        self._keys = keys

    async def repair(self, tenant: TenantName, show: Show) -> Repaired:
        """Make a tree match its events and checkpoints, or change nothing. Raises CannotRepair, TenantNotFound."""
        async with self._trees.hold(tenant) as tree:
            # Ask for the keys once nobody can seal any more, so that all keys that have signed are among them.
            walk = _Walk(tenant, tree, await identity(self._keys, tenant))
            await walk.through(show)
            removed = await tree.settle(walk.edge.size)
        return Repaired(
            events=tree.head,
            sealed=walk.edge.size,
            checkpoints=walk.checkpoints,
            noted_size=tree.noted_size,
            error=tree.error,
            replaced=walk.replaced,
            removed=removed,
        )


class _Walk:
    """One pass over the signed events, which replaces the tiles that do not match them."""

    def __init__(self, tenant: TenantName, tree: TreeToRepair, known: Identity) -> None:
        self._tenant, self._tree, self._known = tenant, tree, known
        self._notes: list[KeptNote] = []
        self.edge = Edge(0, {})
        self.checkpoints = 0
        self.replaced = 0

    async def through(self, show: Show) -> None:
        """Walk up to the newest checkpoint. Raises CannotRepair."""
        try:
            end = newest_checkpoint(self._tree.newest, self._known).size
        except InvalidNote as invalid:
            raise CannotRepair(self._tenant, str(invalid)) from invalid
        if self._tree.head < end:
            what = f"the ledger ends at {self._tree.head}, its newest checkpoint covers {end} events"
            raise CannotRepair(self._tenant, what)
        await self._next_notes()
        while self.edge.size < end:
            await self._add(await self._page(min(PAGE, end - self.edge.size)))
            await self._put_right(is_end=self.edge.size == end)
            show(self.edge.size, end)

    async def _page(self, limit: int) -> bytes:
        """Return the next leaves. Raises CannotRepair."""
        after = self.edge.size
        leaves = await self._tree.leaves(after=after, limit=limit)
        if leaves.size < limit or not leaves.follow(after):
            missing = await self._tree.first_missing(after=after, limit=limit)
            raise CannotRepair(self._tenant, f"the event at position {missing} is missing")
        return leaves.hashes

    async def _add(self, hashes: bytes) -> None:
        """Add leaves to the tree, and compare it with every checkpoint on the way. Raises CannotRepair."""
        start = self.edge.size
        while self._notes and self._notes[0].size * HASH <= start * HASH + len(hashes):
            kept = self._notes.pop(0)
            self.edge.add(hashes[(self.edge.size - start) * HASH : (kept.size - start) * HASH])
            if self._signed(kept).root != self.edge.root():
                what = f"events 1 to {kept.size} do not have the root that was signed"
                raise CannotRepair(self._tenant, f"{what}; run ordertrail verify --tenant {self._tenant}")
            self.checkpoints += 1
            if not self._notes:
                await self._next_notes()
        self.edge.add(hashes[(self.edge.size - start) * HASH :])

    def _signed(self, kept: KeptNote) -> Checkpoint:
        try:
            return kept.checkpoint(self._known.origin, self._known.verifiers)
        except InvalidNote as invalid:
            raise CannotRepair(self._tenant, str(invalid)) from invalid

    async def _next_notes(self) -> None:
        self._notes = await self._tree.notes(after=self.edge.size, limit=_NOTES)

    async def _put_right(self, *, is_end: bool) -> None:
        """Replace tiles that do not match the events. A tile that is not full is left until the end."""
        computed = self.edge.changed()
        tiles = {tile: hashes for tile, hashes in computed.items() if is_end or len(hashes) == WIDTH * HASH}
        kept = await self._kept(tiles)
        wrong = {tile: hashes for tile, hashes in tiles.items() if kept.get(tile) != hashes}
        if wrong:
            await self._tree.replace(wrong)
            self.replaced += len(wrong)

    async def _kept(self, tiles: Collection[Tile]) -> Mapping[Tile, bytes]:
        return await self._tree.tiles(list(tiles))
