"""Zip archives read with suspicion: both headers of every member, every byte, and all the ways to read the whole.

PyTorch, NumPy, Keras, skops, TorchServe, Core ML and Python itself load zip archives, each with a reader of its own.
A file that shows one of them other members than a scanner is the oldest way past scanners, so this reader follows
every directory that any of them finds (`zip_directory`), compares the two headers of each member (`zip_member`), and
accounts for every byte. Members that are stored are read where they lie; tensors are never copied or read through.
"""

from __future__ import annotations

import stat
from bisect import bisect_right
from typing import Final

from touchstone.scan.budget import MEBIBYTE, LimitReached
from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.formats import archive_names, torch_archive, zip_directory, zip_member
from touchstone.scan.formats.archive_kinds import ArchiveKinds
from touchstone.scan.formats.archive_names import DEVICE, Names, judge_link, judge_mode
from touchstone.scan.formats.bombs import BOMB, is_quine, judge_count, judge_depth
from touchstone.scan.formats.torch_archive import is_known_record, relate_storages
from touchstone.scan.formats.zip_directory import (
    LOCAL,
    Directory,
    Entry,
    Header,
    archives_in_a_row,
    find_directories,
    read_entries,
    read_local_header,
)
from touchstone.scan.formats.zip_member import (
    DESCRIPTOR,
    STORED,
    Content,
    compare_headers,
    descriptor_size,
    judge_extra,
    read_content,
    verify_checksum,
)
from touchstone.scan.source import Source, Unreadable
from touchstone.scan.spans import Spans, is_zero
from touchstone.text import Text

_REFUSE: Final = Text(
    "Refuse the archive; no ordinary program writes one like it.", "拒绝该归档；正常程序不会生成这样的归档。"
)

TWO_DIRECTORIES: Final = Rule(
    id="zip/two-directories",
    severity="critical",
    nature="threat",
    title=Text(
        "The archive has two directories: unpackers differ in which one they believe",
        "归档含有两个目录，不同解包器采信不同的目录",
    ),
    remedy=_REFUSE,
    references=("CWE-436",),
)
OVERLAP: Final = Rule(
    id="zip/overlap",
    severity="critical",
    nature="threat",
    title=Text("Two members share the same bytes", "两个成员占用相同的字节"),
    remedy=_REFUSE,
    references=("CWE-409", "Fifield: A better zip bomb (WOOT 2019)"),
)
HIDDEN_MEMBER: Final = Rule(
    id="zip/hidden-member",
    severity="critical",
    nature="threat",
    title=Text(
        "A member is missing from the directory: only unpackers that read from the start see it",
        "成员未列入目录：只有从头读取的解包器才会看到",
    ),
    remedy=_REFUSE,
    references=("CWE-436",),
)
HIDDEN_BYTES: Final = Rule(
    id="zip/hidden-bytes",
    severity="medium",
    nature="threat",
    title=Text("Bytes in the archive belong to no member", "归档中有不属于任何成员的数据"),
    remedy=Text(
        "Ask whoever made the archive what these bytes are, or for one without them.",
        "请提供方说明这些数据的用途，或重新打包并去除。",
    ),
    references=("CWE-506",),
)
FOLDER_WITH_CONTENT: Final = Rule(
    id="zip/folder-with-content",
    severity="medium",
    nature="threat",
    title=Text("A member is a folder by its name but has content", "成员名称为目录却带有内容"),
    remedy=_REFUSE,
    references=("CWE-436",),
)
RULES: Final[tuple[Rule, ...]] = (
    TWO_DIRECTORIES,
    OVERLAP,
    HIDDEN_MEMBER,
    HIDDEN_BYTES,
    FOLDER_WITH_CONTENT,
    zip_directory.ENTRY_COUNT,
    *zip_member.RULES,
    *archive_names.RULES,
    *torch_archive.RULES,
)

_DEVICES: Final = frozenset({stat.S_IFBLK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK})
"""Other numbers in the place of a file type are those of writers that do not mean one."""
_MOST_READINGS: Final = 8
_SPLIT_MARKER: Final = b"PK\x07\x08"
"""May precede an archive that was meant to be split and fitted into one part (APPNOTE 8.5.4)."""
_RELATED: Final = frozenset({"torch-pickle", "torchscript-pickle", "torch-storage"})
_TENSOR_FORMATS: Final = frozenset({"torch-storage", "npy", "safetensors", "gguf", "hdf5"})
_ALWAYS_VERIFIED: Final = MEBIBYTE
"""Stored tensors larger than this are not read through for their checksum: the digest of the file covers them."""
_LONGEST_LINK: Final = 4096


