"""An append-only transparency log in a folder: what was stated cannot be taken back or reordered.

    leaves.jsonl   one canonical JSON leaf per line; the durable truth
    checkpoint     signed note over the Merkle root of those lines
    lock           held while one process appends

An entry is acknowledged once a checkpoint covers it. The order of writing is: leaf, flush, checkpoint, flush.
A crash in between leaves at most unacknowledged lines behind: whole ones are kept and covered by the next
checkpoint, a torn one was never signed and is cut off. No two roots are ever signed for the same size.

A log on one disk cannot show that its owner never rolled it back: for that, others keep its checkpoints.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from touchstone.canonical import digest_of
from touchstone.errors import EvidenceError
from touchstone.evidence import merkle
from touchstone.evidence.checkpoint import Checkpoint
from touchstone.evidence.envelope import LARGEST_ENVELOPE, Envelope
from touchstone.evidence.exact import ExactRecord, Hex32, Sha256
from touchstone.evidence.files import flush_folder, read_regular, write_durably
from touchstone.evidence.keys import SigningKey
from touchstone.evidence.note import LARGEST_NOTE, Note
from touchstone.files import make_folder
from touchstone.text import Text

LEAVES = "leaves.jsonl"
CHECKPOINT = "checkpoint"
LOCK = "lock"
LARGEST_LOG = 1024 * 1024 * 1024


class Leaf(ExactRecord):
    """What the log keeps of one signed statement: never the statement itself, only what names it."""

    envelope: Sha256
    keyid: Sha256
    predicate_type: str = Field(max_length=255)
    subject: Sha256

    @classmethod
    def of(cls, envelope: bytes, where: str) -> Leaf:
        """The leaf of a signed statement. Raises `EvidenceError` when `envelope` is none."""
        if len(envelope) > LARGEST_ENVELOPE:
            raise EvidenceError(Text("is too large for a signed statement", "超出签名声明的大小上限"), where)
        opened = Envelope.from_bytes(envelope, where)
        statement = opened.statement(where)
        return cls(
            envelope=digest_of(envelope),
            keyid=opened.keyid,
            predicate_type=statement.predicate_type,
            subject=statement.subject_digest,
        )

    @property
    def hash(self) -> bytes:
        """RFC 6962 leaf hash."""
        return merkle.leaf_hash(self.to_bytes())


class Receipt(ExactRecord):
    """Shows offline that a log holds a statement: travels with the statement, needs only the log's key."""

    index: int = Field(ge=0)
    leaf: Leaf
    proof: tuple[Hex32, ...] = Field(max_length=64)
    """Inclusion proof in the tree of the checkpoint, bottom first."""
    checkpoint: str = Field(max_length=LARGEST_NOTE)
    """The whole signed note."""

    def note(self, where: str) -> Note:
        """The checkpoint's note. Raises `EvidenceError` when it is none."""
        return Note.parse(self.checkpoint.encode(), where)

    def proves_inclusion(self, where: str) -> bool:
        """Whether the proof leads from the leaf to the checkpoint's root. Says nothing about who signed it."""
        checkpoint = Checkpoint.of(self.note(where), where)
        proof = [bytes.fromhex(sibling) for sibling in self.proof]
        return merkle.verify_inclusion(self.leaf.hash, self.index, checkpoint.size, proof, checkpoint.root)


@dataclass(frozen=True, slots=True)
class _State:
    """One reading of the log's folder."""

    leaves: tuple[Leaf, ...]
    """Whole lines, also those that no checkpoint covers yet."""
    whole_bytes: int
    """Length of the leaves file up to the end of the last whole line."""
    note: Note
    checkpoint: Checkpoint

    @property
    def covered(self) -> tuple[Leaf, ...]:
        return self.leaves[: self.checkpoint.size]


