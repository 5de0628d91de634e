"""The formats before GGUF (`ggml`, `ggmf`, `ggjt`, and `ggla` for adapters), which whisper.cpp still writes.

These files do not say which program wrote them, and each program had a header of its own. The layouts of the common
ones are tried; the one under which every byte of the file has its place is the right one. Under none: a gap.

Source: `convert-pth-to-ggml.py` and `llama.cpp` before August 2023, `whisper.cpp/models/convert-pt-to-ggml.py`,
`ggml/examples/gpt-2` and `gpt-j`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from touchstone.scan.cursor import Cursor
from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.ggml_types import FILE_TYPES, TYPES, GgmlType, bytes_of
from touchstone.scan.source import Source, Unreadable
from touchstone.scan.tensor_beginnings import look_at_beginning
from touchstone.text import Text

RULES: Final[tuple[Rule, ...]] = ()

_MOST_DIMENSIONS: Final = 4
_LONGEST_NAME: Final = 256
_LONGEST_WORD: Final = 65_535
_MOST_WORDS: Final = 2**21
_MOST_TENSORS: Final = 100_000

_BEFORE_JUNE_2023: Final[Mapping[int, GgmlType]] = TYPES | {
    2: GgmlType("Q4_0", 32, 20),
    3: GgmlType("Q4_1", 32, 24),
    4: GgmlType("Q4_2", 16, 10),
    5: GgmlType("Q4_3", 16, 12),
    8: GgmlType("Q8_0", 32, 36),
}
"""Blocks held their scale in 32 bits then (llama.cpp #1405, #1508)."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """How one program wrote its header."""

    name: str
    numbers: int
    """Fields of 32 bits; the first counts the words of the vocabulary, the last is the file type."""
    has_filters: bool = False
    """A table of two counts and that many numbers comes before the words (the mel filters of Whisper)."""
    repeats_words: bool = False
    """The count of words is written again before them."""
    has_scores: bool = False
    """A number follows each word."""


_UNVERSIONED: Final = (
    _Layout("whisper", 11, has_filters=True, repeats_words=True),
    _Layout("gpt-2", 6, repeats_words=True),
    _Layout("gpt-j", 7, repeats_words=True),
    _Layout("llama", 7),
)
"""Those that ask for most come first."""
_VERSIONED: Final = (_Layout("llama", 7, has_scores=True),)
_ADAPTER: Final = (_Layout("lora", 2),)


@dataclass(frozen=True, slots=True)
class _Tensor:
    name: str
    kind: str
    dimensions: tuple[int, ...]
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class _Model:
    layout: _Layout
    file_type: int
    tensors: list[_Tensor]


def read_ggml(source: Source, examination: Examination) -> None:
    """Find the layout that explains the whole file."""
    model = _understood(source, examination)
    examination.fact("framework", "ggml")
    examination.fact("architecture", model.layout.name)
    if model.layout.name != "lora":
        kind = FILE_TYPES.get(model.file_type % 1000)
        examination.fact("quantisation", kind or f"file type {model.file_type}")
    for tensor in model.tensors:
        data = source.part(tensor.start, tensor.size)
        examination.tensor(tensor.name, tensor.kind, tensor.dimensions, data)
        look_at_beginning(data, tensor.name, tensor.start, examination)
    examination.fact("parameters", str(sum(math.prod(tensor.dimensions) for tensor in model.tensors)))


def _understood(source: Source, examination: Examination) -> _Model:
    magic = source.read(0, 4)
    version = int.from_bytes(source.read(4, 4), "little")
    layouts: tuple[_Layout, ...] = _UNVERSIONED
    begin, alignment = 4, 1
    if magic != b"lmgg":
        if not 1 <= version <= 3:
            raise Unreadable(Text(f"is of version {version}", f"版本 {version} 不受支持"))
        layouts, begin = (_ADAPTER if magic == b"algg" else _VERSIONED), 8
        alignment = 1 if magic == b"fmgg" else 32
    for layout in layouts:
        for types in (TYPES, _BEFORE_JUNE_2023):
            examination.budget.check_time()
            try:
                return _read_as(layout, types, Cursor(source, begin), alignment)
            except Unreadable:
                continue
    raise Unreadable(
        Text("fits none of the known layouts before GGUF to the last byte", "与 GGUF 之前的已知布局均不完全相符")
    )


def _read_as(layout: _Layout, types: Mapping[int, GgmlType], cursor: Cursor, alignment: int) -> _Model:
    """Read the file under one layout. Raises `Unreadable` when it does not fit to the last byte."""
    header = cursor.numbers("i" * layout.numbers)
    if layout.name != "lora":
        _skip_words(layout, cursor, header[0])
    tensors = []
    while cursor.left:
        tensors.append(_tensor(types, cursor, alignment))
        if len(tensors) > _MOST_TENSORS:
            raise _does_not_fit()
    return _Model(layout, header[-1], tensors)


def _skip_words(layout: _Layout, cursor: Cursor, count: int) -> None:
    if layout.has_filters:
        rows, columns = cursor.numbers("ii")
        if not (0 < rows <= 1024 and 0 < columns <= 65_536):
            raise _does_not_fit()
        cursor.skip(4 * rows * columns)
    if layout.repeats_words:
        repeated = cursor.number("i")
        if not 0 < repeated <= count:
            raise _does_not_fit()
        count = repeated
    if not 0 <= count <= _MOST_WORDS:
        raise _does_not_fit()
    if not layout.has_scores:
        if cursor.skip_texts(count, "I") < count:
            raise _does_not_fit()
        return
    for _ in range(count):
        length = cursor.number("I")
        if length > _LONGEST_WORD:
            raise _does_not_fit()
        cursor.skip(length + 4)


def _tensor(types: Mapping[int, GgmlType], cursor: Cursor, alignment: int) -> _Tensor:
    rank, length, number = cursor.numbers("iii")
    if not (0 < rank <= _MOST_DIMENSIONS and 0 < length <= _LONGEST_NAME and number in types):
        raise _does_not_fit()
    dimensions = cursor.numbers("i" * rank)
    name = cursor.take(length)
    if min(dimensions) <= 0 or not name.isascii() or not name.decode("ascii").isprintable():
        raise _does_not_fit()
    padding = cursor.take(-cursor.at % alignment)
    size = bytes_of(types[number], dimensions)
    if size is None or padding.count(0) != len(padding):
        raise _does_not_fit()
    start = cursor.at
    cursor.skip(size)
    return _Tensor(name.decode("ascii"), types[number].name, dimensions, start, size)


def _does_not_fit() -> Unreadable:
    return Unreadable(Text("does not fit this layout", "与该布局不符"))
