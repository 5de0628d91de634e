"""The records of a bundle: an OCI image layout that holds one evidence manifest and whatever refers to it.

Source: OCI image specification 1.1 (github.com/opencontainers/image-spec). Each record has one valid spelling, and
the index follows from the manifests it lists, so that no byte of any of them can change unnoticed. Registries and
tools that know the specification accept them unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from touchstone.canonical import Digest, canonical_json, digest_of
from touchstone.errors import EvidenceError
from touchstone.evidence.layout import BLOBS
from touchstone.signatures.exact import ExactRecord, Sha256
from touchstone.text import Text

OCI_LAYOUT_CONTENT: Final = b'{"imageLayoutVersion":"1.0.0"}'
EMPTY: Final = b"{}"
"""Content of the configuration that OCI prescribes for what is no container."""
MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
EVIDENCE_TYPE: Final = "application/vnd.touchstone.evidence.v1+json"
REDACTION_TYPE: Final = "application/vnd.touchstone.redaction.v1+json"
REFERENCE: Final = "evidence"
"""The name (an OCI tag) of the evidence manifest inside the layout."""
MOST_ENTRIES = 30_000
MOST_ATTACHMENTS = 1_000

NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._@+=-]*(/[A-Za-z0-9][A-Za-z0-9._@+=-]*)*$"
LONGEST_NAME = 255

EntryName = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=LONGEST_NAME)]
MediaType = Annotated[str, StringConstraints(pattern=r"^[a-z]+/[A-Za-z0-9.+-]+$", max_length=127)]
RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]*$", max_length=63)]
Disclosure = Literal["public", "restricted"]
"""Whether a copy of the bundle may go without a blob. The laboratory says so when it signs; nobody can later."""


def blob_path(digest: Digest) -> str:
    """Path of a blob inside the bundle."""
    return f"{BLOBS}/{digest.removeprefix('sha256:')}"


class Descriptor(ExactRecord):
    """A manifest by its digest."""

    media_type: Literal["application/vnd.oci.image.manifest.v1+json"] = MANIFEST_TYPE
    digest: Sha256
    size: int = Field(ge=0)


class EmptyConfig(ExactRecord):
    """The one configuration every manifest here has."""

    media_type: Literal["application/vnd.oci.empty.v1+json"] = "application/vnd.oci.empty.v1+json"
    digest: Literal["sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"] = (
        "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    )
    size: Literal[2] = 2
    data: Literal["e30="] = "e30="


class EntryAnnotations(ExactRecord):
    """What OCI has no field for."""

    title: EntryName = Field(alias="org.opencontainers.image.title")
    role: RoleName = Field(alias="org.touchstone.role")
    disclosure: Disclosure = Field(alias="org.touchstone.disclosure")
    volatile: Literal["true", "false"] = Field(alias="org.touchstone.volatile")


class Entry(ExactRecord):
    """One blob under its human name. The name is a label, never a path on disk."""

    media_type: MediaType
    digest: Sha256
    size: int = Field(ge=0)
    annotations: EntryAnnotations

    @property
    def name(self) -> str:
        """Name for people, such as `observations/model.performance.json`."""
        return self.annotations.title

    @property
    def role(self) -> str:
        """What the entry is for; one of :class:`touchstone.evidence.layout.Role`."""
        return self.annotations.role

    @property
    def disclosure(self) -> Disclosure:
        """Whether a copy may go without it."""
        return self.annotations.disclosure

    @property
    def volatile(self) -> bool:
        """Whether it differs between two runs of the same inputs: times and costs."""
        return self.annotations.volatile == "true"

    @property
    def blob(self) -> str:
        """Path of the blob inside the bundle."""
        return blob_path(self.digest)


class EvidenceAnnotations(ExactRecord):
    """What is said of the evidence as a whole."""

    reproducible: Sha256 = Field(alias="org.touchstone.reproducible")


class Manifest(ExactRecord):
    """The evidence manifest: all entries, sorted by name. Its digest stands for the whole bundle."""

    schema_version: Literal[2] = 2
    media_type: Literal["application/vnd.oci.image.manifest.v1+json"] = MANIFEST_TYPE
    artifact_type: Literal["application/vnd.touchstone.evidence.v1+json"] = EVIDENCE_TYPE
    config: EmptyConfig = EmptyConfig()
    layers: Annotated[tuple[Entry, ...], Field(max_length=MOST_ENTRIES)]
    annotations: EvidenceAnnotations

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> Manifest:
        """The manifest of these entries, in whatever order they come."""
        layers = tuple(sorted(entries, key=lambda entry: entry.name))
        return cls(layers=layers, annotations=EvidenceAnnotations(reproducible=_reproducible(layers)))

    @property
    def reproducible(self) -> Digest:
        """Digest of the canonical JSON of all entries that are not volatile: equal for equal runs."""
        return self.annotations.reproducible

    @property
    def descriptor(self) -> Descriptor:
        """The manifest by its digest."""
        content = self.to_bytes()
        return Descriptor(digest=digest_of(content), size=len(content))

    def require_well_formed(self, where: str) -> None:
        """What the fields alone cannot say: order, unique names, one size per blob, the digest of the entries."""
        names = [entry.name for entry in self.layers]
        if names != sorted(names):
            raise EvidenceError(Text("does not list its entries by name", "条目未按名称排序"), where)
        if len(set(names)) != len(names):
            raise EvidenceError(Text("lists the same name twice", "同一名称列出两次"), where)
        sizes = {(entry.digest, entry.size) for entry in self.layers}
        if len(sizes) != len({digest for digest, _ in sizes}):
            raise EvidenceError(Text("gives one blob two sizes", "同一数据块给出两种大小"), where)
        if self.reproducible != _reproducible(self.layers):
            raise EvidenceError(
                Text("states a digest of its reproducible entries that is not theirs", "可复现条目的摘要与其内容不符"),
                where,
            )


class AttachedAnnotations(ExactRecord):
    """Name of an attached file."""

    title: EntryName = Field(alias="org.opencontainers.image.title")


class Attached(ExactRecord):
    """The content of an attachment by its digest."""

    media_type: MediaType
    digest: Sha256
    size: int = Field(ge=0)
    annotations: AttachedAnnotations

    @property
    def blob(self) -> str:
        """Path of the blob inside the bundle."""
        return blob_path(self.digest)


class Attachment(ExactRecord):
    """Something said about the evidence later (a *referrer*): it names the evidence, the evidence does not name it."""

    schema_version: Literal[2] = 2
    media_type: Literal["application/vnd.oci.image.manifest.v1+json"] = MANIFEST_TYPE
    artifact_type: MediaType
    config: EmptyConfig = EmptyConfig()
    layers: tuple[Attached] = Field(min_length=1, max_length=1)
    subject: Descriptor

    @classmethod
    def of(cls, evidence: Descriptor, name: str, media_type: str, content: bytes, artifact_type: str) -> Attachment:
        """The attachment that carries `content` as a file called `name`."""
        attached = Attached(
            media_type=media_type,
            digest=digest_of(content),
            size=len(content),
            annotations=AttachedAnnotations(title=name),
        )
        return cls(artifact_type=artifact_type, layers=(attached,), subject=evidence)

    @property
    def digest(self) -> Digest:
        """Digest of the attachment's own manifest, by which the index lists it."""
        return digest_of(self.to_bytes())

    @property
    def blob(self) -> str:
        """Path of the attachment's own manifest inside the bundle."""
        return blob_path(self.digest)

    @property
    def name(self) -> str:
        """Name of the attached file, such as `plan.dsse.json`."""
        return self.layers[0].annotations.title

    @property
    def content(self) -> Attached:
        """What is attached."""
        return self.layers[0]


