"""What a person found in a document: signed, bound to its bytes, with a reason and an end.

Some of the standard cannot be measured. There a reviewer who did not write the document reads it and says whether it
shows what the control asks for. The signature covers the canonical bytes of the review under a type of its own (DSSE's
pre-authentication encoding), so that it can be taken for no other statement.

Source: ISO/IEC 17000:2020 (review: clause 7.1; attestation: clause 7.3).
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable
from datetime import date
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from touchstone.errors import EvidenceError
from touchstone.records import Number, Record
from touchstone.signatures.dsse import pre_authentication_encoding, strict_base64
from touchstone.signatures.exact import Sha256
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.signatures.keys import SigningKey, VerifyingKey

REVIEW_TYPE: Final = "application/vnd.touchstone.review+json"
LARGEST_REVIEW: Final = 64 * 1024

Judgement = Literal["accepted", "needs-work", "rejected"]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Reason = Annotated[str, StringConstraints(min_length=10, max_length=4000)]


class Review(Record):
    """One reviewer's judgement on one document."""

    document: Sha256
    """Digest of the document that was read: another version of it is unreviewed."""
    title: Line
    controls: Annotated[tuple[Line, ...], Field(min_length=1)]
    """Controls it was read for."""
    kinds: Annotated[tuple[Line, ...], Field(min_length=1)]
    """Kinds of documents that it serves as, in the standard's names."""
    judgement: Judgement
    reason: Reason
    values: dict[Line, Number] = Field(default_factory=dict)
    """What the document shows for metrics that only a document can show, e.g. `members: 9`."""
    reviewer: Line
    organisation: Line
    reviewed: date
    expires: date | None = None

    @model_validator(mode="after")
    def _ends_after_it_began(self) -> Self:
        if self.expires is not None and self.expires <= self.reviewed:
            raise ValueError("expires before it was given")
        return self

    def stands(self, on: date) -> bool:
        """Whether the review holds on that day."""
        return self.reviewed <= on and (self.expires is None or on < self.expires)


class SignedReview(Record):
    """A review with its reviewer's signature: the file that is handed on, and what the evidence keeps."""

    review: Review
    key: Annotated[str, StringConstraints(max_length=1000)]
    """Public half of the reviewer's key, PEM."""
    signature: Annotated[str, StringConstraints(max_length=200)]

    @classmethod
    def of(cls, review: Review, key: SigningKey) -> SignedReview:
        """Sign the review."""
        signature = key.sign(pre_authentication_encoding(REVIEW_TYPE, review.to_bytes()))
        return cls(review=review, key=key.public.pem.decode(), signature=base64.b64encode(signature).decode())

    def signer(self, where: str) -> VerifyingKey:
        """The key that signed it. Raises `EvidenceError` when the signature does not fit the review."""
        from touchstone.signatures.keys import load_public_key  # the judge runs in workers, which check no signature

        key = load_public_key(self.key.encode(), where)
        message = pre_authentication_encoding(REVIEW_TYPE, self.review.to_bytes())
        if not key.verifies(strict_base64(self.signature, where), message):
            raise EvidenceError(
                Text("is not what its reviewer signed", "与评审人签署的内容不符"),
                where,
                Text("use the review as it was handed over", "请使用评审人交付的原文件"),
            )
        return key


def trusted(signed: SignedReview, where: str, keys: Collection[VerifyingKey]) -> SignedReview:
    """The review, if one of the laboratory's reviewers signed it. Raises `EvidenceError` otherwise."""
    key = signed.signer(where)
    if key not in keys:
        raise EvidenceError(
            Text(
                f"is signed by a key that is none of the reviewers': {key.id}",
                f"签名密钥不属于任何指定的评审人：{key.id}",
            ),
            where,
            Text("name the reviewer's public key with --reviewer-key", "请用 --reviewer-key 指定评审人公钥"),
        )
    return signed


def latest(reviews: Iterable[Review]) -> list[Review]:
    """What counts where the same person judged the same document for a control again: the last judgement."""
    last: dict[tuple[str, str, tuple[str, ...], tuple[str, ...]], Review] = {}
    for review in sorted(reviews, key=lambda each: (each.reviewed, each.own_digest())):
        last[(review.document, review.reviewer, review.controls, review.kinds)] = review
    return list(last.values())
