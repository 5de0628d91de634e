"""A log's receipt in COSE (RFC 9942), as SCITT (RFC 9943) wants it: the same tree, proven and signed in CBOR.

    18([ << {1: -8, 4: kid, 15: {1: origin, 2: entry}, 395: 1} >>,     what is signed with the root
         {396: {-1: [ << [size, index, [hashes]] >> ]}},               the inclusion proof
         nil,                                                          the root, left out: a verifier computes it
         signature ])

Only the little of CBOR (RFC 8949) that this takes is written here, in its deterministic form.
"""

from __future__ import annotations

import hashlib
from typing import Final

from touchstone.errors import EvidenceError
from touchstone.signatures.keys import LogSigningKey
from touchstone.text import Text
from touchstone.tlog.proof import TlogProof

_ALGORITHM: Final = 1
_KEY_ID: Final = 4
_CLAIMS: Final = 15
_VERIFIABLE_DATA_STRUCTURE: Final = 395
_VERIFIABLE_DATA_PROOFS: Final = 396
_EDDSA: Final = -8
_ISSUER: Final = 1
_SUBJECT: Final = 2
_RFC_9162_SHA256: Final = 1
_INCLUSION_PROOFS: Final = -1
_SIGN1: Final = 18
_NIL: Final = b"\xf6"


def cose_receipt(leaf: bytes, proof: TlogProof, key: LogSigningKey) -> bytes:
    """The COSE receipt of a log entry, signed with `key`, which should sign nothing but receipts.

    Raises `EvidenceError` when the proof does not lead from the entry to its checkpoint.
    """
    if not proof.holds(leaf):
        raise EvidenceError(
            Text("does not lead from the statement to the root of its checkpoint", "不能由声明导出其检查点的根"),
            proof.checkpoint.origin,
        )
    protected = _map(
        {
            _ALGORITHM: _integer(_EDDSA),
            _KEY_ID: _bytes(hashlib.sha256(key.public.spki).digest()),
            _CLAIMS: _map(
                {
                    _ISSUER: _text(proof.checkpoint.origin),
                    _SUBJECT: _text("sha256:" + hashlib.sha256(leaf).hexdigest()),
                }
            ),
            _VERIFIABLE_DATA_STRUCTURE: _integer(_RFC_9162_SHA256),
        }
    )
    inclusion = _array(
        _integer(proof.checkpoint.size), _integer(proof.index), _array(*(_bytes(sibling) for sibling in proof.hashes))
    )
    unprotected = _map({_VERIFIABLE_DATA_PROOFS: _map({_INCLUSION_PROOFS: _array(_bytes(inclusion))})})
    signed = _array(_text("Signature1"), _bytes(protected), _bytes(b""), _bytes(proof.checkpoint.root))
    return _head(6, _SIGN1) + _array(_bytes(protected), unprotected, _NIL, _bytes(key.sign(signed)))


def _head(major: int, value: int) -> bytes:
    """Major type and argument in the fewest bytes (RFC 8949, section 4.2.1)."""
    if value < 24:
        return bytes([major << 5 | value])
    for code, length in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << 8 * length:
            return bytes([major << 5 | code]) + value.to_bytes(length, "big")
    raise ValueError("too large for CBOR")


def _integer(value: int) -> bytes:
    return _head(0, value) if value >= 0 else _head(1, -1 - value)


def _bytes(value: bytes) -> bytes:
    return _head(2, len(value)) + value


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _head(3, len(encoded)) + encoded


def _array(*items: bytes) -> bytes:
    return _head(4, len(items)) + b"".join(items)


def _map(pairs: dict[int, bytes]) -> bytes:
    """Keys in the order of their encodings (RFC 8949, section 4.2.1)."""
    encoded = sorted((_integer(key), value) for key, value in pairs.items())
    return _head(5, len(encoded)) + b"".join(key + value for key, value in encoded)
