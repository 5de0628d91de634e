"""Evidence that came back from a registry: the same blobs, listed by another tool in its own spelling.

Registries keep manifests and blobs, not our index; a tool that fetches them (oras, for instance) writes an index of
its own. No digest covers an index, so it is not read as evidence but written again from the manifests.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from touchstone.canonical import Digest, digest_of, parse_json
from touchstone.errors import EvidenceError
from touchstone.evidence.bundle import LARGEST_MANIFEST, listing_files
from touchstone.evidence.image import EVIDENCE_TYPE, MOST_ATTACHMENTS, Attached, Attachment, Entry, Manifest, blob_path
from touchstone.evidence.layout import INDEX
from touchstone.evidence.stores import FolderStore
from touchstone.signatures.exact import Sha256
from touchstone.text import Text

_DIGEST: Final = TypeAdapter(Sha256)


def adopted(folder: Path) -> dict[str, bytes]:
    """The files of the bundle in an OCI layout that another tool wrote, by path.

    Blobs that are absent stay absent: whether they were withheld or are missing is for the bundle to say. Raises
    `EvidenceError` when the layout does not hold exactly one evidence manifest, or a blob was changed.
    """
    store = FolderStore(folder, str(folder))
    contents = [_blob(store, digest, LARGEST_MANIFEST) for digest in _listed(store)]
    evidence = [content for content in contents if _kind(content) == EVIDENCE_TYPE]
    if len(evidence) != 1:
        raise EvidenceError(
            Text(f"lists {len(evidence)} evidence manifests, not one", f"列出 {len(evidence)} 个证据清单，应为一个"),
            store.label(INDEX),
        )
    manifest = Manifest.from_bytes(evidence[0], str(folder))
    attachments = [Attachment.from_bytes(content, str(folder)) for content in contents if content != evidence[0]]
    named: list[Entry | Attached] = [*manifest.layers, *(attachment.content for attachment in attachments)]
    blobs = {item.blob: _blob(store, item.digest, item.size) for item in named if store.holds(item.blob)}
    return blobs | listing_files(manifest, attachments)


def _listed(store: FolderStore) -> list[Digest]:
    """Digests of all manifests that the foreign index lists, each once."""
    where = store.label(INDEX)
    index = parse_json(store.read(INDEX, largest=LARGEST_MANIFEST), where)
    try:
        digests = sorted({_DIGEST.validate_python(listed["digest"]) for listed in index["manifests"]})
    except (KeyError, TypeError, ValidationError):
        raise EvidenceError(Text("is not the index of an OCI image layout", "不是 OCI 镜像布局的索引"), where) from None
    if len(digests) > MOST_ATTACHMENTS + 1:
        raise EvidenceError(Text("lists too many manifests", "列出的清单过多"), where)
    return digests


def _blob(store: FolderStore, digest: Digest, largest: int) -> bytes:
    path = blob_path(digest)
    content = store.read(path, largest=largest)
    if digest_of(content) != digest:
        raise EvidenceError(Text("was changed", "已被改动"), store.label(path))
    return content


def _kind(content: bytes) -> Any:
    value = parse_json(content, INDEX)
    return value.get("artifactType") if isinstance(value, dict) else None
