"""7z archives: unpacked folder by folder, so that what is in them is examined like any file.

A model in a 7z archive passed the scanners of its hub because they did not open it ("nullifAI", ReversingLabs 2025).
Methods that are not unpacked here, and encrypted archives, end as gaps.
"""

from __future__ import annotations

import lzma
import stat
import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from touchstone.scan.budget import LimitReached
from touchstone.scan.cursor import Cursor
from touchstone.scan.examination import Examination
from touchstone.scan.findings import GapCode, Rule
from touchstone.scan.formats import archive_names
from touchstone.scan.formats.archive_names import DEVICE, Names, judge_link
from touchstone.scan.formats.bombs import BOMB, is_quine, judge_ratio
from touchstone.scan.formats.frames import zstd_frames
from touchstone.scan.formats.seven_zip_header import (
    DAMAGED,
    SIGNATURE_SIZE,
    Coder,
    File,
    Folder,
    Streams,
    parse_header,
)
from touchstone.scan.source import Source, Unreadable
from touchstone.scan.spans import Spans, is_zero
from touchstone.scan.spool import Unpacked, unpack
from touchstone.scan.streams import RAW_DEFLATE, Inflater, Stream, bzip2, raw_lzma, raw_lzma2
from touchstone.text import Text

CHECKSUM: Final = Rule(
    id="7z/checksum",
    severity="high",
    nature="threat",
    title=Text(
        "A checksum in the archive is wrong: strict unpackers refuse what lax ones unpack",
        "归档中的校验和错误：严格的解包器拒绝，宽松的却会解包",
    ),
    remedy=Text(
        "Get the file again from its source and compare digests; if it is the same, refuse it.",
        "请从来源重新获取并比对摘要；若仍相同，应拒绝使用。",
    ),
    references=("CWE-354",),
)
HIDDEN_BYTES: Final = Rule(
    id="7z/hidden-bytes",
    severity="medium",
    nature="threat",
    title=Text("Bytes in the archive belong to no file", "归档中有不属于任何文件的数据"),
    remedy=Text(
        "Ask whoever made the archive what these bytes are, or for one without them.",
        "请提供方说明这些数据的用途，或重新打包并去除。",
    ),
    references=("CWE-506",),
)
RULES: Final[tuple[Rule, ...]] = (CHECKSUM, HIDDEN_BYTES, BOMB, *archive_names.RULES)

_LARGEST_HEADER: Final = 32 * 2**20
_DEEPEST_HEADER: Final = 4
_LONGEST_LINK: Final = 4096
_UNIX_ATTRIBUTES: Final = 0x8000

_ENCRYPTED: Final = "06f10701"
_BRANCH_FILTERS: Final = {
    "03030103": lzma.FILTER_X86,
    "03030205": lzma.FILTER_POWERPC,
    "03030401": lzma.FILTER_IA64,
    "03030501": lzma.FILTER_ARM,
    "03030701": lzma.FILTER_ARMTHUMB,
    "03030805": lzma.FILTER_SPARC,
    "04": lzma.FILTER_X86,
    "05": lzma.FILTER_POWERPC,
    "06": lzma.FILTER_IA64,
    "07": lzma.FILTER_ARM,
    "08": lzma.FILTER_ARMTHUMB,
    "09": lzma.FILTER_SPARC,
}


class _NotUnpacked(Exception):  # noqa: N818 - ends the reading of one folder, is not an error of ours
    """A folder's method is not unpacked here."""

    def __init__(self, method: str) -> None:
        super().__init__(method)
        self.why = Text(f"is packed by method {method}, which is not read here", f"使用压缩方法 {method}，此处不解包")
        self.code: GapCode = "format"
        if method == _ENCRYPTED:
            self.why, self.code = Text("is encrypted", "已加密"), "encrypted"


def read_seven_zip(source: Source, examination: Examination) -> None:
    """Read an archive and everything in it."""
    reading = _Reading(source, examination)
    try:
        streams, files = reading.header()
    except _NotUnpacked as header:
        examination.gap(header.why, header.code)
        return
    reading.read_folders(streams, files)
    reading.account_for_all_bytes()


