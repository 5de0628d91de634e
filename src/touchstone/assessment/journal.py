"""Finished results on disk, so that an assessment that is killed at any moment loses none of them.

One SQLite file in the output folder. A result is stored under the digest of everything it depends on: system,
check, version, parameters, seed, budget and stopping limits. The same question is therefore never asked twice,
and a changed question never gets an old answer. Checks that ended in an error are not kept: they are tried again.
"""

from __future__ import annotations

import fcntl
import sqlite3
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from touchstone.assessment.measure import Measured
from touchstone.canonical import Digest, digest_of, digest_of_json
from touchstone.errors import EvidenceError, UserError
from touchstone.records import Budget, Execution, Observation, PlanItem
from touchstone.text import Text

_SCHEMA = """
CREATE TABLE IF NOT EXISTS result (
    question TEXT PRIMARY KEY, observation BLOB NOT NULL, execution BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS exhibit (digest TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS moment (event TEXT PRIMARY KEY, time TEXT NOT NULL) STRICT;
"""


def question_of(system: Digest, item: PlanItem, budget: Budget, tool: str, *, again: bool = False) -> Digest:
    """Digest of everything the answer depends on; `again` asks the same thing a second time."""
    asked = {"system": system, "item": item.to_json() | {"controls": []}, "budget": budget, "tool": tool}
    return digest_of_json(asked | {"again": True} if again else asked)


class Journal:
    """The journal of one output folder. One process at a time; a second one is told so."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = (self.folder / "lock").open("wb")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise UserError(
                Text("another assessment is writing here", "另一项测评正在写入此目录"),
                str(self.folder),
                Text("wait for it, or choose another --output folder", "请等待其结束，或用 --output 指定其他目录"),
            ) from None
        try:
            self._connection = sqlite3.connect(self.folder / "journal.sqlite3", isolation_level=None)
        except sqlite3.DatabaseError as error:
            self._lock.close()
            raise self._broken(error) from None
        try:
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            self.__exit__(None, None, None)
            raise self._broken(error) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        self._lock.close()

    def keep(self, question: Digest, measured: Measured, execution: Execution) -> None:
        """Store a finished result durably. Results with status `error` are not stored."""
        if measured.observation.status == "error":
            return
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT OR IGNORE INTO exhibit VALUES (?, ?)", sorted(measured.exhibits.items()))
        self._connection.execute(
            "INSERT OR REPLACE INTO result VALUES (?, ?, ?)",
            (question, measured.observation.to_bytes(), execution.to_bytes()),
        )
        self._connection.execute("COMMIT")

    def recall(self, question: Digest) -> tuple[Measured, Execution] | None:
        """An earlier answer to exactly this question, if there is one. What was altered is not an answer."""
        try:
            row = self._connection.execute(
                "SELECT observation, execution FROM result WHERE question = ?", (question,)
            ).fetchone()
            if row is None:
                return None
            observation = Observation.from_bytes(row[0], "journal: observation")
            execution = Execution.from_bytes(row[1], "journal: execution")
            exhibits = {exhibit.digest: self._exhibit(exhibit.digest) for exhibit in observation.exhibits}
        except sqlite3.DatabaseError as error:
            raise self._broken(error) from None
        return Measured(observation, exhibits), execution

    def first_time(self, event: str, now: datetime) -> str:
        """When an event was first noted here (RFC 3339): `now`, unless an earlier run noted it already."""
        time = now.isoformat(timespec="milliseconds")
        try:
            self._connection.execute("INSERT OR IGNORE INTO moment VALUES (?, ?)", (event, time))
            (noted,) = self._connection.execute("SELECT time FROM moment WHERE event = ?", (event,)).fetchone()
        except sqlite3.DatabaseError as error:
            raise self._broken(error) from None
        return str(noted)

    def _exhibit(self, digest: Digest) -> bytes:
        row = self._connection.execute("SELECT content FROM exhibit WHERE digest = ?", (digest,)).fetchone()
        if row is None or digest_of(row[0]) != digest:
            raise sqlite3.DatabaseError(f"exhibit {digest} is missing or altered")
        return bytes(row[0])

    def _broken(self, error: sqlite3.DatabaseError) -> EvidenceError:
        return EvidenceError(
            Text(f"the journal cannot be read: {error}", f"无法读取日志库：{error}"),
            str(self.folder),
            Text("remove this folder to start the assessment afresh", "删除该目录后可重新开始测评"),
        )
