"""The evidence bundle: an OCI image layout of blobs named by their digests, and one manifest that names them all.

    evidence/oci-layout               says what this folder is
    evidence/index.json               names the evidence manifest and what was attached to it later
    evidence/blobs/sha256/<hex>       plain files: the manifests and everything they name

or the same as one zip or tar file. The digest of the evidence manifest stands for the whole bundle: attaching
signatures does not change it, and neither does withholding what the manifest calls restricted. Written once,
atomically; read as if an adversary had written it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from touchstone.canonical import Digest, digest_of
from touchstone.errors import EvidenceError
from touchstone.evidence.archives import Form, archive_of
from touchstone.evidence.files import write_durably
from touchstone.evidence.image import (
    EMPTY,
    MOST_ATTACHMENTS,
    OCI_LAYOUT_CONTENT,
    REDACTION_TYPE,
    Attachment,
    Descriptor,
    Disclosure,
    Entry,
    EntryAnnotations,
    Index,
    Listed,
    Manifest,
    Redaction,
    blob_path,
)
from touchstone.evidence.layout import BLOBS, INDEX, OCI_LAYOUT
from touchstone.evidence.stores import MemoryStore, Store, open_store
from touchstone.text import Text
from touchstone.tlog.durable import flush_folder

LARGEST_MANIFEST: Final = 64 * 1024 * 1024
LARGEST_ATTACHMENT: Final = 64 * 1024 * 1024
_LARGEST_INDEX = 1024 * 1024
_LARGEST_REFERRER = 64 * 1024


@dataclass(frozen=True, slots=True)
class Problem:
    """One file of a bundle that is not as the manifest says."""

    file: str
    """Path as the user sees it, inside the bundle's folder or archive."""
    names: tuple[str, ...]
    """Names of the entries that rest on this file; none when the manifest does not know it."""
    text: Text


@dataclass(frozen=True, slots=True)
class _Blob:
    """A blob that must be here, and the names that rest on it."""

    digest: Digest
    size: int
    names: tuple[str, ...]

    @property
    def path(self) -> str:
        return blob_path(self.digest)


