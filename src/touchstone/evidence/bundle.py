"""The evidence bundle: blobs named by their digests, and one manifest that names them all.

    evidence/manifest.json            canonical JSON; its digest stands for the whole bundle
    evidence/blobs/sha256/<hex>       plain files

or the same as one zip file. Written once, atomically; read as if an adversary had written it.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints

from touchstone.canonical import Digest, canonical_json, digest_of
from touchstone.errors import EvidenceError
from touchstone.evidence.exact import ExactRecord, Sha256
from touchstone.evidence.files import flush_folder
from touchstone.evidence.layout import BLOBS, MANIFEST
from touchstone.evidence.stores import FolderStore, Store, ZipStore
from touchstone.text import Text

MANIFEST_TYPE: Final = "application/vnd.touchstone.evidence.manifest.v1+json"
LARGEST_MANIFEST = 64 * 1024 * 1024
MOST_ENTRIES = 30_000

EntryName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+=-]*(/[A-Za-z0-9][A-Za-z0-9._@+=-]*)*$", max_length=255)
]


class Entry(ExactRecord):
    """One blob under its human name. The name is a label, never a path on disk."""

    name: EntryName
    media_type: Annotated[str, StringConstraints(pattern=r"^[a-z]+/[A-Za-z0-9.+-]+$", max_length=127)]
    digest: Sha256
    size: int = Field(ge=0)
    role: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]*$", max_length=63)]

    @property
    def blob(self) -> str:
        """Path of the blob inside the bundle."""
        return f"{BLOBS}/{self.digest.removeprefix('sha256:')}"


class Manifest(ExactRecord):
    """All entries of a bundle, sorted by name."""

    media_type: Literal["application/vnd.touchstone.evidence.manifest.v1+json"] = MANIFEST_TYPE
    entries: Annotated[tuple[Entry, ...], Field(max_length=MOST_ENTRIES)]
    """What another run of the same inputs must reproduce byte for byte."""
    volatile: Annotated[tuple[Entry, ...], Field(max_length=MOST_ENTRIES)]
    """What differs between two runs of the same inputs: times and costs."""
    reproducible: Sha256
    """Digest of the canonical JSON of `entries`: equal for equal runs."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One file of a bundle that is not as the manifest says."""

    file: str
    """Path as the user sees it, inside the bundle's folder or zip."""
    names: tuple[str, ...]
    """Names of the entries that rest on this file; none when the manifest does not know it."""
    text: Text


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
        self._refuse_to_overwrite()
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        self._unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=self._folder.parent))
        (self._unfinished / BLOBS).mkdir(parents=True)
        self._entries: dict[str, Entry] = {}
        self._volatile: set[str] = set()

    def add(self, name: str, media_type: str, content: bytes, *, role: str, volatile: bool = False) -> Digest:
        """Put one blob in. A name is used once (`ValueError`); equal contents share a blob."""
        entry = Entry(name=name, media_type=media_type, digest=digest_of(content), size=len(content), role=role)
        if name in self._entries:
            raise ValueError(f"entry {name!r} exists already")
        blob = self._unfinished / entry.blob
        if not blob.exists():
            with blob.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        self._entries[name] = entry
        if volatile:
            self._volatile.add(name)
        return entry.digest

    def close(self) -> Digest:
        """Write the manifest, move the bundle to its place, and return the manifest's digest."""
        ordered = [self._entries[name] for name in sorted(self._entries)]
        entries = tuple(entry for entry in ordered if entry.name not in self._volatile)
        manifest = Manifest(
            entries=entries,
            volatile=tuple(entry for entry in ordered if entry.name in self._volatile),
            reproducible=_reproducible(entries),
        ).to_bytes()
        with (self._unfinished / MANIFEST).open("xb") as file:
            file.write(manifest)
            file.flush()
            os.fsync(file.fileno())
        flush_folder(self._unfinished / BLOBS)
        flush_folder(self._unfinished)
        self._refuse_to_overwrite()
        self._unfinished.chmod(0o755)
        self._unfinished.rename(self._folder)
        flush_folder(self._folder.parent)
        return digest_of(manifest)

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

    def _refuse_to_overwrite(self) -> None:
        if os.path.lexists(self._folder):
            raise EvidenceError(
                Text("exists already; evidence is never overwritten", "已存在；证据不可覆盖"),
                str(self._folder),
                Text("write to a new folder", "请写入新的文件夹"),
            )


