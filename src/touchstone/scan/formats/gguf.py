"""GGUF, versions 1 to 3, in either byte order: keys and values, a table of tensors, then their bytes.

Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md and the checks of `gguf.cpp`. Loaders in C trusted
the counts, lengths and dimensions that are compared with the file here (CVE-2024-21802, CVE-2024-23496,
CVE-2024-42477, CVE-2025-53630, CVE-2026-27940); the chat template is rendered by loaders in Python (CVE-2024-34359).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from touchstone.scan.cursor import ByteOrder, Cursor
from touchstone.scan.examination import Examination
from touchstone.scan.findings import FactName, Rule, shown
from touchstone.scan.ggml_types import FILE_TYPES, TYPES, bytes_of
from touchstone.scan.source import Source, Unreadable
from touchstone.scan.tensor_beginnings import look_at_beginning
from touchstone.text import Text

_FORMAT: Final = "https://github.com/ggml-org/ggml/blob/master/docs/gguf.md"
_AGAIN: Final = Text(
    "Obtain the file again from its source; no converter writes this.",
    "从来源重新获取文件；正常的转换工具不会写出这种内容。",
)

IMPOSSIBLE_NUMBER: Final = Rule(
    "gguf/impossible-number",
    "high",
    "threat",
    Text(
        "A count, length or dimension is far beyond the file and may overflow in a loader that trusts it",
        "数量、长度或维度远超文件，信任它的加载器可能发生溢出",
    ),
    _AGAIN,
    ("CVE-2024-21802", "CVE-2025-53630", "CVE-2026-27940", "CWE-190"),
)
MISPLACED_TENSOR: Final = Rule(
    "gguf/misplaced-tensor",
    "high",
    "threat",
    Text(
        "A tensor shares bytes with another one, lies out of order or beyond the file",
        "张量与其他张量重叠、位置错乱或超出文件范围",
    ),
    _AGAIN,
    (_FORMAT, "CWE-125"),
)
REPEATED_NAME: Final = Rule(
    "gguf/repeated-name",
    "high",
    "threat",
    Text(
        "A key or tensor name occurs twice, so that two loaders may see different values",
        "键或张量名称出现两次，不同加载器可能读到不同的值",
    ),
    _AGAIN,
    (_FORMAT, "CWE-436"),
)
HIDDEN_BYTES: Final = Rule(
    "gguf/hidden-bytes",
    "medium",
    "threat",
    Text("Bytes that belong to no tensor", "存在不属于任何张量的字节"),
    _AGAIN,
    (_FORMAT, "CWE-506"),
)
BAD_LAYOUT: Final = Rule(
    "gguf/bad-layout",
    "medium",
    "threat",
    Text("Breaks a rule that loaders rely on", "违反加载器所依赖的格式规则"),
    _AGAIN,
    (_FORMAT, "CWE-20"),
)

RULES: Final[tuple[Rule, ...]] = (IMPOSSIBLE_NUMBER, MISPLACED_TENSOR, REPEATED_NAME, HIDDEN_BYTES, BAD_LAYOUT)

_FAR_BEYOND: Final = 2**31
"""What a file claims beyond its end is damage below this number, and a lie from it on."""
_OVERFLOW: Final = 2**63
_LONGEST_NAME: Final = 65_535
_LONGEST_TENSOR_NAME: Final = 63
_LONGEST_TEMPLATE: Final = 2**20
_LONGEST_KEPT: Final = 4096
_MOST_DIMENSIONS: Final = 4
_LARGEST_ALIGNMENT: Final = 2**20
_DEEPEST_ARRAY: Final = 4
_LEAST_PAIR: Final = 10
"""Bytes of the shortest key with its value."""
_LEAST_TENSOR: Final = 20

_SCALARS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_WIDTHS: Final = {"B": 1, "b": 1, "H": 2, "h": 2, "I": 4, "i": 4, "f": 4, "?": 1, "Q": 8, "q": 8, "d": 8}
_BOOLEAN: Final = 7
_STRING: Final = 8
_ARRAY: Final = 9

_FACTS: Final[dict[str, FactName]] = {
    "general.architecture": "architecture",
    "general.name": "name",
    "general.version": "version",
    "general.author": "author",
    "general.organization": "author",
    "general.quantized_by": "producer",
    "general.license": "licence",
    "general.url": "source",
    "general.repo_url": "source",
    "general.source.url": "source",
    "general.source.repo_url": "source",
    "general.source.huggingface.repository": "source",
}
_HYPER_PARAMETERS: Final = frozenset(
    {"context_length", "embedding_length", "block_count", "feed_forward_length", "vocab_size", "expert_count",
     "attention.head_count", "attention.head_count_kv"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Tensor:
    name: str
    kind: int
    dimensions: tuple[int, ...]
    offset: int
    """Relative to the beginning of the tensor data."""
    size: int | None
    """Bytes; `None` when its type is not known."""


def read_gguf(source: Source, examination: Examination) -> None:
    """Walk the header, then compare the table of tensors with the file."""
    _Reading(source, examination).read()


class _Reading:
    def __init__(self, source: Source, examination: Examination) -> None:
        self._source = source
        self._examination = examination
        self._cursor = Cursor(source)
        self._length = "Q"
        """How lengths and counts are written; version 1 used four bytes."""
        self._alignment = 32

    def read(self) -> None:
        tensor_count, pair_count = self._header()
        self._pairs(pair_count)
        tensors = self._tensor_table(tensor_count)
        end_of_header = self._cursor.at
        begin = _rounded_up(end_of_header, self._alignment)
        if not tensors:  # some writers leave the padding out then
            begin = min(begin, self._source.size)
        self._must_be_zero(end_of_header, begin - end_of_header)
        self._account_for_every_byte(tensors, begin)
        for tensor in tensors:
            data = self._source.part(begin + tensor.offset, self._source.size if tensor.size is None else tensor.size)
            name = TYPES[tensor.kind].name if tensor.kind in TYPES else f"type {tensor.kind}"
            self._examination.tensor(tensor.name, name, tensor.dimensions, data)
            look_at_beginning(data, tensor.name, begin + tensor.offset, self._examination)
        if tensors:
            self._examination.fact("parameters", str(sum(math.prod(tensor.dimensions) for tensor in tensors)))

    # ---- header

    def _header(self) -> tuple[int, int]:
        magic = self._cursor.take(4)
        version = int(self._cursor.number("I"))
        order: ByteOrder = "<"
        if magic == b"FUGG" or (version & 0xFFFF == 0 and version != 0):
            order, version = ">", int.from_bytes(version.to_bytes(4, "little"), "big")
        self._cursor.order = order
        if version not in {1, 2, 3}:
            raise Unreadable(Text(f"is GGUF of version {version}", f"GGUF 版本 {version} 不受支持"))
        self._length = "I" if version == 1 else "Q"
        self._examination.fact("framework", f"gguf {version}")
        tensors = self._count(Text("tensors", "张量数量"), _LEAST_TENSOR)
        pairs = self._count(Text("keys", "键数量"), _LEAST_PAIR)
        self._examination.budget.spend_members(tensors + pairs)
        return tensors, pairs

    def _count(self, what: Text, least: int) -> int:
        """A number of things, each of which takes at least `least` bytes."""
        offset = self._cursor.at
        count = int(self._cursor.number(self._length))
        if count > self._cursor.left // least:
            if count >= _FAR_BEYOND:
                self._examination.report(IMPOSSIBLE_NUMBER, f"{count} {what.en}", offset=offset, length=8)
            raise Unreadable(
                Text(f"claims {count} {what.en}, more than fit into the file", f"声明的{what.zh}（{count}）超出文件")
            )
        return count

    def _text_length(self) -> int:
        return self._count(Text("bytes of text", "文本字节数"), 1)

    def _text(self, longest: int) -> str:
        length = self._text_length()
        if length > longest:
            raise Unreadable(Text(f"has a name or text of {length} bytes", f"名称或文本长达 {length} 字节"))
        return self._cursor.take(length).decode("utf-8", "replace")

    # ---- keys and values

    def _pairs(self, count: int) -> None:
        seen: set[str] = set()
        for _ in range(count):
            offset = self._cursor.at
            key = self._text(_LONGEST_NAME)
            if key in seen:
                self._examination.report(REPEATED_NAME, key, offset=offset)
            seen.add(key)
            self._pair(key, int(self._cursor.number("I")))
            self._examination.budget.check_time()

    def _pair(self, key: str, kind: int) -> None:
        if kind == _BOOLEAN and self._source.read(self._cursor.at, 1) not in {b"\x00", b"\x01"}:
            self._examination.report(BAD_LAYOUT, f"{shown(key, 120)}: neither true nor false", offset=self._cursor.at)
        if kind in _SCALARS:
            self._scalar(key, self._cursor.number(_SCALARS[kind]))
        elif kind == _STRING and key.startswith("tokenizer.chat_template"):
            self._template()
        elif kind == _STRING:
            length = self._text_length()
            kept = self._cursor.take(min(length, _LONGEST_KEPT)).decode("utf-8", "replace")
            self._cursor.skip(length - min(length, _LONGEST_KEPT))
            self._text_value(key, kept)
        elif kind == _ARRAY:
            self._array(key, 1)
        else:
            raise Unreadable(Text(f"has a value of unknown type {kind}", f"值类型 {kind} 未知"))

    def _template(self) -> None:
        from touchstone.scan.formats.chat_template import examine_template

        length = self._text_length()
        offset = self._cursor.at
        if length > _LONGEST_TEMPLATE:
            self._cursor.skip(length)
            self._examination.gap(
                Text(f"has a chat template of {length} bytes", f"聊天模板长达 {length} 字节"), "limit"
            )
            return
        examine_template(self._cursor.take(length).decode("utf-8", "replace"), self._examination, offset=offset)

    def _scalar(self, key: str, value: Any) -> None:
        if key == "general.alignment":
            if type(value) is not int or not 0 < value <= _LARGEST_ALIGNMENT or value & (value - 1) or value % 8:
                self._examination.report(BAD_LAYOUT, f"general.alignment = {value}", offset=self._cursor.at)
                raise Unreadable(Text(f"has an impossible alignment, {value}", f"对齐值 {value} 不合法"))
            self._alignment = value
        elif key == "general.file_type":
            self._examination.fact("quantisation", FILE_TYPES.get(value, f"file type {value}"))
        elif key.partition(".")[2] in _HYPER_PARAMETERS:
            self._examination.fact("hyper-parameter", f"{key.partition('.')[2]}={value}")

    def _text_value(self, key: str, value: str) -> None:
        if key in _FACTS:
            self._examination.fact(_FACTS[key], value)
        elif key.startswith("general.base_model.") and key.endswith((".name", ".repo_url")):
            self._examination.fact("base-model", value)
        elif key.startswith("general.dataset.") and key.endswith((".name", ".repo_url")):
            self._examination.fact("dataset", value)

    def _array(self, key: str, depth: int) -> None:
        """Go over an array. Elements are skipped in bulk where their width is known."""
        kind = int(self._cursor.number("I"))
        if depth > _DEEPEST_ARRAY:
            self._examination.report(BAD_LAYOUT, f"{shown(key, 120)}: arrays in arrays", offset=self._cursor.at)
            raise Unreadable(Text("has arrays that are nested too deeply", "数组嵌套过深"))
        if kind in _SCALARS:
            width = _WIDTHS[_SCALARS[kind]]
            self._cursor.skip(width * self._count(Text("elements", "元素数量"), width))
        elif kind == _STRING:
            self._texts(key, self._count(Text("texts", "文本数量"), 4 if self._length == "I" else 8))
        elif kind == _ARRAY:
            for _ in range(self._count(Text("arrays", "数组数量"), 8)):
                self._array(key, depth + 1)
                self._examination.budget.check_time()
        else:
            raise Unreadable(Text(f"has an array of unknown type {kind}", f"数组类型 {kind} 未知"))

    def _texts(self, key: str, count: int) -> None:
        if key == "general.languages" and count <= 100:
            for _ in range(count):
                self._examination.fact("language", self._text(_LONGEST_KEPT))
            return
        while count:
            done = self._cursor.skip_texts(min(count, 65_536), self._length)
            if done < min(count, 65_536):
                self._cursor.skip(self._text_length())
            count -= max(done, 1)
            self._examination.budget.check_time()

    # ---- tensors

    def _tensor_table(self, count: int) -> list[_Tensor]:
        seen: set[str] = set()
        tensors = []
        for _ in range(count):
            offset = self._cursor.at
            tensor = self._tensor()
            if tensor.name in seen:
                self._examination.report(REPEATED_NAME, tensor.name, offset=offset)
            seen.add(tensor.name)
            tensors.append(tensor)
        return tensors

    def _tensor(self) -> _Tensor:
        place = self._cursor.at
        name = self._text(_LONGEST_NAME)
        if len(name.encode()) > _LONGEST_TENSOR_NAME:
            self._examination.report(BAD_LAYOUT, f"tensor name of {len(name)} characters", offset=place)
        rank = int(self._cursor.number("I"))
        if rank > _MOST_DIMENSIONS:
            self._examination.report(BAD_LAYOUT, f"{shown(name, 120)}: {rank} dimensions", offset=place)
            raise Unreadable(Text(f"has a tensor of {rank} dimensions", f"张量维数为 {rank}"))
        dimensions = tuple(int(length) for length in self._cursor.numbers(self._length * rank))
        kind, offset = self._cursor.numbers("IQ")
        size: int | None = None
        if kind in TYPES:
            size = bytes_of(TYPES[kind], dimensions)
            if size is None:
                self._examination.report(
                    BAD_LAYOUT, f"{shown(name, 120)}: rows of {dimensions[0]} are no whole blocks", offset=place
                )
        else:
            self._examination.gap(Text(f"has a tensor of type {kind}", f"张量类型 {kind} 未知"), "format")
        if math.prod(dimensions) >= _OVERFLOW or offset + (size or 0) >= _OVERFLOW:
            self._examination.report(
                IMPOSSIBLE_NUMBER, f"{shown(name, 120)}: {list(dimensions)} at {offset}", offset=place
            )
        if offset % self._alignment:
            self._examination.report(
                BAD_LAYOUT, f"{shown(name, 120)} at {offset} is not aligned to {self._alignment}", offset=place
            )
        return _Tensor(name, kind, dimensions, offset, size)

    def _account_for_every_byte(self, tensors: list[_Tensor], begin: int) -> None:
        """Tensors follow one another, each padded with zeros up to the alignment."""
        available = self._source.size - begin
        reached = padded = 0
        for tensor in sorted(tensors, key=lambda tensor: tensor.offset):
            if tensor.offset < reached or (tensor.offset > padded and tensor.offset >= available):
                self._examination.report(
                    MISPLACED_TENSOR,
                    f"{shown(tensor.name, 120)} at {tensor.offset}, expected at {padded}",
                    offset=begin + tensor.offset if tensor.offset < available else -1,
                )
            elif tensor.offset > padded:
                self._hidden(begin + reached, tensor.offset - reached)
            else:
                self._must_be_zero(begin + reached, tensor.offset - reached)
            if tensor.size is None:
                return
            reached = max(reached, tensor.offset + tensor.size)
            padded = _rounded_up(reached, self._alignment)
        if reached > available:
            self._examination.gap(Text("ends before its last tensor does", "文件在最后一个张量结束前截断"))
            return
        self._must_be_zero(begin + reached, min(padded, available) - reached)
        if available > padded:
            self._hidden(begin + padded, available - padded)

    def _must_be_zero(self, start: int, length: int) -> None:
        """Padding is at most one alignment long, so it is read as it is."""
        padding = self._source.read(start, length)
        if padding.count(0) != len(padding):
            self._hidden(start, length)

    def _hidden(self, start: int, length: int) -> None:
        """Bytes of no tensor are examined like a file of their own: something put them there."""
        self._examination.report(HIDDEN_BYTES, f"{length} bytes", offset=start, length=length)
        self._examination.examine(self._source.part(start, length), "bytes of no tensor")


def _rounded_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
