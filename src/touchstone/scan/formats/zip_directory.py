"""Where the directories of a zip archive are, and what their entries say (PKWARE APPNOTE 6.3.10).

An unpacker looks for the archive from its end, and unpackers differ in how: which end record they believe, whether
the zip64 record outranks it, whether offsets count from the start of the file or from bytes that stand before the
archive. Every combination that leads to a directory is a *reading* here; an honest archive has one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from touchstone.scan.cursor import Cursor
from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.source import Source
from touchstone.text import Text

ENTRY_COUNT: Final = Rule(
    id="zip/entry-count",
    severity="high",
    nature="threat",
    title=Text(
        "The archive's directory has other entries than it says: unpackers differ in which they see",
        "归档目录的实际条目与声明不符：不同解包器看到的条目不同",
    ),
    remedy=Text(
        "Refuse the archive; no ordinary program writes one like it.", "拒绝该归档；正常程序不会生成这样的归档。"
    ),
    references=("CWE-436", "PKWARE APPNOTE 4.4.22"),
)

END: Final = b"PK\x05\x06"
END_SIZE: Final = 22
_LONGEST_COMMENT: Final = 0xFFFF
_LOCATOR: Final = b"PK\x06\x07"
_LOCATOR_SIZE: Final = 20
_WIDE_END: Final = b"PK\x06\x06"
_WIDE_END_SIZE: Final = 56
_ENTRY: Final = b"PK\x01\x02"
_ENTRY_SIZE: Final = 46
LOCAL: Final = b"PK\x03\x04"
LOCAL_SIZE: Final = 30

ENCRYPTED: Final = 0x0001
ENDS_WITH_MARKER: Final = 0x0002
"""Of LZMA: the stream marks its end."""
HAS_DESCRIPTOR: Final = 0x0008
STRONGLY_ENCRYPTED: Final = 0x0040
IS_UTF8: Final = 0x0800
MASKED: Final = 0x2000

_ZIP64: Final = 0x0001
_UNICODE_PATH: Final = 0x7075


class Header(NamedTuple):
    """What one of the two headers of a member says."""

    name: bytes
    flags: int
    method: int
    checksum: int
    packed: int
    unpacked: int
    extra: bytes

    @property
    def text(self) -> str:
        """The name as unpackers show it: most take it for UTF-8 where it can be, whatever the flag says."""
        try:
            return self.name.decode("utf-8")
        except UnicodeDecodeError:
            return self.name.decode("cp437")

    @property
    def unicode_path(self) -> str | None:
        """The other name in an Info-ZIP Unicode Path field, which some unpackers believe instead."""
        for tag, body in extra_fields(self.extra):
            if tag == _UNICODE_PATH and len(body) > 5 and body[0] == 1:
                return body[5:].decode("utf-8", errors="replace")
        return None


class Entry(NamedTuple):
    """One entry of the central directory."""

    central: Header
    start: int
    """Where its local header should be."""
    external: int
    """External attributes: the upper half holds Unix permissions and the file type."""
    comment: tuple[int, int]
    """Where the member's comment stands, and its length."""


class Directory(NamedTuple):
    """One reading of the archive: a directory that some unpacker finds."""

    start: int
    stop: int
    entries: int
    shift: int
    """What must be added to the offsets in it, because bytes stand before the archive."""
    end: int
    """Where the end record stands."""
    comment: int
    """Length of the archive's comment."""
    records: tuple[tuple[int, int], ...]
    """Places of the end records that led here."""
    is_split: bool
    """Whether it says that the archive continues in other files."""


class _Claim(NamedTuple):
    """What an end record says about a directory."""

    stop: int
    entries: int
    size: int
    offset: int
    is_split: bool
    records: tuple[tuple[int, int], ...]


def find_directories(source: Source) -> list[Directory]:
    """Every directory that some unpacker finds, the one that most use first."""
    found: dict[tuple[int, int, int], Directory] = {}
    for end, record in reversed(list(_end_records(source))):
        comment = int.from_bytes(record[20:22], "little")
        for claim in _claims(source, end, record):
            for start in (claim.stop - claim.size, claim.offset):
                shift = start - claim.offset
                if claim.size > claim.stop or not 0 <= start <= claim.stop or not _begins(source, start, claim):
                    continue
                directory = Directory(
                    start=start,
                    stop=start + claim.size,
                    entries=claim.entries,
                    shift=shift,
                    end=end,
                    comment=comment,
                    records=claim.records,
                    is_split=claim.is_split,
                )
                found.setdefault((start, shift, claim.entries), directory)
    return list(found.values())


def archives_in_a_row(source: Source, directories: list[Directory]) -> list[tuple[int, int]]:
    """Where the archives of a file begin and end that is nothing but whole archives, one after the other.

    `directories` are those of the whole file. No archives are answered when one of them is not that of an archive in
    the row: then unpackers differ in what they read.
    """
    found: list[Directory] = []
    stop = source.size
    while stop > 0:
        last = next(iter(find_directories(source.part(0, stop))), None)
        if last is None or last.end + END_SIZE != stop or last.comment or source.read(last.shift, 4) != LOCAL:
            return []
        found.append(last)
        stop = last.shift
    own = {(directory.start, directory.shift) for directory in found}
    if any((directory.start, directory.shift) not in own for directory in directories):
        return []
    return [(directory.shift, directory.end + END_SIZE) for directory in reversed(found)]


