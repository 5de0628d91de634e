"""Signed notes (C2SP signed-note v1): a text and one Ed25519 signature line below it.

    the text, any number of lines

    — name base64(key hash ‖ signature)

Source: c2sp.org/signed-note. Other signatures (witnesses) are refused for now, so that every byte is covered.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

from touchstone.errors import EvidenceError
from touchstone.evidence.envelope import strict_base64
from touchstone.evidence.keys import SigningKey, VerifyingKey
from touchstone.text import Text

LARGEST_NOTE = 64 * 1024
_ED25519 = b"\x01"
_SHAPE = re.compile(r"(?P<text>(?:[^\n]+\n)+)\n— (?P<name>[^\s+]{1,255}) (?P<signature>[A-Za-z0-9+/=]+)\n")


@dataclass(frozen=True, slots=True)
class Note:
    """A text with one signature. Parsing checks the form only; :meth:`signed_by` checks the signature."""

    text: str
    name: str
    key_hash: bytes
    signature: bytes

    @classmethod
    def sign(cls, text: str, name: str, key: SigningKey) -> Note:
        """Sign a text, which ends in a newline, under a key name without white space or `+`."""
        return cls(text, name, key_hash(name, key.public), key.sign(text.encode()))

    @classmethod
    def parse(cls, data: bytes, where: str) -> Note:
        """Read a note. Raises `EvidenceError` naming `where` for any form but the one we write."""
        try:
            shape = _SHAPE.fullmatch(data.decode()) if len(data) <= LARGEST_NOTE else None
        except UnicodeDecodeError:
            shape = None
        if shape is None:
            raise EvidenceError(
                Text("is not a note with one signature", "不是带单一签名的 note"),
                where,
                Text("give a checkpoint as the log published it", "请指定日志所公布的检查点文件"),
            )
        blob = strict_base64(shape["signature"], where)
        if len(blob) != 4 + 64:
            raise EvidenceError(Text("holds a signature of the wrong length", "签名长度不对"), where)
        return cls(shape["text"], shape["name"], blob[:4], blob[4:])

    def to_bytes(self) -> bytes:
        """The note as it lies in a file."""
        signature = base64.b64encode(self.key_hash + self.signature).decode()
        return f"{self.text}\n— {self.name} {signature}\n".encode()

    def signed_by(self, key: VerifyingKey) -> bool:
        """Whether the signature, name and key hash are those of `key`."""
        return self.key_hash == key_hash(self.name, key) and key.verifies(self.signature, self.text.encode())


def key_hash(name: str, key: VerifyingKey) -> bytes:
    """First four bytes of the hash that ties a key to its name."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + key.raw).digest()[:4]


def verifier_line(name: str, key: VerifyingKey) -> str:
    """The key in the one-line form that other tools take: `name+hash+base64(01 ‖ key)`."""
    return f"{name}+{key_hash(name, key).hex()}+{base64.b64encode(_ED25519 + key.raw).decode()}"
