"""The tree that is kept, proven to be the one that was signed last: nothing is added to any other."""

from collections.abc import Collection, Mapping
from typing import Protocol

from application.transparency.checkpoint import Checkpoint, KeptNote
from application.transparency.keys import Identity
from application.transparency.note import InvalidNote
from application.transparency.tiles import HASH, Edge, Tile, growing_tiles, hashes_in, last_tiles
from application.transparency.tree import EMPTY_ROOT
from domain.errors import OrdertrailError


class TreeDamaged(OrdertrailError):
    """What is kept of a tree is not what was signed."""


class KeptTree(Protocol):
    """A ledger's tree as it is kept, of one moment."""

    noted_size: int
    """How many leaves it is noted to have. Nothing but a note: what was signed decides."""
    head: int
    """How many events the ledger has."""
    newest: KeptNote | None
    """The checkpoint of the largest size."""

    async def tiles(self, wanted: Collection[Tile]) -> Mapping[Tile, bytes]:
        """Return the tiles that exist."""


def newest_checkpoint(newest: KeptNote | None, known: Identity) -> Checkpoint:
    """Return what was signed last; the empty tree if nothing was. Raises InvalidNote."""
    if newest is None:
        return Checkpoint(known.origin, 0, EMPTY_ROOT)
    return newest.checkpoint(known.origin, known.verifiers)


async def proven_edge(tree: KeptTree, known: Identity) -> Edge:
    """Return the edge of a tree, once it was found to have the size and the root that were signed last.

    Tiles that are full are not read: whatever is in them, the next root does not depend on it. Raises TreeDamaged.
    """
    try:
        signed = newest_checkpoint(tree.newest, known)
    except InvalidNote as invalid:
        raise TreeDamaged(str(invalid)) from invalid
    if tree.noted_size != signed.size:
        raise TreeDamaged(noted_otherwise(tree.noted_size, signed.size))
    if tree.head < signed.size:
        raise TreeDamaged(f"the ledger has {tree.head} events, of which {signed.size} were sealed")
    kept = await tree.tiles(growing_tiles(signed.size))
    for tile in growing_tiles(signed.size):
        _check_length(tile, kept.get(tile, b""), hashes_in(tile, signed.size))
    edge = Edge(signed.size, {tile.level: kept[tile] for tile in last_tiles(signed.size)})
    if edge.root() != signed.root:
        raise TreeDamaged(f"the hashes that are kept are not those whose root was signed with {signed.size} events")
    return edge


def noted_otherwise(noted: int, signed: int) -> str:
    """Return what is wrong with a tree that is noted to have another size than the newest checkpoint."""
    return f"the tree is noted to have {noted} leaves, the newest signed checkpoint is of {signed} events"


def _check_length(tile: Tile, kept: bytes, expected: int) -> None:
    if len(kept) == expected * HASH:
        return
    which = f"tile {tile.number} of level {tile.level}"
    if not expected:
        raise TreeDamaged(f"{which} should not be there")
    found = f"has {len(kept) / HASH:g} hashes" if kept else "is missing"
    raise TreeDamaged(f"{which} {found}, and should have {expected}")
