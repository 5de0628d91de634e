"""DSSE envelopes around statements: exactly one signature, exactly one spelling.

Source: DSSE v1.0 (github.com/secure-systems-lab/dsse). The signature covers the payload's type and bytes, not
their base64 text; the base64 text has only one accepted form, so no byte of the file can change unnoticed.
"""

from __future__ import annotations

import base64
from typing import Literal

from pydantic import Field

from touchstone.errors import EvidenceError
from touchstone.evidence.statement import Statement
from touchstone.signatures.dsse import PAYLOAD_TYPE, pre_authentication_encoding, strict_base64
from touchstone.signatures.exact import ExactRecord, Sha256
from touchstone.signatures.keys import SigningKey, VerifyingKey
from touchstone.text import Text

LARGEST_ENVELOPE = 64 * 1024 * 1024


class Signature(ExactRecord):
    """One signature and the name of the key that made it."""

    keyid: Sha256
    sig: str


class Envelope(ExactRecord):
    """A signed statement as it lies in a file."""

    payload: str
    payload_type: Literal["application/vnd.in-toto+json"] = PAYLOAD_TYPE
    signatures: tuple[Signature] = Field(min_length=1, max_length=1)

    @property
    def keyid(self) -> str:
        """Name of the key that signed."""
        return self.signatures[0].keyid

    def statement(self, where: str) -> Statement:
        """The statement inside, *without* a look at the signature. Raises `EvidenceError` when it is none."""
        return Statement.from_bytes(strict_base64(self.payload, where), where)


def sign(statement: Statement, key: SigningKey) -> Envelope:
    """Sign a statement."""
    payload = statement.to_bytes()
    signature = key.sign(pre_authentication_encoding(PAYLOAD_TYPE, payload))
    return Envelope(
        payload=base64.b64encode(payload).decode(),
        signatures=(Signature(keyid=key.public.id, sig=base64.b64encode(signature).decode()),),
    )


def open_envelope(data: bytes, where: str, key: VerifyingKey) -> Statement:
    """The statement in an envelope that `key` signed. Raises `EvidenceError` naming `where` otherwise."""
    envelope = Envelope.from_bytes(data, where)
    if envelope.keyid != key.id:
        raise EvidenceError(
            Text(
                f"is signed by another key ({envelope.keyid}) than the one given ({key.id})",
                f"由另一把密钥（{envelope.keyid}）签名，而非所给密钥（{key.id}）",
            ),
            where,
            Text(
                "get the tester's public key from the tester, not from this folder",
                "请向测评方本身索取公钥，不要取自本文件夹",
            ),
        )
    payload = strict_base64(envelope.payload, where)
    signature = strict_base64(envelope.signatures[0].sig, where)
    if not key.verifies(signature, pre_authentication_encoding(envelope.payload_type, payload)):
        raise EvidenceError(
            Text("was changed after it was signed, or never signed by this key", "签名后被改动，或从未由该密钥签名"),
            where,
        )
    return Statement.from_bytes(payload, where)
