"""A gate's folder: what waits, what is being examined, what was decided. Every move is one rename.

    inbox/        items that were handed in; uploads under a name that begins with a dot are not looked at
    examining/    one folder for each item that was taken, named by its ticket
    decisions/    TICKET.dsse.json, and the log's receipts
    admitted/     items under their own names
    quarantined/  refused/    one folder for each item, named by its ticket

All of it lies on one file system, so that a rename is atomic.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from touchstone.admission.decision import Outcome
from touchstone.errors import UserError
from touchstone.files import make_folder
from touchstone.text import Text
from touchstone.tlog.durable import flush_folder

_FOLDERS: Final = ("inbox", "examining", "decisions", "admitted", "quarantined", "refused")
_OF_OUTCOME: Final[dict[Outcome, str]] = {"admit": "admitted", "quarantine": "quarantined", "refuse": "refused"}


@dataclass(frozen=True, slots=True)
class Taken:
    """An item that is being examined."""

    ticket: str
    path: Path

    @property
    def name(self) -> str:
        """As it was handed in."""
        return self.path.name


class Store:
    """The folders of one gate. Raises `UserError` when they cannot be made, or lie on different file systems."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in _FOLDERS:
            make_folder(root / name)
        if len({(root / name).stat().st_dev for name in _FOLDERS}) != 1:
            raise UserError(
                Text("has folders on different file systems", "的子目录位于不同的文件系统"),
                str(root),
                Text(
                    "keep all of a gate's folders on one, so that moving is atomic",
                    "请放在同一文件系统上以保证原子移动",
                ),
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second gate away. Raises `UserError` when there is one."""
        descriptor = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise UserError(
                Text("is kept by another gate that is running", "正由另一运行中的准入关使用"),
                str(self.root),
                Text("stop that one, or give this one a folder of its own", "请先停止它，或另选目录"),
            ) from None
        try:
            yield
        finally:
            os.close(descriptor)

    def waiting(self) -> list[Path]:
        """Items in the inbox, by name; without those whose name begins with a dot."""
        return sorted(path for path in (self.root / "inbox").iterdir() if not path.name.startswith("."))

    def take(self, item: Path) -> Taken:
        """Move an item out of reach of whoever handed it in. Raises `OSError` when it is gone."""
        ticket = secrets.token_hex(16)
        folder = self.root / "examining" / ticket
        folder.mkdir()
        try:
            item.rename(folder / item.name)
        except OSError:
            folder.rmdir()
            raise
        flush_folder(folder)
        return Taken(ticket, folder / item.name)

    def under_examination(self) -> list[Taken]:
        """Items that were taken, by an earlier run too. Remains of a take that did not happen are swept away."""
        found = []
        for folder in sorted((self.root / "examining").iterdir()):
            items = list(folder.iterdir())
            if len(items) == 1:
                found.append(Taken(folder.name, items[0]))
            elif not items:
                folder.rmdir()
        return found

    def holds(self, outcome: Outcome, name: str) -> bool:
        """Whether there is something of that name already."""
        return os.path.lexists(self.root / _OF_OUTCOME[outcome] / name)

    def decision_file(self, ticket: str) -> str:
        """Name of the signed decision below `decisions`."""
        return f"{ticket}.dsse.json"

    @property
    def decisions(self) -> Path:
        """Folder of the signed decisions."""
        return self.root / "decisions"

    def settle(self, taken: Taken, outcome: Outcome) -> Path:
        """Move an item to where it was decided to go. Raises `FileExistsError` rather than replace what is there."""
        folder = self.root / _OF_OUTCOME[outcome]
        if outcome != "admit":
            folder /= taken.ticket
            folder.mkdir(exist_ok=True)
        target = folder / taken.name
        if os.path.lexists(target):
            raise FileExistsError(str(target))
        taken.path.rename(target)
        flush_folder(folder)
        taken.path.parent.rmdir()
        return target
