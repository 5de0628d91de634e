"""Signed envelopes that other tools wrote: read with indulgence for their form, none for what was signed.

Fields that we do not know do not matter to us, and either form of an ECDSA signature is taken. What a signature covers
is the payload's type and bytes, so nothing else of such a file can be believed.

Source: DSSE v1.0 (github.com/secure-systems-lab/dsse).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from touchstone.records import Record
from touchstone.signatures.dsse import pre_authentication_encoding, strict_base64
from touchstone.signatures.keys import VerifyingKey, lower_s

MOST_SIGNATURES = 64


class ForeignRecord(Record):
    """A part of a document that others wrote: fields that we do not know do not matter to us."""

    model_config = ConfigDict(extra="ignore")


class ForeignSignature(ForeignRecord):
    """One signature. The name of its key is a hint that nobody has to follow."""

    sig: str


class ForeignEnvelope(ForeignRecord):
    """A DSSE envelope around an in-toto statement."""

    payload: str
    payload_type: Literal["application/vnd.in-toto+json"] = Field(alias="payloadType")
    signatures: Annotated[tuple[ForeignSignature, ...], Field(max_length=MOST_SIGNATURES)] = ()


def signed_by(envelope: ForeignEnvelope, key: VerifyingKey, where: str) -> bool:
    """Whether one of the signatures is by this key. Raises `EvidenceError` at `where` for what is not base64."""
    message = pre_authentication_encoding(envelope.payload_type, strict_base64(envelope.payload, where))
    return any(key.verifies(_one_form(strict_base64(each.sig, where)), message) for each in envelope.signatures)


def _one_form(signature: bytes) -> bytes:
    """Of the two signatures that say the same the one that we would make."""
    try:
        return lower_s(signature)
    except ValueError:
        return signature
