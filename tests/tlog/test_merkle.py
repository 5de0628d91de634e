"""Merkle proofs: the reference vectors, all small trees, and every kind of false proof."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.tlog import merkle
from touchstone.tlog.merkle import (
    EMPTY_ROOT,
    leaf_hash,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

# The test tree of certificate-transparency (merkletree/merkle_tree_test.cc).
ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
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
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
REFERENCE = [leaf_hash(bytes.fromhex(entry)) for entry in ENTRIES]
LEAVES = [leaf_hash(str(number).encode()) for number in range(131)]


def inclusion_proof(index: int, leaves: list[bytes]) -> list[bytes]:
    """From the whole list of leaves; the log makes the same proofs from its tiles."""
    return merkle.inclusion_proof(index, len(leaves), lambda start, end: root(leaves[start:end]))


def consistency_proof(first: int, leaves: list[bytes]) -> list[bytes]:
    return merkle.consistency_proof(first, len(leaves), lambda start, end: root(leaves[start:end]))


@cache
def root_of(size: int) -> bytes:
    return root(LEAVES[:size])


def test_roots_of_the_reference_tree() -> None:
    assert [root(REFERENCE[: size + 1]).hex() for size in range(8)] == ROOTS
    # RFC 6962, section 2.1: the root of nothing is the hash of nothing.
    assert root([]) == EMPTY_ROOT
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_inclusion_proofs_of_the_reference_tree(index: int, size: int) -> None:
    proof = inclusion_proof(index, REFERENCE[:size])
    assert [sibling.hex() for sibling in proof] == INCLUSION[index, size]
    assert verify_inclusion(REFERENCE[index], index, size, proof, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(("first", "second"), CONSISTENCY)
def test_consistency_proofs_of_the_reference_tree(first: int, second: int) -> None:
    proof = consistency_proof(first, REFERENCE[:second])
    assert [sibling.hex() for sibling in proof] == CONSISTENCY[first, second]
    roots = bytes.fromhex(ROOTS[first - 1]), bytes.fromhex(ROOTS[second - 1])
    assert verify_consistency(first, second, *roots, proof)


def test_every_entry_of_every_small_tree_can_be_proved() -> None:
    for size in (*range(1, 34), 63, 64, 65, 127, 128, 129, 130):
        for index in range(size):
            proof = inclusion_proof(index, LEAVES[:size])
            assert verify_inclusion(LEAVES[index], index, size, proof, root_of(size)), (index, size)


def test_every_small_tree_extends_all_smaller_ones() -> None:
    for second in (*range(1, 34), 63, 64, 65, 127, 128, 129, 130):
        for first in range(1, second + 1):
            proof = consistency_proof(first, LEAVES[:second])
            assert verify_consistency(first, second, root_of(first), root_of(second), proof), (first, second)


trees = st.integers(2, 130).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size)))
bits = st.integers(0, 255)


def flipped(data: bytes, bit: int) -> bytes:
    return (int.from_bytes(data, "big") ^ (1 << bit)).to_bytes(len(data), "big")


@settings(deadline=None)
@given(trees, bits, st.data())
def test_no_changed_inclusion_proof_holds(tree: tuple[int, int], bit: int, data: st.DataObject) -> None:
    index, size = tree
    proof = inclusion_proof(index, LEAVES[:size])
    place = data.draw(st.integers(0, len(proof) - 1))
    changed = [*proof[:place], flipped(proof[place], bit), *proof[place + 1 :]]
    leaf, top = LEAVES[index], root_of(size)
    assert not verify_inclusion(leaf, index, size, changed, top)
    assert not verify_inclusion(flipped(leaf, bit), index, size, proof, top)
    assert not verify_inclusion(leaf, index, size, proof, flipped(top, bit))
    assert not verify_inclusion(leaf, index, size, proof[:-1], top)
    assert not verify_inclusion(leaf, index, size, [*proof, proof[place]], top)
    other = data.draw(st.integers(-1, size + 1).filter(lambda other: other != index))
    assert not verify_inclusion(leaf, other, size, proof, top)


@settings(deadline=None)
@given(trees, bits, st.data())
def test_no_changed_consistency_proof_holds(tree: tuple[int, int], bit: int, data: st.DataObject) -> None:
    first, second = tree[0] + 1, tree[1]
    if first == second:
        first -= 1
    proof = consistency_proof(first, LEAVES[:second])
    place = data.draw(st.integers(0, len(proof) - 1))
    changed = [*proof[:place], flipped(proof[place], bit), *proof[place + 1 :]]
    old, new = root_of(first), root_of(second)
    assert not verify_consistency(first, second, old, new, changed)
    assert not verify_consistency(first, second, flipped(old, bit), new, proof)
    assert not verify_consistency(first, second, old, flipped(new, bit), proof)
    assert not verify_consistency(first, second, old, new, proof[:-1])
    assert not verify_consistency(first, second, old, new, [*proof, proof[place]])


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 59))
def test_a_rewritten_history_is_not_consistent(first: int, more: int, rewritten: int) -> None:
    rewritten %= first
    leaves = LEAVES[: first + more]
    other = [*leaves[:rewritten], leaf_hash(b"rewritten"), *leaves[rewritten + 1 :]]
    proof = consistency_proof(first, other)
    assert not verify_consistency(first, first + more, root(leaves[:first]), root(other), proof)


def test_impossible_questions_are_answered_no() -> None:
    assert not verify_inclusion(LEAVES[0], 0, 0, [], EMPTY_ROOT)
    assert not verify_inclusion(b"", 0, 1, [], b"")
    assert not verify_consistency(0, 1, EMPTY_ROOT, root_of(1), [])
    assert not verify_consistency(2, 1, root_of(2), root_of(1), [])
    assert not verify_consistency(3, 4, root_of(3), root_of(4), [])
    assert not verify_consistency(1, 1, root_of(1), root_of(1), [root_of(1)])
    with pytest.raises(IndexError):
        inclusion_proof(1, LEAVES[:1])
    with pytest.raises(IndexError):
        consistency_proof(0, LEAVES[:1])


def test_an_inner_node_cannot_pose_as_an_entry() -> None:
    left, right = LEAVES[:2]
    assert leaf_hash(left + right) != node_hash(left, right)
