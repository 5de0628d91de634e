"""Signed notes, keys, checkpoints and cosignatures: the published examples, and one spelling only."""

import pytest

from tests.tlog.keys import LOG, ORIGIN, OTHER, Public
from touchstone.tlog.checkpoint import Checkpoint
from touchstone.tlog.cosignature import LATEST_TIME, cosign, cosigned_at
from touchstone.tlog.errors import TlogError
from touchstone.tlog.merkle import EMPTY_ROOT
from touchstone.tlog.note import Algorithm, Note, NoteSignature, VerifierKey, parse_signatures

# The example of the signed-note format (golang.org/x/mod/sumdb/note, Example; quoted by c2sp.org/signed-note).
EXAMPLE_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
EXAMPLE_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()

# The example of c2sp.org/tlog-cosignature: a log's signature and a witness's with its time.
COSIGNED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
).encode()

EMPTY = Checkpoint(ORIGIN, 0, EMPTY_ROOT)
WITNESS = VerifierKey.of("witness.example.net/w1", OTHER.public, Algorithm.COSIGNATURE)
LOG_KEY = VerifierKey.of(ORIGIN, LOG.public)


def test_the_published_example_verifies() -> None:
    note, key = Note.parse(EXAMPLE_NOTE, "note"), VerifierKey.parse(EXAMPLE_KEY, "key")
    assert note.signed_by(key)
    assert note.to_bytes() == EXAMPLE_NOTE
    assert key.id.hex() == "c74f20a3"
    assert key.line == EXAMPLE_KEY


def test_no_byte_of_a_note_can_change() -> None:
    data, key = bytearray(EXAMPLE_NOTE), VerifierKey.parse(EXAMPLE_KEY, "key")
    for position in range(len(data)):
        for mask in (0x01, 0x20, 0x80):
            data[position] ^= mask
            try:
                assert not Note.parse(bytes(data), "note").signed_by(key), position
            except TlogError as error:
                assert error.where == "note"
            data[position] ^= mask


@pytest.mark.parametrize(
    "data",
    [
        b"",
        EXAMPLE_NOTE + b"\n",
        EXAMPLE_NOTE.replace(b"\n", b"\r\n"),
        EXAMPLE_NOTE[:-1],
        EXAMPLE_NOTE.replace(b"JnAM=", b"JnAN="),
        EXAMPLE_NOTE.replace(b"JnAM=", b"JnA"),
        EXAMPLE_NOTE.replace(b"PeterNeumann", b"Peter Neumann"),
        EXAMPLE_NOTE.replace(b"then", b"th\x07en"),
        "\n\n— a AAAAAAA=\n".encode(),
        "x\n\n— a AAAA\n".encode(),
        b"x\n\n",
        b"x" * 100_000,
        b"\xff\xfe",
        b"x\n\n" + "— a AAAAAAA=\n".encode() * 65,
    ],
)
def test_other_forms_are_refused(data: bytes) -> None:
    with pytest.raises(TlogError):
        Note.parse(data, "note")


def test_lines_of_unknown_keys_are_carried_along_and_never_believed() -> None:
    note = EMPTY.sign(LOG).with_signatures([NoteSignature(ORIGIN, b"none", b"\x00" * 64)])
    again = Note.parse(note.to_bytes(), "note")
    assert again == note
    assert again.signed_by(LOG_KEY)
    assert not again.signed_by(VerifierKey.of(ORIGIN, OTHER.public))
    assert not again.signed_by(VerifierKey.of("other.example.org", LOG.public))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "PeterNeumann",
        EXAMPLE_KEY.replace("c74f20a3", "c74f20a4"),
        EXAMPLE_KEY.replace("Peter", "Paul"),
        EXAMPLE_KEY.replace("c74f20a3", "C74F20A3"),
        EXAMPLE_KEY.replace("ARpc", "Ahpc"),
        EXAMPLE_KEY[:-4],
        EXAMPLE_KEY + "\n",
    ],
)
def test_what_is_no_verifier_key_is_refused(line: str) -> None:
    with pytest.raises(TlogError):
        VerifierKey.parse(line, "key")


def test_a_key_that_is_no_point_verifies_nothing() -> None:
    assert not EMPTY.sign(LOG).signed_by(VerifierKey.of(ORIGIN, Public(b"\xff" * 32)))


def test_a_checkpoint_has_the_form_of_c2sp() -> None:
    note = EMPTY.sign(LOG)
    assert note.text == "log.example.org\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    assert Checkpoint.of(Note.parse(note.to_bytes(), "note"), "note") == EMPTY


@pytest.mark.parametrize(
    "text",
    [
        "log.example.org\n00\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "log.example.org\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "log.example.org\n1\n47DEQpj8HBSa\n",
        "log.example.org\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n",
        "log.example.org\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\nextension\n",
        "only text\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(TlogError):
        Checkpoint.of(Note.sign(text, ORIGIN, LOG), "note")


def test_what_else_a_log_says_in_its_checkpoint_is_read_over() -> None:
    note = Note.sign(EMPTY.text + "extension\n", ORIGIN, LOG)
    assert Checkpoint.of(note, "note") == EMPTY


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "a\nb", "日志", "x" * 300])
def test_a_log_needs_a_plain_name(origin: str) -> None:
    with pytest.raises(TlogError, match="no name for a log"):
        Checkpoint(origin, 0, EMPTY_ROOT).sign(LOG)


def test_the_published_cosignature_is_read() -> None:
    _, line = Note.parse(COSIGNED, "note").signatures
    assert line.name == "witness.example.com/w1"
    assert int.from_bytes(line.signature[:8], "big") == 1679315147  # the time in the example's signed message
    assert Note.parse(COSIGNED, "note").to_bytes() == COSIGNED


def test_a_cosignature_binds_text_time_and_key() -> None:
    note = EMPTY.sign(LOG)
    line = cosign(note, WITNESS.name, OTHER, 1_700_000_000)
    signed = note.with_signatures([line])
    assert cosigned_at(Note.parse(signed.to_bytes(), "note"), WITNESS) == 1_700_000_000
    assert cosigned_at(note, WITNESS) is None
    other_text = Note(Checkpoint(ORIGIN, 1, EMPTY_ROOT).text, signed.signatures)
    assert cosigned_at(other_text, WITNESS) is None
    later = NoteSignature(line.name, line.key_id, (1_700_000_001).to_bytes(8, "big") + line.signature[8:])
    assert cosigned_at(note.with_signatures([later]), WITNESS) is None
    assert cosigned_at(signed, VerifierKey.of(WITNESS.name, LOG.public, Algorithm.COSIGNATURE)) is None
    assert cosigned_at(signed, VerifierKey.of(WITNESS.name, OTHER.public)) is None
    assert cosigned_at(note.with_signatures([cosign(note, WITNESS.name, OTHER, LATEST_TIME + 1)]), WITNESS) is None
    assert not signed.signed_by(VerifierKey.of(WITNESS.name, OTHER.public))


def test_a_newer_cosignature_replaces_the_older_one() -> None:
    note = EMPTY.sign(LOG)
    signed = note.with_signatures(cosign(note, WITNESS.name, OTHER, time) for time in (5, 7))
    assert len(signed.signatures) == 2
    assert cosigned_at(signed, WITNESS) == 7


def test_an_answer_without_lines_is_refused() -> None:
    with pytest.raises(TlogError, match="is not signed"):
        parse_signatures("", "answer")
