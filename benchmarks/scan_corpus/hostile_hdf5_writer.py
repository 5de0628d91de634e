"""HDF5 files from plain values: groups, string attributes, links and float datasets (HDF5 format specification 3.0)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

UNDEFINED = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Soft:
    """A link by path within the file."""

    path: str


@dataclass(frozen=True, slots=True)
class External:
    """A link into another file."""

    file: str
    path: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """Floats, here or in another file."""

    shape: tuple[int, ...]
    data: bytes = b""
    external: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Attributes and links."""

    attributes: dict[str, str] = field(default_factory=dict)
    links: dict[str, Soft | External | Dataset | Group] = field(default_factory=dict)


def hdf5(root: Group) -> bytes:
    """The whole file: superblock of version 2, then the objects, each after what it links to."""
    out = bytearray(48)
    where = _object(out, root)
    head = b"\x89HDF\r\n\x1a\n" + bytes([2, 8, 8, 0]) + struct.pack("<QQQQ", 0, UNDEFINED, len(out), where)
    out[:48] = head + struct.pack("<I", lookup3(head))
    return bytes(out)


def _object(out: bytearray, thing: Group | Dataset) -> int:
    if isinstance(thing, Dataset):
        return _header(out, _dataset(out, thing))
    messages = [(0x02, bytes(2) + struct.pack("<QQ", UNDEFINED, UNDEFINED)), (0x0A, bytes(2))]
    messages += [(0x0C, _attribute(name, value)) for name, value in thing.attributes.items()]
    for name, target in thing.links.items():
        match target:
            case Soft(path):
                data = struct.pack("<H", len(path)) + path.encode()
                messages.append((0x06, _link_head(name, 1) + data))
            case External(file, path):
                value = b"\0" + file.encode() + b"\0" + path.encode() + b"\0"
                messages.append((0x06, _link_head(name, 64) + struct.pack("<H", len(value)) + value))
            case _:
                messages.append((0x06, _link_head(name, None) + struct.pack("<Q", _object(out, target))))
    return _header(out, messages)


def _link_head(name: str, kind: int | None) -> bytes:
    head = bytes([1, 0]) if kind is None else bytes([1, 8, kind])
    return head + bytes([len(name)]) + name.encode()


def _attribute(name: str, value: str) -> bytes:
    text, data = name.encode() + b"\0", value.encode() + b"\0"
    datatype = b"\x13\x10\x00\x00" + struct.pack("<I", len(data))
    dataspace = bytes([2, 0, 0, 0])
    return (
        struct.pack("<BBHHHB", 3, 0, len(text), len(datatype), len(dataspace), 1) + text + datatype + dataspace + data
    )


def _dataset(out: bytearray, thing: Dataset) -> list[tuple[int, bytes]]:
    size = 4
    for length in thing.shape:
        size *= length
    space = bytes([2, len(thing.shape), 0, 1]) + struct.pack(f"<{len(thing.shape)}Q", *thing.shape)
    single = b"\x11\x20\x1f\x00" + struct.pack("<IHHBBBBI", 4, 0, 32, 23, 8, 0, 23, 127)
    messages = [(0x01, space), (0x03, single), (0x05, b"\x03\x0a")]
    if thing.external:
        names = bytes(8) + thing.external.encode() + b"\0"
        names += bytes(-len(names) % 8)
        heap = len(out)
        out += b"HEAP" + bytes(4) + struct.pack("<QQQ", len(names), 1, heap + 32) + names
        slot = struct.pack("<QQQ", 8, 0, size)
        return [
            *messages,
            (0x08, b"\x03\x01" + struct.pack("<QQ", UNDEFINED, size)),
            (0x07, b"\x01\0\0\0" + struct.pack("<HHQ", 1, 1, heap) + slot),
        ]
    where = len(out) if thing.data else UNDEFINED
    out += thing.data
    return [*messages, (0x08, b"\x03\x01" + struct.pack("<QQ", where, size))]


def _header(out: bytearray, messages: list[tuple[int, bytes]]) -> int:
    where = len(out)
    body = b"".join(struct.pack("<BHB", kind, len(data), 0) + data for kind, data in messages)
    head = b"OHDR\x02\x02" + struct.pack("<I", len(body)) + body
    out += head + struct.pack("<I", lookup3(head))
    return where


def lookup3(data: bytes) -> int:
    """Bob Jenkins' hash of 2006, the checksum of HDF5's newer structures."""
    word = 2**32 - 1

    def turn(value: int, by: int) -> int:
        return (value << by | value >> 32 - by) & word

    a = b = c = int(0xDEADBEEF + len(data)) & word
    rest = data
    while len(rest) > 12:
        x, y, z = (int(part) for part in struct.unpack("<III", rest[:12]))
        a, b, c = (a + x) & word, (b + y) & word, (c + z) & word
        for by in (4, 6, 8, 16, 19, 4):
            a = (a - c) & word ^ turn(c, by)
            c = (c + b) & word
            a, b, c = b, c, a
        rest = rest[12:]
    if not rest:
        return c
    x, y, z = (int(part) for part in struct.unpack("<III", rest.ljust(12, b"\0")))
    a, b, c = (a + x) & word, (b + y) & word, (c + z) & word
    for by in (14, 11, 25, 16, 4, 14, 24):
        c = ((c ^ b) - turn(b, by)) & word
        a, b, c = b, c, a
    return b  # where the last turn has moved what was `c`
