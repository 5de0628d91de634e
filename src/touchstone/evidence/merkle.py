"""Merkle trees as in RFC 6962, section 2.1: roots, and proofs that need only a few hashes.

All functions work on leaf *hashes* (32 bytes each, from :func:`leaf_hash`). The verifying functions follow
RFC 9162, sections 2.1.3.2 and 2.1.4.2, and return a truth value: a proof from outside is never an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()


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


def inclusion_proof(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root, bottom first."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"no leaf {index} in a tree of {len(leaves)}")
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*inclusion_proof(index, leaves[:split]), root(leaves[split:])]
    return [*inclusion_proof(index - split, leaves[split:]), root(leaves[:split])]


def consistency_proof(first: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The hashes that show that the tree of the first `first` leaves is a prefix of the tree of all."""
    if not 1 <= first <= len(leaves):
        raise IndexError(f"no prefix of {first} in a tree of {len(leaves)}")
    return _consistency(first, leaves, known=True)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected_root: bytes) -> bool:
    """Whether `proof` shows that `leaf` is entry `index` of the tree of `size` entries with this root."""
    if not 0 <= index < size:
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


def _consistency(first: int, leaves: Sequence[bytes], *, known: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962, section 2.1.2. `known`: the verifier has the root of this subtree already."""
    if first == len(leaves):
        return [] if known else [root(leaves)]
    split = _split(len(leaves))
    if first <= split:
        return [*_consistency(first, leaves[:split], known=known), root(leaves[split:])]
    return [*_consistency(first - split, leaves[split:], known=False), root(leaves[:split])]


def _split(size: int) -> int:
    """The largest power of two smaller than `size` (at least 2)."""
    return 1 << (size - 1).bit_length() - 1
