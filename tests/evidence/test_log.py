"""The log: appends survive, crashes lose nothing acknowledged, and no history can be rewritten."""

import multiprocessing
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.evidence.made import SYSTEM, Laboratory
from touchstone.canonical import digest_of
from touchstone.errors import EvidenceError
from touchstone.evidence import merkle
from touchstone.evidence.checkpoint import Checkpoint
from touchstone.evidence.envelope import sign
from touchstone.evidence.keys import SigningKey, generate, load_signing_key
from touchstone.evidence.log import CHECKPOINT, LEAVES, Leaf, Log, Receipt
from touchstone.evidence.statement import statement


def envelope(key: SigningKey, number: int) -> bytes:
    """The number-th of many different signed statements."""
    return sign(statement("model", SYSTEM, "urn:touchstone:predicate:test:v1", {"number": number}), key).to_bytes()


@dataclass
class Place:
    """An empty log of its own and the keys to it."""

    folder: Path
    key: SigningKey
    log: Log

    def append(self, number: int) -> int:
        return self.log.append(envelope(self.key, number), self.key)


def place_in(folder: Path) -> Place:
    generate(folder / "key", None)
    key = load_signing_key(folder / "key", None)
    return Place(folder / "log", key, Log.create(folder / "log", "log.example.org", key))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return place_in(tmp_path)


def test_entries_are_found_again_after_opening(place: Place) -> None:
    assert [place.append(number) for number in range(5)] == [0, 1, 2, 3, 4]
    log = Log.open(place.folder)
    assert log.note.signed_by(place.key.public)
    assert [leaf.envelope for leaf in log.entries] == [digest_of(envelope(place.key, n)) for n in range(5)]
    assert log.entries[0] == Leaf(
        envelope=digest_of(envelope(place.key, 0)),
        keyid=place.key.public.id,
        predicate_type="urn:touchstone:predicate:test:v1",
        subject=SYSTEM,
    )


def test_the_same_statement_keeps_its_entry(place: Place) -> None:
    assert [place.append(number) for number in (7, 8, 7)] == [0, 1, 0]
    assert place.log.checkpoint.size == 2


def test_receipts_prove_inclusion_without_the_log(place: Place) -> None:
    for number in range(11):
        place.append(number)
    for receipt in place.log.receipts(range(11)):
        again = Receipt.from_bytes(receipt.to_bytes(), "receipt")
        assert again.proves_inclusion("receipt")
        assert again.note("receipt").signed_by(place.key.public)
        assert again.leaf == Leaf.of(envelope(place.key, again.index), "statement")
    first, second = place.log.receipts([0, 1])
    assert not first.model_copy(update={"leaf": second.leaf}).proves_inclusion("receipt")
    assert not first.model_copy(update={"index": 1}).proves_inclusion("receipt")
    with pytest.raises(IndexError):
        place.log.receipts([11])


def test_proofs_for_earlier_sizes(place: Place) -> None:
    roots = [merkle.EMPTY_ROOT]
    for number in range(6):
        place.append(number)
        roots.append(place.log.checkpoint.root)
    for size in range(1, 7):
        for index in range(size):
            proof = place.log.inclusion_proof(index, size)
            assert merkle.verify_inclusion(place.log.entries[index].hash, index, size, proof, roots[size])
        proof = place.log.consistency_proof(size, 6)
        assert merkle.verify_consistency(size, 6, roots[size], roots[6], proof)
        assert place.log.extends(Checkpoint("log.example.org", size, roots[size]))
        assert not place.log.extends(Checkpoint("log.example.org", size, roots[size - 1]))
        assert not place.log.extends(Checkpoint("other.example.org", size, roots[size]))
    assert place.log.extends(Checkpoint("log.example.org", 0, merkle.EMPTY_ROOT))
    assert not place.log.extends(Checkpoint("log.example.org", 7, roots[6]))
    with pytest.raises(IndexError):
        place.log.consistency_proof(1, 7)


def test_a_log_is_begun_once(place: Place) -> None:
    with pytest.raises(EvidenceError, match="holds a log already"):
        Log.create(place.folder, "log.example.org", place.key)


def test_a_log_begun_halfway_can_be_begun_again(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    (place.folder / CHECKPOINT).unlink()
    assert Log.create(place.folder, "log.example.org", place.key).checkpoint.size == 0


def test_no_log_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="is no transparency log"):
        Log.open(tmp_path)


def test_another_key_cannot_append(place: Place, laboratory: Laboratory) -> None:
    place.append(0)
    with pytest.raises(EvidenceError, match="not signed by the key given"):
        place.log.append(envelope(place.key, 1), laboratory.log_key)
    assert Log.open(place.folder).checkpoint.size == 1


def test_only_statements_are_logged(place: Place) -> None:
    with pytest.raises(EvidenceError, match="letter"):
        place.log.append(b"a letter", place.key, "letter")
    assert (place.folder / LEAVES).read_bytes() == b""


def test_every_changed_byte_of_a_log_is_noticed(place: Place) -> None:
    for number in range(3):
        place.append(number)
    for name in (LEAVES, CHECKPOINT):
        original = (place.folder / name).read_bytes()
        for position in range(len(original)):
            changed = bytearray(original)
            changed[position] ^= 1 << (position % 7)
            (place.folder / name).write_bytes(changed)
            try:
                held = Log.open(place.folder).note.signed_by(place.key.public)
            except EvidenceError as error:
                assert str(place.folder) in (error.where or "")
            else:
                assert not held, (name, position)
        (place.folder / name).write_bytes(original)
    assert Log.open(place.folder).checkpoint.size == 3


