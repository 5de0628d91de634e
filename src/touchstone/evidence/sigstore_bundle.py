"""The same evidence as Sigstore's tools read it: a bundle for each statement, and a trusted root for the verifier.

A bundle (v0.3) holds nothing new: envelope, log entry, inclusion proof, checkpoint and timestamp in one file, so that
`cosign verify-blob-attestation` checks them offline with the laboratory's key. It follows from the other files byte for
byte, and `verify` makes it again. Source: github.com/sigstore/protobuf-specs, `sigstore_bundle.proto` and
`sigstore_trustroot.proto`; for the log entry of an envelope, Rekor v2's CLIENTS.md.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding

from touchstone.canonical import canonical_json, parse_json
from touchstone.errors import EvidenceError
from touchstone.evidence.envelope import Envelope
from touchstone.evidence.leaf import leaf_of
from touchstone.evidence.timestamp import Authority
from touchstone.signatures.keys import LogVerifyingKey, VerifyingKey
from touchstone.text import Text
from touchstone.tlog.note import Algorithm
from touchstone.tlog.proof import TlogProof

LARGEST_BUNDLE: Final = 128 * 1024 * 1024
BUNDLE_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
TRUSTED_ROOT_TYPE: Final = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
_ALWAYS: Final = {"start": "1970-01-01T00:00:00Z"}
"""How long a key is trusted is for the verifier to say, not for a file that is made from the key."""


@dataclass(frozen=True, slots=True)
class NamedLog:
    """A log as verifiers know it: its name, which must be a host name for Sigstore's tools, and its key."""

    origin: str
    key: LogVerifyingKey

    @property
    def id(self) -> bytes:
        """The log's id: the whole hash whose first four bytes stand in signed notes."""
        return hashlib.sha256(self.origin.encode() + b"\n" + bytes([Algorithm.ED25519]) + self.key.raw).digest()


def sigstore_bundle(
    envelope: Envelope, key: VerifyingKey, proof: TlogProof, log_key: LogVerifyingKey, token: bytes
) -> bytes:
    """The Sigstore bundle of a statement that `key` signed, that is in the log, and that was stamped with `token`."""
    entry = {
        "logIndex": str(proof.index),
        "logId": {"keyId": _base64(NamedLog(proof.checkpoint.origin, log_key).id)},
        "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"},
        "inclusionProof": _inclusion(proof),
        "canonicalizedBody": _base64(leaf_of(envelope, key)),
    }
    return canonical_json(
        {
            "mediaType": BUNDLE_TYPE,
            "verificationMaterial": {
                "publicKey": {"hint": key.id},
                "tlogEntries": [entry],
                "timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": _base64(token)}]},
            },
            "dsseEnvelope": {
                "payload": envelope.payload,
                "payloadType": envelope.payload_type,
                "signatures": [{"sig": envelope.signatures[0].sig}],  # a key id of ours would make cosign pass it over
            },
        }
    )


def with_proof(bundle: bytes, proof: TlogProof, where: str) -> bytes:
    """The same bundle on a later checkpoint of its log. Raises `EvidenceError` when it is no bundle of ours."""
    value = parse_json(bundle, where)
    try:
        value["verificationMaterial"]["tlogEntries"][0]["inclusionProof"] = _inclusion(proof)
    except (LookupError, TypeError):
        raise EvidenceError(Text("is not a Sigstore bundle", "不是 Sigstore 包"), where) from None
    return canonical_json(value)


def trusted_root(logs: Sequence[NamedLog], authorities: Sequence[Authority]) -> bytes:
    """What a verifier trusts besides the laboratory's key, as Sigstore's `trusted_root.json`."""
    return canonical_json(
        {
            "mediaType": TRUSTED_ROOT_TYPE,
            "tlogs": [_log(log) for log in logs],
            "certificateAuthorities": [],
            "ctlogs": [],
            "timestampAuthorities": [_authority(authority) for authority in authorities],
        }
    )


def _inclusion(proof: TlogProof) -> dict[str, Any]:
    return {
        "logIndex": str(proof.index),
        "rootHash": _base64(proof.checkpoint.root),
        "treeSize": str(proof.checkpoint.size),
        "hashes": [_base64(sibling) for sibling in proof.hashes],
        "checkpoint": {"envelope": proof.note.to_bytes().decode()},
    }


def _log(log: NamedLog) -> dict[str, Any]:
    return {
        "baseUrl": f"https://{log.origin}",
        "hashAlgorithm": "SHA2_256",
        "publicKey": {"rawBytes": _base64(log.key.spki), "keyDetails": "PKIX_ED25519", "validFor": _ALWAYS},
        "logId": {"keyId": _base64(log.id)},
    }


def _authority(authority: Authority) -> dict[str, Any]:
    subject = authority.certificates[0].subject.rfc4514_string()
    chain = [{"rawBytes": _base64(one.public_bytes(Encoding.DER))} for one in authority.certificates]
    return {
        "subject": {"organization": subject, "commonName": subject},
        "uri": "",
        "certChain": {"certificates": chain},
        "validFor": _ALWAYS,
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
