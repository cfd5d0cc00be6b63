"""A tree's hashes in tiles of 256 (C2SP tlog-tiles: https://c2sp.org/tlog-tiles), of which only the last ones grow."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from application.transparency.tree import Frontier, Node, root_of

WIDTH = 256
HASH = 32
"""Bytes of a hash."""
_LEVELS = 8
"""How many levels of the tree one level of tiles stands for."""


class Tile(NamedTuple):
    """One tile: its level counts in steps of eight of the tree's."""

    level: int
    number: int


def tile_of(node: Node) -> Tile:
    """Return the tile that holds a node, or the hashes that it is the root of."""
    first = node.number << node.level % _LEVELS
    return Tile(node.level // _LEVELS, first // WIDTH)


def hash_in(hashes: bytes, node: Node) -> bytes:
    """Return a node's hash out of its tile's. Raises ValueError if the tile does not reach it."""
    height = node.level % _LEVELS
    first = (node.number << height) % WIDTH
    found = split(hashes)[first : first + (1 << height)]
    if len(found) < 1 << height:
        raise ValueError(f"The tile ends before {node}")
    return _frontier(found).root()


def split(hashes: bytes) -> list[bytes]:
    """Return a tile's hashes one by one."""
    return [hashes[start : start + HASH] for start in range(0, len(hashes), HASH)]


def last_tiles(size: int) -> list[Tile]:
    """Return the tiles of a tree that are begun and not full, lowest level first."""
    tiles, level = [], 0
    while size:
        if size % WIDTH:
            tiles.append(Tile(level, size // WIDTH))
        size, level = size // WIDTH, level + 1
    return tiles


class Edge:
    """The right edge of a tree: its tiles that are not full yet, which is all that growing needs."""

    def __init__(self, size: int, hashes: Mapping[int, bytes]) -> None:
        """Take the hashes of the tiles that are not full, by level. Raises ValueError if they are not of this size."""
        self.size = size
        self._open = {level: bytearray(tile) for level, tile in hashes.items()}
        self._changed: dict[Tile, bytes] = {}
        lengths = {tile.level: (size // WIDTH**tile.level) % WIDTH * HASH for tile in last_tiles(size)}
        if {level: len(tile) for level, tile in self._open.items()} != lengths:
            raise ValueError(f"The tiles are not those of a tree of {size} leaves")

    def add(self, leaves: Iterable[bytes]) -> None:
        """Add leaves by their hashes."""
        for leaf in leaves:
            self._add(0, self.size, leaf)
            self.size += 1

    def _add(self, level: int, index: int, hash_: bytes) -> None:
        tile = self._open.setdefault(level, bytearray())
        tile += hash_
        if len(tile) == WIDTH * HASH:
            full = bytes(self._open.pop(level))
            self._changed[Tile(level, index // WIDTH)] = full
            self._add(level + 1, index // WIDTH, _frontier(split(full)).root())

    def changed(self) -> dict[Tile, bytes]:
        """Return the tiles that are to be saved, and forget which they were."""
        begun = {tile: bytes(self._open[tile.level]) for tile in last_tiles(self.size)}
        changed, self._changed = self._changed | begun, {}
        return changed

    def root(self) -> bytes:
        """Return the root of the whole tree."""
        levels = sorted(self._open, reverse=True)
        return root_of([root for level in levels for root in _frontier(split(bytes(self._open[level]))).roots])


def _frontier(hashes: Sequence[bytes]) -> Frontier:
    frontier = Frontier()
    for hash_ in hashes:
        frontier.add(hash_)
    return frontier
