"""Merkle trees by RFC 6962 (section 2.1), which RFC 9162 repeats: hashes, proofs, and how proofs are checked."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

EMPTY_ROOT = sha256(b"").digest()


class Node(NamedTuple):
    """The root of a complete subtree. number counts, from 0, the subtrees with 2**level leaves each."""

    level: int
    number: int


class Range(NamedTuple):
    """Consecutive leaves, from start up to end, end excluded."""

    start: int
    end: int


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf's bytes."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees together."""
    return sha256(b"\x01" + left + right).digest()


def root_of(roots: Sequence[bytes]) -> bytes:
    """Return the root over complete subtrees, each smaller than the one before it."""
    if not roots:
        return EMPTY_ROOT
    root = roots[-1]
    for left in reversed(roots[:-1]):
        root = node_hash(left, root)
    return root


class Frontier:
    """The complete subtrees that make up a tree, largest first. Adding leaves takes nothing else."""

    def __init__(self, size: int = 0, roots: Iterable[bytes] = ()) -> None:
        self.size = size
        self.roots = list(roots)
        if len(self.roots) != size.bit_count():
            raise ValueError(f"A tree of {size} leaves has {size.bit_count()} complete subtrees, not {len(self.roots)}")

    def add(self, leaf: bytes) -> None:
        """Add a leaf by its hash."""
        merged, size = leaf, self.size
        while size & 1:
            merged = node_hash(self.roots.pop(), merged)
            size >>= 1
        self.roots.append(merged)
        self.size += 1

    def root(self) -> bytes:
        """Return the root of the whole tree."""
        return root_of(self.roots)


def nodes_of(leaves: Range) -> list[Node]:
    """Return the complete subtrees that make up some leaves of a proof, largest first."""
    nodes, start = [], leaves.start
    while start < leaves.end:
        level = (leaves.end - start).bit_length() - 1
        nodes.append(Node(level, start >> level))
        start += 1 << level
    return nodes


def inclusion_path(index: int, size: int) -> list[Range]:
    """Return the ranges whose roots, in this order, prove that a leaf is in a tree of this size. Raises ValueError."""
    if not 0 <= index < size:
        raise ValueError(f"A tree of {size} leaves has no leaf {index}")
    path, whole = [], Range(0, size)
    while whole.end - whole.start > 1:
        middle = whole.start + _left_size(whole.end - whole.start)
        left, right = Range(whole.start, middle), Range(middle, whole.end)
        path.append(right if index < middle else left)
        whole = left if index < middle else right
    return path[::-1]


def consistency_path(old_size: int, new_size: int) -> list[Range]:
    """Return the ranges whose roots, in this order, prove that one tree begins with the other. Raises ValueError."""
    if not 0 < old_size <= new_size:
        raise ValueError(f"A tree of {new_size} leaves does not continue one of {old_size}")
    path, whole, is_old_root = [], Range(0, new_size), True
    while whole.end != old_size:
        middle = whole.start + _left_size(whole.end - whole.start)
        left, right = Range(whole.start, middle), Range(middle, whole.end)
        path.append(right if old_size <= middle else left)
        is_old_root = is_old_root and old_size <= middle
        whole = left if old_size <= middle else right
    return ([] if is_old_root else [whole]) + path[::-1]


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether a proof shows that the leaf with this hash stands at this index of the tree with this root."""
    if not 0 <= index < size:
        return False
    # RFC 9162, section 2.1.3.2
    found, last, here = leaf, size - 1, index
    for sibling in proof:
        if last == 0:
            return False
        if here & 1 or here == last:
            found = node_hash(sibling, found)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that the new tree begins with all of the old one."""
    if not 0 < old_size <= new_size:
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    # RFC 9162, section 2.1.4.2
    hashes = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not hashes:
        return False
    here, last = old_size - 1, new_size - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and (old, new) == (old_root, new_root)


def _left_size(size: int) -> int:
    """Return how many leaves are on the left of a tree's root: the largest power of two below its size."""
    return 1 << ((size - 1).bit_length() - 1)
