"""Tar archives: NeMo models, container layers, data sets, PyTorch's oldest checkpoints.

A tar is a chain of headers without a directory, so a member can hide only where unpackers disagree on the next
header: behind an early end mark, behind a damaged header, or where two fields give two sizes. Members are read where
they lie; nothing is unpacked.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.formats import archive_names
from touchstone.scan.formats.archive_names import DEVICE, Names, judge_link, judge_mode
from touchstone.scan.formats.tar_header import (
    BLOCK,
    LONGEST_EXTENSION,
    TarHeader,
    is_header,
    parse_header,
    parse_records,
)
from touchstone.scan.second_archives import look_for_zip
from touchstone.scan.source import Source, Unreadable
from touchstone.text import Text

_REFUSE: Final = Text(
    "Refuse the archive; no ordinary program writes one like it.", "拒绝该归档；正常程序不会生成这样的归档。"
)

HIDDEN_MEMBERS: Final = Rule(
    id="tar/hidden-members",
    severity="high",
    nature="threat",
    title=Text(
        "Members follow the end of the archive: only some unpackers see them",
        "归档结束标记之后还有成员，只有部分解包器会看到",
    ),
    remedy=_REFUSE,
    references=("CWE-436",),
)
HIDDEN_BYTES: Final = Rule(
    id="tar/hidden-bytes",
    severity="medium",
    nature="threat",
    title=Text("Bytes follow the end of the archive", "归档结束标记之后还有其他数据"),
    remedy=Text(
        "Ask whoever made the archive what these bytes are, or for one without them.",
        "请提供方说明这些数据的用途，或重新打包并去除。",
    ),
    references=("CWE-506",),
)
TWO_SIZES: Final = Rule(
    id="tar/two-sizes",
    severity="critical",
    nature="threat",
    title=Text(
        "A member has two sizes: unpackers differ in where the next member begins",
        "成员有两个大小，不同解包器对下一成员的起点认定不同",
    ),
    remedy=_REFUSE,
    references=("CWE-436", "CVE-2025-62518"),
)
RULES: Final[tuple[Rule, ...]] = (HIDDEN_MEMBERS, HIDDEN_BYTES, TWO_SIZES, *archive_names.RULES)

_FILES: Final = frozenset("07")
_LINKS: Final = frozenset("12")
_DEVICES: Final = frozenset("346")
_FOLDER: Final = "5"
_OBEYED: Final = frozenset({"path", "linkpath", "size"})
"""Pax records that stand for a field of the header."""
_LARGEST_OCTAL: Final = 8**11
"""Sizes from here on do not fit the header, which then says nothing about them."""
_FARTHEST_HEADER: Final = 16 * 2**20
"""How far after a damaged header the next one is looked for."""


class _Extension(NamedTuple):
    """What the headers before a member say about it instead of its own header."""

    records: dict[str, str]
    """Those of `_OBEYED` that were there."""
    is_sparse: bool = False


def read_tar(source: Source, examination: Examination) -> str:
    """Read an archive and everything in it; answers the kind of archive."""
    reading = _Reading(source, examination)
    end = reading.read_members(0)
    reading.read_rest(end)
    reading.look_for_zip()
    return reading.kind()


class _Reading:
    """One archive while it is read."""

    def __init__(self, source: Source, examination: Examination) -> None:
        self._source = source
        self._examination = examination
        self._names = Names(examination, twice="medium", twice_folded=None)
        self._seen: set[str] = set()
        self._places: list[tuple[int, int]] = []
        self._global: dict[str, str] = {}

    def read_members(self, position: int) -> int:
        """Follow the chain of headers; answers where it ends."""
        extension = _Extension({})
        while position < self._source.size:
            block = self._source.read(position, BLOCK)
            header = parse_header(block)
            if header is None:
                if position == 0:
                    raise Unreadable(Text("has no valid header", "没有有效的成员头"))
                if block.strip(b"\x00"):
                    where = Text(f"has a damaged header at byte {position}", f"第 {position} 字节处的成员头已损坏")
                    self._examination.gap(where)
                return position
            self._examination.budget.spend_members(1)
            self._examination.budget.check_time()
            content = position + BLOCK
            if header.kind in "xgLK":
                extension = self._extend(header, content, extension)
                size = header.size
            else:
                size = self._read_member(header, position, extension)
                extension = _Extension({})
            if content + size > self._source.size:
                raise Unreadable(Text("is cut off in the middle of a member", "在成员中间截断"))
            position = content + (size + BLOCK - 1) // BLOCK * BLOCK
        return position

    # ---- one member

    def _extend(self, header: TarHeader, content: int, extension: _Extension) -> _Extension:
        """Take in a header that speaks about the next member, or about all that follow."""
        if header.size > LONGEST_EXTENSION:
            raise Unreadable(Text("has a name that is too long", "成员名称过长"))
        body = self._source.read(content, header.size)
        if header.kind in "LK":
            key = "path" if header.kind == "L" else "linkpath"
            text = body.rstrip(b"\x00").decode("utf-8", "surrogateescape")
            return extension._replace(records={**extension.records, key: text})
        records = parse_records(body)
        if records is None:
            raise Unreadable(Text("has damaged pax records", "pax 记录已损坏"))
        obeyed = {key: records[key] for key in _OBEYED & records.keys()}
        if header.kind == "g":
            self._global.update(obeyed)
            return extension
        is_sparse = extension.is_sparse or any(key.startswith("GNU.sparse.") for key in records)
        return _Extension({**extension.records, **obeyed}, is_sparse)

    def _read_member(self, header: TarHeader, position: int, extension: _Extension) -> int:
        """Read one member; answers how many bytes it takes."""
        records = {**self._global, **extension.records}
        name = records.get("path", header.name)
        target = records.get("linkpath", header.target)
        size = self._size(header, records, position)
        self._names.judge(name, position)
        if header.kind in _FILES:
            judge_mode(name, header.mode, position, self._examination)
        self._seen.add(name.removeprefix("./"))
        if header.kind in _LINKS:
            judge_link(name, target, position, self._examination, from_top=header.kind == "1")
        elif header.kind in _DEVICES:
            self._examination.report(DEVICE, name, offset=position)
        elif header.kind in _FILES and not extension.is_sparse:
            self._places.append((position + BLOCK, position + BLOCK + size))
            self._examination.examine(self._source.part(position + BLOCK, size), name)
        elif header.kind != _FOLDER:
            kind = "sparse" if extension.is_sparse else f"kind {header.kind!r}"
            self._examination.inside(name).gap(
                Text(f"is a member of {kind}, which is not read", f"成员类型 {kind} 未解析")
            )
        return size

    def _size(self, header: TarHeader, records: dict[str, str], position: int) -> int:
        """Bytes that follow a member's header, as Python counts them."""
        written = records.get("size", str(header.size))
        if not written.isdecimal() or len(written) > 20:
            raise Unreadable(Text("has a size that is no number", "成员大小不是数字"))
        size = int(written)
        if size != header.size and size < _LARGEST_OCTAL:
            self._examination.report(TWO_SIZES, f"{header.size} and {size} bytes", offset=position)
        if size and header.kind in _LINKS | _DEVICES | {_FOLDER}:
            # Some unpackers go over this many bytes, others take the next block for a header.
            self._examination.report(TWO_SIZES, f"{size} bytes of a member that has none", offset=position)
            return 0
        return size

    # ---- the rest

    def read_rest(self, end: int) -> None:
        """Account for what follows the last member: nothing but zeros in an honest archive."""
        while (place := self._first_content(end)) is not None:
            header = self._next_header(place)
            if header != place:
                hidden = self._source.part(place, (header or self._source.size) - place)
                self._examination.report(HIDDEN_BYTES, repr(hidden.read(0, 16)), offset=place, length=hidden.size)
                self._examination.examine(hidden, f"bytes from {place}")
            if header is None:
                return
            self._examination.report(HIDDEN_MEMBERS, f"a header at byte {header}", offset=header)
            end = self.read_members(header)

    def _first_content(self, start: int) -> int | None:
        """The first block from here on that is not zero."""
        for window in self._source.part(start, self._source.size).windows():
            if window.strip(b"\x00"):
                inside = len(window) - len(window.lstrip(b"\x00"))
                return start + inside // BLOCK * BLOCK
            start += len(window)
        return None

    def _next_header(self, start: int) -> int | None:
        for place in range(start, min(start + _FARTHEST_HEADER, self._source.size), BLOCK):
            if is_header(self._source.read(place, BLOCK)):
                return place
        return None

    def look_for_zip(self) -> None:
        """A zip archive may be a member, even the last one; it may not be made of several, or of the tar itself."""
        look_for_zip(self._source, "tar", self._examination, self._places)

    def kind(self) -> str:
        """What the names of its members make the archive."""
        for kind, names in _KINDS:
            if names <= self._seen:
                return kind
        return "tar"


_KINDS: Final[tuple[tuple[str, frozenset[str]], ...]] = (
    ("nemo", frozenset({"model_config.yaml"})),
    ("torch-tar", frozenset({"pickle", "storages", "tensors"})),
    ("oci-image", frozenset({"oci-layout", "index.json"})),
    ("docker-image", frozenset({"manifest.json", "repositories"})),
)