class _Reading:
    """One archive while it is read."""

    def __init__(self, source: Source, examination: Examination) -> None:
        self._source = source
        self._examination = examination
        self._spans = Spans()
        self._spans.add(0, SIGNATURE_SIZE)

    # ---- the header

    def header(self) -> tuple[Streams, list[File]]:
        """The header, unpacked as often as it was packed."""
        cursor = Cursor(self._source)
        start_checksum, offset, size, checksum = cursor.numbers("8xIQQI")
        if zlib.crc32(self._source.read(12, 20)) != start_checksum:
            self._report_checksum("of the start header", 8)
        start = SIGNATURE_SIZE + offset
        header = self._source.part(start, size)
        if header.size < size:
            raise Unreadable(Text("is cut off before its header", "在归档头之前截断"))
        if size == 0:
            return Streams(), []
        self._spans.add(start, start + size)
        for _ in range(_DEEPEST_HEADER):
            content = header.whole(_LARGEST_HEADER)
            if zlib.crc32(content) != checksum:
                self._report_checksum("of the header", start)
            parsed = parse_header(header)
            if isinstance(parsed, tuple):
                return parsed
            unpacked = self._unpack_header(parsed)
            header, checksum = unpacked.data, parsed.folders[0].checksum or unpacked.checksum
        raise Unreadable(DAMAGED)

    def _unpack_header(self, streams: Streams) -> Unpacked:
        if len(streams.folders) != 1 or streams.folders[0].sizes[streams.folders[0].output] > _LARGEST_HEADER:
            raise Unreadable(DAMAGED)
        unpacked = unpack(self._pieces(streams.folders[0], self._packed(streams)), self._examination.budget)
        if unpacked.problem is not None:
            raise Unreadable(unpacked.problem)
        return unpacked

    def _report_checksum(self, what: str, offset: int) -> None:
        self._examination.report(CHECKSUM, what, offset=offset)

    # ---- folders and files

    def read_folders(self, streams: Streams, files: list[File]) -> None:
        """Unpack every folder and examine the files in it."""
        self._examination.budget.spend_members(len(files))
        names = Names(self._examination, twice="critical", twice_folded="medium")
        for file in files:
            names.judge(f"{file.name}/" if file.is_folder else file.name, -1)
        with_content = iter([file for file in files if file.has_content])
        packed = self._packed(streams)
        for folder, parts in zip(streams.folders, streams.parts, strict=True):
            members = [(next(with_content, File("unnamed")), size, checksum) for size, checksum in parts]
            self._read_folder(folder, packed, members)
        if next(with_content, None) is not None:
            self._examination.gap(Text("names more files than it holds", "列出的文件多于实际内容"))

    def _read_folder(
        self, folder: Folder, packed: Iterator[Source], members: list[tuple[File, int, int | None]]
    ) -> None:
        examination = self._examination
        inputs = [next(packed, None) for _ in folder.packed]
        try:
            pieces = self._pieces(folder, iter([source for source in inputs if source is not None]))
        except _NotUnpacked as method:
            for file, _, _ in members:
                examination.inside(file.name).gap(method.why, method.code)
            return
        except LimitReached:
            raise
        except Unreadable as damage:
            examination.gap(damage.why)
            return
        unpacked = unpack(pieces, examination.budget)
        if unpacked.problem is not None:
            examination.gap(unpacked.problem, unpacked.code)
        judge_ratio(unpacked, sum(source.size for source in inputs if source is not None), examination)
        start = 0
        for file, size, checksum in members:
            self._read_file(file, unpacked.data.part(start, size), size, checksum)
            start += size
        self._read_hidden(unpacked.data.part(start, unpacked.data.size), "bytes after the last file", -1)

    def _read_file(self, file: File, data: Source, size: int, checksum: int | None) -> None:
        examination = self._examination
        if data.size < size:
            examination.inside(file.name).gap(Text("is cut off", "内容不完整"))
        elif checksum is not None and _checksum(data) != checksum:
            self._report_checksum(f"of {file.name}", -1)
        mode = stat.S_IFMT(file.attributes >> 16) if file.attributes & _UNIX_ATTRIBUTES else 0
        if mode == stat.S_IFLNK and data.size <= _LONGEST_LINK:
            judge_link(file.name, data.read(0, _LONGEST_LINK).decode("utf-8", "replace"), -1, examination)
        elif mode not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
            examination.report(DEVICE, file.name)
        elif is_quine(data, self._source):
            examination.report(BOMB, f"{file.name} is the archive itself")
        else:
            examination.examine(data, file.name)

    # ---- unpacking

    def _packed(self, streams: Streams) -> Iterator[Source]:
        """The packed streams, in the order in which they lie in the archive."""
        start = SIGNATURE_SIZE + streams.position
        for size in streams.packed_sizes:
            self._spans.add(start, min(start + size, self._source.size))
            yield self._source.part(start, size)
            start += size

    def _pieces(self, folder: Folder, packed: Iterator[Source]) -> Iterable[bytes]:
        """What a folder unpacks to. Only chains of steps are followed, each with one input and one output."""
        if any(coder.inputs != 1 or coder.outputs != 1 for coder in folder.coders):
            raise _NotUnpacked(next(coder.method for coder in folder.coders if coder.inputs != 1 or coder.outputs != 1))
        source = next(packed, None)
        chain = _chain(folder)
        if source is None or not chain:
            raise Unreadable(DAMAGED)
        pieces: Iterable[bytes] = ()
        while chain:
            index = chain.pop(0)
            coder, filters = folder.coders[index], list[dict[str, int]]()
            while chain and (following := _filter(folder.coders[chain[0]])) is not None:
                filters.insert(0, following)
                index = chain.pop(0)
            pieces = _step(coder, source, folder.sizes[index], filters)
            if chain:
                unpacked = unpack(pieces, self._examination.budget)
                if unpacked.problem is not None:
                    raise Unreadable(unpacked.problem)
                source = unpacked.data
        return pieces

    # ---- bytes outside

    def account_for_all_bytes(self) -> None:
        """Report bytes that belong to nothing."""
        for start, stop in self._spans.gaps(self._source.size):
            self._read_hidden(self._source.part(start, stop - start), f"bytes {start} to {stop}", start)

    def _read_hidden(self, hidden: Source, name: str, offset: int) -> None:
        if not is_zero(hidden):
            self._examination.report(HIDDEN_BYTES, repr(hidden.read(0, 16)), offset=offset, length=hidden.size)
            self._examination.examine(hidden, name)


