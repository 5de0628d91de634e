"""Merkle trees as in RFC 6962, section 2.1: roots, and proofs that need only a few hashes.

Everything works on leaf *hashes* (32 bytes each, from :func:`leaf_hash`). Proofs are made from the hashes of ranges
of leaves, wherever these come from. The verifying functions follow RFC 9162, sections 2.1.3.2 and 2.1.4.2, and
return a truth value: a proof from outside is never an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()
HASH_BYTES = 32

RangeHash = Callable[[int, int], bytes]
"""The Merkle tree hash of the leaves from the first number (inclusive) to the second (exclusive)."""


def leaf_hash(data: bytes) -> bytes:
    """Hash of one entry. The prefix keeps an entry from posing as an inner node."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Root over the leaf hashes, in O(n)."""
    if not leaves:
        return EMPTY_ROOT
    level = list(leaves)
    while len(level) > 1:
        paired = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = paired + level[2 * len(paired) :]  # an odd last node rises unchanged
    return level[0]


def range_hash(start: int, end: int, perfect: RangeHash) -> bytes:
    """Hash of a range of leaves that begins where a subtree begins, from the hashes of perfect subtrees."""
    width = end - start
    if width & (width - 1) == 0:
        return perfect(start, end)
    split = start + _split(width)
    return node_hash(perfect(start, split), range_hash(split, end, perfect))


def inclusion_proof(index: int, size: int, hash_of: RangeHash) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root of the tree of `size` leaves, bottom first."""
    if not 0 <= index < size:
        raise IndexError(f"no leaf {index} in a tree of {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        split = start + _split(end - start)
        if index < split:
            path.append(hash_of(split, end))
            end = split
        else:
            path.append(hash_of(start, split))
            start = split
    return path[::-1]


def consistency_proof(first: int, second: int, hash_of: RangeHash) -> list[bytes]:
    """The hashes that show that the tree of `first` leaves is a prefix of the tree of `second` (RFC 6962, 2.1.2)."""
    if not 1 <= first <= second:
        raise IndexError(f"no prefix of {first} in a tree of {second}")
    path: list[bytes] = []
    start, end = 0, second
    while end != first:
        split = start + _split(end - start)
        if first <= split:
            path.append(hash_of(split, end))
            end = split
        else:
            path.append(hash_of(start, split))
            start = split
    if start:  # the verifier knows the root of the whole first tree, not of a part of it
        path.append(hash_of(start, end))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected_root: bytes) -> bool:
    """Whether `proof` shows that `leaf` is entry `index` of the tree of `size` entries with this root."""
    if not 0 <= index < size or len(leaf) != HASH_BYTES:
        return False
    position, last, computed = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            computed = node_hash(sibling, computed)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and computed == expected_root


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree of `second` entries only appends to the one of `first` (at least 1)."""
    if not 1 <= first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not path:
        return False
    position, last = first - 1, second - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _split(size: int) -> int:
    """The largest power of two smaller than `size` (at least 2)."""
    return 1 << (size - 1).bit_length() - 1
