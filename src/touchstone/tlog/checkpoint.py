"""Checkpoints (C2SP tlog-checkpoint): what a log commits to at one moment, as a signed note.

origin
number of entries
base64 of the Merkle root
further lines, if the log says more (ours never does)
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from touchstone.tlog.errors import TlogError
from touchstone.tlog.note import Note, PrivateKey, strict_base64

_ORIGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,254}")
_SHAPE = re.compile(r"(?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]{0,17})\n(?P<root>[A-Za-z0-9+/]{43}=)\n(?:[^\n]+\n)*")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: `size` entries whose Merkle root is `root` (32 bytes)."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def sign(self, key: PrivateKey) -> Note:
        """The checkpoint as a note signed by the log's key under the log's own name."""
        if not _ORIGIN.fullmatch(self.origin):
            raise TlogError("is no name for a log: use letters, digits, '.', '-', '_' and '/'", repr(self.origin[:80]))
        return Note.sign(self.text, self.origin, key)

    @classmethod
    def of(cls, note: Note, where: str) -> Checkpoint:
        """The checkpoint that a note states, signed or not. Raises `TlogError` naming `where` when it states none."""
        shape = _SHAPE.fullmatch(note.text)
        if shape is None:
            raise TlogError("is not the checkpoint of a log", where)
        return cls(shape["origin"], int(shape["size"]), strict_base64(shape["root"], where))
