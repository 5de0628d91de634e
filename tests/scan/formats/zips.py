"""Zip archives made for tests: by the standard library, and byte by byte where it refuses."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass

CALL = b"cos\ngetpid\n(tR."
"""An inert pickle that calls something."""
NUMBER = b"\x80\x02K\x01."
"""A pickle of the number one."""


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """An ordinary archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


def streamed(*members: tuple[str, bytes]) -> bytes:
    """As written to a pipe: sizes and checksums follow in data descriptors."""

    class Pipe(io.BytesIO):
        def seek(self, offset: int, whence: int = 0, /) -> int:
            raise io.UnsupportedOperation

        def tell(self) -> int:
            raise io.UnsupportedOperation

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return pipe.getvalue()


@dataclass(frozen=True)
class Made:
    """One member as both headers tell it, unless `directory` says otherwise for the directory."""

    name: bytes
    content: bytes
    method: int = 0
    flags: int = 0
    checksum: int | None = None
    packed: int | None = None
    unpacked: int | None = None
    extra: bytes = b""
    comment: bytes = b""
    external: int = 0
    directory: Made | None = None

    def fields(self) -> bytes:
        checksum = zlib.crc32(self.content) if self.checksum is None else self.checksum
        packed = len(self.content) if self.packed is None else self.packed
        unpacked = len(self.content) if self.unpacked is None else self.unpacked
        return struct.pack("<HHIIII", self.flags, self.method, 0, checksum, packed, unpacked)


def made(*members: Made, comment: bytes = b"", before: bytes = b"", between: bytes = b"", count: int = -1) -> bytes:
    """An archive that says exactly what the members say; `before` stands first, `between` before the directory."""
    body, entries = bytearray(before), bytearray()
    for member in members:
        start = len(body)
        sizes = struct.pack("<HH", len(member.name), len(member.extra))
        body += b"PK\x03\x04\x14\x00" + member.fields() + sizes + member.name + member.extra + member.content
        listed = member.directory or member
        entries += b"PK\x01\x02\x14\x03\x14\x00" + listed.fields()
        entries += struct.pack("<HHHHHII", len(listed.name), 0, len(listed.comment), 0, 0, listed.external, start)
        entries += listed.name + listed.comment
    body += between
    return bytes(body + entries) + ended(len(members) if count < 0 else count, len(entries), len(body), comment)


def ended(count: int, size: int, offset: int, comment: bytes = b"") -> bytes:
    """The end record of a directory."""
    return b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, size, offset, len(comment)) + comment


def widened(content: bytes, **changed: int) -> bytes:
    """The same archive with a zip64 end record, in which single values can be changed."""
    end = content.rindex(b"PK\x05\x06")
    here, count, size, offset = struct.unpack_from("<HHII", content, end + 8)
    values = {"here": here, "count": count, "size": size, "offset": offset, **changed}
    record = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 30, 45, 0, 0, *values.values())
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, end, 1)
    return content[:end] + record + locator + content[end:]
