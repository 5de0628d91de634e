"""One member of a zip archive: its two headers compared, its content unpacked, its checksum verified.

Loaders differ in which header they believe and in whether they check sizes and checksums: scanners that stop at such a
difference were passed by files that PyTorch went on to load (CVE-2025-1944, CVE-2025-1945, CVE-2025-10156).
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final, NamedTuple

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.formats.bombs import BOMB, judge_ratio
from touchstone.scan.formats.zip_directory import (
    ENCRYPTED,
    ENDS_WITH_MARKER,
    HAS_DESCRIPTOR,
    IS_UTF8,
    MASKED,
    STRONGLY_ENCRYPTED,
    Entry,
    Header,
    extra_fields,
)
from touchstone.scan.source import Source
from touchstone.scan.spool import unpack
from touchstone.scan.streams import RAW_DEFLATE, Inflater, Stream, bzip2, raw_lzma, xz_or_lzma
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.scan.formats.frames import Frames

_REFUSE: Final = Text(
    "Refuse the archive; no ordinary program writes one like it.", "拒绝该归档；正常程序不会生成这样的归档。"
)

HEADERS_DIFFER: Final = Rule(
    id="zip/headers-differ",
    severity="critical",
    nature="threat",
    title=Text(
        "The two headers of a member differ: unpackers read different members",
        "成员的两个文件头不一致：不同解包器读到不同成员",
    ),
    remedy=_REFUSE,
    references=("CWE-436", "CVE-2025-1944", "CVE-2025-1945"),
)
CHECKSUM: Final = Rule(
    id="zip/checksum",
    severity="high",
    nature="threat",
    title=Text(
        "A member's checksum is wrong: strict unpackers refuse what lax ones load",
        "成员校验和错误：严格的解包器拒绝，宽松的却会加载",
    ),
    remedy=Text(
        "Get the file again from its source and compare digests; if it is the same, refuse it.",
        "请从来源重新获取并比对摘要；若仍相同，应拒绝使用。",
    ),
    references=("CWE-354", "CVE-2025-10156"),
)
SIZE: Final = Rule(
    id="zip/size",
    severity="high",
    nature="threat",
    title=Text("A member does not unpack to the size it declares", "成员解包后的大小与声明不符"),
    remedy=_REFUSE,
    references=("CWE-130",),
)
TWO_NAMES: Final = Rule(
    id="zip/two-names",
    severity="high",
    nature="threat",
    title=Text(
        "A member has two names: unpackers differ in which one they use", "成员有两个名称，不同解包器取用不同名称"
    ),
    remedy=_REFUSE,
    references=("CWE-436", "Info-ZIP extra field 0x7075"),
)
FALSE_ENCRYPTION: Final = Rule(
    id="zip/false-encryption",
    severity="critical",
    nature="threat",
    title=Text(
        "A member is marked as encrypted and is not: scanners pass over what lax loaders load",
        "成员标记为加密而实际未加密：扫描器会跳过，宽松的加载器却会加载",
    ),
    remedy=_REFUSE,
    references=("CWE-436", "CVE-2025-1945"),
)
DESCRIPTOR: Final = Rule(
    id="zip/descriptor",
    severity="high",
    nature="threat",
    title=Text(
        "Sizes and checksum written after a member are not those of the directory",
        "成员之后记录的大小与校验和同目录不一致",
    ),
    remedy=_REFUSE,
    references=("CWE-436", "PKWARE APPNOTE 4.3.9"),
)
PADDING: Final = Rule(
    id="zip/padding",
    severity="medium",
    nature="threat",
    title=Text("Bytes are hidden where a member's header has room for padding", "成员文件头的填充区中藏有数据"),
    remedy=_REFUSE,
    references=("CWE-506",),
)
RULES: Final[tuple[Rule, ...]] = (
    HEADERS_DIFFER,
    CHECKSUM,
    SIZE,
    TWO_NAMES,
    FALSE_ENCRYPTION,
    DESCRIPTOR,
    PADDING,
    BOMB,
)

STORED: Final = 0
_ENCRYPTIONS: Final = ENCRYPTED | STRONGLY_ENCRYPTED | MASKED
_AES: Final = 99

_PYTORCH_PADDING: Final = 0x4246
"""`FB`: PyTorch aligns tensors with it, filled with `Z` (caffe2/serialize/inline_container.cc)."""
_KNOWN_FIELDS: Final = frozenset(
    {
        0x0001,  # zip64
        0x000A,  # NTFS times
        0x000D,  # Unix
        0x5455,  # extended timestamp
        0x5855,  # Info-ZIP Unix, first form
        0x7855,  # Info-ZIP Unix, second form
        0x7875,  # Info-ZIP Unix, third form
        0x7075,  # Unicode path
        0x6375,  # Unicode comment
        0x9901,  # AES
        0xCAFE,  # Java archive
        _PYTORCH_PADDING,
    }
)


class Content(NamedTuple):
    """The content of a member, as far as it could be had."""

    data: Source
    checksum: int | None
    """CRC-32, where unpacking gave it anyway."""
    is_whole: bool = True
    """Whether it was unpacked to its end."""


def compare_headers(entry: Entry, local: Header, examination: Examination) -> None:
    """Report what the local header says otherwise than the directory."""
    central = entry.central
    followed = bool(central.flags & HAS_DESCRIPTOR)
    unset = (0, 0xFFFFFFFF) if followed else ()
    weighty = ENCRYPTED | HAS_DESCRIPTOR | STRONGLY_ENCRYPTED | MASKED | (0 if central.name.isascii() else IS_UTF8)
    differing = [
        label
        for label, same in (
            ("name", local.name == central.name),
            ("method", local.method == central.method),
            ("flags", not (local.flags ^ central.flags) & weighty),
            ("checksum", local.checksum == central.checksum or (followed and local.checksum == 0)),
            ("packed size", local.packed in (central.packed, *unset)),
            ("unpacked size", local.unpacked in (central.unpacked, *unset)),
        )
        if not same
    ]
    if differing:
        fact = f"{', '.join(differing)}: {_outline(central)} in the directory, {_outline(local)} at the member"
        examination.report(HEADERS_DIFFER, fact, offset=entry.start)


def _outline(header: Header) -> str:
    return (
        f"{header.text[:60]!r} method {header.method} flags {header.flags:#x} checksum {header.checksum:08x} "
        f"sizes {header.packed}/{header.unpacked}"
    )


def judge_extra(header: Header, offset: int, examination: Examination) -> None:
    """Report a second name, hidden bytes and fields nobody knows in the extra fields of a header."""
    covered = 0
    for tag, body in extra_fields(header.extra):
        covered += 4 + len(body)
        if tag == _PYTORCH_PADDING and body.strip(b"Z\x00"):
            examination.report(PADDING, f"{header.text}: {body[:32]!r}", offset=offset, length=len(body))
        elif tag not in _KNOWN_FIELDS and body.strip(b"\x00"):
            examination.gap(Text(f"has an extra field of unknown kind {tag:#06x}", f"含有未知的扩展字段 {tag:#06x}"))
    if covered > len(header.extra) or header.extra[covered:].strip(b"\x00"):
        examination.gap(Text("has extra fields that are damaged", "扩展字段已损坏"))
    second = header.unicode_path
    # A second name is for letters that the first cannot have; one in plain ASCII serves no honest purpose.
    if second is not None and second != header.text and second.isascii():
        examination.report(TWO_NAMES, f"{header.text} / {second}", offset=offset)


def descriptor_size(source: Source, start: int, header: Header) -> int | None:
    """Bytes of the data descriptor that follows a member; 0 when it has none, `None` when it says something else."""
    if not header.flags & HAS_DESCRIPTOR:
        return 0
    tail = source.read(start, 24)
    for signature in (b"PK\x07\x08", b""):
        for sizes in ("<III", "<IQQ"):
            try:
                expected = signature + struct.pack(sizes, header.checksum, header.packed, header.unpacked)
            except struct.error:
                continue
            if tail.startswith(expected):
                return len(expected)
    return None


def read_content(
    packed: Source, header: Header, examination: Examination, *, loader_is_lax: bool = False
) -> Content | None:
    """The member's content; `None`, with a gap, when none of it can be had. Raises `Unreadable` likewise.

    `loader_is_lax` says that the loader of this kind of archive minds neither marks nor checksums.
    """
    if header.flags & _ENCRYPTIONS or header.method == _AES:
        content = _unencrypted_content(packed, header, examination, loader_is_lax=loader_is_lax)
        if content is None:
            examination.gap(Text("is encrypted", "已加密"), "encrypted")
        else:
            examination.report(FALSE_ENCRYPTION, f"flags {header.flags:#06x}")
        return content
    if header.method == STORED:
        if packed.size != header.unpacked:
            examination.report(SIZE, f"{packed.size} bytes stored, {header.unpacked} declared")
        return Content(packed, None)
    pieces = _pieces(packed, header)
    if pieces is None:
        method = header.method
        examination.gap(
            Text(f"is packed by method {method}, which is not read here", f"使用压缩方法 {method}，此处不解包"),
            "format",
        )
        return None
    unpacked = unpack(pieces, examination.budget)
    if unpacked.problem is not None:
        examination.gap(unpacked.problem, unpacked.code)
    elif unpacked.data.size != header.unpacked:
        examination.report(SIZE, f"unpacks to {unpacked.data.size} bytes, {header.unpacked} declared")
    elif pieces.stop < packed.size:
        examination.report(SIZE, f"{packed.size - pieces.stop} bytes follow the compressed data")
        examination.examine(packed.part(pieces.stop, packed.size), "bytes after the compressed data")
    judge_ratio(unpacked, packed.size, examination)
    return Content(unpacked.data, unpacked.checksum, is_whole=unpacked.problem is None)


def _unencrypted_content(
    packed: Source, header: Header, examination: Examination, *, loader_is_lax: bool
) -> Content | None:
    """The content of a member that is marked as encrypted and is not: then its checksum is that of what it holds."""
    if header.method == STORED:
        content = Content(packed, None)
    else:
        pieces = _pieces(packed, header)
        unpacked = None if pieces is None else unpack(pieces, examination.budget)
        if unpacked is None or unpacked.problem is not None:
            return None
        content = Content(unpacked.data, unpacked.checksum)
    return content if loader_is_lax or _checksum(content, examination) == header.checksum else None


def _pieces(packed: Source, header: Header) -> Stream | Frames | None:
    match header.method:
        case 8:
            return Stream(Inflater(RAW_DEFLATE), packed)
        case 12:
            return Stream(bzip2(), packed)
        case 14:
            # APPNOTE 5.8.8: version, length of the properties, the properties; then a raw stream.
            length = int.from_bytes(packed.read(2, 2), "little")
            decompressor = raw_lzma(packed.read(4, length), header.unpacked)
            most = None if header.flags & ENDS_WITH_MARKER else header.unpacked
            return Stream(decompressor, packed, 4 + length, most)
        case 93:
            from touchstone.scan.formats.frames import zstd_frames

            return zstd_frames(packed)
        case 95:
            return Stream(xz_or_lzma(), packed)
    return None


def verify_checksum(content: Content, header: Header, examination: Examination) -> None:
    """Compare the checksum with the content, reading stored content once more."""
    checksum = _checksum(content, examination)
    if checksum != header.checksum:
        examination.report(CHECKSUM, f"{header.checksum:08x} declared, {checksum:08x} found")


def _checksum(content: Content, examination: Examination) -> int:
    if content.checksum is not None:
        return content.checksum
    checksum = 0
    for window in content.data.windows():
        checksum = zlib.crc32(window, checksum)
        examination.budget.check_time()
    return checksum