def test_lost_entries_are_noticed(place: Place) -> None:
    for number in range(3):
        place.append(number)
    leaves = place.folder / LEAVES
    whole = leaves.read_bytes()
    leaves.write_bytes(whole[: whole.rindex(b"\n", 0, -1) + 1])
    with pytest.raises(EvidenceError, match="entries were lost"):
        Log.open(place.folder)
    leaves.unlink()
    with pytest.raises(EvidenceError, match="does not exist"):
        Log.open(place.folder)


def test_a_crash_at_any_byte_of_the_last_entry_loses_nothing_acknowledged(place: Place) -> None:
    place.append(0)
    place.append(1)
    acknowledged = (place.folder / CHECKPOINT).read_bytes()
    start = len((place.folder / LEAVES).read_bytes())
    place.append(2)
    leaves = (place.folder / LEAVES).read_bytes()
    finished = (place.folder / CHECKPOINT).read_bytes()
    for cut in range(start, len(leaves) + 1):
        (place.folder / LEAVES).write_bytes(leaves[:cut])
        (place.folder / CHECKPOINT).write_bytes(acknowledged)
        place.log = Log.open(place.folder)
        assert len(place.log.entries) == 2
        if cut % 16 and cut < len(leaves) - 2:
            continue  # reading is quick, appending waits for the disk
        assert place.append(2) == 2
        assert (place.folder / LEAVES).read_bytes() == leaves
        assert (place.folder / CHECKPOINT).read_bytes() == finished  # Ed25519: the same root, the same signature


@pytest.mark.parametrize("garbage", [b"\x00" * 300, b"\x00\n\x00\n", b"{}\n", b'{"envelope":"sha256:'])
def test_garbage_behind_the_acknowledged_entries_is_cut_off(place: Place, garbage: bytes) -> None:
    place.append(0)
    with (place.folder / LEAVES).open("ab") as file:
        file.write(garbage)
    assert len(Log.open(place.folder).entries) == 1
    assert place.append(1) == 1
    assert [Leaf.from_bytes(line, "line") for line in (place.folder / LEAVES).read_bytes().splitlines()] == list(
        place.log.entries
    )
    assert len(Log.open(place.folder).entries) == 2


def test_a_whole_entry_that_was_never_acknowledged_is_kept(place: Place) -> None:
    place.append(0)
    acknowledged = (place.folder / CHECKPOINT).read_bytes()
    place.append(1)
    (place.folder / CHECKPOINT).write_bytes(acknowledged)
    assert place.append(2) == 2
    assert [leaf.envelope for leaf in place.log.entries] == [digest_of(envelope(place.key, n)) for n in range(3)]


def _append_some(folder: Path, key_file: Path, numbers: range) -> None:
    key = load_signing_key(key_file, None)
    log = Log.open(folder)
    for number in numbers:
        log.append(envelope(key, number), key)


def test_several_writers_wait_for_each_other(place: Place) -> None:
    context = multiprocessing.get_context("fork")
    key_file = place.folder.parent / "key"
    writers = [
        context.Process(target=_append_some, args=(place.folder, key_file, range(start, start + 5))) for start in (0, 5)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=60)
        assert writer.exitcode == 0
    log = Log.open(place.folder)
    assert log.note.signed_by(place.key.public)
    assert {leaf.envelope for leaf in log.entries} == {digest_of(envelope(place.key, n)) for n in range(10)}


class LogLife(RuleBasedStateMachine):
    """Appends, reopenings and crashes in any order, against a plain list."""

    acknowledged: list[str]

    @initialize()
    def begin(self) -> None:
        import tempfile

        self.root = Path(tempfile.mkdtemp())
        self.place = place_in(self.root)
        self.acknowledged = []
        self.checkpoints = [self.place.log.checkpoint]

    @rule(number=st.integers(0, 9))
    def append(self, number: int) -> None:
        digest = digest_of(envelope(self.place.key, number))
        index = self.place.append(number)
        if digest not in self.acknowledged:
            unacknowledged = [leaf.envelope for leaf in self.place.log.entries[len(self.acknowledged) :]]
            self.acknowledged += unacknowledged
        assert self.acknowledged[index] == digest
        self.checkpoints.append(self.place.log.checkpoint)

    @rule()
    def reopen(self) -> None:
        self.place.log = Log.open(self.place.folder)

    @rule(number=st.integers(10, 19), share=st.floats(0, 1))
    def crash_while_appending(self, number: int, share: float) -> None:
        """The process dies after part of the line is on disk and before the checkpoint is."""
        line = Leaf.of(envelope(self.place.key, number), "statement").to_bytes() + b"\n"
        with (self.place.folder / LEAVES).open("ab") as file:
            file.write(line[: int(share * len(line))])
        self.place.log = Log.open(self.place.folder)

    @invariant()
    def nothing_acknowledged_is_lost(self) -> None:
        if not hasattr(self, "place"):
            return
        log = Log.open(self.place.folder)
        assert [leaf.envelope for leaf in log.entries] == self.acknowledged
        assert log.note.signed_by(self.place.key.public)
        assert all(log.extends(checkpoint) for checkpoint in self.checkpoints)

    def teardown(self) -> None:
        if hasattr(self, "root"):
            shutil.rmtree(self.root)


LogLife.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
TestLogLife = LogLife.TestCase
