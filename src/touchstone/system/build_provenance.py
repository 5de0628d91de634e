"""How a file was built, as its builder states it: SLSA provenance in an in-toto statement, signed or not.

A file holds one attestation, or one on each line of JSON Lines: a DSSE envelope, the same inside a Sigstore bundle, or
a bare statement, which is worth as much as its file. The bytes are hostile: bounded, no key twice, nothing executed.

Source: SLSA v1.0, provenance/v1 (slsa.dev/spec/v1.0/provenance); in-toto Attestation Framework, Statement v1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import Field, JsonValue, StringConstraints

from touchstone.canonical import Digest, parse_json
from touchstone.errors import EvidenceError
from touchstone.signatures.dsse import strict_base64
from touchstone.signatures.foreign import ForeignEnvelope, ForeignRecord, signed_by
from touchstone.signatures.keys import VerifyingKey
from touchstone.text import Text

PROVENANCE_TYPE: Final = "https://slsa.dev/provenance/v1"
LARGEST_ATTESTATION: Final = 16 * 1024 * 1024
MOST_ATTESTATIONS: Final = 100
MOST_RESOURCES: Final = 100_000

_CERTIFICATES: Final = frozenset({"certificate", "x509CertificateChain"})
"""Fields of a Sigstore bundle that hold certificates."""

_Uri = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class _Resource(ForeignRecord):
    """Something that a digest names, if it gives one."""

    uri: str = ""
    digest: Annotated[dict[str, str], Field(default_factory=dict)]

    @property
    def sha256(self) -> Digest | None:
        value = self.digest.get("sha256")
        return None if value is None else f"sha256:{value.lower()}"

    @property
    def is_code(self) -> bool:
        """Whether it is a state of a source repository."""
        return self.uri.startswith("git+") or "gitCommit" in self.digest


_Resources = Annotated[tuple[_Resource, ...], Field(max_length=MOST_RESOURCES)]


class _BuildDefinition(ForeignRecord):
    build_type: _Uri = Field(alias="buildType")
    external_parameters: dict[str, Any] = Field({}, alias="externalParameters")
    resolved_dependencies: _Resources = Field((), alias="resolvedDependencies")


class _Builder(ForeignRecord):
    id: _Uri


class _RunDetails(ForeignRecord):
    builder: _Builder


class _Predicate(ForeignRecord):
    build_definition: _BuildDefinition = Field(alias="buildDefinition")
    run_details: _RunDetails = Field(alias="runDetails")


class ProvenanceStatement(ForeignRecord):
    """What a builder states about one run."""

    type_: Literal["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"] = Field(alias="_type")
    """Both say the same in the fields that count here."""
    subject: Annotated[tuple[_Resource, ...], Field(min_length=1, max_length=MOST_RESOURCES)]
    predicate_type: Literal["https://slsa.dev/provenance/v1"] = Field(alias="predicateType")
    predicate: _Predicate

    @property
    def builder(self) -> str:
        """Who states it."""
        return self.predicate.run_details.builder.id

    @cached_property
    def built(self) -> frozenset[Digest]:
        """What came out."""
        return _digests(self.subject)

    @cached_property
    def materials(self) -> frozenset[Digest]:
        """What went in."""
        return _digests(self.predicate.build_definition.resolved_dependencies)

    @property
    def names_code(self) -> bool:
        """Whether a state of a source repository is among what went in."""
        return any(resource.is_code for resource in self.predicate.build_definition.resolved_dependencies)

    @property
    def parameters(self) -> dict[str, JsonValue]:
        """What the run was asked to do."""
        return self.predicate.build_definition.external_parameters


@dataclass(frozen=True, slots=True)
class Attestation:
    """One statement and, where there is one, the envelope that it came in."""

    where: str
    statement: ProvenanceStatement
    envelope: ForeignEnvelope | None
    by_certificate: bool = False
    """Whether a certificate lies beside the signature, which names the signer in place of a key."""

    @property
    def signed(self) -> bool:
        """Whether anybody signed it at all."""
        return self.envelope is not None and bool(self.envelope.signatures)

    def is_signed_by(self, key: VerifyingKey) -> bool:
        """Whether this key signed it. Raises `EvidenceError` when a signature is not base64."""
        return self.envelope is not None and signed_by(self.envelope, key, self.where)


def attestations(data: bytes, where: str) -> tuple[list[Attestation], list[EvidenceError]]:
    """Every attestation in a file that can be understood, and why the others cannot."""
    if len(data) > LARGEST_ATTESTATION:
        return [], [
            EvidenceError(
                Text(f"is larger than {LARGEST_ATTESTATION} bytes", f"大于 {LARGEST_ATTESTATION} 字节"), where
            )
        ]
    lines = [(f"{where}, line {number}", line) for number, line in enumerate(data.split(b"\n"), 1) if line.strip()]
    if not where.endswith(".jsonl"):
        lines = [(where, data)]
    found: list[Attestation] = []
    refused: list[EvidenceError] = []
    if len(lines) > MOST_ATTESTATIONS:
        refused.append(
            EvidenceError(
                Text(
                    f"holds more than {MOST_ATTESTATIONS} attestations; the first are read",
                    f"证明多于 {MOST_ATTESTATIONS} 份，仅读取其首部",
                ),
                where,
            )
        )
    for place, line in lines[:MOST_ATTESTATIONS]:
        try:
            found.append(_attestation(line, place))
        except EvidenceError as error:
            refused.append(error)
    return found, refused


def _attestation(data: bytes, where: str) -> Attestation:
    value = parse_json(data, where, largest=LARGEST_ATTESTATION, any_number=True)
    if not isinstance(value, dict):
        raise EvidenceError(Text("is not a JSON object", "不是 JSON 对象"), where)
    if "_type" in value:
        return Attestation(where, ProvenanceStatement.from_json(value, where), None)
    envelope = ForeignEnvelope.from_json(value.get("dsseEnvelope", value), where)
    payload = strict_base64(envelope.payload, where)
    content = parse_json(payload, where, largest=LARGEST_ATTESTATION, any_number=True)
    material = value.get("verificationMaterial")
    by_certificate = isinstance(material, dict) and not _CERTIFICATES.isdisjoint(material)
    return Attestation(where, ProvenanceStatement.from_json(content, where), envelope, by_certificate)


def _digests(resources: Iterable[_Resource]) -> frozenset[Digest]:
    return frozenset(resource.sha256 for resource in resources if resource.sha256 is not None)
