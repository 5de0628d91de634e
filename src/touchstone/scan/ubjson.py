"""Universal Binary JSON, read into plain values within bounds. Long arrays of numbers stay where they are.

Source: https://ubjson.org (draft 12), as XGBoost writes it: lengths are signed 64-bit, arrays of numbers are typed.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from typing import Any, Final

from touchstone.scan.budget import Budget
from touchstone.scan.cursor import Cursor
from touchstone.scan.source import Source, Unreadable
from touchstone.text import Text

DEEPEST: Final = 64
_MOST_VALUES: Final = 1_000_000
_LONGEST_TEXT: Final = 16 * 2**20
_NUMBERS: Final = {"i": "b", "U": "B", "I": "h", "l": "i", "L": "q", "d": "f", "D": "d"}
_WIDTHS: Final = {"i": 1, "U": 1, "I": 2, "l": 4, "L": 8, "d": 4, "D": 8}
_CONSTANTS: Final[dict[str, Any]] = {"Z": None, "T": True, "F": False}
_LARGEST_LOADED: Final = 16 * 2**20


class Numbers:
    """A typed array that was not loaded."""

    def __init__(self, source: Source, kind: str) -> None:
        self._source = source
        self._kind = kind

    def __len__(self) -> int:
        return self._source.size // _WIDTHS[self._kind]

    def load(self) -> Sequence[Any]:
        """Its numbers. Raises `Unreadable` when they are more than may be in memory at once."""
        numbers: array[Any] = array(_NUMBERS[self._kind])
        numbers.frombytes(self._source.whole(_LARGEST_LOADED))
        if sys.byteorder == "little":
            numbers.byteswap()
        return numbers


def read_ubjson_value(source: Source, budget: Budget) -> tuple[Any, int, list[str]]:
    """The value at the beginning, the place behind it, and keys that occur twice in one object."""
    reading = _Reading(Cursor(source, order=">"), budget)
    value = reading.value(reading.mark(), 0)
    return value, reading.cursor.at, reading.repeated


class _Reading:
    def __init__(self, cursor: Cursor, budget: Budget) -> None:
        self.cursor = cursor
        self.repeated: list[str] = []
        self._budget = budget
        self._values = 0

    def mark(self) -> str:
        """The type of the next value. `N` stands for nothing and may stand anywhere."""
        mark = "N"
        while mark == "N":
            mark = chr(self.cursor.number("B"))
        return mark

    def value(self, mark: str, depth: int) -> Any:
        self._values += 1
        if self._values > _MOST_VALUES:
            raise Unreadable(Text("has too many values to read", "值过多，无法读取"))
        self._budget.check_time()
        if mark in _NUMBERS:
            return self.cursor.number(_NUMBERS[mark])
        if mark in _CONSTANTS:
            return _CONSTANTS[mark]
        if mark in {"S", "H"}:
            return self._text()
        if mark == "C":
            return chr(self.cursor.number("B"))
        if depth >= DEEPEST:
            raise Unreadable(Text("is nested too deeply", "嵌套过深"))
        if mark == "{":
            return self._object(depth)
        if mark == "[":
            return self._array(depth)
        raise Unreadable(Text("has a value of unknown type", "值类型未知"))

    def _length(self, mark: str) -> int:
        if mark not in _NUMBERS or mark in {"d", "D"}:
            raise Unreadable(Text("has a length that is no whole number", "长度不是整数"))
        length = int(self.cursor.number(_NUMBERS[mark]))
        if length < 0:
            raise Unreadable(Text("has a negative length", "长度为负"))
        return length

    def _text(self, mark: str | None = None) -> str:
        length = self._length(self.mark() if mark is None else mark)
        if length > _LONGEST_TEXT:
            raise Unreadable(Text("has a text that is too long to read", "文本过长，无法读取"))
        return self.cursor.take(length).decode("utf-8", "replace")

    def _head(self) -> tuple[str, int | None, str]:
        """Type and count of a container that says them, and otherwise the first mark inside."""
        mark, kind = self.mark(), ""
        if mark == "$":
            kind = chr(self.cursor.number("B"))
            mark = self.mark()
            if mark != "#":
                raise Unreadable(Text("has a typed container without a count", "带类型的容器缺少数量"))
        if mark != "#":
            return kind, None, mark
        count = self._length(self.mark())
        if count * _WIDTHS.get(kind, 1) > self.cursor.left:
            raise Unreadable(Text("claims more values than there are bytes", "声明的值数量超过字节数"))
        return kind, count, ""

    def _array(self, depth: int) -> Any:
        kind, count, mark = self._head()
        if count is not None and kind in _NUMBERS:
            return Numbers(self.cursor.part(count * _WIDTHS[kind]), kind)
        values = []
        while count != 0 and mark != "]":
            values.append(self.value(mark or kind or self.mark(), depth + 1))
            if count is None:
                mark = self.mark()
            else:
                count, mark = count - 1, ""
        return values

    def _object(self, depth: int) -> dict[str, Any]:
        kind, count, mark = self._head()
        values: dict[str, Any] = {}
        while count != 0 and mark != "}":
            key = self._text(mark or None)
            if key in values:
                self.repeated.append(key)
            values[key] = self.value(kind or self.mark(), depth + 1)
            if count is None:
                mark = self.mark()
            else:
                count -= 1
        return values
