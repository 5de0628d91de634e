"""The index of a TensorFlow checkpoint: which tensors there are, and where in which data file they lie.

The file is a LevelDB table: blocks of sorted keys and values, an index of the blocks, and a footer. Nothing in it
runs. Every block is followed; tensors whose place does not fit their type and shape are reported.

Source: https://github.com/google/leveldb/blob/main/doc/table_format.md, tensorflow/core/protobuf/tensor_bundle.proto.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule, shown
from touchstone.scan.formats.tensorflow_types import BYTES_OF, NAME_OF
from touchstone.scan.protobuf import Message, message_of, varint
from touchstone.scan.protobuf_schema import Walk, messages_of
from touchstone.scan.source import MemorySource, Source, Unreadable
from touchstone.text import Text

SIZE_MISMATCH: Final = Rule(
    "tensorflow-checkpoint/size-mismatch",
    "high",
    "threat",
    Text("The place of a tensor does not fit its type and shape", "张量的位置与类型、形状不符"),
    Text("Save the checkpoint again and use that one.", "请重新保存检查点并使用新文件。"),
    ("CWE-125", "CWE-190"),
)
RULES: Final[tuple[Rule, ...]] = (SIZE_MISMATCH,)

_FOOTER: Final = 48
_TRAILER: Final = 5
"""After each block: how it is compressed, and a checksum."""
_LARGEST_BLOCK: Final = 16 * 2**20
_MOST_SHARDS: Final = 100_000
_HEADER_KEY: Final = b""


def read_index(source: Source, examination: Examination) -> None:
    """Go through all blocks."""
    table = _Table(source)
    reading = _Reading(examination)
    for key, value in table.entries():
        reading.entry(key, value)
    if table.seen + _FOOTER != source.size:
        examination.gap(Text("has bytes that belong to no block", "存在不属于任何数据块的字节"))
    reading.finish()


class _Table:
    """A LevelDB table."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.seen = 0
        """Bytes of blocks that were read."""

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """All keys and values, in the order of the file."""
        footer = self._source.read(self._source.size - _FOOTER, _FOOTER)
        try:
            start, at = varint(footer, 0)
            length, at = varint(footer, at)
            index_start, at = varint(footer, at)
            index_length, at = varint(footer, at)
        except IndexError:
            raise _damaged() from None
        index = list(_pairs(self._block(index_start, index_length)))
        for _ in _pairs(self._block(start, length)):
            raise Unreadable(Text("has an index of a kind that is not known", "含未知类型的索引"))
        reached = 0
        for _, handle in index:
            start, length = _handle(handle)
            if start < reached:
                raise Unreadable(Text("has blocks that overlap", "数据块相互重叠"))
            reached = start + length + _TRAILER
            yield from _pairs(self._block(start, length))

    def _block(self, start: int, length: int) -> bytes:
        if length > _LARGEST_BLOCK or start + length + _TRAILER > self._source.size:
            raise _damaged()
        data = self._source.read(start, length + 1)
        if data[length:] != b"\x00":
            raise Unreadable(Text("is compressed in a way that is not read", "使用了未支持的压缩方式"))
        self.seen += length + _TRAILER
        return data[:length]


def _pairs(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block; each key shares its beginning with the one before."""
    if len(block) < 4:
        raise _damaged()
    restarts = struct.unpack_from("<I", block, len(block) - 4)[0]
    end = len(block) - 4 - 4 * restarts
    if end < 0:
        raise _damaged()
    key, position = b"", 0
    while position < end:
        try:
            shared, position = varint(block, position)
            own, position = varint(block, position)
            length, position = varint(block, position)
        except IndexError:
            raise _damaged() from None
        if shared > len(key) or position + own + length > end:
            raise _damaged()
        key = key[:shared] + block[position : position + own]
        position += own + length
        yield key, block[position - length : position]


def _handle(data: bytes) -> tuple[int, int]:
    """Where a block begins, and how long it is."""
    try:
        start, at = varint(data, 0)
        length, _ = varint(data, at)
    except IndexError:
        raise _damaged() from None
    return start, length


def _damaged() -> Unreadable:
    return Unreadable(Text("is not a well-formed table", "不是格式正确的表"))


class _Reading:
    """What the values say."""

    def __init__(self, examination: Examination) -> None:
        self._examination = examination
        self._walk = Walk(messages_of("tensorflow"), examination, {})
        self._parameters = 0
        self._shards = 0
        self._reach: dict[int, int] = {}
        """How long each data file must be."""

    def entry(self, key: bytes, value: bytes) -> None:
        """One key and its value."""
        message = message_of(MemorySource(value), self._examination.budget)
        if key == _HEADER_KEY:
            self._header(message)
        else:
            self._tensor(key.decode("utf-8", "replace"), message)

    def finish(self) -> None:
        """What is known when all entries were met."""
        if not self._shards:
            self._examination.gap(Text("is not the index of a checkpoint", "不是检查点索引"), "format")
        stem = self._examination.name.removesuffix(".index")
        for shard in range(min(self._shards, _MOST_SHARDS)):
            name = f"{stem}.data-{shard:05d}-of-{self._shards:05d}"
            self._examination.refers_to(name, "tensors", self._reach.get(shard, 0))
        self._examination.fact("framework", "tensorflow")
        if self._parameters:
            self._examination.fact("parameters", str(self._parameters))

    def _header(self, message: Message) -> None:
        for name, field in self._walk.fields(message, "BundleHeaderProto"):
            if name == "num_shards":
                self._shards = field.integer()
            self._walk.enter(field)

    def _tensor(self, title: str, message: Message) -> None:
        dtype = offset = size = shard = 0
        shape: list[int] = []
        is_whole = True
        for name, field in self._walk.fields(message, "BundleEntryProto"):
            match name:
                case "dtype":
                    dtype = field.integer()
                case "shape":
                    shape = list(_dimensions(field.message()))
                case "shard_id":
                    shard = field.integer()
                case "offset":
                    offset = field.signed()
                case "size":
                    size = field.signed()
                case "slices":
                    is_whole = False
            self._walk.enter(field)
        self._reach[shard] = max(self._reach.get(shard, 0), offset + size)
        elements = math.prod(shape) if all(each >= 0 for each in shape) else -1
        self._parameters += max(elements, 0) if is_whole and dtype in BYTES_OF else 0
        wanted = elements * BYTES_OF[dtype] if dtype in BYTES_OF else size
        if min(offset, size, elements) < 0 or (is_whole and size != wanted):
            described = f"{NAME_OF.get(dtype, dtype)}{shape[:8]}"
            self._examination.report(
                SIZE_MISMATCH, f"{shown(title, 120)}: {described} in {size} bytes at {offset} of its data file"
            )


def _dimensions(message: Message) -> Iterator[int]:
    for each in message.fields():
        if each.number == 2:
            yield next((inner.signed() for inner in each.message().fields() if inner.number == 1), 0)
