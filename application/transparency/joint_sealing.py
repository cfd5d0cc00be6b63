"""Sealing many ledgers together: none waits for another, and each is stored in a transaction of its own.

A ledger with few new events is read without a lock, at one moment. Its tree is proven in memory, and is stored only if
it is still as it was read. Whatever is not as expected is left to whoever looks at one ledger at a time.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from application.runtime.measures import EVENTS_SEALED, SEAL_SECONDS
from application.transparency.checkpoint import Checkpoint, KeptNote
from application.transparency.kept_tree import TreeDamaged, proven_edge
from application.transparency.keys import Identity
from application.transparency.tiles import Edge, Leaves, Tile
from application.transparency.verified_notes import VerifiedNotes
from domain.values import TenantName

GROUP = 50
"""How many ledgers are read before the first of them is stored."""
FEW = 500
"""How many new events a ledger may have to be sealed together with others."""


class Backlog(NamedTuple):
    """A ledger that is not sealed to its end: the kept size of its tree, and its length."""

    tenant: TenantName
    sealed: int
    head: int

    @property
    def events(self) -> int:
        return self.head - self.sealed


class GrowingTree(NamedTuple):
    """A ledger's tree at one moment, with the leaves of its next events. It is a KeptTree."""

    tenant: TenantName
    noted_size: int
    head: int
    newest: KeptNote | None
    kept: Mapping[Tile, bytes]
    leaves: Leaves

    async def tiles(self, wanted: Collection[Tile]) -> Mapping[Tile, bytes]:
        return {tile: self.kept[tile] for tile in wanted if tile in self.kept}


class GrownTree(NamedTuple):
    """A tree after it has grown: its checkpoint, the tiles that have changed, and the checkpoint as a signed note."""

    checkpoint: Checkpoint
    tiles: Mapping[Tile, bytes]
    note: str


class NewSeal(NamedTuple):
    """What a tenant's tree becomes, and the size that it had before."""

    tenant: TenantName
    sealed: int
    grown: GrownTree


class JointTrees(Protocol):
    """Holds trees, and reads and stores many at a time."""

    async def growing(self, backlogs: Sequence[Backlog], *, limit: int) -> Sequence[GrowingTree | None]:
        """Return these trees with as many leaves; None for one that has another size by now, or has stopped.

        Raises Unavailable.
        """

    async def keep(self, seals: Sequence[NewSeal]) -> Mapping[TenantName, Exception]:
        """Store each of these seals, unless its tree has changed since, or is held by somebody.

        Each is a transaction of its own. Returns the errors of those that could not be stored. Raises Unavailable if
        the database is lost.
        """


class Outcome(NamedTuple):
    """The tenants whose ledgers have to be looked at one at a time, and those that could not be stored, with errors."""

    doubtful: Sequence[TenantName]
    failed: Mapping[TenantName, Exception]


async def seal_together(
    trees: JointTrees,
    backlogs: Sequence[Backlog],
    identify: Callable[[TenantName], Identity],
    verified: VerifiedNotes,
) -> Outcome:
    """Seal ledgers with few new events each. Raises Unavailable."""
    began = time.monotonic()
    found = await trees.growing(backlogs, limit=FEW)
    seals, doubtful = [], []
    for tree in found:
        if tree is not None:
            try:
                seals.append(await _grown(tree, identify(tree.tenant), verified))
            except Exception:
                # Only whoever holds the tree can tell damage from another sealer's work. An error is met there again.
                doubtful.append(tree.tenant)
    failed = await trees.keep(seals) if seals else {}
    EVENTS_SEALED.add(sum(seal.grown.checkpoint.size - seal.sealed for seal in seals if seal.tenant not in failed))
    if seals:
        SEAL_SECONDS.observe(time.monotonic() - began)
    return Outcome(doubtful, failed)


async def _grown(tree: GrowingTree, known: Identity, verified: VerifiedNotes) -> NewSeal:
    """Return what a tree becomes with its next leaves. Raises TreeDamaged."""
    edge = await proven_edge(tree, known, verified.checkpoint_of)
    grown = extended(edge, tree.leaves, tree.head, known)
    verified.add(grown.checkpoint, grown.note, known)
    return NewSeal(tree.tenant, tree.noted_size, grown)


def extended(edge: Edge, leaves: Leaves, head: int, known: Identity) -> GrownTree:
    """Add leaves to a proven tree, and sign it. Raises TreeDamaged if they are not those of the next events."""
    sealed = edge.size
    if not (leaves.size and leaves.follow(sealed)):
        raise TreeDamaged(f"after the {sealed} sealed events, the events up to {head} are missing or out of order")
    edge.add(leaves.hashes)
    checkpoint = Checkpoint(known.origin, edge.size, edge.root())
    return GrownTree(checkpoint, edge.changed(), checkpoint.signed(known.signers))
