"""Signed notes (C2SP signed-note v1): a text, and below it one line for every signature.

    the text, any number of lines

    — name base64(key id ‖ signature)
    — another name base64(key id ‖ signature)

A verifier key is one line, `name+key id+base64(algorithm ‖ public key)`. Two algorithms are known here: Ed25519 over
the text, and the timestamped cosignatures of witnesses. Lines of unknown keys are carried along, never believed.

Source: c2sp.org/signed-note.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from touchstone.tlog.errors import TlogError

LARGEST_NOTE = 64 * 1024
MOST_SIGNATURES = 64
_NAME = r"[^\s+\x00-\x1f\x7f]{1,255}"
_LINE = re.compile(rf"— (?P<name>{_NAME}) (?P<blob>[A-Za-z0-9+/=]+)\n")
_KEY = re.compile(rf"(?P<name>{_NAME})\+(?P<id>[0-9a-f]{{8}})\+(?P<key>[A-Za-z0-9+/=]+)")


class Algorithm(IntEnum):
    """What a key signs with, as numbered by signed-note."""

    ED25519 = 0x01
    COSIGNATURE = 0x04


class PublicHalf(Protocol):
    """An Ed25519 public key."""

    @property
    def raw(self) -> bytes:
        """The 32 bytes of the point (RFC 8032)."""


class PrivateKey(Protocol):
    """An Ed25519 private key, wherever it is kept."""

    @property
    def public(self) -> PublicHalf:
        """The half that is handed out."""

    def sign(self, message: bytes, /) -> bytes:
        """The 64 bytes of the signature."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under a name. The name is part of the key's identity."""

    name: str
    algorithm: Algorithm
    raw: bytes
    """The 32 bytes of the Ed25519 point."""

    @classmethod
    def of(cls, name: str, key: PublicHalf, algorithm: Algorithm = Algorithm.ED25519) -> VerifierKey:
        """A key under a name. Raises `TlogError` for a name that no note can carry."""
        if not re.fullmatch(_NAME, name):
            raise TlogError("is no name for a key: no white space and no '+'", repr(name[:80]))
        return cls(name, algorithm, key.raw)

    @classmethod
    def parse(cls, line: str, where: str) -> VerifierKey:
        """Read a verifier key line. Raises `TlogError` when it is none."""
        shape = _KEY.fullmatch(line)
        blob = strict_base64(shape["key"], where) if shape else b""
        if shape is None or len(blob) != 33 or blob[0] not in set(Algorithm):
            raise TlogError("is not a verifier key (name+id+key) of a known algorithm", where)
        key = cls(shape["name"], Algorithm(blob[0]), blob[1:])
        if key.id.hex() != shape["id"]:
            raise TlogError("is a verifier key whose id is not its own", where)
        return key

    @property
    def id(self) -> bytes:
        """First four bytes of the hash that ties a key to its name and algorithm."""
        return hashlib.sha256(
            self.name.encode("utf-8", "surrogateescape") + b"\n" + bytes([self.algorithm]) + self.raw
        ).digest()[:4]

    @property
    def line(self) -> str:
        """The key in the one line that other tools take."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.algorithm]) + self.raw).decode()}"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether the Ed25519 signature over the message is this key's."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """The line with its newline."""
        return f"— {self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"

    def claims(self, key: VerifierKey) -> bool:
        """Whether the line says it is by this key."""
        return (self.name, self.key_id) == (key.name, key.id)


@dataclass(frozen=True, slots=True)
class Note:
    """A text with its signatures. Parsing checks the form only; :meth:`signed_by` checks a signature."""

    text: str
    signatures: tuple[NoteSignature, ...]

    @classmethod
    def sign(cls, text: str, name: str, key: PrivateKey) -> Note:
        """Sign a text, which ends in a newline, under a key name."""
        verifier = VerifierKey.of(name, key.public)
        return cls(text, (NoteSignature(name, verifier.id, key.sign(text.encode())),))

    @classmethod
    def parse(cls, data: bytes, where: str) -> Note:
        """Read a note. Raises `TlogError` naming `where` for any form but the one we would write."""
        try:
            whole = data.decode() if len(data) <= LARGEST_NOTE else ""
        except UnicodeDecodeError:
            whole = ""
        head, gap, tail = whole.rpartition("\n\n")
        if not gap or not head or not tail or re.search(r"[\x00-\x09\x0b-\x1f]", whole):
            raise TlogError("is not a signed note", where)
        return cls(head + "\n", parse_signatures(tail, where))

    def to_bytes(self) -> bytes:
        """The note as it lies in a file."""
        return (self.text + "\n" + "".join(signature.line for signature in self.signatures)).encode()

    def signed_by(self, key: VerifierKey) -> bool:
        """Whether one of the lines is a good plain Ed25519 signature of this key."""
        return key.algorithm is Algorithm.ED25519 and any(
            signature.claims(key) and key.verifies(signature.signature, self.text.encode())
            for signature in self.signatures
        )

    def with_signatures(self, more: Iterable[NoteSignature]) -> Note:
        """The same text with further lines; a newer line replaces an older one of the same key."""
        kept = {(signature.name, signature.key_id): signature for signature in (*self.signatures, *more)}
        return Note(self.text, tuple(kept.values()))


def parse_signatures(text: str, where: str) -> tuple[NoteSignature, ...]:
    """Signature lines, at least one. Raises `TlogError` naming `where` for any other form."""
    signatures: list[NoteSignature] = []
    for line in text.splitlines(keepends=True):
        shape = _LINE.fullmatch(line)
        blob = strict_base64(shape["blob"], where) if shape else b""
        if shape is None or len(blob) < 5 or len(signatures) == MOST_SIGNATURES:
            raise TlogError("has a line that is no signature", where)
        signatures.append(NoteSignature(shape["name"], blob[:4], blob[4:]))
    if not signatures:
        raise TlogError("is not signed", where)
    return tuple(signatures)


def strict_base64(text: str, where: str) -> bytes:
    """Decode standard base64, accepting only the one text that encoding the result gives back."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise TlogError("holds text that is not base64", where) from None
    if base64.b64encode(data).decode() != text:
        raise TlogError("holds base64 in another than its canonical form", where)
    return data
