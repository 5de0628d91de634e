"""The files of a model, each with the SHA-256 of its bytes: what a model is, whatever anybody says about it.

A name that looks like a digest is never believed, and nothing is remembered from an earlier time: every byte is
read. Symbolic links are followed only inside the model's folder and into the `blobs` folder beside it (the layout
of the Hugging Face cache), and it is recorded where they led. A link to a folder is refused: through it a model
could grow files that no list names.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from touchstone.errors import ArtifactError
from touchstone.files import unreadable
from touchstone.text import Text

MOST_FILES = 100_000
SINGLE_FILE = "."
"""What the only file of a model that is one file is called: it has no path inside the model."""

_CHUNK = 1024 * 1024
_LARGE = 4 * 1024 * 1024
"""From this size on a file is worth a thread: hashing releases the interpreter's lock."""

_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


class Fingerprint(NamedTuple):
    """One file of a model."""

    path: str
    """POSIX, relative to the model's folder."""
    sha256: str
    """Of the bytes, in lower-case hexadecimal."""
    link: str | None = None
    """Where it leads as a symbolic link; the digest is that of the bytes found there."""


class _Place(NamedTuple):
    path: str
    real: str
    link: str | None


def fingerprints(model: Path, ignored: Collection[str] = ()) -> tuple[Fingerprint, ...]:
    """Every file of a model, a folder or one file, in the order of the path's components.

    `ignored` are paths inside the folder that are left out with everything below them. Raises `ArtifactError` for
    what is neither file nor folder, for links that lead elsewhere, and for what cannot be read.
    """
    places = sorted(_places(model, frozenset(ignored)), key=lambda place: place.path.split("/"))
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        small = [_sha256_if_small(place) for place in places]
        large = [
            threads.submit(_sha256, place) if digest is None else digest
            for place, digest in zip(places, small, strict=True)
        ]
        return tuple(
            Fingerprint(place.path, digest if isinstance(digest, str) else digest.result(), place.link)
            for place, digest in zip(places, large, strict=True)
        )


def _places(model: Path, ignored: frozenset[str]) -> Iterator[_Place]:
    """Where every file is. Refuses what must not be read before anything is."""
    try:
        root = os.path.realpath(model, strict=True)
        status = os.stat(root)  # noqa: PTH116 - plain strings: a model may have a hundred thousand files
    except (OSError, ValueError) as error:
        raise _unreadable(error, str(model)) from None
    if stat.S_ISREG(status.st_mode):
        yield _Place(SINGLE_FILE, root, None)
    elif stat.S_ISDIR(status.st_mode):
        yield from _below(root, ignored)
    else:
        raise ArtifactError(Text("is neither a file nor a folder", "既不是文件也不是文件夹"), str(model))


def _below(root: str, ignored: frozenset[str]) -> Iterator[_Place]:
    allowed = _allowed(root)
    waiting = [""]
    count = 0
    while waiting:
        folder = waiting.pop()
        for entry in _entries(root, folder):
            path = folder + entry.name
            if path in ignored:
                continue
            count += 1
            if count > MOST_FILES:
                raise ArtifactError(Text(f"holds more than {MOST_FILES} files", f"文件数超过 {MOST_FILES}"), root)
            if entry.is_symlink():
                yield _followed(path, entry.path, allowed)
            elif entry.is_dir(follow_symlinks=False):
                waiting.append(path + "/")
            elif entry.is_file(follow_symlinks=False):
                yield _Place(path, entry.path, None)
            else:
                raise ArtifactError(
                    Text("is a pipe, socket or device, not a file", "是管道、套接字或设备，不是文件"), path
                )


def _entries(root: str, folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(f"{root}/{folder}") as entries:
            listed = list(entries)
    except OSError as error:
        raise _unreadable(error, folder or root) from None
    for entry in listed:
        if not entry.name.isprintable():
            raise ArtifactError(
                Text(f"holds a file with the unprintable name {entry.name!a}", f"含不可打印的文件名 {entry.name!a}"),
                folder or root,
            )
    return listed


def _allowed(root: str) -> tuple[str, ...]:
    """Folders into which links may lead: the model's own, and `blobs` beside it or beside its `snapshots`."""
    parent = PurePosixPath(root).parent
    beside = parent.parent if parent.name == "snapshots" else parent
    return (f"{root}/", f"{beside / 'blobs'}/")


def _followed(path: str, place: str, allowed: tuple[str, ...]) -> _Place:
    try:
        link = os.readlink(place)  # noqa: PTH115 - see _places
        real = os.path.realpath(place, strict=True)
        status = os.stat(real)  # noqa: PTH116 - see _places
    except (OSError, ValueError) as error:
        raise _unreadable(error, path) from None
    if not real.startswith(allowed):
        raise ArtifactError(
            Text("is a link that leads out of the model's folder", "是指向模型文件夹之外的链接"),
            path,
            Text("put the file itself into the folder", "请把文件本身放进该文件夹"),
        )
    if stat.S_ISDIR(status.st_mode):
        raise ArtifactError(Text("is a link to a directory", "是指向目录的链接"), path)
    return _Place(path, real, link)


def _sha256_if_small(place: _Place) -> str | None:
    """The digest of a file that is read at once; `None` for one that is worth a thread."""
    descriptor, size = _opened(place)
    try:
        if size >= _LARGE:
            return None
        data = os.read(descriptor, size + 1)
        hasher = hashlib.sha256(data)
        if len(data) != size:  # it came in pieces, or it grows while we look
            while data := os.read(descriptor, _CHUNK):
                hasher.update(data)
        return hasher.hexdigest()
    except OSError as error:
        raise _unreadable(error, place.path) from None
    finally:
        os.close(descriptor)


def _sha256(place: _Place) -> str:
    """The digest of a file of any size, in constant memory."""
    descriptor, _ = _opened(place)
    hasher = hashlib.sha256()
    buffer = memoryview(bytearray(_CHUNK))
    try:
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            while count := file.readinto(buffer):
                hasher.update(buffer[:count])
    except OSError as error:
        raise _unreadable(error, place.path) from None
    return hasher.hexdigest()


def _opened(place: _Place) -> tuple[int, int]:
    """Descriptor and size of a file that is still a regular one."""
    try:
        descriptor = os.open(place.real, _FLAGS)
        status = os.fstat(descriptor)
    except OSError as error:
        raise _unreadable(error, place.path) from None
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise ArtifactError(Text("is not a regular file", "不是普通文件"), place.path)
    return descriptor, status.st_size


def _unreadable(error: OSError | ValueError, where: str) -> ArtifactError:
    """Why a file of the model cannot be read, and what to do."""
    found = unreadable(error, where)
    return ArtifactError(found.what, where, found.remedy)
