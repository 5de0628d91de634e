"""What the messages of an HDF5 object header say: links, attributes, types, shapes, and where data lie.

Source: HDF5 File Format Specification IV.A.2, with the number of each message.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from touchstone.scan.cursor import Cursor
from touchstone.scan.hdf5_heaps import LARGEST_VALUE, global_heap_object
from touchstone.scan.hdf5_objects import Hdf5File, Message, damaged
from touchstone.scan.source import MemorySource

DATASPACE: Final = 0x01
LINK_INFO: Final = 0x02
DATATYPE: Final = 0x03
LINK: Final = 0x06
EXTERNAL_FILES: Final = 0x07
LAYOUT: Final = 0x08
FILTERS: Final = 0x0B
ATTRIBUTE: Final = 0x0C
SYMBOL_TABLE: Final = 0x11
DRIVER: Final = 0x14
ATTRIBUTE_INFO: Final = 0x15

KNOWN_MESSAGES: Final = frozenset({*range(0x19)} - {0x09})
"""All messages of the specification, apart from the one that is deliberately bogus."""

_CLASSES: Final = (
    "int", "float", "time", "string", "bitfield", "opaque",
    "compound", "reference", "enum", "variable", "array", "complex",
)  # fmt: skip

LinkKind = Literal["hard", "soft", "external", "user-defined"]


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of a group."""

    name: str
    kind: LinkKind
    object: int | None
    """Place of the object header of a hard link."""
    target: str
    """Of other links: the path, and for an external one the file before it."""


@dataclass(frozen=True, slots=True)
class Datatype:
    """The type of one element."""

    kind: str
    size: int
    name: str

    @property
    def is_text(self) -> bool:
        """Whether elements are texts, of fixed length or not."""
        return self.name in {"string", "variable string"}


@dataclass(frozen=True, slots=True)
class Attribute:
    """A named value of an object."""

    name: str
    type: Datatype
    elements: int
    data: bytes
    offset: int
    """Of the data in the file."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the bytes of a dataset lie."""

    kind: Literal["compact", "contiguous", "chunked", "virtual"]
    start: int | None = None
    """Of the data, the index of chunks, or the heap that holds the mapping; `None` when nothing is allocated."""
    size: int = 0
    dimensions: int = 0
    """Of a chunk, for a version 1 tree; 0 for other indices."""
    index: int = 0
    """Number of the mapping in the heap."""


def _reader(message: Message) -> Cursor:
    return Cursor(MemorySource(message.data))


def shared_at(file: Hdf5File, message: Message) -> int:
    """The object header that holds a shared message proper (IV.A.2, shared messages)."""
    cursor = _reader(message)
    version, kind = cursor.numbers("BB")
    if version == 1:
        cursor.skip(6)
    elif version not in {2, 3} or (version == 3 and kind == 1):
        raise damaged("shares messages in a table, which is not read", "使用共享消息表，无法解析")
    return file.defined(cursor)


def dimensions_of(message: Message) -> tuple[int, ...] | None:
    """0x01: the shape; empty for a single value, `None` for no value at all."""
    cursor = _reader(message)
    version, rank, _flags = cursor.numbers("BBB")
    if version == 1:
        cursor.skip(5)
    elif version == 2:
        if cursor.number("B") == 2:
            return None
    else:
        raise damaged("has a shape of unknown version", "形状信息版本未知")
    if rank > 32:
        raise damaged("has a shape of too many dimensions", "维数过多")
    return tuple(int(length) for length in cursor.numbers("Q" * rank))


def datatype_of(message: Message | Cursor) -> Datatype:
    """0x03."""
    cursor = _reader(message) if isinstance(message, Message) else message
    first, bits, size = cursor.numbers("B3sI")
    number = first & 15
    if number >= len(_CLASSES) or not 1 <= first >> 4 <= 5:
        raise damaged("has a type of unknown class", "数据类型未知")
    kind = _CLASSES[number]
    name = kind
    if kind == "int":
        name = f"{'int' if bits[0] & 8 else 'uint'}{8 * size}"
    elif kind == "float":
        name = f"float{8 * size}"
    elif kind == "variable" and bits[0] & 15 == 1:
        name = "variable string"
    elif kind == "variable":
        name = f"variable {datatype_of(cursor).name}"
    return Datatype(kind, size, name)


def link_of(file: Hdf5File, message: Message) -> Link:
    """0x06."""
    cursor = _reader(message)
    version, flags = cursor.numbers("BB")
    if version != 1:
        raise damaged("has a link of unknown version", "链接版本未知")
    number = cursor.number("B") if flags & 8 else 0
    cursor.skip((8 if flags & 4 else 0) + (1 if flags & 16 else 0))
    name = cursor.take(int.from_bytes(cursor.take(1 << (flags & 3)), "little")).decode("utf-8", "replace")
    if number == 0:
        return Link(name, "hard", file.defined(cursor), "")
    value = cursor.take(cursor.number("H"))
    if number == 1:
        return Link(name, "soft", None, value.decode("utf-8", "replace"))
    if number == 64:
        path, _, place = value[1:].partition(b"\x00")
        return Link(name, "external", None, f"{path.decode('utf-8', 'replace')}:{_text(place)}")
    return Link(name, "user-defined", None, f"class {number}")