class Bundle:
    """A bundle opened for reading. Its manifest is known to be well formed; blobs are checked when read."""

    def __init__(self, store: Store, manifest: Manifest, manifest_digest: Digest) -> None:
        """For :meth:`open`."""
        self._store = store
        self.manifest = manifest
        self.manifest_digest = manifest_digest
        self.entries = tuple(sorted((*manifest.entries, *manifest.volatile), key=lambda entry: entry.name))
        self._by_name = {entry.name: entry for entry in self.entries}

    @classmethod
    def open(cls, path: Path, where: str | None = None) -> Bundle:
        """Open a bundle's folder or zip file; `where` is what messages call it.

        Raises `EvidenceError` when there is no bundle, or its manifest is not one.
        """
        label = str(path) if where is None else where
        store: Store = FolderStore(path, label) if path.is_dir() else ZipStore(path, label)
        data = store.read(MANIFEST, largest=LARGEST_MANIFEST)
        manifest = Manifest.from_bytes(data, store.label(MANIFEST))
        _require_well_formed(manifest, store.label(MANIFEST))
        return cls(store, manifest, digest_of(data))

    @property
    def manifest_file(self) -> str:
        """What messages call the manifest."""
        return self._store.label(MANIFEST)

    def entry(self, name: str) -> Entry:
        """The entry of that name. Raises `EvidenceError` when there is none."""
        try:
            return self._by_name[name]
        except KeyError:
            raise EvidenceError(
                Text(f"does not list an entry {name!r}", f"未列出条目 {name!r}"), self.manifest_file
            ) from None

    def read(self, name: str) -> bytes:
        """The content of an entry, checked against its digest. Raises `EvidenceError` when it was changed."""
        entry = self.entry(name)
        label = f"{self._store.label(entry.blob)} ({entry.name})"
        data = self._store.read(entry.blob, largest=entry.size)
        if digest_of(data) != entry.digest:
            raise EvidenceError(_changed(entry.digest, digest_of(data)), label)
        return data

    def with_role(self, role: str) -> tuple[Entry, ...]:
        """All entries of one role, sorted by name."""
        return tuple(entry for entry in self.entries if entry.role == role)

    def only(self, role: str) -> Entry:
        """The one entry of a role. Raises `EvidenceError` unless there is exactly one."""
        found = self.with_role(role)
        if len(found) != 1:
            raise EvidenceError(
                Text(
                    f"lists {len(found)} entries of role {role!r}, not one",
                    f"角色 {role!r} 有 {len(found)} 个条目，应为一个",
                ),
                self._store.label(MANIFEST),
            )
        return found[0]

    def read_role(self, role: str) -> bytes:
        """The content of the one entry of a role."""
        return self.read(self.only(role).name)

    def check(self) -> tuple[Problem, ...]:
        """Everything that is not as the manifest says, sorted by file: missing, changed, linked, unknown."""
        problems = list(self._check_blobs())
        known = {MANIFEST, BLOBS, *(entry.blob for entry in self.entries)}
        unlisted = Text("is not listed in the manifest", "未在清单中列出")
        problems += [
            Problem(self._store.label(path), (), unlisted) for path in self._store.paths() if path not in known
        ]
        if not problems and isinstance(self._store, ZipStore) and not self._store.holds_exactly(_pack(self)):
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

    def _check_blobs(self) -> list[Problem]:
        sharing: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            sharing[entry.blob].append(entry)
        problems = []
        for blob, entries in sharing.items():
            expected = entries[0]
            try:
                found = digest_of(self._store.read(blob, largest=expected.size))
                text = None if found == expected.digest else _changed(expected.digest, found)
            except EvidenceError as error:
                text = error.what
            if text is not None:
                names = tuple(entry.name for entry in entries)
                problems.append(Problem(self._store.label(blob), names, text))
        return problems


def pack(folder: Path) -> bytes:
    """The bundle in a folder as one zip file: the same bytes on every machine, at any time.

    Blobs are stored without compression, because compressors differ between versions of zlib. Raises
    `EvidenceError` when the bundle has a problem.
    """
    bundle = Bundle.open(folder)
    for problem in bundle.check():
        raise EvidenceError(problem.text, problem.file)
    return _pack(bundle)


def _pack(bundle: Bundle) -> bytes:
    contents = {MANIFEST: bundle.manifest.to_bytes()} | {
        entry.blob: bundle.read(entry.name) for entry in bundle.entries
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(contents):
            member = zipfile.ZipInfo(path)  # dated 1980-01-01, the zip format's beginning of time
            member.create_system = 3
            member.external_attr = 0o100644 << 16
            archive.writestr(member, contents[path])
    return target.getvalue()


def _reproducible(entries: tuple[Entry, ...]) -> Digest:
    return digest_of(canonical_json([entry.to_json() for entry in entries]))


def _require_well_formed(manifest: Manifest, where: str) -> None:
    """What the fields alone cannot say: order, unique names, one size per blob, the digest of the entries."""
    for entries in (manifest.entries, manifest.volatile):
        names = [entry.name for entry in entries]
        if names != sorted(names):
            raise EvidenceError(Text("does not list its entries by name", "条目未按名称排序"), where)
    everything = (*manifest.entries, *manifest.volatile)
    if len({entry.name for entry in everything}) != len(everything):
        raise EvidenceError(Text("lists the same name twice", "同一名称列出两次"), where)
    if len({(entry.digest, entry.size) for entry in everything}) != len({entry.digest for entry in everything}):
        raise EvidenceError(Text("gives one blob two sizes", "同一数据块给出两种大小"), where)
    if manifest.reproducible != _reproducible(manifest.entries):
        raise EvidenceError(
            Text("states a digest of its reproducible entries that is not theirs", "可复现条目的摘要与其内容不符"),
            where,
        )


def _changed(expected: Digest, found: Digest) -> Text:
    return Text(f"was changed: it should be {expected} and is {found}", f"已被改动：应为 {expected}，实为 {found}")