class BundleWriter:
    """Writes a bundle next to its final place and moves it there when it is complete.

    >>> folder = Path(tempfile.mkdtemp())
    >>> with BundleWriter(folder / "evidence") as bundle:
    ...     added = bundle.add("facts.json", "application/json", b"{}", role="facts")
    >>> Bundle.open(folder / "evidence").read("facts.json")
    b'{}'
    """

    def __init__(self, folder: Path) -> None:
        """Start a bundle. Raises `EvidenceError` when `folder` exists: evidence is never overwritten."""
        self._folder = folder.absolute()
        self._unfinished = _begin(self._folder)
        self._entries: dict[str, Entry] = {}

    def add(
        self,
        name: str,
        media_type: str,
        content: bytes,
        *,
        role: str,
        volatile: bool = False,
        disclosure: Disclosure = "public",
    ) -> Digest:
        """Put one blob in. A name is used once (`ValueError`); equal contents share a blob."""
        entry = Entry(
            media_type=media_type,
            digest=digest_of(content),
            size=len(content),
            annotations=EntryAnnotations(
                title=name, role=role, disclosure=disclosure, volatile="true" if volatile else "false"
            ),
        )
        if name in self._entries:
            raise ValueError(f"entry {name!r} exists already")
        _write_once(self._unfinished / entry.blob, content)
        self._entries[name] = entry
        return entry.digest

    def close(self) -> Digest:
        """Write manifest and index, move the bundle to its place, and return the manifest's digest."""
        manifest = Manifest.of(tuple(self._entries.values()))
        for path, content in listing_files(manifest, ()).items():
            _write_once(self._unfinished / path, content)
        _finish(self._unfinished, self._folder)
        return manifest.descriptor.digest

    def discard(self) -> None:
        """Give the bundle up and leave nothing behind."""
        shutil.rmtree(self._unfinished, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.discard()
        elif self._unfinished.exists():
            self.close()


class Bundle:
    """A bundle opened for reading. Its manifest is known to be well formed; blobs are checked when read."""

    def __init__(self, store: Store, manifest: Manifest, index: Index) -> None:
        """For :meth:`open`."""
        self._store = store
        self.manifest = manifest
        self.manifest_digest = manifest.descriptor.digest
        self.entries = manifest.layers
        """All entries, sorted by name, also those that this copy goes without."""
        self._by_name = {entry.name: entry for entry in self.entries}
        self._attachments: list[Attachment] = []
        self._broken: list[Problem] = []
        """What is wrong with attachments: it does not keep the evidence itself from being read."""
        for listed in index.manifests[1:]:
            self._read_attachment(listed)
        distinct = {attachment.digest: attachment for attachment in self._attachments}
        if not self._broken and Index.of(manifest.descriptor, tuple(distinct.values())) != index:
            self._broken.append(
                Problem(store.label(INDEX), (), Text("does not follow from the manifests it lists", "与所列清单不一致"))
            )
        self._withholdable = self._read_redactions()

    @classmethod
    def open(cls, path: Path, where: str | None = None) -> Bundle:
        """Open a bundle's folder, zip or tar file; `where` is what messages call it.

        Raises `EvidenceError` when there is no bundle, or its manifest is not one.
        """
        return cls.of_store(open_store(path, str(path) if where is None else where))

    @classmethod
    def of_files(cls, files: Mapping[str, bytes], where: str) -> Bundle:
        """A bundle that is not written yet, by the paths of its files. Raises `EvidenceError` like :meth:`open`."""
        return cls.of_store(MemoryStore(files, where))

    @classmethod
    def of_store(cls, store: Store) -> Bundle:
        """The bundle in a store. Raises `EvidenceError` like :meth:`open`."""
        index = Index.from_bytes(store.read(INDEX, largest=_LARGEST_INDEX), store.label(INDEX))
        if store.read(OCI_LAYOUT, largest=len(OCI_LAYOUT_CONTENT)) != OCI_LAYOUT_CONTENT:
            raise EvidenceError(
                Text("is not that of an OCI image layout", "不是 OCI 镜像布局的标识"), store.label(OCI_LAYOUT)
            )
        data = _listed(store, index.manifests[0], LARGEST_MANIFEST)
        label = store.label(blob_path(index.manifests[0].digest))
        manifest = Manifest.from_bytes(data, label)
        manifest.require_well_formed(label)
        if Index.of(manifest.descriptor, ()).manifests != index.manifests[:1]:
            raise EvidenceError(
                Text("does not follow from the manifests it lists", "与所列清单不一致"), store.label(INDEX)
            )
        return cls(store, manifest, index)

    @property
    def manifest_file(self) -> str:
        """What messages call the evidence manifest."""
        return self._store.label(blob_path(self.manifest_digest))

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """What was attached, sorted by name: signed statements, receipts, a redaction."""
        return tuple(sorted(self._attachments, key=lambda attachment: (attachment.name, attachment.digest)))

    @property
    def withheld(self) -> tuple[Entry, ...]:
        """Entries that this copy openly goes without: restricted in the manifest, and declared in the redaction."""
        return tuple(entry for entry in self.entries if self._is_withheld(entry))

    def entry(self, name: str) -> Entry:
        """The entry of that name. Raises `EvidenceError` when there is none."""
        try:
            return self._by_name[name]
        except KeyError:
            raise EvidenceError(
                Text(f"does not list an entry {name!r}", f"未列出条目 {name!r}"), self.manifest_file
            ) from None

    def read(self, name: str) -> bytes:
        """The content of an entry, checked against its digest.

        Raises `EvidenceError` when it was changed, is missing, or was withheld from this copy.
        """
        entry = self.entry(name)
        label = f"{self._store.label(entry.blob)} ({entry.name})"
        if self._is_withheld(entry):
            raise EvidenceError(Text("was withheld from this copy", "未包含在此副本中（依声明不予披露）"), label)
        return _verified(self._store.read(entry.blob, largest=entry.size), entry.digest, label)

    def read_attached(self, attachment: Attachment) -> bytes:
        """The content of an attachment, checked against its digest. Raises `EvidenceError` when it was changed."""
        content = attachment.content
        label = f"{self._store.label(content.blob)} ({attachment.name})"
        return _verified(self._store.read(content.blob, largest=content.size), content.digest, label)

    def with_role(self, role: str) -> tuple[Entry, ...]:
        """All entries of one role, sorted by name."""
        return tuple(entry for entry in self.entries if entry.role == role)

    def only(self, role: str) -> Entry:
        """The one entry of a role. Raises `EvidenceError` unless there is exactly one."""
        found = self.with_role(role)
        if len(found) != 1:
            raise EvidenceError(
                Text(
                    f"lists {len(found)} entries of role {str(role)!r}, not one",
                    f"角色 {str(role)!r} 有 {len(found)} 个条目，应为一个",
                ),
                self.manifest_file,
            )
        return found[0]

    def read_role(self, role: str) -> bytes:
        """The content of the one entry of a role."""
        return self.read(self.only(role).name)

    def check(self) -> tuple[Problem, ...]:
        """Everything that is not as the manifests say, sorted by file: missing, changed, linked, unknown.

        What was openly withheld is no problem (see `withheld`); what is absent otherwise is.
        """
        needed = self._needed()
        problems = self._broken + [problem for blob in needed if (problem := self._check_blob(blob))]
        fixed = {OCI_LAYOUT, INDEX, blob_path(self.manifest_digest), BLOBS}
        expected = {*fixed, *(blob.path for blob in needed), *(attachment.blob for attachment in self._attachments)}
        unlisted = Text("is not listed in any manifest", "未在任何清单中列出")
        blamed = {problem.file for problem in problems}
        problems += [
            Problem(self._store.label(path), (), unlisted)
            for path in self._store.paths()
            if path not in expected and self._store.label(path) not in blamed
        ]
        if not problems and not self._store.is_exactly(self._contents):
            problems.append(
                Problem(
                    self._store.label(""),
                    (),
                    Text(
                        "holds the right contents, but not in the byte form in which it was packed",
                        "内容正确，但字节形式与打包时不同",
                    ),
                )
            )
        return tuple(sorted(problems, key=lambda problem: problem.file))

    def files(self) -> dict[str, bytes]:
        """Every file of the bundle by its path. Raises `EvidenceError` when the bundle has a problem."""
        for problem in self.check():
            raise EvidenceError(problem.text, problem.file)
        return self._contents()

    def _is_withheld(self, entry: Entry) -> bool:
        return entry.digest in self._withholdable and not self._store.holds(entry.blob)

    def _needed(self) -> list[_Blob]:
        """Every blob that must be here: those of the entries that are not withheld, and of the attachments."""
        names: dict[tuple[Digest, int], list[str]] = defaultdict(list)
        names[self.manifest.config.digest, self.manifest.config.size] = []
        absent = {entry.digest for entry in self.withheld}
        for entry in self.entries:
            if entry.digest not in absent:
                names[entry.digest, entry.size].append(entry.name)
        for attachment in self.attachments:
            names[attachment.content.digest, attachment.content.size].append(attachment.name)
        return [_Blob(digest, size, tuple(resting)) for (digest, size), resting in names.items()]

    def _check_blob(self, blob: _Blob) -> Problem | None:
        try:
            data = _verified(self._store.read(blob.path, largest=blob.size), blob.digest, blob.path)
        except EvidenceError as error:
            return Problem(self._store.label(blob.path), blob.names, error.what)
        if len(data) != blob.size:
            text = Text(f"has {len(data)} bytes, not {blob.size}", f"有 {len(data)} 字节，而非 {blob.size} 字节")
            return Problem(self._store.label(blob.path), blob.names, text)
        return None

    def _contents(self) -> dict[str, bytes]:
        """Every file of the bundle by its path; only for a bundle without problems."""
        contents = {blob.path: self._store.read(blob.path, largest=blob.size) for blob in self._needed()}
        return contents | listing_files(self.manifest, self._attachments)

    def _read_attachment(self, listed: Listed) -> None:
        try:
            self._attachments.append(_attachment(self._store, listed, self.manifest.descriptor))
        except EvidenceError as error:
            file = error.where or self._store.label(blob_path(listed.digest))
            self._broken.append(Problem(file, (listed.name,), error.what))

    def _read_redactions(self) -> set[Digest]:
        """Digests of the blobs that a copy may go without, and that this one says it does."""
        declared: set[tuple[str, Digest]] = set()
        for attachment in self.attachments:
            if attachment.artifact_type != REDACTION_TYPE:
                continue
            label = self._store.label(attachment.content.blob)
            try:
                redaction = Redaction.from_bytes(self.read_attached(attachment), label)
            except EvidenceError as error:
                self._broken.append(Problem(label, (attachment.name,), error.what))
            else:
                declared |= {(item.name, item.digest) for item in redaction.withheld}
        may_go = {(entry.name, entry.digest) for entry in self.entries if entry.disclosure == "restricted"}
        if declared - may_go:
            names = tuple(sorted(name for name, _ in declared - may_go))
            text = Text(
                "declares withheld what the manifest does not call restricted", "声明不予披露的条目并非清单所列受限条目"
            )
            self._broken.append(Problem(self._store.label(INDEX), names, text))
        kept = {entry.digest for entry in self.entries if (entry.name, entry.digest) not in declared & may_go}
        return {digest for _, digest in declared & may_go} - kept


def attach(folder: Path, media_type: str, content: bytes, artifact_type: str, *, name: str) -> Digest:
    """Attach something said about the evidence in `folder`, without changing the evidence's digest.

    What is attached is a *referrer* of the evidence manifest: its own small manifest names the evidence as its
    subject. Attaching the same again changes nothing. One writer at a time. Returns the digest of the attachment's
    manifest. Raises `EvidenceError` when the folder holds no bundle.
    """
    bundle = Bundle.open(folder)
    attachment = Attachment.of(bundle.manifest.descriptor, name, media_type, content, artifact_type)
    others = [other for other in bundle.attachments if other != attachment]
    if len(content) > LARGEST_ATTACHMENT or len(others) >= MOST_ATTACHMENTS:
        raise EvidenceError(Text("is too much to attach", "附件过大或过多"), name)
    write_durably(folder / attachment.content.blob, content)
    for path, data in listing_files(bundle.manifest, [*others, attachment]).items():  # the index last
        if path == INDEX or not (folder / path).exists():
            write_durably(folder / path, data)
    return attachment.digest


def pack(folder: Path, form: Form = "zip") -> bytes:
    """The bundle in a folder as one file: the same bytes on every machine, at any time.

    Raises `EvidenceError` when the bundle has a problem.
    """
    return archive_of(Bundle.open(folder).files(), form)


def listing_files(manifest: Manifest, attachments: Sequence[Attachment]) -> dict[str, bytes]:
    """The files of a bundle that say what it holds, by path, in the order in which they may be written."""
    manifests = {attachment.blob: attachment.to_bytes() for attachment in attachments}
    return {
        blob_path(manifest.config.digest): EMPTY,
        **manifests,
        blob_path(manifest.descriptor.digest): manifest.to_bytes(),
        OCI_LAYOUT: OCI_LAYOUT_CONTENT,
        INDEX: Index.of(manifest.descriptor, attachments).to_bytes(),
    }


def _attachment(store: Store, listed: Listed, evidence: Descriptor) -> Attachment:
    """A listed attachment, which is one of this evidence."""
    label = store.label(blob_path(listed.digest))
    attachment = Attachment.from_bytes(_listed(store, listed, _LARGEST_REFERRER), label)
    if attachment.subject != evidence:
        raise EvidenceError(Text("is attached to other evidence", "附属于其他证据"), label)
    if attachment.content.size > LARGEST_ATTACHMENT:
        raise EvidenceError(
            Text(f"names more than {LARGEST_ATTACHMENT} bytes", f"所指内容大于 {LARGEST_ATTACHMENT} 字节"), label
        )
    return attachment


def _listed(store: Store, listed: Listed, largest: int) -> bytes:
    """The bytes of a manifest, which are those the index lists, to the byte."""
    blob = blob_path(listed.digest)
    if not store.holds(blob):
        raise EvidenceError(Text(f"names {blob}, which is missing", f"所指 {blob} 缺失"), store.label(INDEX))
    data = _verified(store.read(blob, largest=largest), listed.digest, store.label(blob))
    if len(data) != listed.size:
        raise EvidenceError(
            Text(
                f"gives {blob} {listed.size} bytes; it has {len(data)}",
                f"{blob} 应为 {listed.size} 字节，实为 {len(data)}",
            ),
            store.label(INDEX),
        )
    return data


def _verified(data: bytes, expected: Digest, where: str) -> bytes:
    found = digest_of(data)
    if found != expected:
        raise EvidenceError(
            Text(f"was changed: it should be {expected} and is {found}", f"已被改动：应为 {expected}，实为 {found}"),
            where,
        )
    return data


def write_new_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files, by path, as a new folder: all of them or none. Raises `EvidenceError` when the folder exists."""
    unfinished = _begin(folder.absolute())
    try:
        for path, content in files.items():
            _write_once(unfinished / path, content)
        _finish(unfinished, folder.absolute())
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _begin(folder: Path) -> Path:
    """An empty folder next to the final place."""
    _refuse_to_overwrite(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))


def _finish(unfinished: Path, folder: Path) -> None:
    """Move a complete folder to its final place; after a crash it is there as a whole or not at all."""
    for written, _, _ in os.walk(unfinished):
        flush_folder(Path(written))
    _refuse_to_overwrite(folder)
    unfinished.chmod(0o755)
    unfinished.rename(folder)
    flush_folder(folder.parent)


def _refuse_to_overwrite(folder: Path) -> None:
    if os.path.lexists(folder):
        raise EvidenceError(
            Text("exists already; evidence is never overwritten", "已存在；证据不可覆盖"),
            str(folder),
            Text("write to a new folder", "请写入新的文件夹"),
        )


def _write_once(path: Path, content: bytes) -> None:
    """Write a file durably unless it is there: blobs of one name have one content."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
