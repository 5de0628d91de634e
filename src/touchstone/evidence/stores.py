"""Where the bytes of a bundle lie: in a folder, a zip or a tar file, all taken to be hostile."""

from __future__ import annotations

import os
import re
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, Protocol

from touchstone.errors import EvidenceError
from touchstone.evidence.archives import TAR_END, archive_of, tar_header, tar_padding
from touchstone.evidence.files import read_regular
from touchstone.files import open_regular
from touchstone.text import Text

LARGEST_ARCHIVE = 1024 * 1024 * 1024
_MEMBER = re.compile(rb"(?:oci-layout|index\.json|blobs/sha256/[0-9a-f]{64})\Z")
_LARGEST_DIRECTORY = 16 * 1024 * 1024
_END_OF_DIRECTORY = 22
_ZIP64_LOCATOR = 20


class Store(Protocol):
    """Read access to the files of one bundle by their POSIX paths inside it."""

    def label(self, path: str) -> str:
        """What messages call a file of this store."""

    def paths(self) -> list[str]:
        """Everything there is, sorted: files, links, and folders that do not belong."""

    def holds(self, path: str) -> bool:
        """Whether there is anything at this path, be it a file or a link."""

    def read(self, path: str, *, largest: int) -> bytes:
        """The bytes of one regular file. Raises `EvidenceError` when it is not there or larger than `largest`."""

    def is_exactly(self, contents: Callable[[], Mapping[str, bytes]]) -> bool:
        """Whether no byte is there but these contents, known to be here, and what their form demands."""


def open_store(path: Path, label: str) -> Store:
    """The store at `path`; `label` is what messages call it. Raises `EvidenceError` when there is none."""
    if path.is_dir():
        return FolderStore(path, label)
    if not path.is_file():
        raise EvidenceError(
            Text("is neither a folder nor a file", "既不是文件夹也不是文件"),
            label,
            Text("give what `touchstone assess` wrote", "请指定 `touchstone assess` 的输出"),
        )
    if path.stat().st_size > LARGEST_ARCHIVE:
        raise EvidenceError(
            Text(f"is larger than {LARGEST_ARCHIVE} bytes", f"大于 {LARGEST_ARCHIVE} 字节"),
            label,
            Text("unpack it yourself and verify the folder", "请自行解包后验证文件夹"),
        )
    return TarStore(path, label) if path.name.endswith(".tar") else ZipStore(path, label)


class FolderStore:
    """A bundle as a folder. Links are never followed, neither as files nor on the way to them."""

    def __init__(self, root: Path, label: str) -> None:
        self._root = root
        self._label = label

    def label(self, path: str) -> str:
        return f"{self._label}/{path}".encode("utf-8", "backslashreplace").decode()

    def paths(self) -> list[str]:
        found = []
        for folder, subfolders, files in os.walk(self._root):
            here = Path(folder)
            links = [name for name in subfolders if (here / name).is_symlink()]
            empty = not subfolders and not files and here != self._root
            found += [here / name for name in (*files, *links)] + ([here] if empty else [])
        return sorted(path.relative_to(self._root).as_posix() for path in found)

    def holds(self, path: str) -> bool:
        return os.path.lexists(self._root / path)

    def is_exactly(self, contents: Callable[[], Mapping[str, bytes]]) -> bool:
        return True  # a folder has no form of its own

    def read(self, path: str, *, largest: int) -> bytes:
        *folders, _ = Path(path).parts
        here = self._root
        for folder in folders:
            here /= folder
            if here.is_symlink():
                raise EvidenceError(
                    Text("lies behind a link, not in the bundle", "位于链接之后，不在证据包内"), self.label(path)
                )
        return read_regular(self._root / path, self.label(path), largest=largest)


class MemoryStore:
    """A bundle that is not written yet."""

    def __init__(self, files: Mapping[str, bytes], label: str) -> None:
        self._files = files
        self._label = label

    def label(self, path: str) -> str:
        return f"{self._label}:{path}" if path else self._label

    def paths(self) -> list[str]:
        return sorted(self._files)

    def holds(self, path: str) -> bool:
        return path in self._files

    def is_exactly(self, contents: Callable[[], Mapping[str, bytes]]) -> bool:
        return True

    def read(self, path: str, *, largest: int) -> bytes:
        if path not in self._files:
            raise EvidenceError(Text("is missing", "缺失"), self.label(path))
        if len(self._files[path]) > largest:
            raise EvidenceError(Text(f"is larger than {largest} bytes", f"大于 {largest} 字节"), self.label(path))
        return self._files[path]


