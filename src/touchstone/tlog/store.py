"""The durable half of a log: entries and checkpoints in one SQLite file.

Whatever a commit returned for survives a power cut (write-ahead log, `synchronous=FULL`); tiles and the checkpoint
file are made from it. A size has one checkpoint for ever: that is the table's primary key.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from touchstone.tlog.errors import TlogError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (position INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, entry BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS checkpoints (size INTEGER PRIMARY KEY, root BLOB NOT NULL, note BLOB NOT NULL);
"""
_LOOKUPS = 500


@dataclass(frozen=True, slots=True)
class SignedSize:
    """A checkpoint that was signed."""

    size: int
    root: bytes
    note: bytes


class Store:
    """The file, open. Use it in one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._readable():
            self._database = sqlite3.connect(path, isolation_level=None, timeout=30)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.executescript(_SCHEMA)

    def last(self) -> SignedSize | None:
        """The latest checkpoint."""
        with self._readable():
            row = self._database.execute(
                "SELECT size, root, note FROM checkpoints ORDER BY size DESC LIMIT 1"
            ).fetchone()
        return None if row is None else SignedSize(*row)

    def at(self, size: int) -> SignedSize | None:
        """The checkpoint of one size, if one was ever signed."""
        with self._readable():
            row = self._database.execute("SELECT size, root, note FROM checkpoints WHERE size = ?", (size,)).fetchone()
        return None if row is None else SignedSize(*row)

    def positions(self, hashes: Sequence[bytes]) -> dict[bytes, int]:
        """Where the entries with these leaf hashes are, as far as they are here."""
        found: dict[bytes, int] = {}
        with self._readable():
            for start in range(0, len(hashes), _LOOKUPS):
                part = hashes[start : start + _LOOKUPS]
                marks = ",".join("?" * len(part))
                query = f"SELECT hash, position FROM entries WHERE hash IN ({marks})"  # noqa: S608 - only marks
                found.update(self._database.execute(query, part))
        return found

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        """The entries from `start` to before `end`."""
        query = "SELECT entry FROM entries WHERE position >= ? AND position < ? ORDER BY position"
        with self._readable():
            for (entry,) in self._database.execute(query, (start, end)):
                yield entry

    def commit(self, start: int, entries: Sequence[tuple[bytes, bytes]], signed: SignedSize) -> None:
        """Keep new entries (leaf hash and bytes) from position `start` on and their checkpoint: all or nothing."""
        with self._readable(), self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany(
                "INSERT INTO entries VALUES (?, ?, ?)",
                ((start + offset, leaf, entry) for offset, (leaf, entry) in enumerate(entries)),
            )
            self._database.execute("INSERT INTO checkpoints VALUES (?, ?, ?)", (signed.size, signed.root, signed.note))

    def cosigned(self, size: int, note: bytes) -> None:
        """Keep the checkpoint of a size with the signatures it has won."""
        with self._readable(), self._database:
            self._database.execute("UPDATE checkpoints SET note = ? WHERE size = ?", (note, size))

    def close(self) -> None:
        """Give the file back."""
        self._database.close()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise TlogError("is not the database of a log, or is damaged", f"{self._path} ({error})") from None
