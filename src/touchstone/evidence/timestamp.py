"""Timestamps (RFC 3161): somebody who is not the laboratory says that a signature existed at a time.

What is stamped is the raw signature of a statement's envelope, as Sigstore does it. A token is kept as the whole
`TimeStampResp`, which OpenSSL and cosign read, but with nothing in it that no signature covers except the one
certificate of the authority: further certificates, revocation lists and unsigned attributes are dropped when it is
fetched and refused when it is verified. (Chains in tokens are also a known trap: DER wants the certificates of the
set in an order that many authorities do not keep.)
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from cryptography import x509

from touchstone.errors import EvidenceError
from touchstone.evidence import der
from touchstone.evidence.der import Element
from touchstone.evidence.envelope import Envelope
from touchstone.text import Text

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

LARGEST_RESPONSE: Final = 256 * 1024
OWN_POLICY: Final = "2.999.1"
"""Policy of a laboratory that stamps its own signatures: under the arc for examples (ITU-T X.660), so none at all."""
SHA256: Final = "2.16.840.1.101.3.4.2.1"
_ALGORITHMS: Final = {
    # digest: signatures over it, by ECDSA and by RSA; the plain name of RSA leaves the digest to the field before
    der.object_identifier(digest): {
        der.object_identifier(name) for name in (ecdsa, rsa, "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10")
    }
    for digest, ecdsa, rsa in (
        (SHA256, "1.2.840.10045.4.3.2", "1.2.840.113549.1.1.11"),
        ("2.16.840.1.101.3.4.2.2", "1.2.840.10045.4.3.3", "1.2.840.113549.1.1.12"),
        ("2.16.840.1.101.3.4.2.3", "1.2.840.10045.4.3.4", "1.2.840.113549.1.1.13"),
    )
}
_RSA_PSS: Final = der.object_identifier("1.2.840.113549.1.1.10")


@dataclass(frozen=True, slots=True)
class Authority:
    """A timestamping authority as a verifier pins it: its certificates, from its own to the root."""

    certificates: tuple[x509.Certificate, ...]

    @classmethod
    def of_pem(cls, pem: bytes, where: str) -> Authority:
        """Certificates in PEM. Raises `EvidenceError` naming `where` when there are none."""
        remedy = Text(
            "give the certificates of the timestamping authority up to its root, from the authority itself",
            "请提供时间戳机构直至根的证书，须取自该机构本身",
        )
        try:
            certificates = tuple(x509.load_pem_x509_certificates(pem))
        except (ValueError, x509.InvalidVersion):
            raise EvidenceError(
                Text("does not hold certificates in PEM", "不含 PEM 格式的证书"), where, remedy
            ) from None
        if not any(one.issuer == one.subject for one in certificates):
            raise EvidenceError(Text("does not hold a root certificate", "不含根证书"), where, remedy)
        return cls(certificates)

    @property
    def name(self) -> str:
        """Whom the first certificate names."""
        return self.certificates[0].subject.rfc4514_string()

    @property
    def own(self) -> x509.Certificate | None:
        """The certificate that signs tokens, when it is pinned itself and not only what issued it."""
        return next((one for one in self.certificates if not _issues(one)), None)

    @property
    def issuers(self) -> tuple[x509.Certificate, ...]:
        """Who vouches for it; itself when nobody else is pinned."""
        return tuple(one for one in self.certificates if _issues(one)) or self.certificates


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a verified timestamp says."""

    at: datetime
    policy: str
    """Object identifier of the policy under which it was made."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a timestamp, as sent."""

    data: bytes
    """TimeStampReq, DER."""
    nonce: int


def stamped_bytes(envelope: Envelope) -> bytes:
    """What a timestamp of an envelope is about: its signature."""
    return base64.b64decode(envelope.signatures[0].sig)


