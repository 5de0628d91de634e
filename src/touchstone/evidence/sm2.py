"""SM2 signatures (GB/T 32918.2, curve of GB/T 32918.5) with SM3 (GB/T 32905): verified here, never made here.

A statement may carry a second envelope over the very same payload bytes, for parties that must rely on national
algorithms. Verifying handles public values only, so plain arithmetic will do; signing needs an implementation that
keeps its secrets, and is left to OpenSSL (:mod:`touchstone.laboratory.sm2_signing`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from touchstone.canonical import Digest, digest_of
from touchstone.errors import EvidenceError, UnavailableError
from touchstone.evidence import der
from touchstone.evidence.der import Element
from touchstone.text import Text

P: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A: Final = P - 3
B: Final = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G: Final = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
SIGNER_ID: Final = b"1234567812345678"
"""The signer's name where none is agreed (GM/T 0009, section 10)."""

_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+?)\s+-----END PUBLIC KEY-----\s*")
_ALGORITHM = der.sequence(der.object_identifier("1.2.840.10045.2.1"), der.object_identifier("1.2.156.10197.1.301"))
_BIT_STRING = 0x03
_Point = tuple[int, int] | None
"""A point of the curve; `None` is the one at infinity."""


@dataclass(frozen=True, slots=True)
class Sm2VerifyingKey:
    """A public SM2 key."""

    x: int
    y: int

    @classmethod
    def of_pem(cls, pem: bytes, where: str) -> Sm2VerifyingKey:
        """Read SubjectPublicKeyInfo in PEM. Raises `EvidenceError` naming `where` when it is no SM2 key."""
        try:
            shape = _PEM.fullmatch(pem)
            spki = Element.parse(base64.b64decode(b"".join(shape[1].split()), validate=True) if shape else b"")
            algorithm, bits = spki.expect(der.SEQUENCE).children
            point = bits.expect(_BIT_STRING).content
            key = cls(int.from_bytes(point[2:34], "big"), int.from_bytes(point[34:], "big"))
            if algorithm.encoded != _ALGORITHM or key.spki != spki.encoded or not key.is_on_the_curve:
                raise ValueError("another key")  # noqa: TRY301 - one message for all that is no such key
        except (ValueError, OverflowError, binascii.Error):
            raise EvidenceError(
                Text("is not a public SM2 key in PEM", "不是 PEM 格式的 SM2 公钥"),
                where,
                Text("make one with `openssl pkey -pubout`", "可用 `openssl pkey -pubout` 导出"),
            ) from None
        return key

    @property
    def is_on_the_curve(self) -> bool:
        """Whether it is a point that a key can be."""
        return self.x < P and self.y < P and (self.y**2 - self.x**3 - A * self.x - B) % P == 0

    @property
    def spki(self) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        return der.sequence(_ALGORITHM, der.encode(_BIT_STRING, b"\0\x04" + _octets(self.x, self.y)))

    @property
    def id(self) -> Digest:
        """SHA-256 of the SubjectPublicKeyInfo: the key's name in an envelope."""
        return digest_of(self.spki)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether `signature` (DER) is one of this key over `message`: GB/T 32918.2, section 7.1."""
        try:
            r, s = (int.from_bytes(part.content, "big") for part in Element.parse(signature).children)
        except ValueError:
            return False
        t = (r + s) % N
        if not (0 < r < N and 0 < s < N) or t == 0 or der.sequence(der.integer(r), der.integer(s)) != signature:
            return False
        point = _add(_times(s, G), _times(t, (self.x, self.y)))
        return point is not None and (self.digest(message) + point[0]) % N == r

    def digest(self, message: bytes) -> int:
        """What is signed: the SM3 digest of the message behind the digest of its signer (section 5.5 and 6.1)."""
        signer = len(SIGNER_ID) * 8
        named = _sm3(signer.to_bytes(2, "big") + SIGNER_ID + _octets(A, B, *G, self.x, self.y))
        return int.from_bytes(_sm3(named + message), "big")


def _sm3(data: bytes) -> bytes:
    if "sm3" not in hashlib.algorithms_available:
        raise UnavailableError(
            Text("this Python's OpenSSL does not know SM3", "此 Python 所用的 OpenSSL 不支持 SM3"),
            None,
            Text("use a Python with OpenSSL 1.1.1 or later", "请使用带 OpenSSL 1.1.1 或更高版本的 Python"),
        )
    return hashlib.new("sm3", data).digest()


def _octets(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(32, "big") for number in numbers)


def _add(one: _Point, other: _Point) -> _Point:
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2:
        if (y1 + y2) % P == 0:
            return None
        slope = (3 * x1 * x1 + A) * pow(2 * y1, -1, P)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, P)
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def _times(factor: int, point: _Point) -> _Point:
    product: _Point = None
    for bit in f"{factor:b}":
        product = _add(product, product)
        if bit == "1":
            product = _add(product, point)
    return product