def read_zip(source: Source, examination: Examination) -> str:
    """Read an archive and everything in it; answers the kind of archive."""
    reading = _Reading(source, examination)
    directories = find_directories(source)
    if not directories:
        reading.follow_local_headers(0, source.size)
        raise Unreadable(Text("the archive has no directory", "归档没有目录"))
    first, *others = directories
    if first.shift and len(archives := archives_in_a_row(source, directories)) > 1:
        return _read_archives_in_a_row(source, archives, examination)
    reading.read(first)
    disagreeing = reading.disagreeing(others)
    if disagreeing:
        places = ", ".join(str(directory.start) for directory in (first, *disagreeing[:_MOST_READINGS]))
        examination.report(TWO_DIRECTORIES, f"directories at {places}", offset=disagreeing[0].start)
    for directory in disagreeing[:_MOST_READINGS]:
        reading.read(directory)
    reading.account_for_all_bytes()
    relate_storages(reading.pytorch_members, examination)
    if reading.kinds.runs_code:
        examination.runs_code()
    return reading.kinds.format


def _read_archives_in_a_row(source: Source, archives: list[tuple[int, int]], examination: Examination) -> str:
    """Read whole archives that follow one another: PyTorch writes a distributed checkpoint so, one for each tensor."""
    kinds = set()
    for start, stop in archives:
        examination.budget.spend_members(1)
        kinds.add(examination.examine(source.part(start, stop - start), f"archive at byte {start}", "zip"))
    if kinds == {"torch-archive"}:
        return "torch-distributed-checkpoint"
    examination.report(TWO_DIRECTORIES, f"{len(archives)} archives in a row", offset=archives[1][0])
    return "zip"


