"""What the log keeps of a signed statement: never the statement itself, only digest, signature and key.

The entry is a `hashedrekord` 0.0.2 of Rekor v2 over the DSSE pre-authentication encoding, in canonical JSON, so that
tools made for Sigstore find in our log what they know. A verifier always makes it again from the statement.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Final

from touchstone.canonical import Digest, canonical_json, digest_of, parse_json
from touchstone.errors import EvidenceError
from touchstone.evidence.envelope import Envelope
from touchstone.signatures.dsse import pre_authentication_encoding, strict_base64
from touchstone.signatures.keys import VerifyingKey, load_public_key
from touchstone.text import Text

_KIND: Final = "hashedrekord"
_VERSION: Final = "0.0.2"
_LARGEST = 2**16 - 1


def leaf_of(envelope: Envelope, key: VerifyingKey, where: str = "statement") -> bytes:
    """The log entry of a statement signed by `key` (ECDSA P-256). Raises `EvidenceError` for broken base64."""
    payload = strict_base64(envelope.payload, where)
    signed = hashlib.sha256(pre_authentication_encoding(envelope.payload_type, payload)).digest()
    return _entry(base64.b64encode(signed).decode(), envelope.signatures[0].sig, base64.b64encode(key.spki).decode())


def named_by(leaf: bytes, where: str) -> tuple[Digest, Digest]:
    """What was signed (its digest) and by which key, from a log entry. Raises `EvidenceError` when it is none."""
    signed, spki = _named(leaf, where)
    return signed, digest_of(spki)


def signer_of(leaf: bytes, where: str) -> VerifyingKey:
    """The key that a log entry names. Raises `EvidenceError` when it is not one that signs statements."""
    _, spki = _named(leaf, where)
    text = base64.encodebytes(spki).decode()
    return load_public_key(f"-----BEGIN PUBLIC KEY-----\n{text}-----END PUBLIC KEY-----\n".encode())


def _named(leaf: bytes, where: str) -> tuple[Digest, bytes]:
    parsed = parse_json(leaf, where, largest=_LARGEST)
    try:
        record = parsed["spec"]["hashedRekordV002"]
        signed, signature = record["data"]["digest"], record["signature"]["content"]
        key = record["signature"]["verifier"]["publicKey"]["rawBytes"]
        same = _entry(signed, signature, key) == leaf
    except (KeyError, TypeError, ValueError):
        same = False
    if not same:
        raise EvidenceError(Text("is not the log entry of a signed statement", "不是签名声明的日志记录"), where)
    return "sha256:" + strict_base64(signed, where).hex(), strict_base64(key, where)


def _entry(digest: str, signature: str, key: str) -> bytes:
    entry: dict[str, Any] = {
        "apiVersion": _VERSION,
        "kind": _KIND,
        "spec": {
            "hashedRekordV002": {
                "data": {"algorithm": "SHA2_256", "digest": digest},
                "signature": {
                    "content": signature,
                    "verifier": {"keyDetails": "PKIX_ECDSA_P256_SHA_256", "publicKey": {"rawBytes": key}},
                },
            }
        },
    }
    return canonical_json(entry)
