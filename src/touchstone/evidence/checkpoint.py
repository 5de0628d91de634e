"""Checkpoints (C2SP tlog-checkpoint): what a log commits to at one moment, as a signed note.

origin
number of entries
base64 of the Merkle root
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from touchstone.errors import EvidenceError
from touchstone.evidence.envelope import strict_base64
from touchstone.evidence.keys import SigningKey
from touchstone.evidence.note import Note
from touchstone.text import Text

_ORIGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,254}")
_SHAPE = re.compile(r"(?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]{0,14})\n(?P<root>[A-Za-z0-9+/]{43}=)\n")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: `size` entries whose Merkle root is `root` (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def sign(self, key: SigningKey) -> Note:
        """The checkpoint as a note signed by the log's key under the log's own name."""
        if not _ORIGIN.fullmatch(self.origin):
            raise EvidenceError(
                Text(
                    "is no name for a log: use letters, digits, '.', '-', '_' and '/'",
                    "不能作为日志名称：只能使用字母、数字和 . - _ /",
                ),
                repr(self.origin[:80]),
            )
        return Note.sign(f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n", self.origin, key)

    @classmethod
    def of(cls, note: Note, where: str) -> Checkpoint:
        """The checkpoint that a note states. Raises `EvidenceError` naming `where` when it states none."""
        shape = _SHAPE.fullmatch(note.text)
        if shape is None or not _ORIGIN.fullmatch(shape["origin"]) or shape["origin"] != note.name:
            raise EvidenceError(Text("is not the checkpoint of a log", "不是日志检查点"), where)
        return cls(shape["origin"], int(shape["size"]), strict_base64(shape["root"], where))