def _chain(folder: Folder) -> list[int]:
    """The steps in the order in which data pass through them."""
    chain: list[int] = []
    step = folder.output
    while 0 <= step < len(folder.coders) and step not in chain:
        chain.insert(0, step)
        if step not in folder.bound:
            return chain if len(chain) == len(folder.coders) else []
        step = folder.bound[step]
    return []


def _filter(coder: Coder) -> dict[str, int] | None:
    """A step that only rearranges bytes, for the LZMA decoder to apply after unpacking."""
    if coder.method in _BRANCH_FILTERS:
        return {"id": _BRANCH_FILTERS[coder.method]}
    if coder.method == "03" and len(coder.properties) == 1:
        return {"id": lzma.FILTER_DELTA, "dist": coder.properties[0] + 1}
    return None


def _step(coder: Coder, source: Source, size: int, filters: list[dict[str, int]]) -> Iterable[bytes]:
    match coder.method:
        case "030101":
            return Stream(raw_lzma(coder.properties, size, *filters), source, 0, size)
        case "21":
            return Stream(raw_lzma2(coder.properties, size, *filters), source, 0, size)
        case "00" if not filters:
            return source.windows()
        case "040108" if not filters:
            return Stream(Inflater(RAW_DEFLATE), source, 0, size)
        case "040202" if not filters:
            return Stream(bzip2(), source, 0, size)
        case "04f71101" if not filters:
            return zstd_frames(source)
    raise _NotUnpacked(coder.method)


def _checksum(data: Source) -> int:
    checksum = 0
    for window in data.windows():
        checksum = zlib.crc32(window, checksum)
    return checksum
