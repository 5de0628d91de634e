"""Proofs that travel (C2SP tlog-proof): an entry is in a log, shown offline with nothing but keys.

c2sp.org/tlog-proof@v1
index 73894
base64 of one hash per line, from the leaf's sibling up

the checkpoint with its signatures
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from touchstone.tlog import merkle
from touchstone.tlog.checkpoint import Checkpoint
from touchstone.tlog.errors import TlogError
from touchstone.tlog.note import LARGEST_NOTE, Note, strict_base64

LARGEST_PROOF = 2 * LARGEST_NOTE
MOST_HASHES = 63
_SHAPE = re.compile(
    r"c2sp\.org/tlog-proof@v1\n(?:extra (?P<extra>[A-Za-z0-9+/=]*)\n)?index (?P<index>0|[1-9][0-9]{0,17})\n"
    rf"(?P<hashes>(?:[A-Za-z0-9+/]{{43}}=\n){{0,{MOST_HASHES}}})\n(?P<note>.*)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class TlogProof:
    """Where an entry is in a log, and the way from it to a signed root."""

    index: int
    hashes: tuple[bytes, ...]
    """Inclusion proof, bottom first."""
    note: Note
    """The checkpoint and its signatures."""
    checkpoint: Checkpoint
    extra: bytes | None = None
    """Whatever the sender added. Nothing vouches for it."""

    @classmethod
    def parse(cls, data: bytes, where: str) -> TlogProof:
        """Read a proof. Raises `TlogError` naming `where` for any form but the one we would write."""
        try:
            shape = _SHAPE.fullmatch(data.decode()) if len(data) <= LARGEST_PROOF else None
        except UnicodeDecodeError:
            shape = None
        if shape is None:
            raise TlogError("is not a tlog-proof", where)
        note = Note.parse(shape["note"].encode(), where)
        return cls(
            int(shape["index"]),
            tuple(strict_base64(line, where) for line in shape["hashes"].splitlines()),
            note,
            Checkpoint.of(note, where),
            None if shape["extra"] is None else strict_base64(shape["extra"], where),
        )

    def to_bytes(self) -> bytes:
        """The proof as it lies in a `.tlog-proof` file."""
        lines = ["c2sp.org/tlog-proof@v1"]
        if self.extra is not None:
            lines.append(f"extra {base64.b64encode(self.extra).decode()}")
        lines.append(f"index {self.index}")
        lines += [base64.b64encode(sibling).decode() for sibling in self.hashes]
        return "\n".join([*lines, "", ""]).encode() + self.note.to_bytes()

    def holds(self, leaf: bytes) -> bool:
        """Whether the hashes lead from the entry to the checkpoint's root. Says nothing about who signed that."""
        size, root = self.checkpoint.size, self.checkpoint.root
        return merkle.verify_inclusion(merkle.leaf_hash(leaf), self.index, size, self.hashes, root)
