"""The header of a 7z archive: where packed streams lie, how they are unpacked, and which files they hold.

Format description: 7zFormat.txt of the LZMA SDK. Every count is compared with the bytes that are left before anything
is made from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from touchstone.scan.cursor import Cursor
from touchstone.scan.source import Source, Unreadable
from touchstone.text import Text

SIGNATURE_SIZE: Final = 32

HEADER: Final = 0x01
ENCODED_HEADER: Final = 0x17
_END, _ARCHIVE_PROPERTIES, _MAIN, _FILES, _PACK, _UNPACK, _SUBSTREAMS = 0x00, 0x02, 0x04, 0x05, 0x06, 0x07, 0x08
_SIZE, _CHECKSUM, _FOLDER, _UNPACK_SIZE, _COUNT = 0x09, 0x0A, 0x0B, 0x0C, 0x0D
_EMPTY_STREAM, _EMPTY_FILE, _NAMES, _ATTRIBUTES = 0x0E, 0x0F, 0x11, 0x15

_MOST_CODERS: Final = 8
_MOST: Final = 100_000
"""Files, folders and streams of one archive."""

DAMAGED: Final = Text("the archive's header is damaged", "归档头已损坏")


@dataclass(frozen=True, slots=True)
class Coder:
    """One step of unpacking."""

    method: str
    """Its identifier in hexadecimal."""
    properties: bytes
    inputs: int
    outputs: int


@dataclass(slots=True)
class Folder:
    """Files that were packed together, and the steps that unpack them."""

    coders: list[Coder]
    bound: dict[int, int]
    """Which input takes which output of another step."""
    packed: list[int]
    """The inputs that take the archive's packed streams."""
    sizes: list[int] = field(default_factory=list)
    """Bytes that each output gives."""
    checksum: int | None = None

    @property
    def output(self) -> int:
        """The output that no other step takes."""
        taken = set(self.bound.values())
        return next((index for index in range(len(self.sizes)) if index not in taken), -1)


@dataclass(slots=True)
class Streams:
    """All packed streams of an archive, or those of its own packed header."""

    position: int = 0
    packed_sizes: list[int] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)
    parts: list[list[tuple[int, int | None]]] = field(default_factory=list)
    """For each folder the sizes and checksums of the files in it."""


@dataclass(slots=True)
class File:
    """One file, as the header tells it."""

    name: str = ""
    has_content: bool = True
    is_folder: bool = False
    attributes: int = 0


def parse_header(header: Source) -> tuple[Streams, list[File]] | Streams:
    """The whole header; or, when it is packed itself, the streams it must be unpacked from."""
    cursor = Cursor(header)
    kind = cursor.take(1)[0]
    if kind == ENCODED_HEADER:
        return _streams(cursor)
    if kind != HEADER:
        raise Unreadable(DAMAGED)
    streams, files = Streams(), list[File]()
    while (kind := cursor.take(1)[0]) != _END:
        if kind == _ARCHIVE_PROPERTIES:
            while cursor.take(1)[0] != _END:
                cursor.skip(_number(cursor))
        elif kind == _MAIN:
            streams = _streams(cursor)
        elif kind == _FILES:
            files = _files(cursor)
        else:
            raise Unreadable(DAMAGED)
    if cursor.left:
        raise Unreadable(DAMAGED)
    return streams, files


def _streams(cursor: Cursor) -> Streams:
    streams = Streams()
    while (kind := cursor.take(1)[0]) != _END:
        if kind == _PACK:
            _packed_streams(cursor, streams)
        elif kind == _UNPACK:
            _folders(cursor, streams)
        elif kind == _SUBSTREAMS:
            _parts(cursor, streams)
        else:
            raise Unreadable(DAMAGED)
    if not streams.parts:
        streams.parts = [[(folder.sizes[folder.output], folder.checksum)] for folder in streams.folders]
    return streams


def _packed_streams(cursor: Cursor, streams: Streams) -> None:
    streams.position = _number(cursor)
    count = _count(cursor, 8 * cursor.left + 8)
    while (kind := cursor.take(1)[0]) != _END:
        if kind == _SIZE:
            streams.packed_sizes = [_number(cursor) for _ in range(count)]
        elif kind == _CHECKSUM:
            _checksums(cursor, count)
        else:
            raise Unreadable(DAMAGED)
    if len(streams.packed_sizes) != count:
        raise Unreadable(DAMAGED)


def _folders(cursor: Cursor, streams: Streams) -> None:
    if cursor.take(1)[0] != _FOLDER:
        raise Unreadable(DAMAGED)
    count = _count(cursor, cursor.left)
    _not_elsewhere(cursor)
    streams.folders = [_folder(cursor) for _ in range(count)]
    while (kind := cursor.take(1)[0]) != _END:
        if kind == _UNPACK_SIZE:
            for folder in streams.folders:
                folder.sizes = [_number(cursor) for coder in folder.coders for _ in range(coder.outputs)]
        elif kind == _CHECKSUM:
            for folder, checksum in zip(streams.folders, _checksums(cursor, count), strict=True):
                folder.checksum = checksum
        else:
            raise Unreadable(DAMAGED)
    if any(folder.output < 0 for folder in streams.folders):
        raise Unreadable(DAMAGED)


