"""Signed notes and checkpoints: the published example, and one spelling only."""

import base64

import pytest

from tests.evidence.made import Laboratory
from touchstone.errors import EvidenceError
from touchstone.evidence.checkpoint import Checkpoint
from touchstone.evidence.keys import VerifyingKey
from touchstone.evidence.merkle import EMPTY_ROOT
from touchstone.evidence.note import Note, key_hash, verifier_line

# The example of the signed-note format (golang.org/x/mod/sumdb/note, Example; quoted by c2sp.org/signed-note).
EXAMPLE_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
EXAMPLE_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()


def example_key() -> VerifyingKey:
    return VerifyingKey(base64.b64decode(EXAMPLE_KEY.split("+", 2)[2])[1:])


def test_the_published_example_verifies() -> None:
    note = Note.parse(EXAMPLE_NOTE, "note")
    assert note.signed_by(example_key())
    assert note.to_bytes() == EXAMPLE_NOTE
    assert key_hash("PeterNeumann", example_key()).hex() == "c74f20a3"
    assert verifier_line("PeterNeumann", example_key()) == EXAMPLE_KEY


def test_no_byte_of_a_note_can_change() -> None:
    data = bytearray(EXAMPLE_NOTE)
    for position in range(len(data)):
        for mask in (0x01, 0x20, 0x80):
            data[position] ^= mask
            try:
                assert not Note.parse(bytes(data), "note").signed_by(example_key()), position
            except EvidenceError as error:
                assert error.where == "note"
            data[position] ^= mask


@pytest.mark.parametrize(
    "data",
    [
        b"",
        EXAMPLE_NOTE + b"\n",
        EXAMPLE_NOTE + EXAMPLE_NOTE.splitlines(keepends=True)[-1],
        EXAMPLE_NOTE.replace(b"\n", b"\r\n"),
        EXAMPLE_NOTE[:-1],
        EXAMPLE_NOTE.replace(b"JnAM=", b"JnAN="),
        EXAMPLE_NOTE.replace(b"JnAM=", b"JnA"),
        "\n— a AAAA\n".encode(),
        "x\n\n— a AAAA\n".encode(),
        b"x" * 100_000,
        b"\xff\xfe",
    ],
)
def test_other_forms_are_refused(data: bytes) -> None:
    with pytest.raises(EvidenceError):
        Note.parse(data, "note")


def test_a_checkpoint_has_the_form_of_c2sp(laboratory: Laboratory) -> None:
    note = Checkpoint("log.example.org", 0, EMPTY_ROOT).sign(laboratory.log_key)
    assert note.text == "log.example.org\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    assert note.signed_by(laboratory.log_public)
    assert Checkpoint.of(Note.parse(note.to_bytes(), "note"), "note") == Checkpoint("log.example.org", 0, EMPTY_ROOT)


@pytest.mark.parametrize(
    "text",
    [
        "log.example.org\n00\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "log.example.org\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "log.example.org\n1\n47DEQpj8HBSa\n",
        "log.example.org\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n",
        "log.example.org\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nextension\n",
        "other.example.org\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "only text\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(laboratory: Laboratory, text: str) -> None:
    with pytest.raises(EvidenceError):
        Checkpoint.of(Note.sign(text, "log.example.org", laboratory.log_key), "note")


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "a\nb", "日志", "x" * 300])
def test_a_log_needs_a_plain_name(laboratory: Laboratory, origin: str) -> None:
    with pytest.raises(EvidenceError, match="no name for a log"):
        Checkpoint(origin, 0, EMPTY_ROOT).sign(laboratory.log_key)
