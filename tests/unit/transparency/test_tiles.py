"""Tiles: which of them a tree has, and how many hashes each."""

import pytest

from application.transparency.tiles import HASH, Edge, Tile, growing_tiles, hashes_in, last_tiles

SIZES = [0, 1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 256 * 257, 256**2 * 3 + 256 * 5 + 7]


@pytest.mark.parametrize("size", SIZES)
def test_the_tiles_that_grow_next_are_those_that_are_begun_and_those_that_are_not_there_yet(size: int) -> None:
    edge = Edge(0, {})
    edge.add(bytes(size * HASH))
    kept = edge.changed()

    for tile in growing_tiles(size):
        assert len(kept.get(tile, b"")) == hashes_in(tile, size) * HASH

    assert {tile for tile in growing_tiles(size) if hashes_in(tile, size)} == set(last_tiles(size))
    assert {tile.level for tile in growing_tiles(size)} == set(range(len(growing_tiles(size))))
    assert {tile.level for tile in kept} < {tile.level for tile in growing_tiles(size)}


@pytest.mark.parametrize("size", SIZES)
def test_one_more_leaf_changes_tiles_that_grow_next_and_no_others(size: int) -> None:
    edge = Edge(0, {})
    edge.add(bytes(size * HASH))
    before = edge.changed()
    edge.add(bytes(HASH))

    changed = {tile for tile, hashes in edge.changed().items() if before.get(tile) != hashes}

    assert Tile(0, size // 256) in changed
    assert changed <= set(growing_tiles(size))