def _folder(cursor: Cursor) -> Folder:
    coders = [_coder(cursor) for _ in range(_count(cursor, _MOST_CODERS))]
    inputs, outputs = sum(coder.inputs for coder in coders), sum(coder.outputs for coder in coders)
    bound = {_number(cursor): _number(cursor) for _ in range(outputs - 1)}
    free = inputs - len(bound)
    if len(bound) != outputs - 1 or free < 1:
        raise Unreadable(DAMAGED)
    packed = [next(index for index in range(inputs) if index not in bound)] if free == 1 else []
    return Folder(coders, bound, packed or [_number(cursor) for _ in range(free)])


def _coder(cursor: Cursor) -> Coder:
    flags = cursor.take(1)[0]
    method = cursor.take(flags & 0x0F).hex()
    inputs = outputs = 1
    if flags & 0x10:
        inputs, outputs = _count(cursor, _MOST_CODERS), _count(cursor, _MOST_CODERS)
    properties = cursor.take(_count(cursor, cursor.left)) if flags & 0x20 else b""
    return Coder(method, properties, inputs, outputs)


def _parts(cursor: Cursor, streams: Streams) -> None:
    counts = [1] * len(streams.folders)
    kind = cursor.take(1)[0]
    if kind == _COUNT:
        counts = [_count(cursor, cursor.left + 1) for _ in streams.folders]
        kind = cursor.take(1)[0]
    sizes: list[list[int]] = []
    for folder, count in zip(streams.folders, counts, strict=True):
        whole = folder.sizes[folder.output]
        known = [_number(cursor) for _ in range(count - 1)] if kind == _SIZE else []
        if len(known) != max(count - 1, 0) or sum(known) > whole:
            raise Unreadable(DAMAGED)
        sizes.append([*known, whole - sum(known)] if count else [])
    if kind == _SIZE:
        kind = cursor.take(1)[0]
    lone = [count == 1 and folder.checksum is not None for folder, count in zip(streams.folders, counts, strict=True)]
    unknown = sum(count for count, known in zip(counts, lone, strict=True) if not known)
    checksums: list[int | None] = [None] * unknown
    while kind != _END:
        if kind != _CHECKSUM:
            raise Unreadable(DAMAGED)
        checksums = _checksums(cursor, unknown)
        kind = cursor.take(1)[0]
    following = iter(checksums)
    streams.parts = [
        [(size, folder.checksum if known else next(following)) for size in folder_sizes]
        for folder, folder_sizes, known in zip(streams.folders, sizes, lone, strict=True)
    ]


def _files(cursor: Cursor) -> list[File]:
    files = [File() for _ in range(_count(cursor, 8 * cursor.left))]
    while (kind := cursor.take(1)[0]) != _END:
        body = Cursor(cursor.part(_number(cursor)))
        if kind == _EMPTY_STREAM:
            for file, is_empty in zip(files, _bits(body, len(files)), strict=True):
                file.has_content, file.is_folder = not is_empty, is_empty
        elif kind == _EMPTY_FILE:
            empty = [file for file in files if not file.has_content]
            for file, is_file in zip(empty, _bits(body, len(empty)), strict=True):
                file.is_folder = not is_file
        elif kind == _NAMES:
            _not_elsewhere(body)
            for file, name in zip(files, _names(body), strict=False):
                file.name = name
        elif kind == _ATTRIBUTES:
            defined = _optional_bits(body, len(files))
            _not_elsewhere(body)
            for file, is_defined in zip(files, defined, strict=True):
                file.attributes = body.number("I") if is_defined else 0
    return files


def _names(cursor: Cursor) -> list[str]:
    text = cursor.take(cursor.left).decode("utf-16-le", "replace")
    return text.split("\x00")[:-1]


def _not_elsewhere(cursor: Cursor) -> None:
    if cursor.take(1)[0]:
        raise Unreadable(Text("keeps part of its header elsewhere", "归档头的一部分位于别处"))


def _checksums(cursor: Cursor, count: int) -> list[int | None]:
    return [cursor.number("I") if is_defined else None for is_defined in _optional_bits(cursor, count)]


def _optional_bits(cursor: Cursor, count: int) -> list[bool]:
    return [True] * count if cursor.take(1)[0] else _bits(cursor, count)


def _bits(cursor: Cursor, count: int) -> list[bool]:
    data = cursor.take((count + 7) // 8)
    return [bool(data[index // 8] & (0x80 >> index % 8)) for index in range(count)]


def _count(cursor: Cursor, most: int) -> int:
    count = _number(cursor)
    if count > min(most, _MOST):
        raise Unreadable(DAMAGED)
    return count


def _number(cursor: Cursor) -> int:
    """A number of one to nine bytes: the first says how many follow by its leading ones, and holds the highest bits."""
    first = cursor.take(1)[0]
    value, mask = 0, 0x80
    for index in range(8):
        if not first & mask:
            return value | (first & (mask - 1)) << (8 * index)
        value |= cursor.take(1)[0] << (8 * index)
        mask >>= 1
    return value
