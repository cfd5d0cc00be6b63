"""The findings of verification: damage to a ledger's events, and to what is kept beside them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from application.transparency.checkpoint import KeptNote
from application.transparency.kept_tree import newest_checkpoint, wrong_kept_size
from application.transparency.keys import Identity
from application.transparency.note import InvalidNote
from application.transparency.tiles import Tile
from application.views.upkeep.projector import ViewAhead


class Damage(NamedTuple):
    """What is wrong with a ledger, and where; position is None if it is not among the events."""

    position: int | None
    what: str


class KeptRecord(NamedTuple):
    """The kept data about a tree besides its hashes, at one moment."""

    noted_size: int
    """The kept number of the tree's leaves. It may be wrong."""
    newest: KeptNote | None
    beyond: Tile | None
    """The first tile that a tree of the newest checkpoint's size does not have, or that has more hashes than in that
    tree.
    """


def record_damages(kept: KeptRecord, known: Identity) -> Iterator[Damage]:
    """Yield where a tree's kept size and kept tiles differ from the newest checkpoint.

    A checkpoint with a wrong signature says nothing about them. That is found when the checkpoint itself is checked.
    """
    try:
        signed = newest_checkpoint(kept.newest, known).size
    except InvalidNote:
        return
    if kept.noted_size > signed and kept.beyond is not None:
        newest = f"the newest one covers {signed}" if signed else "there is none"
        yield Damage(None, f"a checkpoint is missing: {kept.noted_size} events were sealed, {newest}")
    elif kept.noted_size != signed:
        yield Damage(None, wrong_kept_size(kept.noted_size, signed))
    elif kept.beyond is not None:
        yield Damage(None, f"{tile_name(kept.beyond)} reaches beyond the {signed} events that were signed")


def view_damages(views: Sequence[ViewAhead], tenant: str) -> Iterator[Damage]:
    """Yield what is wrong with views whose checkpoints are impossible."""
    for ahead in views:
        yield Damage(None, f"{ahead}; run ordertrail rebuild {ahead.view} --tenant {tenant}")


def tile_name(tile: Tile) -> str:
    """Return a tile's name in words."""
    return f"tile {tile.number} of level {tile.level}"
