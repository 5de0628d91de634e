"""Bytes of an HDF5 file that nothing in it leads to: before it, behind it, and between its parts.

Free space is normal in HDF5, and it may hold what was there before; so it is only reported when it begins like a
program, an archive or a pickle. A user block and bytes behind the end are never written by Keras.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.hdf5_objects import Extent, Hdf5File
from touchstone.scan.source import WINDOW
from touchstone.text import Text

HIDDEN_BYTES: Final = Rule(
    "hdf5/hidden-bytes",
    "medium",
    "threat",
    Text(
        "Bytes that no part of the file leads to, and that look like something",
        "存在未被引用且具有其他格式特征的字节",
    ),
    Text(
        "Copy the file with `h5repack`, which leaves them behind, and ask where they came from.",
        "用 `h5repack` 复制文件以去除这些字节，并查明其来源。",
    ),
    ("CWE-506",),
)
USER_BLOCK: Final = Rule(
    "hdf5/user-block",
    "medium",
    "threat",
    Text(
        "Other bytes stand before the HDF5 file, so that it is two files at once",
        "HDF5 内容之前存在其他数据，文件具有双重含义",
    ),
    Text("Cut them off with `h5unjam`.", "用 `h5unjam` 去除。"),
    ("CWE-436",),
)

RULES: Final[tuple[Rule, ...]] = (HIDDEN_BYTES, USER_BLOCK)

_MOST_SEARCHED: Final = 64 * 2**20
_MATLAB: Final = b"MATLAB 7.3 MAT-file"
_MARKS: Final = re.compile(
    rb"\x7fELF[\x01\x02][\x01\x02]\x01[\x00-\x12]\x00{7}"
    rb"|PK\x03\x04[\x0a\x14\x2d]\x00[\x00-\x08]\x08?[\x00\x08]\x00"
    rb"|\x80[\x04\x05]\x95.{4}\x00{4}[\x8c\x8e(\])}cNKMJXUBC]"
    rb"|\x80[\x02-\x05]c[a-zA-Z_][\w.]{1,40}\n\w{1,40}\n"
    rb"|(?:^|\x00)c(?:os|posix|nt|builtins|__builtin__|subprocess)\n\w{1,40}\n"
    rb"|MZ.{58}..\x00\x00",
    re.DOTALL,
)


def look_at_unused_bytes(file: Hdf5File, examination: Examination, *, all_extents_known: bool) -> None:
    """Report a user block, bytes behind the end, and marks of other formats in between."""
    source = file.source
    if file.begin:
        _user_block(file, examination)
    if file.end > source.size:
        examination.gap(Text("ends before its own end", "文件在声明的结尾前截断"))
    elif file.end < source.size:
        length = source.size - file.end
        examination.report(HIDDEN_BYTES, f"{length} bytes behind the end", offset=file.end, length=length)
        examination.examine(source.part(file.end, length), "bytes behind the end")
    searched = 0
    for start, length in _unused(file.used, file.begin, min(file.end, source.size)):
        searched += length
        if searched > _MOST_SEARCHED:
            if all_extents_known:  # else most of it are chunks of data
                examination.gap(Text("has very much unused space", "未使用空间过多"), "limit")
            return
        _search(file, start, length, examination)


def _user_block(file: Hdf5File, examination: Examination) -> None:
    block = file.source.read(0, file.begin)
    if block.startswith(_MATLAB) or block.count(0) == len(block):
        return
    examination.report(USER_BLOCK, f"{len(block)} bytes, beginning {block[:16].hex(' ')}", offset=0, length=len(block))
    examination.examine(file.source.part(0, file.begin), "user block")


def _unused(used: list[Extent], begin: int, end: int) -> Iterator[Extent]:
    reached = begin
    for start, length in sorted(used):
        if start >= end:
            break
        if start > reached:
            yield reached, start - reached
        reached = max(reached, start + length)
    if reached < end:
        yield reached, end - reached


def _search(file: Hdf5File, start: int, length: int, examination: Examination) -> None:
    """Look for marks in unused bytes, with windows that overlap by the length of a mark."""
    for place in range(start, start + length, WINDOW):
        examination.budget.check_time()
        data = file.source.read(place, min(WINDOW + 64, start + length - place))
        mark = _MARKS.search(data)
        if mark is not None:
            at = place + mark.start()
            examination.report(HIDDEN_BYTES, mark[0][:16].hex(" "), offset=at, length=start + length - at)
            examination.examine(file.source.part(at, start + length - at), f"unused bytes at {at}")
            return