class _Reading:
    """One archive while it is read."""

    def __init__(self, source: Source, examination: Examination) -> None:
        self.kinds = ArchiveKinds(())
        self.pytorch_members: dict[str, Source] = {}
        """Pickles and storages, which are compared with one another at the end."""
        self._source = source
        self._examination = examination
        self._names: set[str] = set()
        self._spans = Spans()
        self._stored: list[tuple[int, int]] = []
        """Where stored members lie, which may be archives with directories of their own."""
        self._has_checksums = True

    # ---- following a directory

    def read(self, directory: Directory) -> None:
        """Read every member that one directory lists."""
        examination = self._examination
        if directory.is_split:
            examination.gap(Text("the archive continues in other files", "归档的其余部分在其他文件中"), "absent")
        entries = list(read_entries(self._source, directory, examination))
        judge_count(len(entries), sum(entry.central.packed for entry in entries), examination)
        for entry in entries:
            self._names.update(filter(None, (entry.central.text, entry.central.unicode_path)))
        self.kinds = ArchiveKinds(self._names)
        # `torch.serialization.set_crc32_options(False)` writes zero for all of them.
        self._has_checksums = not self.kinds.is_pytorch or any(entry.central.checksum for entry in entries)
        names = Names(examination, twice="critical", twice_folded="critical" if self.kinds.is_pytorch else "medium")
        for entry in entries:
            names.judge(entry.central.text, entry.start)
            self._read_entry(entry)
        self._spans.add(directory.start, directory.stop)
        for start, length in directory.records:
            self._spans.add(start, start + length)
        comment = directory.end + zip_directory.END_SIZE
        self._read_comment(comment, directory.comment, "comment")

    def disagreeing(self, others: list[Directory]) -> list[Directory]:
        """Those of further directories that are not of an archive which is itself a stored member."""
        members = sorted(self._stored)
        return [other for other in others if not _is_inside(other, members)]

    def _read_entry(self, entry: Entry) -> None:
        source, examination, central = self._source, self._examination, entry.central
        inner = examination.inside(central.text)
        found = read_local_header(source, entry.start)
        if found is None:
            inner.gap(Text("has no header where the directory says", "目录所指位置没有成员文件头"))
            return
        local, start = found
        compare_headers(entry, local, examination)
        for header in (central, local):
            if header.extra:
                judge_extra(header, entry.start, examination)
        packed = source.part(start, central.packed)
        if packed.size < central.packed:
            inner.gap(Text("is cut off", "内容不完整"))
        following = descriptor_size(source, start + central.packed, central)
        if following is None:
            examination.report(DESCRIPTOR, central.text, offset=start + central.packed)
        if central.method == STORED:
            self._stored.append((start, start + packed.size))
        span = (entry.start, start + central.packed + (following or 0))
        self._read_comment(*entry.comment, f"{central.text} (comment)")
        if not self._spans.has(*span):
            self._spans.add(*span)
            self._read_member(packed, central, entry.external, entry.start)

    def _read_comment(self, start: int, length: int, name: str) -> None:
        comment = self._source.part(start, length)
        if comment.size:
            self._spans.add(start, start + comment.size)
            self._examination.examine(comment, name)

    # ---- one member

    def _read_member(self, packed: Source, header: Header, external: int, offset: int) -> None:
        name, examination = header.text, self._examination
        inner = examination.inside(name)
        try:
            content = read_content(packed, header, inner, loader_is_lax=self.kinds.is_pytorch)
        except LimitReached:
            raise
        except Unreadable as unreadable:
            inner.gap(unreadable.why)
            return
        if content is None:
            return
        kind = self._examine(content, name, external, offset)
        is_large_tensor = content.checksum is None and kind in _TENSOR_FORMATS and content.data.size > _ALWAYS_VERIFIED
        if content.is_whole and self._has_checksums and not is_large_tensor:
            verify_checksum(content, header, inner)

    def _examine(self, content: Content, name: str, external: int, offset: int) -> str:
        examination, data = self._examination, content.data
        file_type = stat.S_IFMT(external >> 16)
        if file_type == stat.S_IFLNK:
            judge_link(name, data.read(0, _LONGEST_LINK).decode("utf-8", "replace"), offset, examination)
            return "link" if data.size <= _LONGEST_LINK else examination.examine(data, name)
        if file_type == stat.S_IFREG:
            judge_mode(name, external >> 16, offset, examination)
        elif file_type in _DEVICES:
            examination.report(DEVICE, name, offset=offset)
        if name.endswith("/"):
            if not data.size:
                return "folder"
            examination.report(FOLDER_WITH_CONTENT, name, offset=offset)
        if is_quine(data, self._source):
            examination.report(BOMB, f"{name} is the archive itself", offset=offset)
            return "zip"
        judge_depth(data, examination)
        if self.kinds.is_pytorch and is_known_record(name, data):
            return "torch-record"
        member_format = self.kinds.format_of(name)
        if member_format in _RELATED:
            self.pytorch_members[name] = data
        return examination.examine(data, name, member_format)

    # ---- bytes outside the directory's members

    def account_for_all_bytes(self) -> None:
        """Report bytes that belong to two members, and those that belong to none."""
        for start, stop in self._spans.overlaps():
            self._examination.report(OVERLAP, f"bytes {start} to {stop}", offset=start, length=stop - start)
        for start, stop in self._spans.gaps(self._source.size):
            self._read_unaccounted(start, stop)

    def _read_unaccounted(self, start: int, stop: int) -> None:
        source, examination = self._source.part(start, stop - start), self._examination
        head = source.read(0, 16)
        if head.startswith(zip_directory.END):
            examination.report(TWO_DIRECTORIES, f"end records at {start} and elsewhere", offset=start)
        elif head.startswith(LOCAL):
            examination.report(HIDDEN_MEMBER, repr(source.read(0, 64)), offset=start, length=source.size)
            self.follow_local_headers(start, stop)
        elif start == 0 and (head == _SPLIT_MARKER or not head.startswith(b"PK")):
            # The rest of what is before an archive was read for what it is: it gave the file its format.
            return
        elif not is_zero(source):
            examination.report(HIDDEN_BYTES, repr(head), offset=start, length=source.size)
            examination.examine(source, f"bytes {start} to {stop}")

    def follow_local_headers(self, start: int, stop: int) -> None:
        """Read members one after the other from their own headers, as unpackers of pipes do."""
        while start < stop:
            found = read_local_header(self._source, start)
            if found is None:
                return
            header, content = found
            self._examination.budget.spend_members(1)
            length = header.packed or (stop - content if header.flags & zip_directory.HAS_DESCRIPTOR else 0)
            header = header._replace(packed=length)
            self._read_member(self._source.part(content, min(length, stop - content)), header, 0, start)
            start = content + length


def _is_inside(directory: Directory, members: list[tuple[int, int]]) -> bool:
    """Whether a directory, with the end record that led to it, lies in one of these stretches of bytes."""
    before = bisect_right(members, (directory.end, directory.end)) - 1
    if before < 0:
        return False
    start, stop = members[before]
    return directory.end < stop and (directory.entries == 0 or start <= directory.start)
