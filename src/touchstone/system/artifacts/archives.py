"""Zip archives read with suspicion: both directories, every byte, and all the ways two unpackers can disagree.

The standard library's `zipfile` stops or guesses where an attacker wants it to; this reader compares the central
directory with every local header (PKWARE APPNOTE 6.3.10) and reports each difference.
"""

from __future__ import annotations

import stat
import struct
import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from touchstone.system.artifacts.constructs import Construct, Kind, Severity, shown
from touchstone.text import Text

MOST_MEMBERS = 100_000
LARGEST_OUTPUT = 2**29
"""Bytes unpacked from one archive at most, over all members."""
LARGEST_RATIO = 200
"""Unpacked to packed size above which a member of more than `SMALLEST_BOMB` bytes counts as a bomb."""
SMALLEST_BOMB = 2**26

_END = b"PK\x05\x06"
_END_SIZE = 22
_LOCATOR_SIZE = 20
_DESCRIPTOR_SIZES = (12, 16, 20, 24)
_ENCRYPTED, _DESCRIPTOR, _MASKED = 0x0001, 0x0008, 0x2000
_STORED, _DEFLATED = 0, 8


@dataclass(frozen=True, slots=True)
class Member:
    """One unpacked member."""

    name: str
    data: memoryview


@dataclass(slots=True)
class Archive:
    """What one archive holds: its readable members, its tricks, and what could not be read."""

    members: list[Member] = field(default_factory=list)
    constructs: list[Construct] = field(default_factory=list)
    problems: list[Text] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Header:
    """One entry of a directory, as one of the two headers tells it."""

    name: bytes
    flags: int
    method: int
    checksum: int
    packed: int
    unpacked: int


@dataclass(frozen=True, slots=True)
class _Entry:
    central: _Header
    offset: int
    external: int


class _Broken(Exception):  # noqa: N818 - ends a reading, is not an error of ours
    def __init__(self, problem: Text) -> None:
        super().__init__(problem.en)
        self.problem = problem


def has_zip_directory(data: memoryview) -> bool:
    """Whether a zip reader, which looks from the end, would take these bytes for an archive."""
    return any(
        _signature(data, start) == b"PK\x01\x02"
        for end in _ends(data)
        for size, offset in [struct.unpack_from("<II", data, end + 12)]
        for start in (offset, end - size)
        if 0 <= start < end
    )


def read_zip(data: memoryview, where: str) -> Archive:
    """Read a whole archive. Never raises; whatever cannot be read is in `problems`."""
    reader = _Reader(data, where)
    try:
        reader.read()
    except _Broken as broken:
        reader.archive.problems.append(broken.problem)
    except (struct.error, IndexError):
        reader.archive.problems.append(Text("the archive's directory is cut off", "归档目录不完整"))
    return reader.archive


def _ends(data: memoryview) -> list[int]:
    """Positions of end-of-directory records whose comment reaches exactly to the end of the file."""
    tail_start = max(0, len(data) - _END_SIZE - 65535)
    tail = bytes(data[tail_start:])
    found = []
    position = tail.find(_END)
    while position >= 0:
        if position + _END_SIZE <= len(tail):
            comment = struct.unpack_from("<H", tail, position + 20)[0]
            if position + _END_SIZE + comment == len(tail):
                found.append(tail_start + position)
        position = tail.find(_END, position + 1)
    return found


