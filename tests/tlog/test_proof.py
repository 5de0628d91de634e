"""Proofs that travel: one form, and no byte that does not count."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tlog.keys import LOG, ORIGIN
from touchstone.tlog import merkle
from touchstone.tlog.checkpoint import Checkpoint
from touchstone.tlog.errors import TlogError
from touchstone.tlog.note import VerifierKey
from touchstone.tlog.proof import TlogProof

ENTRIES = [b"first", b"second", b"third"]
HASHES = [merkle.leaf_hash(entry) for entry in ENTRIES]
CHECKPOINT = Checkpoint(ORIGIN, 3, merkle.root(HASHES))
KEY = VerifierKey.of(ORIGIN, LOG.public)
PATH = merkle.inclusion_proof(1, 3, lambda start, end: merkle.root(HASHES[start:end]))
PROOF = TlogProof(1, tuple(PATH), CHECKPOINT.sign(LOG), CHECKPOINT)
BYTES = PROOF.to_bytes()


def test_a_proof_has_the_form_of_c2sp() -> None:
    lines = BYTES.decode().split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 1"]
    assert [base64.b64decode(line) for line in lines[2:4]] == PATH
    assert lines[4:7] == ["", ORIGIN, "3"]
    assert lines[9].startswith(f"— {ORIGIN} ")
    assert TlogProof.parse(BYTES, "proof") == PROOF
    assert PROOF.holds(b"second")
    assert not PROOF.holds(b"first")


def test_what_the_sender_adds_is_kept_and_told_apart() -> None:
    data = BYTES.replace(b"index", b"extra aGVsbG8=\nindex")
    proof = TlogProof.parse(data, "proof")
    assert proof.extra == b"hello"
    assert proof.to_bytes() == data
    assert proof != PROOF


def test_no_byte_of_a_proof_can_change() -> None:
    for position in range(len(BYTES)):
        for mask in (0x01, 0x20, 0x80):
            changed = bytearray(BYTES)
            changed[position] ^= mask
            try:
                proof = TlogProof.parse(bytes(changed), "proof")
            except TlogError as error:
                assert error.where == "proof"
            else:
                assert not (proof.holds(b"second") and proof.note.signed_by(KEY)), position


@pytest.mark.parametrize(
    "data",
    [
        b"",
        BYTES[1:],
        BYTES + b"\n",
        BYTES.replace(b"@v1", b"@v2"),
        BYTES.replace(b"index 1", b"index 01"),
        BYTES.replace(b"index 1", b"index -1"),
        BYTES.replace(b"index 1\n", b"index 1\n\n"),
        BYTES.replace(b"index 1\n", b"index 1\n" + (b"A" * 43 + b"=\n") * 64),
        BYTES.replace(b"\n", b"\r\n"),
        BYTES.replace(b"index", b"extra !\nindex"),
        BYTES.replace(b"\n3\n", b"\nthree\n"),
        b"x" * 200_000,
    ],
)
def test_other_forms_are_refused(data: bytes) -> None:
    with pytest.raises(TlogError):
        TlogProof.parse(data, "proof")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_proof_or_a_clear_error(data: bytes) -> None:
    for candidate in (data, BYTES[:40] + data, BYTES + data):
        try:
            assert TlogProof.parse(candidate, "proof").to_bytes() == candidate
        except TlogError as error:
            assert error.where == "proof"
