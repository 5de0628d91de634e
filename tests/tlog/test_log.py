"""The log: appends survive, crashes lose nothing acknowledged, and no history can be rewritten."""

import multiprocessing
import os
import shutil
import signal
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from itertools import combinations_with_replacement, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.tlog.keys import LOG, ORIGIN, OTHER
from touchstone.tlog import merkle
from touchstone.tlog.checkpoint import Checkpoint
from touchstone.tlog.cosignature import cosign
from touchstone.tlog.errors import TlogError
from touchstone.tlog.log import CHECKPOINT, DATABASE, Log
from touchstone.tlog.note import VerifierKey
from touchstone.tlog.proof import TlogProof
from touchstone.tlog.tiles import Tiles, pack_entries, tile_path, unpack_entries

KEY = VerifierKey.of(ORIGIN, LOG.public)


def entry(number: int) -> bytes:
    """The number-th of many different entries, of different lengths."""
    return f"entry {number} ".encode() * (number % 5 + 1)


def root_of(entries: Sequence[bytes]) -> bytes:
    """Straight from RFC 6962, without tiles."""
    return merkle.root([merkle.leaf_hash(each) for each in entries])


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log.create(tmp_path / "log", ORIGIN, LOG)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log with three levels of tiles, appended in uneven batches."""
    folder = tmp_path_factory.mktemp("large") / "log"
    log = Log.create(folder, ORIGIN, LOG)
    sizes = [0, 1, 255, 256, 257, 511, 513, 40_000, 65_535, 65_536, 65_537, 66_000]
    for first, second in pairwise(sizes):
        log.append_many([entry(number) for number in range(first, second)])
    return folder


def files(folder: Path) -> dict[str, bytes]:
    """All tiles and the checkpoint."""
    found = [folder / CHECKPOINT, *(path for path in (folder / "tile").rglob("*") if path.is_file())]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_entries_are_found_again_after_opening(log: Log, tmp_path: Path) -> None:
    assert [log.append(entry(number)) for number in range(5)] == [0, 1, 2, 3, 4]
    again = Log.open(tmp_path / "log")
    assert again.note.signed_by(KEY)
    assert list(again.entries()) == [entry(number) for number in range(5)]
    assert again.checkpoint.root == root_of([entry(number) for number in range(5)])


def test_the_same_bytes_keep_their_entry(log: Log) -> None:
    assert log.append_many([entry(7), entry(8), entry(7)]) == [0, 1, 0]
    assert log.append(entry(8)) == 1
    assert log.append_many([entry(8), entry(9)]) == [1, 2]
    assert log.checkpoint.size == 3
    assert log.append_many([]) == []


def test_a_tile_log_has_the_files_that_c2sp_names(large: Path) -> None:
    # c2sp.org/tlog-tiles: a tree of 66 000 = 257 * 256 + 208
    names = {name for name in files(large) if not name.startswith("tile/entries")}
    assert {"tile/0/000", "tile/0/256", "tile/0/257.p/208", "tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1"} <= names
    assert "tile/0/257" not in names
    assert (large / "tile/0/000").stat().st_size == 8192
    assert not (large / "tile/0/000.p").exists()
    first = unpack_entries((large / "tile/entries/000").read_bytes(), 256, "bundle")
    assert first == [entry(number) for number in range(256)]
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path("entries", 1_000, 3) == "tile/entries/x001/000.p/3"


def test_roots_and_proofs_from_tiles_are_those_of_the_whole_tree(large: Path) -> None:
    log = Log.open(large)
    leaves = [merkle.leaf_hash(each) for each in log.entries()]
    roots = {}
    for size in (1, 2, 255, 256, 257, 511, 512, 40_000, 65_535, 65_536, 65_537, 66_000):
        roots[size] = merkle.root(leaves[:size])
        if size in (1, 255, 256, 257, 66_000):  # sizes of which partial tiles were written or are replaced by full ones
            assert Tiles(large, size).root() == roots[size]
    for index in (0, 1, 255, 256, 40_000, 65_535, 65_536, 65_999):
        proof = log.prove(index)
        assert proof.holds(entry(index))
        assert TlogProof.parse(proof.to_bytes(), "proof") == proof
        assert not proof.holds(entry(index + 1))
    for (first, first_root), (second, second_root) in combinations_with_replacement(roots.items(), 2):
        proof_hashes = log.prove_consistency(first, second)
        assert merkle.verify_consistency(first, second, first_root, second_root, proof_hashes)
    assert log.extends(Checkpoint(ORIGIN, 40_000, roots[40_000]))
    assert not log.extends(Checkpoint(ORIGIN, 40_000, roots[511]))
    assert not log.extends(Checkpoint("other.example.org", 511, roots[511]))
    assert not log.extends(Checkpoint(ORIGIN, 66_001, roots[511]))
    assert log.extends(Checkpoint(ORIGIN, 0, merkle.EMPTY_ROOT))
    assert not log.extends(Checkpoint(ORIGIN, 0, roots[1]))
    for wrong in (66_000, -1):
        with pytest.raises(IndexError):
            log.prove(wrong)
    for first, second in ((1, 66_001), (0, 5), (6, 5)):
        with pytest.raises(IndexError):
            log.prove_consistency(first, second)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=6))
def test_however_they_are_batched_the_tiles_are_the_same(batches: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = Log.create(Path(folder) / "log", ORIGIN, LOG)
        everything = [entry(number) for number in range(sum(batches))]
        for number, batch in enumerate(batches):
            log = log if number % 2 else Log.open(Path(folder) / "log", LOG)
            start = sum(batches[:number])
            log.append_many(everything[start : start + batch])
        assert log.checkpoint.root == root_of(everything)
        at_once = Log.create(Path(folder) / "at once", ORIGIN, LOG)
        at_once.append_many(everything)
        one, other = files(Path(folder) / "log"), files(Path(folder) / "at once")
        assert other.items() <= one.items()
        assert all(".p/" in name for name in one.keys() - other.keys())  # of the sizes on the way


def test_a_log_is_begun_once(log: Log, tmp_path: Path) -> None:
    with pytest.raises(TlogError, match="holds a log already"):
        Log.create(tmp_path / "log", ORIGIN, LOG)


def test_a_log_begun_halfway_can_be_begun_again_by_its_owner(log: Log, tmp_path: Path) -> None:
    (tmp_path / "log" / CHECKPOINT).unlink()
    with pytest.raises(TlogError, match="another name or key"):
        Log.create(tmp_path / "log", ORIGIN, OTHER)
    assert Log.create(tmp_path / "log", ORIGIN, LOG).checkpoint.size == 0
    log.append(entry(0))
    (tmp_path / "log" / CHECKPOINT).unlink()
    with pytest.raises(TlogError, match="holds a log already"):
        Log.create(tmp_path / "log", ORIGIN, LOG)


def test_no_log_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(TlogError, match="is no transparency log"):
        Log.open(tmp_path)
    os.mkfifo(tmp_path / CHECKPOINT)
    with pytest.raises(TlogError, match="not a regular file"):
        Log.open(tmp_path)


def test_another_key_cannot_append(log: Log, tmp_path: Path) -> None:
    log.append(entry(0))
    with pytest.raises(TlogError, match="not signed by the key given"):
        Log.open(tmp_path / "log", OTHER)
    with pytest.raises(ValueError, match="without its key"):
        Log.open(tmp_path / "log").append(entry(1))


def test_an_entry_may_fill_its_bundle_but_not_more(log: Log) -> None:
    assert log.append_many([b"", b"x" * 65_535]) == [0, 1]
    with pytest.raises(TlogError, match="65535 bytes"):
        log.append_many([b"fine", b"x" * 65_536])
    assert log.checkpoint.size == 2
    with pytest.raises(TlogError, match="65535 bytes"):
        pack_entries([b"x" * 65_536])


def test_every_changed_byte_of_the_published_files_is_noticed(log: Log, tmp_path: Path) -> None:
    log.append_many([entry(number) for number in range(3)])
    for name, original in files(tmp_path / "log").items():
        for position in range(len(original)):
            changed = bytearray(original)
            changed[position] ^= 1 << (position % 7)
            (tmp_path / "log" / name).write_bytes(changed)
            try:
                opened = Log.open(tmp_path / "log")
                held = len(list(opened.entries())) == 3 and opened.note.signed_by(KEY)
            except TlogError as error:
                assert str(tmp_path) in error.where or "tile/" in error.where
            else:
                assert not held, (name, position)
        (tmp_path / "log" / name).write_bytes(original)
    assert len(list(Log.open(tmp_path / "log").entries())) == 3


@pytest.mark.parametrize("name", ["tile/0/255", "tile/1/000", "tile/entries/017"])
def test_a_lost_or_changed_tile_is_noticed_and_can_be_rebuilt(large: Path, tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(large, tmp_path / "log"))
    whole = files(folder)
    for damage in (b"", whole[name][:-1], whole[name] + b"\x00", b"\x00" * len(whole[name])):
        (folder / name).write_bytes(damage)
        with pytest.raises(TlogError):
            list(Log.open(folder).entries())
    (folder / name).unlink()
    with pytest.raises(TlogError, match="is missing"):
        list(Log.open(folder).entries())
    os.mkfifo(folder / name)
    with pytest.raises(TlogError, match="not a regular file"):
        list(Log.open(folder).entries())
    Log.open(folder, LOG).rebuild()
    assert (folder / name).read_bytes() == whole[name]
    assert sum(1 for _ in Log.open(folder).entries()) == 66_000


def test_all_tiles_can_be_rebuilt(large: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(large, tmp_path / "log"))
    whole = files(folder)
    shutil.rmtree(folder / "tile")
    log = Log.open(folder, LOG)
    assert log.append(entry(66_000)) == 66_000  # notices by itself that there is nothing to go on from
    assert log.prove(5).holds(entry(5))
    rebuilt = files(folder)
    assert all(rebuilt[name] == data for name, data in whole.items() if name in rebuilt and name != CHECKPOINT)


def test_a_restored_backup_is_refused(log: Log, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    log.append(entry(0))
    Log.open(folder, LOG)
    backup = tmp_path / "backup"
    shutil.copytree(folder, backup)
    log.append(entry(1))
    for path in folder.glob(f"{DATABASE}*"):
        path.unlink()
    for path in backup.glob(f"{DATABASE}*"):
        shutil.copy(path, folder / path.name)
    with pytest.raises(TlogError, match="restored backup"):
        Log.open(folder, LOG).append(entry(2))
    assert Log.open(folder).checkpoint.size == 2


def test_a_checkpoint_of_another_history_is_refused(log: Log, tmp_path: Path) -> None:
    log.append_many([entry(0), entry(1)])
    other = Log.create(tmp_path / "other", ORIGIN, LOG)
    other.append(entry(5))
    shutil.copy(tmp_path / "other" / CHECKPOINT, tmp_path / "log" / CHECKPOINT)
    with pytest.raises(TlogError, match="not a checkpoint of the database"):
        Log.open(tmp_path / "log", LOG).append(entry(2))


def test_a_database_that_says_otherwise_spoils_no_tile(log: Log, tmp_path: Path) -> None:
    log.append_many([entry(number) for number in range(300)])
    log.close()
    whole = files(tmp_path / "log")
    with closing(sqlite3.connect(tmp_path / "log" / DATABASE)) as database, database:
        database.execute("UPDATE entries SET entry = ? WHERE position = 7", (b"another",))
    with pytest.raises(TlogError, match="do not add up"):
        Log.open(tmp_path / "log", LOG).rebuild()
    assert files(tmp_path / "log") == whole


def test_cosignatures_of_an_older_tree_are_not_published(log: Log, tmp_path: Path) -> None:
    log.append(entry(0))
    line = cosign(log.note, "witness.example.net", OTHER, 1)
    Log.open(tmp_path / "log", LOG).append(entry(1))
    with pytest.raises(TlogError, match="has grown"):
        log.add_cosignatures([line])
    assert Log.open(tmp_path / "log").note.to_bytes() == log.note.to_bytes()
    lines = [cosign(log.note, f"w{number}.example.net", OTHER, 1) for number in range(64)]
    with pytest.raises(TlogError):
        log.add_cosignatures(lines)
    log.add_cosignatures(lines[:60])
    assert len(Log.open(tmp_path / "log").note.signatures) == 61


def test_a_checkpoint_that_was_put_there_by_another_is_not_gone_on_from(log: Log, tmp_path: Path) -> None:
    log.append(entry(0))
    foreign = Checkpoint("other.example.org", 1, log.checkpoint.root).sign(OTHER)
    (tmp_path / "log" / CHECKPOINT).write_bytes(foreign.to_bytes())
    with pytest.raises(TlogError, match="not signed by the key given"):
        log.append(entry(1))


def test_a_damaged_database_is_a_clear_error(log: Log, tmp_path: Path) -> None:
    log.append(entry(0))
    for path in (tmp_path / "log").glob(f"{DATABASE}*"):
        path.unlink()
    (tmp_path / "log" / DATABASE).write_bytes(b"a letter" * 1000)
    with pytest.raises(TlogError, match="not the database of a log"):
        Log.open(tmp_path / "log", LOG).append(entry(1))


def _append_some(folder: Path, numbers: range) -> None:
    log = Log.open(folder, LOG)
    for number in numbers:
        log.append(entry(number))


def test_several_writers_wait_for_each_other(log: Log, tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [
        context.Process(target=_append_some, args=(tmp_path / "log", range(start, start + 10))) for start in (0, 10)
    ]
    for writer in writers:
        writer.start()
    for number in range(20, 30):
        log.append(entry(number))
    for writer in writers:
        writer.join(timeout=60)
        assert writer.exitcode == 0
    again = Log.open(tmp_path / "log")
    assert again.note.signed_by(KEY)
    assert set(again.entries()) == {entry(number) for number in range(30)}


def _append_for_ever(folder: Path, acknowledged: Path, start: int) -> None:
    log = Log.open(folder, LOG)
    with acknowledged.open("a") as file:
        for number in range(start, start + 10**9, 97):
            log.append_many([entry(each) for each in range(number, number + 97)])
            file.write(f"{log.checkpoint.size} {log.checkpoint.root.hex()}\n")
            file.flush()


def test_killed_at_any_moment_it_has_all_that_was_acknowledged(log: Log, tmp_path: Path) -> None:
    folder, acknowledged = tmp_path / "log", tmp_path / "acknowledged"
    context = multiprocessing.get_context("fork")
    for turn in range(6):
        start = Log.open(folder).checkpoint.size + 1000 * turn
        writer = context.Process(target=_append_for_ever, args=(folder, acknowledged, start))
        writer.start()
        time.sleep(0.05 + 0.043 * turn)
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
        after = Log.open(folder, LOG)
        after.append(b"after %d" % turn)
        assert sum(1 for _ in after.entries()) == after.checkpoint.size
        for line in acknowledged.read_text().splitlines() if acknowledged.exists() else []:
            size, root = line.split()
            assert after.extends(Checkpoint(ORIGIN, int(size), bytes.fromhex(root)))
    assert after.checkpoint.size > 97


class LogLife(RuleBasedStateMachine):
    """Appends, reopenings, crashes and repairs in any order, against a plain list."""

    @initialize()
    def begin(self) -> None:
        self.root = Path(tempfile.mkdtemp())
        self.log = Log.create(self.root / "log", ORIGIN, LOG)
        self.model: list[bytes] = []
        self.checkpoints = [self.log.checkpoint]

    @rule(numbers=st.lists(st.integers(0, 400), max_size=3), many=st.integers(0, 300))
    def append(self, numbers: list[int], many: int) -> None:
        entries = [entry(number) for number in [*numbers, *range(many)]]
        indexes = self.log.append_many(entries)
        for each in entries:
            if each not in self.model:
                self.model.append(each)
        assert [self.model[index] for index in indexes] == entries
        self.checkpoints.append(self.log.checkpoint)

    @rule()
    def reopen(self) -> None:
        self.log = Log.open(self.root / "log", LOG)

    @rule(number=st.integers(401, 600))
    def crash_between_commit_and_publication(self, number: int) -> None:
        """The entry is in the database; tiles and checkpoint are still those of before."""
        folder, before = self.root / "log", self.root / "before"
        shutil.copytree(folder / "tile", before / "tile")
        shutil.copy(folder / CHECKPOINT, before / CHECKPOINT)
        self.log.append(entry(number))
        shutil.rmtree(folder / "tile")
        shutil.copytree(before / "tile", folder / "tile")
        shutil.copy(before / CHECKPOINT, folder / CHECKPOINT)
        shutil.rmtree(before)
        self.log = Log.open(folder, LOG)
        self.log.append(entry(number))
        if entry(number) not in self.model:
            self.model.append(entry(number))

    @rule()
    def lose_partial_tiles(self) -> None:
        """What a power cut may do to files that were never flushed."""
        for path in (self.root / "log" / "tile").rglob("*.p/*"):
            path.write_bytes(b"")
        self.log = Log.open(self.root / "log", LOG)
        self.log.append(b"wakes up")
        if b"wakes up" not in self.model:
            self.model.append(b"wakes up")

    @invariant()
    def nothing_acknowledged_is_lost(self) -> None:
        if not hasattr(self, "log"):
            return
        log = Log.open(self.root / "log")
        assert list(log.entries()) == self.model
        assert log.note.signed_by(KEY)
        assert all(log.extends(checkpoint) for checkpoint in self.checkpoints)

    def teardown(self) -> None:
        if hasattr(self, "root"):
            shutil.rmtree(self.root)


LogLife.TestCase.settings = settings(max_examples=12, stateful_step_count=10, deadline=None)
TestLogLife = LogLife.TestCase
