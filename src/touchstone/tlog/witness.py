"""A witness (C2SP tlog-witness): remembers the largest tree of other people's logs and refuses what takes one back.

For every log it is told to watch it keeps size and root. A new checkpoint is cosigned only when the log signed it and
a consistency proof leads from the kept tree to it. Comparing, keeping and answering are one transaction: of two
checkpoints that arrive at once, the second is compared with the first. What was kept is on disk before the signature
leaves the house.
"""

from __future__ import annotations

import base64
import re
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from touchstone.tlog import merkle
from touchstone.tlog.checkpoint import Checkpoint
from touchstone.tlog.cosignature import cosign
from touchstone.tlog.errors import TlogError
from touchstone.tlog.note import LARGEST_NOTE, Algorithm, Note, PrivateKey, VerifierKey, strict_base64

MOST_HASHES = 63
LARGEST_REQUEST = LARGEST_NOTE + (MOST_HASHES + 2) * 64
SIZE_TYPE = "text/x.tlog.size"
_TEXT_TYPE = "text/plain; charset=utf-8"
_HEAD = re.compile(rf"old (?P<size>0|[1-9][0-9]{{0,17}})\n(?P<hashes>(?:[A-Za-z0-9+/]{{43}}=\n){{0,{MOST_HASHES}}})\n")
_SCHEMA = "CREATE TABLE IF NOT EXISTS seen (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL)"


@dataclass(frozen=True, slots=True)
class Submission:
    """What a log sends: the size the witness knows, the way from there, and the new checkpoint."""

    old_size: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint

    @classmethod
    def parse(cls, body: bytes) -> Submission:
        """Read a request. Raises `TlogError` for any other form."""
        try:
            text = body.decode() if len(body) <= LARGEST_REQUEST else ""
        except UnicodeDecodeError:
            text = ""
        head = _HEAD.match(text)
        if head is None:
            raise TlogError("is not an add-checkpoint request", "request")
        note = Note.parse(text[head.end() :].encode(), "request")
        proof = tuple(strict_base64(line, "request") for line in head["hashes"].splitlines())
        return cls(int(head["size"]), proof, note, Checkpoint.of(note, "request"))

    def to_bytes(self) -> bytes:
        """The body of the request."""
        lines = [f"old {self.old_size}", *(base64.b64encode(sibling).decode() for sibling in self.proof), "", ""]
        return "\n".join(lines).encode() + self.note.to_bytes()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the witness says, in the terms of HTTP."""

    status: int
    body: bytes
    content_type: str = _TEXT_TYPE


class Witness:
    """A witness with its memory in one SQLite file in `state`."""

    def __init__(self, name: str, key: PrivateKey, logs: Iterable[VerifierKey], state: Path) -> None:
        self.key = VerifierKey.of(name, key.public, Algorithm.COSIGNATURE)
        self._private = key
        self._logs: Mapping[str, tuple[VerifierKey, ...]] = _by_origin(logs)
        state.mkdir(parents=True, exist_ok=True)
        self._path = state / "witness.sqlite"
        with closing(self._connect()) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute(_SCHEMA)

    def add_checkpoint(self, body: bytes, time: int) -> Answer:
        """Answer one request at `time` (seconds since 1970). May be called from several threads at once."""
        try:
            asked = Submission.parse(body)
        except TlogError as error:
            return Answer(400, f"{error.what}\n".encode())
        keys = self._logs.get(asked.checkpoint.origin)
        if keys is None:
            return Answer(404, b"unknown log\n")
        if not any(asked.note.signed_by(key) for key in keys):
            return Answer(403, b"not signed by a known key of this log\n")
        if asked.old_size > asked.checkpoint.size:
            return Answer(400, b"the old size is larger than the new one\n")
        with closing(self._connect()) as database:
            database.execute("BEGIN IMMEDIATE")
            refusal = _compare(database, asked)
            if refusal is not None:
                database.execute("ROLLBACK")
                return refusal
            new = asked.checkpoint
            database.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", (new.origin, new.size, new.root))
            database.execute("COMMIT")
        return Answer(200, cosign(asked.note, self.key.name, self._private, time).line.encode())

    def seen(self, origin: str) -> int:
        """Size of the largest tree cosigned for a log."""
        with closing(self._connect()) as database:
            return _seen(database, origin)[0]

    def _connect(self) -> sqlite3.Connection:
        try:
            database = sqlite3.connect(self._path, isolation_level=None, timeout=30)
            database.execute("PRAGMA synchronous=FULL")
        except sqlite3.DatabaseError as error:
            raise TlogError("is not the database of a witness, or is damaged", f"{self._path} ({error})") from None
        return database


def _compare(database: sqlite3.Connection, asked: Submission) -> Answer | None:
    """Why the new checkpoint cannot follow what was seen; `None` when it does."""
    size, root = _seen(database, asked.checkpoint.origin)
    new = asked.checkpoint
    if asked.old_size != size:
        return _conflict(size)
    if size == 0 and asked.proof:
        return Answer(422, b"a proof from nothing has no hashes\n")
    if new.size == 0:
        return None if new.root == merkle.EMPTY_ROOT else Answer(422, b"the root of nothing is another\n")
    if size == new.size and root != new.root:
        return _conflict(size)
    if size and not merkle.verify_consistency(size, new.size, root, new.root, asked.proof):
        return Answer(422, b"the proof does not lead from the tree seen before to this one\n")
    return None


def _seen(database: sqlite3.Connection, origin: str) -> tuple[int, bytes]:
    row = database.execute("SELECT size, root FROM seen WHERE origin = ?", (origin,)).fetchone()
    return (0, merkle.EMPTY_ROOT) if row is None else (row[0], row[1])


def _conflict(size: int) -> Answer:
    return Answer(409, f"{size}\n".encode(), SIZE_TYPE)


def _by_origin(logs: Iterable[VerifierKey]) -> dict[str, tuple[VerifierKey, ...]]:
    found: dict[str, tuple[VerifierKey, ...]] = {}
    for key in logs:
        found[key.name] = (*found.get(key.name, ()), key)
    return found
