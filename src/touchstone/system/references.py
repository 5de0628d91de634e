"""The files a description refers to, and where they really are: inside its folder, whatever a path or a link says.

Links are followed as long as they stay inside; what they lead to is what gets hashed. Everything else that a path
can lead to (the parent folder, a device, a pipe, a loop) is refused in words before a byte is read.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from touchstone.documents import FieldPath
from touchstone.errors import UserError
from touchstone.files import FileError, unreadable
from touchstone.system.description import ModelDeclaration, SystemDescription
from touchstone.system.registers.exports import Export
from touchstone.text import Text

MOST_FILES = 100_000

_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class Reference:
    """One place in the description that names a file, or a folder of files."""

    at: FieldPath
    path: str
    folder: bool = False


def references(description: SystemDescription) -> Iterator[Reference]:
    """Every file and folder the description names, in the order of the description."""
    yield from _of_the_model(description.model)
    for role, data_set in description.data.declared().items():
        yield Reference(("data", role, "path"), data_set.path, folder=data_set.format == "image-folder")
    claim = description.training.differential_privacy if description.training else None
    if claim is not None and claim.canary_scores is not None:
        yield Reference(("training", "differential_privacy", "canary_scores"), claim.canary_scores)
    for kind, path in (description.registers or {}).items():
        yield Reference(("registers", kind), path)
        folder = str(PurePosixPath(path).parent)
        if kind == Export.register and folder != ".":  # the exported files lie with their register
            yield Reference(("registers", kind), folder, folder=True)
    canaries = description.training.canaries if description.training else None
    if canaries is not None:
        yield Reference(("training", "canaries", "path"), canaries.path)
    for position, document in enumerate(description.documents):
        yield Reference(("documents", position, "path"), document.path)


def _of_the_model(model: ModelDeclaration) -> Iterator[Reference]:
    if model.file is not None:
        yield Reference(("model", "file"), model.file)
    for position, path in enumerate(model.more_files):
        yield Reference(("model", "more_files", position), path)
    for number, form in enumerate(model.deployed or ()):
        if form.file is not None:
            yield Reference(("model", "deployed", number, "file"), form.file)
        for position, path in enumerate(form.more_files):
            yield Reference(("model", "deployed", number, "more_files", position), path)
    if model.signature is not None:
        yield Reference(("model", "signature"), model.signature)
    if model.signer is not None:
        yield Reference(("model", "signer"), model.signer)
    if model.provenance is not None:
        yield Reference(("model", "provenance"), model.provenance)
    if model.references is not None:
        yield Reference(("model", "references"), model.references, folder=True)
    if model.generation is not None and model.generation.instructions is not None:
        yield Reference(("model", "generation", "instructions"), model.generation.instructions)


def normal(path: str) -> str:
    """The one spelling of a relative path (`./a//b` is `a/b`). Raises `FileError` when it is not relative."""
    remedy = Text(
        "write it relative to the folder of system.yaml, with /", "请写成相对于 system.yaml 所在目录的路径，用 /"
    )
    if path.startswith("/") or "\\" in path or _DRIVE.match(path):
        raise FileError(Text("is not a relative path", "不是相对路径"), path, remedy)
    parts = PurePosixPath(path).parts
    if ".." in parts:
        raise FileError(Text("leads out of the system's folder", "指向系统目录之外"), path, remedy)
    return str(PurePosixPath(*parts))


def resolve(root: Path, path: str, *, folder: bool = False) -> Path:
    """Where the file (or folder) at `path` really is, all links followed. `root` is itself free of links.

    Raises `FileError` when it is not there, is outside `root`, or is not a regular file (a folder).
    """
    try:
        real = Path(os.path.realpath(root / normal(path), strict=True))
        mode = real.stat().st_mode
    except (OSError, ValueError) as error:
        raise unreadable(error, path) from None
    if not real.is_relative_to(root):
        raise FileError(
            Text("is a link that leads out of the system's folder", "是指向系统目录之外的链接"),
            path,
            Text("put the file itself into the folder", "请把文件本身放进该目录"),
        )
    if folder and not stat.S_ISDIR(mode):
        raise FileError(
            Text("is a file, not a folder of images", "是文件，不是图像目录"),
            path,
            Text("name the folder that holds one folder per class", "请指定按类别分子目录存放图像的目录"),
        )
    regular = Text("name a regular file", "请指定普通文件")
    if not folder and stat.S_ISDIR(mode):
        raise FileError(Text("is a directory, not a file", "是目录，不是文件"), path, regular)
    if not folder and not stat.S_ISREG(mode):
        raise FileError(
            Text("is a pipe, socket or device, not a file", "是管道、套接字或设备，不是文件"), path, regular
        )
    return real


def files_below(root: Path, path: str, most: int) -> list[str]:
    """Paths of all files below a folder, sorted. Raises `FileError` at the first entry that is not acceptable."""
    found: list[str] = []
    waiting = [normal(path)]
    resolve(root, path, folder=True)
    while waiting:
        folder = waiting.pop()
        for entry in _entries(root, folder):
            name = f"{folder}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                waiting.append(name)
            elif _leads_to_folder(entry):
                raise FileError(
                    Text("is a link to a directory", "是指向目录的链接"),
                    name,
                    Text("put the files themselves there, or remove the link", "请放入文件本身，或删除该链接"),
                )
            else:
                found.append(name)
            if len(found) + len(waiting) > most:
                raise too_many()
    return sorted(found)


def too_many() -> UserError:
    """The error for a system of more files than anyone can mean."""
    return FileError(
        Text(f"the system has more than {MOST_FILES} files", f"系统文件数超过 {MOST_FILES}"),
        None,
        Text("pack the data into one npz or parquet file", "请把数据打包为单个 npz 或 parquet 文件"),
    )


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    """Whether a link leads to a folder. One that leads nowhere is left for :func:`resolve` to explain."""
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:
        return False


def _entries(root: Path, folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(root / folder) as entries:
            listed = list(islice(entries, MOST_FILES + 1))
    except OSError as error:
        raise unreadable(error, folder) from None
    for entry in listed:
        if not entry.name.isprintable():
            raise FileError(
                Text(
                    f"holds a file with the unprintable name {entry.name!a}",
                    f"含不可打印的文件名 {entry.name!a}",
                ),
                folder,
                Text("rename the file", "请重命名该文件"),
            )
    return listed