class _Reader:
    def __init__(self, data: memoryview, where: str) -> None:
        self.data = data
        self.where = where
        self.archive = Archive()
        self.output = 0
        self.shift = 0
        """How far the archive begins after the place its offsets count from."""

    def read(self) -> None:
        ends = _ends(self.data)
        if not ends:
            raise _Broken(Text("the archive has no end-of-directory record", "归档缺少目录结束记录"))
        if len(ends) > 1:
            self._trick(
                "critical", ends[0], "PK\\x05\\x06", Text("has two directories", "含有两个目录，不同解包器读到不同内容")
            )
        start, stop, count = self._directory(ends[-1])
        entries = list(self._entries(start, stop, count))
        self._judge_names(entries)
        spans = [span for entry in entries if (span := self._member(entry)) is not None]
        self._judge_coverage(spans, start)

    def _trick(
        self, severity: Severity, offset: int | None, what_shown: str, what: Text, kind: Kind = "archive-trick"
    ) -> None:
        self.archive.constructs.append(Construct(kind, severity, self.where, offset, what_shown, what))

    def _directory(self, end: int) -> tuple[int, int, int]:
        """Where the central directory starts and stops, and how many entries it declares."""
        disk, first_disk, here, count, size, offset = struct.unpack_from("<HHHHII", self.data, end + 4)
        stop = end
        locator = end - _LOCATOR_SIZE
        if locator >= 0 and _signature(self.data, locator) == b"PK\x06\x07":
            record = struct.unpack_from("<Q", self.data, locator + 8)[0]
            if record > locator or _signature(self.data, record) != b"PK\x06\x06":
                raise _Broken(Text("the zip64 record is not where it is said to be", "zip64 记录不在声明的位置"))
            wide = struct.unpack_from("<QQQQ", self.data, record + 24)
            narrow = (here, count, size, offset)
            limits = (0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
            if any(n not in (w, limit) for n, w, limit in zip(narrow, wide, limits, strict=True)):
                self._trick(
                    "critical",
                    record,
                    "PK\\x06\\x06",
                    Text("zip64 record and end record differ", "zip64 记录与目录结束记录不一致"),
                )
            here, count, size, offset = wide
            stop = record
        if disk or first_disk or here != count:
            raise _Broken(Text("the archive spans several disks", "归档跨越多个磁盘"))
        if offset + size > stop:
            raise _Broken(Text("the directory lies outside the archive", "目录位于归档之外"))
        if offset + size < stop:
            self._trick(
                "critical",
                0,
                shown(repr(bytes(self.data[:16]))),
                Text(
                    "bytes stand before the archive or its end record: unpackers disagree where it starts",
                    "归档或其结束记录之前有多余字节：不同解包器对起点认定不同",
                ),
            )
            self.shift = stop - size - offset
            offset = stop - size
        return offset, offset + size, count

    def _entries(self, start: int, stop: int, count: int) -> Iterator[_Entry]:
        if count > MOST_MEMBERS:
            raise _Broken(Text(f"has more than {MOST_MEMBERS} members", f"成员超过 {MOST_MEMBERS} 个"))
        position = start
        for _ in range(count):
            if _signature(self.data, position) != b"PK\x01\x02" or position + 46 > stop:
                raise _Broken(Text("an entry of the directory is broken", "目录条目损坏"))
            flags, method, _time, checksum, packed, unpacked, name_size, extra_size, comment_size = struct.unpack_from(
                "<HHIIIIHHH", self.data, position + 8
            )
            external, offset = struct.unpack_from("<II", self.data, position + 38)
            name = bytes(self.data[position + 46 : position + 46 + name_size])
            extra = bytes(self.data[position + 46 + name_size : position + 46 + name_size + extra_size])
            unpacked, packed, offset = _widen(extra, [unpacked, packed, offset])
            yield _Entry(_Header(name, flags, method, checksum, packed, unpacked), offset, external)
            position += 46 + name_size + extra_size + comment_size
        if position != stop:
            self.archive.problems.append(Text("the directory holds more than its entries", "目录中含有条目以外的数据"))

    def _judge_names(self, entries: list[_Entry]) -> None:
        seen: set[str] = set()
        for entry in entries:
            name = _name(entry.central)
            folded = unicodedata.normalize("NFC", name).casefold()
            if folded in seen:
                self._trick(
                    "critical",
                    entry.offset,
                    shown(name),
                    Text("two members have the same name", "两个成员同名，不同解包器取用不同成员"),
                )
            seen.add(folded)
            if _escapes(name):
                self._trick(
                    "critical",
                    entry.offset,
                    shown(name),
                    Text("a member's path leads out of the archive", "成员路径指向归档之外"),
                )
            mode = entry.external >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                self._trick(
                    "critical",
                    entry.offset,
                    shown(name),
                    Text("a member is a link or a device", "成员是链接或设备文件"),
                )

    def _member(self, entry: _Entry) -> tuple[int, int] | None:
        """Read one member and answer the bytes it takes, local header included."""
        start = entry.offset + self.shift
        if _signature(self.data, start) != b"PK\x03\x04":
            self.archive.problems.append(
                Text(
                    f"member {shown(_name(entry.central), 80)} has no local header",
                    f"成员 {shown(_name(entry.central), 80)} 缺少本地文件头",
                )
            )
            return None
        flags, method, _time, checksum, packed, unpacked, name_size, extra_size = struct.unpack_from(
            "<HHIIIIHH", self.data, start + 6
        )
        content = start + 30 + name_size + extra_size
        name = bytes(self.data[start + 30 : start + 30 + name_size])
        extra = bytes(self.data[start + 30 + name_size : content])
        unpacked, packed = _widen(extra, [unpacked, packed])
        self._compare(entry, _Header(name, flags, method, checksum, packed, unpacked))
        stop = content + entry.central.packed
        if stop > len(self.data):
            self.archive.problems.append(
                Text(
                    f"member {shown(_name(entry.central), 80)} is cut off",
                    f"成员 {shown(_name(entry.central), 80)} 不完整",
                )
            )
            return None
        unpacked_data = self._unpack(entry, self.data[content:stop])
        if unpacked_data is not None:
            self.archive.members.append(Member(_name(entry.central), unpacked_data))
        return start, stop + (max(_DESCRIPTOR_SIZES) if entry.central.flags & _DESCRIPTOR else 0)

    def _compare(self, entry: _Entry, local: _Header) -> None:
        central = entry.central
        differing = [
            label
            for label, same in (
                ("name", local.name == central.name),
                ("method", local.method == central.method),
                ("flags", not (local.flags ^ central.flags) & (_ENCRYPTED | _DESCRIPTOR)),
                ("crc", local.checksum == central.checksum or bool(central.flags & _DESCRIPTOR)),
                ("packed size", local.packed in (central.packed, *_unset(central))),
                ("unpacked size", local.unpacked in (central.unpacked, *_unset(central))),
            )
            if not same
        ]
        if differing:
            self._trick(
                "critical",
                entry.offset,
                f"{shown(_name(central), 80)} / {shown(_name(local), 80)}: {', '.join(differing)}",
                Text(
                    "the archive's two headers of a member differ: unpackers read different members",
                    "成员的两个文件头不一致：不同解包器读到不同成员",
                ),
            )

    def _unpack(self, entry: _Entry, packed: memoryview) -> memoryview | None:
        header, name = entry.central, shown(_name(entry.central), 80)
        if header.flags & (_ENCRYPTED | _MASKED):
            self._trick(
                "high", entry.offset, name, Text("a member is encrypted and cannot be read", "成员已加密，无法读取")
            )
            self.archive.problems.append(Text(f"member {name} is encrypted", f"成员 {name} 已加密"))
            return None
        if header.unpacked > SMALLEST_BOMB and header.unpacked > LARGEST_RATIO * max(1, len(packed)):
            self._bomb(entry)
            return None
        if header.method not in (_STORED, _DEFLATED):
            self.archive.problems.append(
                Text(
                    f"member {name} is packed by method {header.method}",
                    f"成员 {name} 使用压缩方法 {header.method}，无法解包",
                )
            )
            return None
        self.output += header.unpacked if header.method == _DEFLATED else 0
        if self.output > LARGEST_OUTPUT:
            raise _Broken(Text(f"unpacks to more than {LARGEST_OUTPUT} bytes", f"解包后超过 {LARGEST_OUTPUT} 字节"))
        data = packed if header.method == _STORED else self._inflate(packed, header.unpacked)
        if data is None or len(data) != header.unpacked:
            self._trick(
                "high",
                entry.offset,
                name,
                Text("a member does not unpack to its declared size", "成员解包后的大小与声明不符"),
            )
            return data
        if zlib.crc32(data) != header.checksum:
            self._trick(
                "critical",
                entry.offset,
                name,
                Text(
                    "a member's checksum is wrong: strict readers refuse what lax ones load",
                    "成员校验和错误：严格的读取器拒绝，宽松的读取器却会加载",
                ),
            )
        return data

    def _inflate(self, packed: memoryview, declared: int) -> memoryview | None:
        inflater = zlib.decompressobj(-15)
        try:
            data = inflater.decompress(packed, declared + 1)
        except zlib.error:
            return None
        return memoryview(data) if inflater.eof and not inflater.unused_data else None

    def _bomb(self, entry: _Entry) -> None:
        self._trick(
            "high",
            entry.offset,
            shown(_name(entry.central), 80),
            Text(
                f"a member unpacks to {entry.central.unpacked} bytes from {entry.central.packed}",
                f"成员由 {entry.central.packed} 字节解包为 {entry.central.unpacked} 字节",
            ),
            "resource-bomb",
        )
        self.archive.problems.append(Text("a member is too large to unpack", "成员过大，未解包"))

    def _judge_coverage(self, spans: list[tuple[int, int]], directory: int) -> None:
        """Every byte before the directory belongs to exactly one member."""
        reached = 0
        for start, stop in sorted(spans):
            if start < reached - max(_DESCRIPTOR_SIZES):
                self._trick(
                    "critical",
                    start,
                    f"bytes {start}-{reached}",
                    Text("two members share the same bytes", "两个成员占用相同的字节"),
                )
            elif start > reached:
                self._uncovered(reached, start)
            reached = max(reached, stop)
        if directory > reached:
            self._uncovered(reached, directory)

    def _uncovered(self, start: int, stop: int) -> None:
        if start == 0:
            self._trick(
                "critical",
                0,
                shown(repr(bytes(self.data[:16]))),
                Text("bytes stand before the first member", "首个成员之前有多余字节"),
            )
        elif any(self.data[start : min(stop, start + 2**20)]) or stop - start > 2**20:
            self.archive.problems.append(
                Text(
                    f"bytes {start} to {stop} belong to no member",
                    f"第 {start} 至 {stop} 字节不属于任何成员",
                )
            )


def _unset(header: _Header) -> tuple[int, ...]:
    """Values a local size may have instead of the true one: it follows in the descriptor."""
    return (0, 0xFFFFFFFF) if header.flags & _DESCRIPTOR else ()


def _widen(extra: bytes, values: list[int]) -> list[int]:
    """Replace values of 0xFFFFFFFF by those of the zip64 extra field, in their fixed order."""
    position = 0
    while position + 4 <= len(extra):
        tag, size = struct.unpack_from("<HH", extra, position)
        body = extra[position + 4 : position + 4 + size]
        position += 4 + size
        if tag == 1:
            for index, value in enumerate(values):
                if value == 0xFFFFFFFF and len(body) >= 8:
                    values[index] = int.from_bytes(body[:8], "little")
                    body = body[8:]
            break
    return values


def _signature(data: memoryview, position: int) -> bytes:
    return bytes(data[position : position + 4])


def _name(header: _Header) -> str:
    return header.name.decode("utf-8" if header.flags & 0x800 else "cp437", errors="replace")


def _escapes(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return (
        name.startswith(("/", "\\"))
        or "\\" in name
        or "\x00" in name
        or ".." in parts
        or (len(name) > 1 and name[1] == ":")
        or not name
    )