class Listed(ExactRecord):
    """One manifest as the index lists it."""

    media_type: Literal["application/vnd.oci.image.manifest.v1+json"] = MANIFEST_TYPE
    digest: Sha256
    size: int = Field(ge=0)
    artifact_type: MediaType
    annotations: dict[str, str]

    @property
    def name(self) -> str:
        """What the index calls the manifest."""
        return next(iter(self.annotations.values()), "")


class Index(ExactRecord):
    """Where a reader of the layout begins: the evidence manifest first, then the attachments by name."""

    schema_version: Literal[2] = 2
    media_type: Literal["application/vnd.oci.image.index.v1+json"] = "application/vnd.oci.image.index.v1+json"
    manifests: Annotated[tuple[Listed, ...], Field(min_length=1, max_length=MOST_ATTACHMENTS + 1)]

    @classmethod
    def of(cls, evidence: Descriptor, attachments: Sequence[Attachment]) -> Index:
        """The one index of an evidence manifest and its attachments."""
        first = Listed(
            digest=evidence.digest,
            size=evidence.size,
            artifact_type=EVIDENCE_TYPE,
            annotations={"org.opencontainers.image.ref.name": REFERENCE},
        )
        others = (
            Listed(
                digest=attachment.digest,
                size=len(attachment.to_bytes()),
                artifact_type=attachment.artifact_type,
                annotations={"org.opencontainers.image.title": attachment.name},
            )
            for attachment in attachments
        )
        return cls(manifests=(first, *sorted(others, key=lambda listed: (listed.name, listed.digest))))


class Withheld(ExactRecord):
    """One entry that a copy goes without."""

    name: EntryName
    digest: Sha256


class Redaction(ExactRecord):
    """What a copy goes without, sorted by name: attached to the copy, so that nothing is missing in silence."""

    withheld: Annotated[tuple[Withheld, ...], Field(min_length=1, max_length=MOST_ENTRIES)]


def _reproducible(layers: Sequence[Entry]) -> Digest:
    return digest_of(canonical_json([entry.to_json() for entry in layers if not entry.volatile]))