class ZipStore:
    """A bundle as one zip file of uncompressed members: nothing can unpack to more than the file's own size."""

    def __init__(self, path: Path, label: str) -> None:
        """Open a zip. Raises `EvidenceError` for anything but a plain one."""
        self._path = path
        self._label = label
        self._require_plain()
        try:
            with zipfile.ZipFile(path) as archive:
                members = archive.infolist()
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError):
            raise EvidenceError(Text("is not a zip file that can be read", "不是可读取的 zip 文件"), label) from None
        self._members = {member.filename: member for member in members}
        if len(self._members) != len(members):
            raise EvidenceError(Text("holds two members of the same name", "含有同名成员"), label)
        for member in members:
            self._require_stored(member)

    def label(self, path: str) -> str:
        return f"{self._label}:{path}" if path else self._label

    def paths(self) -> list[str]:
        return sorted(self._members)

    def holds(self, path: str) -> bool:
        return path in self._members

    def read(self, path: str, *, largest: int) -> bytes:
        member = self._members.get(path)
        if member is None:
            raise EvidenceError(Text("is missing", "缺失"), self.label(path))
        if member.file_size > largest:
            raise EvidenceError(Text(f"is larger than {largest} bytes", f"大于 {largest} 字节"), self.label(path))
        try:
            with zipfile.ZipFile(self._path) as archive:
                return archive.read(member)
        except (zipfile.BadZipFile, ValueError, RuntimeError, NotImplementedError, EOFError, OSError):
            raise EvidenceError(
                Text("was changed: its checksum is wrong", "已被改动：校验和不符"), self.label(path)
            ) from None

    def is_exactly(self, contents: Callable[[], Mapping[str, bytes]]) -> bool:
        return _is_file_of(self._path, self._label, archive_of(contents(), "zip"))

    def _require_plain(self) -> None:
        """Look at the end of the file before any library trusts it: no comment, no zip64, a small directory."""
        size = self._path.stat().st_size
        with self._path.open("rb") as file:
            file.seek(max(0, size - _END_OF_DIRECTORY - _ZIP64_LOCATOR))
            tail = file.read()
        end = tail[-_END_OF_DIRECTORY:]
        plain = (
            len(end) == _END_OF_DIRECTORY
            and end[:4] == b"PK\x05\x06"
            and end[-2:] == b"\x00\x00"
            and b"PK\x06\x07" not in tail
            and int.from_bytes(end[12:16], "little") <= _LARGEST_DIRECTORY
        )
        if not plain:
            raise EvidenceError(
                Text("is not a zip file as Touchstone packs it", "不是本工具打包的 zip 文件"),
                self._label,
                Text(
                    "give what `touchstone assess` wrote; unpack a zip of another tool first",
                    "请指定 `touchstone assess` 的输出；其他工具打包的 zip 须先解压",
                ),
            )

    def _require_stored(self, member: zipfile.ZipInfo) -> None:
        if (
            member.compress_type != zipfile.ZIP_STORED
            or member.flag_bits & 1
            or member.file_size != member.compress_size
        ):
            raise EvidenceError(
                Text("is compressed or encrypted, which no bundle is", "已压缩或加密，证据包不会如此"),
                self.label(member.filename),
                Text("unpack the file and verify the folder", "请解压后验证文件夹"),
            )


class TarStore:
    """A bundle as one tar file. Every header must be, byte for byte, the one we would write: nothing is interpreted."""

    def __init__(self, path: Path, label: str) -> None:
        """Open a tar. Raises `EvidenceError` for anything but one that :mod:`archives` wrote."""
        self._path = path
        self._label = label
        self._members: dict[str, tuple[int, int]] = {}
        with open_regular(path, label) as file:
            while self._read_member(file):
                pass

    def label(self, path: str) -> str:
        return f"{self._label}:{path}" if path else self._label

    def paths(self) -> list[str]:
        return sorted(self._members)

    def holds(self, path: str) -> bool:
        return path in self._members

    def read(self, path: str, *, largest: int) -> bytes:
        if path not in self._members:
            raise EvidenceError(Text("is missing", "缺失"), self.label(path))
        offset, size = self._members[path]
        if size > largest:
            raise EvidenceError(Text(f"is larger than {largest} bytes", f"大于 {largest} 字节"), self.label(path))
        with open_regular(self._path, self._label) as file:
            file.seek(offset)
            return file.read(size)

    def is_exactly(self, contents: Callable[[], Mapping[str, bytes]]) -> bool:
        return _is_file_of(self._path, self._label, archive_of(contents(), "tar"))

    def _read_member(self, file: BinaryIO) -> bool:
        """Note where the next member lies and step over it; false at the end of the archive."""
        header = file.read(tarfile.BLOCKSIZE)
        if header == TAR_END[: tarfile.BLOCKSIZE]:
            if file.read() != header:
                raise self._foreign()
            return False
        name, digits = header[:100].rstrip(b"\0"), header[124:135]
        if not _MEMBER.match(name) or not re.fullmatch(rb"[0-7]{11}", digits):
            raise self._foreign()
        path, size = name.decode("ascii"), int(digits, 8)
        if header != tar_header(path, size) or path in self._members:
            raise self._foreign()
        offset = file.tell()
        self._members[path] = (offset, size)
        file.seek(offset + size)
        padding = tar_padding(size)
        if file.read(len(padding)) != padding:
            raise self._foreign()
        return True

    def _foreign(self) -> EvidenceError:
        return EvidenceError(
            Text("is not a tar file as Touchstone packs it, or was changed", "不是本工具打包的 tar 文件，或已被改动"),
            self._label,
            Text("unpack it and verify the folder", "请解包后验证文件夹"),
        )


def _is_file_of(path: Path, label: str, data: bytes) -> bool:
    """Whether a file is `data`, byte for byte: no comment, no gap, nothing before or behind."""
    return path.stat().st_size == len(data) and read_regular(path, label, largest=len(data)) == data