def _end_records(source: Source) -> Iterator[tuple[int, bytes]]:
    """Every end record in the tail, whatever follows it: lax unpackers do not ask."""
    tail_start = max(0, source.size - END_SIZE - _LONGEST_COMMENT)
    tail = source.read(tail_start, END_SIZE + _LONGEST_COMMENT)
    position = tail.find(END)
    while 0 <= position <= len(tail) - END_SIZE:
        yield tail_start + position, tail[position : position + END_SIZE]
        position = tail.find(END, position + 1)


def _claims(source: Source, end: int, record: bytes) -> Iterator[_Claim]:
    """What the end record says, and what a zip64 record says that some unpackers believe instead."""
    disk, first_disk, here, count, size, offset = struct.unpack_from("<HHHHII", record, 4)
    is_split = bool(disk or first_disk or here != count) and 0xFFFF not in (disk, first_disk)
    narrow = _Claim(end, count, size, offset, is_split, ((end, END_SIZE),))
    wide_claims = list(_wide_claims(source, end))
    yield from wide_claims
    if not any(_agree(narrow, wide) for wide in wide_claims):
        yield narrow


def _agree(narrow: _Claim, wide: _Claim) -> bool:
    """Whether an end record says nothing that its zip64 record does not say as well."""
    return (
        narrow.entries in (wide.entries, 0xFFFF)
        and narrow.size in (wide.size, 0xFFFFFFFF)
        and narrow.offset in (wide.offset, 0xFFFFFFFF)
    )


def _wide_claims(source: Source, end: int) -> Iterator[_Claim]:
    """What the zip64 record says, where its locator stands before the end record.

    Some unpackers (miniz) go where the locator points, some (Python's `zipfile`) look right before the locator.
    """
    locator = source.read(end - _LOCATOR_SIZE, _LOCATOR_SIZE)
    if not locator.startswith(_LOCATOR) or len(locator) < _LOCATOR_SIZE:
        return
    before = end - _LOCATOR_SIZE - _WIDE_END_SIZE
    for place in dict.fromkeys((before, int.from_bytes(locator[8:16], "little"))):
        record = source.read(place, _WIDE_END_SIZE)
        if not record.startswith(_WIDE_END) or len(record) < _WIDE_END_SIZE:
            continue
        length = 12 + int.from_bytes(record[4:12], "little")
        disk, first_disk, here, count, size, offset = struct.unpack_from("<IIQQQQ", record, 16)
        records = ((place, length), (end - _LOCATOR_SIZE, _LOCATOR_SIZE), (end, END_SIZE))
        yield _Claim(place, count, size, offset, bool(disk or first_disk or here != count), records)


def _begins(source: Source, start: int, claim: _Claim) -> bool:
    if claim.entries == 0 and claim.size == 0:
        return True
    return source.read(start, 4) == _ENTRY


def read_entries(source: Source, directory: Directory, examination: Examination) -> Iterator[Entry]:
    """The entries of a directory, as far as it can be followed."""
    cursor, read = Cursor(source, directory.start), 0
    while cursor.at < directory.stop or read < directory.entries:
        if cursor.left < _ENTRY_SIZE or cursor.take(4) != _ENTRY:
            break
        flags, method, _time, checksum, packed, unpacked, name_size, extra_size, comment_size = cursor.numbers(
            "4xHHIIIIHHH"
        )
        external, offset = cursor.numbers("4xII")
        if cursor.left < name_size + extra_size:
            break
        name, extra = cursor.take(name_size), cursor.take(extra_size)
        unpacked, packed, offset = _widened(extra, [unpacked, packed, offset])
        comment = (cursor.at, comment_size)
        cursor.at += comment_size
        read += 1
        examination.budget.spend_members(1)
        yield Entry(
            central=Header(name, flags, method, checksum, packed, unpacked, extra),
            start=offset + directory.shift,
            external=external,
            comment=comment,
        )
    if cursor.at != directory.stop or read != directory.entries:
        counts = f"{directory.entries} entries declared, {read} read, {cursor.at - directory.stop:+} bytes"
        examination.report(ENTRY_COUNT, counts, offset=cursor.at)


def read_local_header(source: Source, start: int) -> tuple[Header, int] | None:
    """The local header of a member and where its content begins, or `None` when there is none."""
    head = source.read(start, 512)
    if len(head) < LOCAL_SIZE or not head.startswith(LOCAL):
        return None
    flags, method, _time, checksum, packed, unpacked, name_size, extra_size = struct.unpack_from("<HHIIIIHH", head, 6)
    size = LOCAL_SIZE + name_size + extra_size
    if len(head) < size:
        head = source.read(start, size)
    name, extra = head[LOCAL_SIZE : LOCAL_SIZE + name_size], head[LOCAL_SIZE + name_size : size]
    unpacked, packed = _widened(extra, [unpacked, packed])
    return Header(name, flags, method, checksum, packed, unpacked, extra), start + size


def extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """The extra fields of a header, as tag and body. What does not make a field is left out."""
    position = 0
    while position + 4 <= len(extra):
        tag, size = struct.unpack_from("<HH", extra, position)
        yield tag, extra[position + 4 : position + 4 + size]
        position += 4 + size


def _widened(extra: bytes, values: list[int]) -> list[int]:
    """Values of 0xFFFFFFFF replaced by those of the zip64 field, which stand there in this order."""
    if 0xFFFFFFFF not in values:
        return values
    body = next((body for tag, body in extra_fields(extra) if tag == _ZIP64), b"")
    for index, value in enumerate(values):
        if value == 0xFFFFFFFF and len(body) >= 8:
            values[index] = int.from_bytes(body[:8], "little")
            body = body[8:]
    return values
