"""Keys for the tests, the same every time."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True)
class Public:
    """A public key as the package wants it."""

    raw: bytes


@dataclass(frozen=True)
class Private:
    """A private key as the package wants it."""

    key: Ed25519PrivateKey

    @classmethod
    def numbered(cls, number: int) -> Private:
        return cls(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))

    @property
    def public(self) -> Public:
        return Public(self.key.public_key().public_bytes_raw())

    def sign(self, message: bytes, /) -> bytes:
        return self.key.sign(message)


LOG = Private.numbered(1)
OTHER = Private.numbered(2)
ORIGIN = "log.example.org"
