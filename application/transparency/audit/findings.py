"""What verification finds: damage of a ledger's events, and of what is kept beside them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from application.transparency.checkpoint import KeptNote
from application.transparency.kept_tree import newest_checkpoint, noted_otherwise
from application.transparency.keys import Identity
from application.transparency.note import InvalidNote
from application.transparency.tiles import Tile
from application.views.upkeep.projector import ViewAhead


class Damage(NamedTuple):
    """What is wrong with a ledger, and where; position is None if it is nowhere among its events."""

    position: int | None
    what: str


class KeptRecord(NamedTuple):
    """What is kept of a tree beside its hashes, of one moment."""

    noted_size: int
    """How many leaves the tree is noted to have."""
    newest: KeptNote | None
    beyond: Tile | None
    """The first tile that no tree of the newest checkpoint's size has, or that has more hashes than there."""


def record_damages(kept: KeptRecord, known: Identity) -> Iterator[Damage]:
    """Yield where what is noted of a tree, and the tiles that are kept of it, are not those of the newest checkpoint.

    A checkpoint that nobody has signed says nothing of them; it is found where it stands.
    """
    try:
        signed = newest_checkpoint(kept.newest, known).size
    except InvalidNote:
        return
    if kept.noted_size > signed and kept.beyond is not None:
        newest = f"the newest one is of {signed}" if signed else "there is none"
        yield Damage(None, f"a checkpoint is missing: {kept.noted_size} events were sealed, {newest}")
    elif kept.noted_size != signed:
        yield Damage(None, noted_otherwise(kept.noted_size, signed))
    elif kept.beyond is not None:
        yield Damage(None, f"{tile_name(kept.beyond)} reaches beyond the {signed} events that were signed")


def view_damages(views: Sequence[ViewAhead], tenant: str) -> Iterator[Damage]:
    """Yield what is wrong with views whose checkpoints cannot be true."""
    for ahead in views:
        yield Damage(None, f"{ahead}; run ordertrail rebuild {ahead.view} --tenant {tenant}")


def tile_name(tile: Tile) -> str:
    """Return in words which tile it is."""
    return f"tile {tile.number} of level {tile.level}"
