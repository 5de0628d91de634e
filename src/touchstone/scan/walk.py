"""Which files a scan is about: every regular file below the named paths, in an order that never changes.

Nothing is left out silently: hidden files are files, and what cannot be read as one (a pipe, a link that leads out, a
folder nobody may enter) is a result of its own, incomplete. Links are followed to files inside the scanned folder, and
into the `blobs` folder beside it (the layout of the Hugging Face cache); never anywhere else.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from touchstone.errors import UserError
from touchstone.files import unreadable
from touchstone.scan.findings import FileResult, Finding, Gap, Rule
from touchstone.scan.findings import shown as shown_fact
from touchstone.text import Text

LINK_OUT: Final = Rule(
    "link/leads-out",
    "medium",
    "threat",
    Text("Is a link that leads out of the scanned folder", "是指向所扫描文件夹之外的链接"),
    Text(
        "Put the file itself into the folder. A link that came with a model from somebody else makes its loader read "
        "your files: refuse it.",
        "请把文件本身放进该文件夹。若链接随他人提供的模型而来，加载程序会因此读取您自己的文件，应予拒绝。",
    ),
    ("CWE-59", "CWE-61"),
)
LINK_TO_FOLDER: Final = Rule(
    "link/to-folder",
    "information",
    "information",
    Text(
        "Is a link to a folder inside the scanned folder; its files are listed where they lie",
        "是指向所扫描文件夹内另一目录的链接；其中的文件在其实际位置列出",
    ),
    Text("Nothing need be done.", "无需处理。"),
    (),
)
RULES: Final[tuple[Rule, ...]] = (LINK_OUT, LINK_TO_FOLDER)

_ESCAPED: Final = frozenset("\\!")
"""The sign of our own escapes, and the one between a file and a member of it."""

_OTHER_KINDS: Final = (
    (stat.S_ISFIFO, Text("is a named pipe, not a file", "是命名管道，不是文件")),
    (stat.S_ISSOCK, Text("is a socket, not a file", "是套接字，不是文件")),
    (stat.S_ISCHR, Text("is a device, not a file", "是设备，不是文件")),
    (stat.S_ISBLK, Text("is a device, not a file", "是设备，不是文件")),
)


class ScanError(UserError):
    """What was named to be scanned cannot be scanned at all."""


@dataclass(frozen=True, slots=True)
class Place:
    """One file that will be opened."""

    path: str
    """Where it lies, links resolved."""
    shown: str
    """What it is called in the result."""
    size: int
    identity: tuple[int, int, int]
    """Device, inode and time of last change: whether it is still the same file after it was read."""


@dataclass(slots=True)
class Walked:
    """Everything below the named paths."""

    places: list[Place] = field(default_factory=list)
    refused: list[FileResult] = field(default_factory=list)
    """What will not be opened, and why."""


def walk(paths: Iterable[Path | str]) -> Walked:
    """Find every file. Raises `ScanError` when a path does not exist or there is no file at all."""
    named = list(dict.fromkeys(os.path.normpath(path) for path in paths))
    if not named:
        raise ScanError(Text("nothing was named to be scanned", "未指定扫描对象"), None, _NAME)
    walked = Walked()
    for path in named:
        _walk_named(path, walked, alone=len(named) == 1)
    if not walked.places and not walked.refused:
        raise ScanError(Text("holds no files to scan", "没有可扫描的文件"), shown_path(named[0]), _NAME)
    walked.places = list({place.shown: place for place in walked.places}.values())
    walked.refused = list({file.path: file for file in walked.refused}.values())
    return walked


def shown_path(path: str) -> str:
    r"""A path that is safe to print and belongs to one file only: what does not print is escaped.

    >>> shown_path("模型/a\x1b!b")
    '模型/a\\x1b\\x21b'
    """
    if path.isprintable() and _ESCAPED.isdisjoint(path):
        return path
    return "".join(letter if letter.isprintable() and letter not in _ESCAPED else _escaped(letter) for letter in path)


def still_the_same(place: Place) -> bool:
    """Whether the file that was found is the one that lies there now."""
    try:
        status = os.lstat(place.path)
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and (status.st_size, _identity(status)) == (place.size, place.identity)


def unopened(shown: str, why: Text, size: int = 0) -> FileResult:
    """The result of a file that was not read at all."""
    gap = Gap(shown, "unopened", why)
    return FileResult(path=shown, size=size, sha256="", format="unknown", runs_code=False, gaps=(gap,))


_NAME = Text("name a file, or a folder with files in it", "请指定文件，或其中有文件的文件夹")


def _walk_named(path: str, walked: Walked, *, alone: bool) -> None:
    """One path as it was named; files of one that is named alone are called by their place in it.

    A link here was named by the user, so it is followed wherever it leads.
    """
    try:
        real = os.path.realpath(path, strict=True)
        status = Path(real).stat()
    except (OSError, ValueError) as error:
        found = unreadable(error, shown_path(path))
        raise ScanError(found.what, found.where, found.remedy) from None
    if stat.S_ISDIR(status.st_mode):
        prefix = "" if alone or path == "." else f"{path.rstrip('/')}/"
        for entry, inside in _entries(real, prefix, walked):
            _take(entry, inside, _link_targets(real), walked)
    elif stat.S_ISREG(status.st_mode):
        shown = shown_path(Path(path).name if alone else path)
        walked.places.append(Place(real, shown, status.st_size, _identity(status)))
    else:
        raise ScanError(_kind(status.st_mode), shown_path(path), _NAME)


def _entries(root: str, prefix: str, walked: Walked) -> Iterator[tuple[os.DirEntry[str], str]]:
    """Everything below a folder that is no folder itself, with its path as shown, in the order of its parts."""
    waiting: list[tuple[str, os.DirEntry[str] | None]] = [(prefix, None)]
    while waiting:
        inside, entry = waiting.pop()
        if entry is not None and not _is_folder(entry):
            yield entry, inside
            continue
        folder = inside if entry is None else f"{inside}/"
        try:
            with os.scandir(root if entry is None else entry.path) as entries:
                listed = sorted(entries, key=lambda each: each.name, reverse=True)
        except OSError as error:
            if entry is None:
                found = unreadable(error, shown_path(root))
                raise ScanError(found.what, found.where, found.remedy) from None
            walked.refused.append(unopened(shown_path(folder), unreadable(error, "").what))
        else:
            waiting.extend((folder + each.name, each) for each in listed)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


def _take(entry: os.DirEntry[str], path: str, targets: tuple[str, ...], walked: Walked) -> None:
    """One thing that is no folder: a file, a link, or neither."""
    shown = shown_path(path)
    try:
        if entry.is_symlink():
            _take_link(entry, shown, targets, walked)
            return
        status = entry.stat(follow_symlinks=False)
    except OSError as error:
        walked.refused.append(unopened(shown, unreadable(error, "").what))
        return
    if stat.S_ISREG(status.st_mode):
        walked.places.append(Place(entry.path, shown, status.st_size, _identity(status)))
    else:
        walked.refused.append(unopened(shown, _kind(status.st_mode)))


def _take_link(entry: os.DirEntry[str], shown: str, targets: tuple[str, ...], walked: Walked) -> None:
    """A link: followed to a file where that may be, otherwise a result of its own."""
    real = os.path.realpath(entry.path)
    lead = str(Path(entry.path).readlink())
    if not real.startswith(targets):
        walked.refused.append(_link(shown, lead, LINK_OUT, Text("is a link that is not followed", "是未被跟随的链接")))
        return
    status = Path(real).stat()
    if stat.S_ISDIR(status.st_mode):
        walked.refused.append(_link(shown, lead, LINK_TO_FOLDER, None))
    elif stat.S_ISREG(status.st_mode):
        walked.places.append(Place(real, shown, status.st_size, _identity(status)))
    else:
        walked.refused.append(unopened(shown, _kind(status.st_mode)))


def _link(shown: str, lead: str, rule: Rule, why: Text | None) -> FileResult:
    finding = Finding(
        where=shown,
        offset=-1,
        rule=rule.id,
        severity=rule.severity,
        nature=rule.nature,
        shown=shown_fact(f"-> {lead}"),
        what=rule.title,
    )
    gaps = () if why is None else (Gap(shown, "unopened", why),)
    return FileResult(shown, size=0, sha256="", format="link", runs_code=False, findings=(finding,), gaps=gaps)


def _link_targets(root: str) -> tuple[str, ...]:
    """Folders into which links may lead: the scanned one, and `blobs` beside it or beside its `snapshots`."""
    parent = PurePosixPath(root).parent
    beside = parent.parent if parent.name == "snapshots" else parent
    return (f"{root.rstrip('/')}/", f"{beside / 'blobs'}/")


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_dev, status.st_ino, status.st_mtime_ns


def _kind(mode: int) -> Text:
    return next(
        (what for is_kind, what in _OTHER_KINDS if is_kind(mode)), Text("is not a regular file", "不是普通文件")
    )


def _escaped(letter: str) -> str:
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
