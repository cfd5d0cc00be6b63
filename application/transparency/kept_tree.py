"""The kept tree. It is proven to be the tree that was signed last before anything is added to it."""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from application.transparency.checkpoint import Checkpoint, KeptNote
from application.transparency.keys import Identity
from application.transparency.note import InvalidNote
from application.transparency.tiles import HASH, Edge, Tile, growing_tiles, hashes_in, last_tiles
from application.transparency.tree import EMPTY_ROOT
from domain.errors import OrdertrailError


class TreeDamaged(OrdertrailError):
    """The kept tree is not the one that was signed."""


class KeptTree(Protocol):
    """A ledger's tree as it is kept, at one moment."""

    @property
    def noted_size(self) -> int:
        """The kept number of its leaves. It is only a note; the signed checkpoint decides."""

    @property
    def head(self) -> int:
        """The number of the ledger's events."""

    @property
    def newest(self) -> KeptNote | None:
        """The checkpoint with the largest size."""

    async def tiles(self, wanted: Collection[Tile]) -> Mapping[Tile, bytes]:
        """Return those of the wanted tiles that exist."""


def newest_checkpoint(newest: KeptNote | None, known: Identity) -> Checkpoint:
    """Return the newest signed checkpoint; the empty tree's if there is none. Raises InvalidNote."""
    if newest is None:
        return Checkpoint(known.origin, 0, EMPTY_ROOT)
    return newest.checkpoint(known.origin, known.verifiers)


async def proven_edge(
    tree: KeptTree,
    known: Identity,
    checkpoint_of: Callable[[KeptNote | None, Identity], Checkpoint] = newest_checkpoint,
) -> Edge:
    """Return the edge of a tree, after proving that it has the size and the root that were signed last.

    Full tiles are not read, because the next root does not depend on them. checkpoint_of returns what newest_checkpoint
    does. Raises TreeDamaged.
    """
    try:
        signed = checkpoint_of(tree.newest, known)
    except InvalidNote as invalid:
        raise TreeDamaged(str(invalid)) from invalid
    if tree.noted_size != signed.size:
        raise TreeDamaged(wrong_kept_size(tree.noted_size, signed.size))
    if tree.head < signed.size:
        raise TreeDamaged(f"the ledger has {tree.head} events, but {signed.size} were sealed")
    kept = await tree.tiles(growing_tiles(signed.size))
    for tile in growing_tiles(signed.size):
        _check_length(tile, kept.get(tile, b""), hashes_in(tile, signed.size))
    edge = Edge(signed.size, {tile.level: kept[tile] for tile in last_tiles(signed.size)})
    if edge.root() != signed.root:
        raise TreeDamaged(f"the kept hashes do not have the root that was signed for {signed.size} events")
    return edge


def wrong_kept_size(noted: int, signed: int) -> str:
    """Say what is wrong with a tree whose kept size is not that of the newest checkpoint."""
    return f"the tree's kept size is {noted} leaves, but the newest signed checkpoint covers {signed} events"


def _check_length(tile: Tile, kept: bytes, expected: int) -> None:
    if len(kept) == expected * HASH:
        return
    which = f"tile {tile.number} of level {tile.level}"
    if not expected:
        raise TreeDamaged(f"{which} should not be there")
    found = f"has {len(kept) / HASH:g} hashes" if kept else "is missing"
    raise TreeDamaged(f"{which} {found}, but should have {expected}")
