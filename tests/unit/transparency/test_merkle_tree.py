"""The tree is that of RFC 6962: the roots and proofs of its authors' test vectors, and of its recursive definition."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.transparency.tree import (
    EMPTY_ROOT,
    Frontier,
    Range,
    consistency_path,
    inclusion_path,
    is_consistent,
    is_included,
    leaf_hash,
    nodes_of,
    root_of,
)

# Certificate Transparency's own test vectors: the leaves, and the roots of the trees of the first 1, 2, … of them.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 8): ["96a296d2", "5f083f0a", "6b47aaf2"],
    (5, 8): ["bc1a0643", "ca854ea1", "d37ee418"],
    (2, 3): ["fac54203"],
    (1, 5): ["6e340b9c", "5f083f0a", "bc1a0643"],
}
CONSISTENCY = {
    (1, 8): ["96a296d2", "5f083f0a", "6b47aaf2"],
    (6, 8): ["0ebc5d34", "ca854ea1", "d37ee418"],
    (2, 5): ["5f083f0a", "bc1a0643"],
}


def naive_root(leaves: list[bytes]) -> bytes:
    """Return MTH(D[n]) as RFC 6962 defines it."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def some_leaves(size: int) -> list[bytes]:
    return [b"%d" % n for n in range(size)]


def proof(leaves: list[bytes], path: list[Range]) -> list[bytes]:
    """Return the roots of ranges, each put together from its complete subtrees."""

    def root(start: int, end: int) -> bytes:
        nodes = nodes_of(Range(start, end))
        return root_of([naive_root(leaves[n.number << n.level : (n.number + 1) << n.level]) for n in nodes])

    return [root(*leaves_of) for leaves_of in path]


def test_the_roots_of_certificate_transparencys_test_vectors() -> None:
    frontier = Frontier()
    assert frontier.root() == EMPTY_ROOT

    for leaf, root in zip(LEAVES, ROOTS, strict=True):
        frontier.add(leaf_hash(leaf))
        assert frontier.root().hex() == root


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_the_inclusion_proofs_of_certificate_transparencys_test_vectors(index: int, size: int) -> None:
    hashes = proof(LEAVES, inclusion_path(index, size))

    assert [h.hex()[:8] for h in hashes] == INCLUSION[index, size]


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_the_consistency_proofs_of_certificate_transparencys_test_vectors(old: int, new: int) -> None:
    hashes = proof(LEAVES, consistency_path(old, new))

    assert [h.hex()[:8] for h in hashes] == CONSISTENCY[old, new]


@given(st.integers(0, 200))
def test_a_tree_that_grows_leaf_by_leaf_has_the_root_of_its_definition(size: int) -> None:
    frontier = Frontier()
    for leaf in some_leaves(size):
        frontier.add(leaf_hash(leaf))

    assert frontier.root() == naive_root(some_leaves(size))
    assert Frontier(size, frontier.roots).root() == frontier.root()


@given(st.data())
def test_every_leaf_is_proven_and_nothing_else(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 70))
    index = data.draw(st.integers(0, size - 1))
    leaves = some_leaves(size)
    root, hashes = naive_root(leaves), proof(leaves, inclusion_path(index, size))

    assert is_included(leaf_hash(leaves[index]), index, size, hashes, root)

    other = data.draw(st.integers(0, size))
    assert not is_included(leaf_hash(b"other"), index, size, hashes, root)
    assert other == index or not is_included(leaf_hash(leaves[index]), other, size, hashes, root)
    assert not is_included(leaf_hash(leaves[index]), index, size, [*hashes, root], root)
    assert not hashes or not is_included(leaf_hash(leaves[index]), index, size, hashes[:-1], root)


@given(st.data())
def test_a_tree_that_grew_is_proven_to_and_one_that_changed_is_not(data: st.DataObject) -> None:
    new_size = data.draw(st.integers(1, 70))
    old_size = data.draw(st.integers(1, new_size))
    leaves = some_leaves(new_size)
    old, new = naive_root(leaves[:old_size]), naive_root(leaves)
    hashes = proof(leaves, consistency_path(old_size, new_size))

    assert is_consistent(old_size, old, new_size, new, hashes)

    changed = naive_root([b"changed", *leaves[1:old_size]])
    assert not is_consistent(old_size, changed, new_size, new, hashes)
    assert not is_consistent(old_size, old, new_size, leaf_hash(b"other"), hashes)
    assert old_size == new_size or not is_consistent(old_size, old, new_size, new, hashes[:-1])
    assert not is_consistent(old_size, old, new_size, new, [*hashes, old])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 3)])
def test_there_is_no_proof_of_a_leaf_that_does_not_exist(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="has no leaf"):
        inclusion_path(index, size)


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3)])
def test_there_is_no_proof_between_sizes_that_do_not_follow_each_other(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="does not continue"):
        consistency_path(old, new)


def test_a_frontier_has_as_many_subtrees_as_its_size_says() -> None:
    with pytest.raises(ValueError, match="2 complete subtrees, not 1"):
        Frontier(3, [EMPTY_ROOT])