def request(signature: bytes) -> Request:
    """Ask for the time of a signature. The nonce ties the answer to this request."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    built = TimestampRequestBuilder().data(signature).hash_algorithm(HashAlgorithm.SHA256).build()
    if built.nonce is None:
        raise AssertionError("requests are built with a nonce")
    return Request(built.as_bytes(), built.nonce)


def accept(response: bytes, asked: Request, signature: bytes, authority: Authority | None, where: str) -> bytes:
    """The token to keep from an authority's answer.

    With a pinned `authority` the answer is verified in full, otherwise only that it answers this request. Raises
    `EvidenceError` naming `where` when it does not.
    """
    kept = _bare(response, where)
    token = _Token.parse(kept, where)
    if token.nonce != asked.nonce or not token.is_about(signature):
        raise EvidenceError(Text("answers another request", "答复的不是本次请求"), where)
    if authority is not None:
        stamp_of(kept, signature, authority, where)
    return kept


def stamp_of(token: bytes, signature: bytes, authority: Authority, where: str) -> Stamp:
    """When the authority saw the signature, and under which policy it says so.

    Raises `EvidenceError` naming `where` when the token is not about it, not by this authority, or holds anything
    that nothing vouches for.
    """
    from rfc3161_client import VerifierBuilder
    from rfc3161_client.errors import VerificationError

    parsed = _Token.parse(token, where)
    if _bare(token, where) != token:
        raise EvidenceError(Text("holds more than a bare timestamp", "含有时间戳以外的内容"), where)
    if not parsed.is_about(signature):
        raise EvidenceError(Text("is the timestamp of another signature", "是另一签名的时间戳"), where)
    verifier = VerifierBuilder(tsa_certificate=authority.own, roots=list(authority.issuers)).build()
    try:
        verifier.verify_message(parsed.response, signature)
    except (VerificationError, ValueError, x509.InvalidVersion) as error:
        raise EvidenceError(
            Text(
                f"is not by the timestamping authority given, or was changed ({_line(error)})",
                f"不是由所给时间戳机构签发，或已被改动（{_line(error)}）",
            ),
            where,
        ) from None
    return parsed.stamp


@dataclass(frozen=True, slots=True)
class _Token:
    """A token, read but not verified."""

    response: TimeStampResponse
    digest: bytes
    """SHA-256 digest of what is stamped."""
    nonce: int | None
    stamp: Stamp

    @classmethod
    def parse(cls, token: bytes, where: str) -> _Token:
        from rfc3161_client import decode_timestamp_response

        try:
            response = decode_timestamp_response(token)
            info = response.tst_info
            if info.message_imprint.hash_algorithm.dotted_string != SHA256:
                raise ValueError("another digest than SHA-256")  # noqa: TRY301 - one message for all that is no token
            stamp = Stamp(info.gen_time, info.policy.dotted_string)
            return cls(response, info.message_imprint.message, info.nonce, stamp)
        except ValueError as error:
            raise EvidenceError(
                Text(f"is not a timestamp (RFC 3161: {_line(error)})", f"不是时间戳（RFC 3161：{_line(error)}）"), where
            ) from None

    def is_about(self, signature: bytes) -> bool:
        return self.digest == hashlib.sha256(signature).digest()


def _issues(certificate: x509.Certificate) -> bool:
    """Whether it is a certificate that vouches for others."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _bare(response: bytes, where: str) -> bytes:
    """The same response with nothing in it that no signature covers, except the signer's own certificate."""
    try:
        return _rebuilt(Element.parse(response if len(response) <= LARGEST_RESPONSE else b""))
    except ValueError as error:
        raise EvidenceError(
            Text(f"is not a granted timestamp ({_line(error)})", f"不是已批准的时间戳（{_line(error)}）"), where
        ) from None


def _rebuilt(response: Element) -> bytes:
    """TimeStampResp from its signed parts. Raises `ValueError` when it does not have the parts it must have."""
    status, *token = response.expect(der.SEQUENCE).children
    if status.expect(der.SEQUENCE).children[:1] != (Element(der.INTEGER, b"\0"),) or len(token) != 1:
        raise ValueError("the authority did not grant it")
    kind, explicit = token[0].expect(der.SEQUENCE).children
    (signed,) = explicit.expect(0xA0).children
    _version, _digests, content, *certificates, signers = signed.expect(der.SEQUENCE).children
    (signer,) = signers.expect(der.SET).children
    _version, who, digest, attributes, algorithm, signature, *_unsigned = signer.expect(der.SEQUENCE).children
    digest_algorithm, signature_algorithm = _algorithms(digest, algorithm)
    own = [one.encoded for bag in certificates if bag.tag == 0xA0 for one in bag.children if _is_named(one, who)]
    return der.sequence(
        der.sequence(der.integer(0)),
        der.sequence(
            kind.encoded,
            der.tagged(
                0,
                der.sequence(
                    der.integer(3),
                    der.set_of(digest_algorithm),
                    content.encoded,
                    *(der.tagged(0, one) for one in own[:1]),
                    der.set_of(
                        der.sequence(
                            der.integer(1),
                            who.encoded,
                            digest_algorithm,
                            attributes.expect(0xA0).encoded,
                            signature_algorithm,
                            signature.expect(der.OCTET_STRING).encoded,
                        )
                    ),
                ),
            ),
        ),
    )


def _algorithms(digest: Element, signature: Element) -> tuple[bytes, bytes]:
    """Both algorithms of a signer, which must fit; their parameters say something only for RSA-PSS."""
    digest_name, *digest_parameters = digest.expect(der.SEQUENCE).children
    name, *parameters = signature.expect(der.SEQUENCE).children
    spare = digest_parameters + (parameters if name.encoded != _RSA_PSS else [])
    if name.encoded not in _ALGORITHMS.get(digest_name.encoded, ()) or any(one.encoded != der.NULL for one in spare):
        raise ValueError("its algorithms are unknown or do not fit each other")
    return digest.encoded, signature.encoded


def _is_named(certificate: Element, who: Element) -> bool:
    """Whether a certificate is the one a signer names by issuer and serial number."""
    fields = certificate.expect(der.SEQUENCE).children[0].expect(der.SEQUENCE).children
    serial, _algorithm, issuer, *_ = (one for one in fields if one.tag != 0xA0)  # without the version
    return who.encoded == der.sequence(issuer.encoded, serial.encoded)
