"""A timestamping authority (RFC 3161) of one's own, for laboratories that have no other.

A laboratory that stamps its own statements says with its own clock what it says anyway: this proves little. It is
worth something when run by somebody else, and it lets every tool that insists on a timestamp do its work.

    authority.key        the authority's private key (ECDSA P-256)
    certificates.pem     its certificate, and the root that issued it, whose key was never kept
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_public_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from touchstone.errors import EvidenceError
from touchstone.evidence import der
from touchstone.evidence.der import Element
from touchstone.evidence.files import read_regular, write_durably
from touchstone.evidence.timestamp import OWN_POLICY, Authority
from touchstone.signatures.keys import SigningKey, generate, load_signing_key
from touchstone.text import Text

KEY: Final = "authority.key"
CERTIFICATES: Final = "certificates.pem"
_LARGEST_CERTIFICATES = 64 * 1024
_VALID_FOR = timedelta(days=3650)
_SHA256 = "2.16.840.1.101.3.4.2.1"
_ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2"
_SIGNED_DATA = "1.2.840.113549.1.7.2"
_TST_INFO = "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
_BOOLEAN = 0x01
_TRUE = b"\xff"


@dataclass(frozen=True, slots=True)
class TimestampAuthority:
    """An authority ready to answer."""

    key: SigningKey
    certificates: tuple[x509.Certificate, ...]

    @classmethod
    def create(cls, folder: Path, name: str, passphrase: bytes | None, at: datetime) -> TimestampAuthority:
        """Make a key and its certificates in a folder. Raises `EvidenceError` when the folder has them already."""
        public = cast(ec.EllipticCurvePublicKey, load_pem_public_key(generate(folder / KEY, passphrase).pem))
        root_key = ec.generate_private_key(ec.SECP256R1())
        root_name = _named(f"{name} root")
        root = (
            _certificate(root_name, root_name, root_key.public_key(), at)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(certificates=True), critical=True)
            .sign(root_key, SHA256())
        )
        own = (
            _certificate(_named(name), root_name, public, at)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
            .sign(root_key, SHA256())
        )
        write_durably(folder / CERTIFICATES, b"".join(one.public_bytes(Encoding.PEM) for one in (own, root)))
        return cls.open(folder, passphrase)

    @classmethod
    def open(cls, folder: Path, passphrase: bytes | None) -> TimestampAuthority:
        """The authority in a folder. Raises `EvidenceError` when there is none."""
        where = str(folder / CERTIFICATES)
        pem = read_regular(folder / CERTIFICATES, where, largest=_LARGEST_CERTIFICATES)
        return cls(load_signing_key(folder / KEY, passphrase), Authority.of_pem(pem, where).certificates)

    def answer(self, request: bytes, at: datetime, policy: str = OWN_POLICY) -> bytes:
        """The granted timestamp (TimeStampResp, DER) for a request, at the authority's own time `at`.

        Under another `policy` than one's own (an object identifier), verifiers take it for an independent one.

        Raises `EvidenceError` for anything but a request over a SHA-256 digest.
        """
        try:
            asked = _Asked.parse(request)
        except ValueError:
            raise EvidenceError(
                Text("is not a timestamp request over a SHA-256 digest", "不是针对 SHA-256 摘要的时间戳请求")
            ) from None
        info = der.sequence(
            der.integer(1),
            der.object_identifier(policy),
            asked.imprint,
            der.integer(x509.random_serial_number()),
            der.encode(der.GENERALIZED_TIME, at.strftime("%Y%m%d%H%M%SZ").encode()),
            der.sequence(der.integer(1)),  # accurate to one second
            asked.nonce,
        )
        granted = der.sequence(der.integer(0))
        return der.sequence(granted, self._signed(info, with_certificate=asked.wants_certificate))

    def _signed(self, info: bytes, *, with_certificate: bool) -> bytes:
        """A CMS SignedData over the timestamp's information (RFC 5652)."""
        own = self.certificates[0]
        certificate = own.public_bytes(Encoding.DER)
        digest_algorithm = der.sequence(der.object_identifier(_SHA256))
        attributes = der.set_of(
            _attribute(_CONTENT_TYPE, der.object_identifier(_TST_INFO)),
            _attribute(_MESSAGE_DIGEST, der.octet_string(hashlib.sha256(info).digest())),
            _attribute(
                _SIGNING_CERTIFICATE_V2,
                der.sequence(der.sequence(der.sequence(der.octet_string(hashlib.sha256(certificate).digest())))),
            ),
        )
        signer = der.sequence(
            der.integer(1),
            der.sequence(own.issuer.public_bytes(), der.integer(own.serial_number)),
            digest_algorithm,
            der.tagged(0, Element.parse(attributes).content),
            der.sequence(der.object_identifier(_ECDSA_WITH_SHA256)),
            der.octet_string(self.key.sign(attributes)),
        )
        signed = der.sequence(
            der.integer(3),
            der.set_of(digest_algorithm),
            der.sequence(der.object_identifier(_TST_INFO), der.tagged(0, der.octet_string(info))),
            der.tagged(0, certificate) if with_certificate else b"",
            der.set_of(signer),
        )
        return der.sequence(der.object_identifier(_SIGNED_DATA), der.tagged(0, signed))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a TimeStampReq asks for."""

    imprint: bytes
    nonce: bytes
    wants_certificate: bool

    @classmethod
    def parse(cls, request: bytes) -> _Asked:
        """Raises `ValueError` for anything but a request over SHA-256 that leaves the policy to us."""
        version, imprint, *options = Element.parse(request).expect(der.SEQUENCE).children
        algorithm, digest = imprint.expect(der.SEQUENCE).children
        name = algorithm.expect(der.SEQUENCE).children[0].encoded
        if version.encoded != der.integer(1) or name != der.object_identifier(_SHA256):
            raise ValueError("another kind of request")
        if len(digest.expect(der.OCTET_STRING).content) != 32 or {one.tag for one in options} - {der.INTEGER, _BOOLEAN}:
            raise ValueError("another kind of request")
        nonce = b"".join(one.encoded for one in options if one.tag == der.INTEGER)
        return cls(imprint.encoded, nonce, Element(_BOOLEAN, _TRUE) in options)


def _attribute(kind: str, value: bytes) -> bytes:
    return der.sequence(der.object_identifier(kind), der.set_of(value))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, at: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at)
        .not_valid_after(at + _VALID_FOR)
    )


def _usage(*, certificates: bool) -> x509.KeyUsage:
    """Either to sign certificates or to sign tokens."""
    return x509.KeyUsage(
        digital_signature=not certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
