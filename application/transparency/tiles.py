"""A tree's hashes in tiles of 256 (C2SP tlog-tiles: https://c2sp.org/tlog-tiles). Only the last tiles grow."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from application.transparency.tree import Node, root_of

WIDTH = 256
HASH = 32
"""Bytes of a hash."""
_FULL = WIDTH * HASH
_LEVELS = 8
"""How many levels of the tree are in one level of tiles."""


class Tile(NamedTuple):
    """One tile. One of its levels is eight levels of the tree."""

    level: int
    number: int


class Leaves(NamedTuple):
    """Leaves computed from consecutive events of a ledger."""

    first: int
    """The position of the first event; 0 if there is none."""
    last: int
    size: int
    hashes: bytes
    """32 bytes for each leaf, in order of positions."""
    first_time: datetime | None
    """When the first of them was recorded."""
    last_time: datetime | None
    are_in_time: bool
    """Whether no event has an earlier time of recording than the event before it."""

    def follow(self, size: int) -> bool:
        """Whether these leaves follow the first size events of a ledger without a gap."""
        return not self.size or (self.first == size + 1 and self.last == size + self.size)


def tile_of(node: Node) -> Tile:
    """Return the tile that holds a node, or the tile that holds the hashes below it."""
    first = node.number << node.level % _LEVELS
    return Tile(node.level // _LEVELS, first // WIDTH)


def hash_in(hashes: bytes, node: Node) -> bytes:
    """Return a node's hash from its tile's hashes. Raises ValueError if the tile is too short."""
    height = node.level % _LEVELS
    first = (node.number << height) % WIDTH
    found = hashes[first * HASH : (first + (1 << height)) * HASH]
    if len(found) < HASH << height:
        raise ValueError(f"The tile ends before {node}")
    [root] = _complete_subtrees(found)
    return root


def last_tiles(size: int) -> list[Tile]:
    """Return the tiles of a tree that are begun and not full, lowest level first."""
    tiles, level = [], 0
    while size:
        if size % WIDTH:
            tiles.append(Tile(level, size // WIDTH))
        size, level = size // WIDTH, level + 1
    return tiles


def growing_tiles(size: int) -> list[Tile]:
    """Return the tiles that the next hash of each level goes into, lowest level first.

    These are the tiles that are begun, new tiles that follow a full one, and the first tile of the level above all
    others.
    """
    tiles = [Tile(0, size // WIDTH)]
    while size:
        size //= WIDTH
        tiles.append(Tile(len(tiles), size // WIDTH))
    return tiles


def hashes_in(tile: Tile, size: int) -> int:
    """Return how many hashes a tile has in a tree of this size; 0 if the tree does not have the tile."""
    begun = size // int(WIDTH**tile.level) - tile.number * WIDTH
    return min(max(begun, 0), WIDTH)


class Edge:
    """The right edge of a tree: its tiles that are not full. A tree needs nothing else to grow."""

    def __init__(self, size: int, hashes: Mapping[int, bytes]) -> None:
        """Take the hashes of the tiles that are not full, by level. Raises ValueError if they do not belong to this
        size.
        """
        self.size = size
        self._open = {level: bytearray(tile) for level, tile in hashes.items()}
        self._changed: dict[Tile, bytes] = {}
        lengths = {tile.level: (size // WIDTH**tile.level) % WIDTH * HASH for tile in last_tiles(size)}
        if {level: len(tile) for level, tile in self._open.items()} != lengths:
            raise ValueError(f"The tiles are not those of a tree of {size} leaves")

    def add(self, leaves: bytes) -> None:
        """Add leaves by their hashes, one after the other."""
        self._extend(0, leaves)
        self.size += len(leaves) // HASH

    def _extend(self, level: int, hashes: bytes) -> None:
        tile = self._open.setdefault(level, bytearray())
        tile += hashes
        number, roots = self.size // WIDTH ** (level + 1), b""
        while len(tile) >= _FULL:
            full = bytes(tile[:_FULL])
            del tile[:_FULL]
            self._changed[Tile(level, number)] = full
            number, roots = number + 1, roots + _complete_subtrees(full)[0]
        if roots:
            self._extend(level + 1, roots)

    def changed(self) -> dict[Tile, bytes]:
        """Return the tiles that have changed since the last call."""
        begun = {tile: bytes(self._open[tile.level]) for tile in last_tiles(self.size)}
        changed, self._changed = self._changed | begun, {}
        return changed

    def root(self) -> bytes:
        """Return the root of the whole tree."""
        levels = sorted(self._open, reverse=True)
        return root_of([root for level in levels for root in _complete_subtrees(bytes(self._open[level]))])


def _complete_subtrees(hashes: bytes) -> list[bytes]:
    """Return the roots of the complete subtrees that make up some hashes, largest first."""
    roots = []
    while hashes:
        if len(hashes) % (2 * HASH):
            roots.append(hashes[-HASH:])
            hashes = hashes[:-HASH]
        hashes = _paired(hashes)
    return roots[::-1]


def _paired(hashes: bytes) -> bytes:
    """Return the hashes of the next level: one for every two of these."""
    pairs = range(0, len(hashes), 2 * HASH)
    # the same as node_hash, without a call for each pair
    return b"".join([sha256(b"\x01" + hashes[at : at + 2 * HASH]).digest() for at in pairs])