class Log:
    """A log opened for reading and, with its key, for appending.

    >>> import tempfile
    >>> from touchstone.evidence.keys import generate, load_signing_key
    >>> folder = Path(tempfile.mkdtemp())
    >>> public = generate(folder / "log.key", passphrase=None)
    >>> log = Log.create(folder / "log", "log.example.org", load_signing_key(folder / "log.key", None))
    >>> log.checkpoint.size, log.note.signed_by(public)
    (0, True)
    """

    def __init__(self, folder: Path) -> None:
        """For :meth:`open` and :meth:`create`."""
        self._folder = folder
        self._state = self._read()

    @classmethod
    def create(cls, folder: Path, origin: str, key: SigningKey) -> Log:
        """Begin a log under a name unique in the world (a domain name). Raises `EvidenceError` if one is there."""
        note = Checkpoint(origin, 0, merkle.EMPTY_ROOT).sign(key)
        make_folder(folder)
        with _locked(folder):
            leaves = folder / LEAVES
            if (folder / CHECKPOINT).exists() or (leaves.exists() and leaves.stat().st_size):
                raise EvidenceError(
                    Text("holds a log already", "已存在日志"),
                    str(folder),
                    Text("choose a new folder", "请换一个新文件夹"),
                )
            leaves.touch()
            write_durably(folder / CHECKPOINT, note.to_bytes())
        return cls(folder)

    @classmethod
    def open(cls, folder: Path) -> Log:
        """Read a log. Raises `EvidenceError` unless its entries add up to its checkpoint.

        The checkpoint's signature is a question of the key: ask `log.note.signed_by(key)`.
        """
        return cls(folder)

    @property
    def checkpoint(self) -> Checkpoint:
        """What the log commits to."""
        return self._state.checkpoint

    @property
    def note(self) -> Note:
        """The checkpoint as signed."""
        return self._state.note

    @property
    def entries(self) -> tuple[Leaf, ...]:
        """All entries the checkpoint covers, in order."""
        return self._state.covered

    def append(self, envelope: bytes, key: SigningKey, where: str = "statement") -> int:
        """Append a signed statement durably and return its index; the same statement keeps its first index."""
        leaf = Leaf.of(envelope, where)
        with _locked(self._folder):
            self._state = self._read()
            self.require_own(key)
            leaves = list(self._state.leaves)
            index = next((i for i, known in enumerate(leaves) if known.envelope == leaf.envelope), len(leaves))
            if index == len(leaves):
                self._write(leaf)
                leaves.append(leaf)
            if len(leaves) > self._state.checkpoint.size:
                self._publish(leaves, key)
            self._state = self._read()
        return index

    def receipts(self, indexes: Iterable[int]) -> list[Receipt]:
        """Receipts for several entries, all resting on the present checkpoint. Raises `IndexError` for no entry."""
        hashes = self._hashes(self.checkpoint.size)
        note = self.note.to_bytes().decode()
        return [
            Receipt(
                index=index,
                leaf=self.entries[index],
                proof=tuple(sibling.hex() for sibling in merkle.inclusion_proof(index, hashes)),
                checkpoint=note,
            )
            for index in indexes
        ]

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """Hashes that show that entry `index` is in the tree of the first `size` entries."""
        return merkle.inclusion_proof(index, self._hashes(size))

    def consistency_proof(self, first: int, second: int) -> list[bytes]:
        """Hashes that show that the first `second` entries begin with the first `first`."""
        return merkle.consistency_proof(first, self._hashes(second))

    def extends(self, earlier: Checkpoint) -> bool:
        """Whether this log only added to what an earlier checkpoint committed to."""
        if earlier.origin != self.checkpoint.origin or earlier.size > self.checkpoint.size:
            return False
        if earlier.size == 0:
            return earlier.root == merkle.EMPTY_ROOT
        proof = self.consistency_proof(earlier.size, self.checkpoint.size)
        return merkle.verify_consistency(earlier.size, self.checkpoint.size, earlier.root, self.checkpoint.root, proof)

    def _hashes(self, size: int) -> list[bytes]:
        if not 0 <= size <= self.checkpoint.size:
            raise IndexError(f"no tree of {size} entries in a log of {self.checkpoint.size}")
        return [leaf.hash for leaf in self.entries[:size]]

    def _read(self) -> _State:
        """Read the checkpoint first: the leaves only grow, so they are never behind it."""
        if not os.path.lexists(self._folder / CHECKPOINT):
            raise EvidenceError(
                Text(f"is no transparency log: it has no {CHECKPOINT}", f"不是透明日志：其中没有 {CHECKPOINT}"),
                str(self._folder),
                Text("`touchstone log create` begins one", "可用 `touchstone log create` 新建"),
            )
        note, checkpoint = read_checkpoint(self._folder / CHECKPOINT)
        where = str(self._folder / LEAVES)
        data = read_regular(self._folder / LEAVES, where, largest=LARGEST_LOG)
        leaves, whole_bytes = _whole_leaves(data, checkpoint.size, where)
        if len(leaves) < checkpoint.size:
            raise EvidenceError(
                Text(
                    f"holds {len(leaves)} entries, the checkpoint covers {checkpoint.size}: entries were lost",
                    f"仅有 {len(leaves)} 条记录，而检查点涵盖 {checkpoint.size} 条：记录已丢失",
                ),
                where,
                Text("restore the file from a backup", "请从备份恢复该文件"),
            )
        if merkle.root([leaf.hash for leaf in leaves[: checkpoint.size]]) != checkpoint.root:
            raise EvidenceError(
                Text(
                    "does not add up to the root in the checkpoint: an entry or the checkpoint was changed",
                    "与检查点中的根不符：记录或检查点已被改动",
                ),
                where,
                Text("restore the folder from a backup", "请从备份恢复该文件夹"),
            )
        return _State(leaves, whole_bytes, note, checkpoint)

    def require_own(self, key: SigningKey) -> None:
        """Raise `EvidenceError` unless `key` is the one the log is kept with."""
        if not self.note.signed_by(key.public):
            raise EvidenceError(
                Text("is not signed by the key given for the log", "不是由所给的日志密钥签名"),
                str(self._folder / CHECKPOINT),
                Text("give the key the log was begun with", "请使用创建该日志时的密钥"),
            )

    def _write(self, leaf: Leaf) -> None:
        """Add one line after the last whole one, and flush it. A torn line from a crash is cut off first."""
        with (self._folder / LEAVES).open("r+b") as file:
            file.truncate(self._state.whole_bytes)
            file.seek(self._state.whole_bytes)
            file.write(leaf.to_bytes() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        flush_folder(self._folder)

    def _publish(self, leaves: list[Leaf], key: SigningKey) -> None:
        root = merkle.root([leaf.hash for leaf in leaves])
        note = Checkpoint(self.checkpoint.origin, len(leaves), root).sign(key)
        write_durably(self._folder / CHECKPOINT, note.to_bytes())


def read_checkpoint(path: Path) -> tuple[Note, Checkpoint]:
    """A checkpoint's file. Raises `EvidenceError` when it is none; the signature is not looked at."""
    where = str(path)
    note = Note.parse(read_regular(path, where, largest=LARGEST_NOTE), where)
    return note, Checkpoint.of(note, where)


def _whole_leaves(data: bytes, covered: int, where: str) -> tuple[tuple[Leaf, ...], int]:
    """The leaves in the file, and where the last whole one ends.

    Of the covered lines every one must be whole; behind them, a crash may have left a torn line or garbage.
    """
    leaves: list[Leaf] = []
    position = 0
    while (end := data.find(b"\n", position)) >= 0:
        try:
            leaf = Leaf.from_bytes(data[position:end], f"{where}:{len(leaves) + 1}")
        except EvidenceError:
            if len(leaves) < covered:
                raise
            break
        leaves.append(leaf)
        position = end + 1
    return tuple(leaves), position


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time change the log; others wait, which takes milliseconds."""
    import fcntl  # only where logs are written: verifying works without it

    with (folder / LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