def attribute_of(file: Hdf5File, message: Message) -> Attribute:
    """0x0C."""
    cursor = _reader(message)
    version, flags, name_size, type_size, space_size = cursor.numbers("BBHHH")
    if version not in {1, 2, 3}:
        raise damaged("has an attribute of unknown version", "属性版本未知")
    if version == 3:
        cursor.skip(1)
    multiple = 8 if version == 1 else 1

    def field(size: int) -> bytes:
        value = cursor.take(size)
        cursor.skip(min(-size % multiple, cursor.left))
        return value

    name = _text(field(name_size))
    kind = Message(DATATYPE, field(type_size), -1, version > 1 and bool(flags & 1))
    space = Message(DATASPACE, field(space_size), -1, version > 1 and bool(flags & 2))
    if space.is_shared:
        raise damaged("has an attribute with a shared shape", "属性使用共享形状")
    shape = dimensions_of(space)
    start = cursor.at
    return Attribute(
        name,
        resolved_datatype(file, kind),
        0 if shape is None else math.prod(shape),
        cursor.take(cursor.left),
        message.offset + start if message.offset >= 0 else -1,
    )


def resolved_datatype(file: Hdf5File, message: Message) -> Datatype:
    """The type, also when it is a named one elsewhere in the file."""
    if not message.is_shared:
        return datatype_of(message)
    for other in file.messages(shared_at(file, message)):
        if other.kind == DATATYPE and not other.is_shared:
            return datatype_of(other)
    raise damaged("names a type that is not there", "引用的数据类型不存在")


def texts_of(file: Hdf5File, attribute: Attribute, most: int = 1) -> list[bytes]:
    """The first texts of an attribute."""
    count = min(attribute.elements, most)
    size = attribute.type.size
    if attribute.type.name == "string":
        return [attribute.data[n * size : (n + 1) * size].rstrip(b"\x00") for n in range(count)]
    if attribute.type.name != "variable string":
        return []
    cursor = Cursor(MemorySource(attribute.data))
    found = []
    for _ in range(count):
        length = cursor.number("I")
        place = file.address(cursor)
        index = cursor.number("I")
        if length > LARGEST_VALUE:
            raise damaged("has a text that is too large to read", "文本过大，无法读取")
        found.append(b"" if not length or place is None else global_heap_object(file, place, index)[:length])
    return found


def layout_of(file: Hdf5File, message: Message) -> Layout:
    """0x08."""
    cursor = _reader(message)
    version = cursor.number("B")
    if version in {1, 2}:
        return _old_layout(file, cursor, message)
    if version not in {3, 4, 5}:
        raise damaged("has data of unknown layout", "数据布局未知")
    number = cursor.number("B")
    if number == 0:
        size = cursor.number("H")
        return Layout("compact", message.offset + cursor.at, size)
    if number == 1:
        start = file.address(cursor)
        return Layout("contiguous", start, file.length(cursor))
    if number == 3 and version >= 4:
        start = file.address(cursor)
        return Layout("virtual", start, index=cursor.number("I"))
    if number != 2:
        raise damaged("has data of unknown layout", "数据布局未知")
    if version == 3:
        dimensions = cursor.number("B")
        return Layout("chunked", file.address(cursor), dimensions=dimensions)
    return Layout("chunked", None)


def _old_layout(file: Hdf5File, cursor: Cursor, message: Message) -> Layout:
    dimensions, number = cursor.numbers("BB")
    cursor.skip(5)
    start = None if number == 0 else file.address(cursor)
    lengths = cursor.numbers("I" * dimensions)
    if number == 0:
        size = cursor.number("I")
        return Layout("compact", message.offset + cursor.at, size)
    if number == 1:
        return Layout("contiguous", start, math.prod(lengths))
    return Layout("chunked", start, dimensions=dimensions)


def filters_of(message: Message) -> list[tuple[int, str]]:
    """0x0B: number and name of each filter that data go through."""
    cursor = _reader(message)
    version, count = cursor.numbers("BB")
    if version not in {1, 2}:
        raise damaged("has filters of unknown version", "过滤器版本未知")
    cursor.skip(6 if version == 1 else 0)
    found = []
    for _ in range(count):
        number = cursor.number("H")
        length = cursor.number("H") if version == 1 or number >= 256 else 0
        _, values = cursor.numbers("HH")
        name = _text(cursor.take(length))
        cursor.skip(4 * values + (4 if version == 1 and values % 2 else 0))
        found.append((number, name))
    return found


def external_files_of(message: Message, file: Hdf5File) -> tuple[int, list[int]]:
    """0x07: place of the heap with the names of the files that hold the data, and the offset of each name in it."""
    cursor = _reader(message)
    cursor.skip(4)
    _slots, used = cursor.numbers("HH")
    heap = file.defined(cursor)
    names = []
    for _ in range(used):
        names.append(file.length(cursor))
        cursor.skip(2 * file.length_width)
    return heap, names


def _text(data: bytes) -> str:
    return data.partition(b"\x00")[0].decode("utf-8", "replace")
