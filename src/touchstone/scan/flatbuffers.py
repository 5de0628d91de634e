"""FlatBuffers: tables read by the names of their fields, every byte accounted for.

A schema lists the fields of each table in the order of their slots. A walk goes through all tables once, wherever
they are met, checks every offset and length against what is there, and remembers which bytes it has seen, so that
bytes nothing refers to do not go unnoticed.

Source: https://flatbuffers.dev/internals/.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

from touchstone.scan.budget import Budget
from touchstone.scan.examination import Examination
from touchstone.scan.source import Source, Unreadable
from touchstone.text import Text

DEEPEST: Final = 64
"""Tables within one another; the limit of the official verifier."""
LONGEST_TEXT: Final = 64 * 1024
LARGEST_UNSEEN: Final = 256
"""Bytes in one place that nothing refers to before they are reported. Builders leave padding and unused tables."""
_MOST_PLACES: Final = 1_000_000
_MOST_TABLES: Final = 250_000
_MOST_ELEMENTS: Final = 100_000
"""Tables in one vector."""
_PAGE: Final = 64 * 1024
_PAGES: Final = 16

_NUMBERS: Final = {
    "bool": "<?",
    "i8": "<b",
    "u8": "<B",
    "i16": "<h",
    "u16": "<H",
    "i32": "<i",
    "u32": "<I",
    "i64": "<q",
    "u64": "<Q",
    "f32": "<f",
    "f64": "<d",
}


@dataclass(frozen=True, slots=True)
class _Slot:
    number: int
    kind: str
    """A number type, `text`, `bytes`, `structN`, the name of a table or of a union, `unread`."""
    repeated: bool
    width: int
    """Bytes of one element of a vector of numbers or structures."""


class Schema:
    """Tables by name. Each is a line of `name kind`, separated by commas, in the order of their slots.

    Kinds: a number type, `text`, `bytes` (a vector of bytes), `structN` (N bytes in place), the name of another table
    or of a union, `unread` (nobody looks what it is). A `*` after the name makes it a vector. A union is the tables it
    may be, by the number in the slot before it; those it lists no table for are not looked at.

    >>> Schema({"Operator": "opcode_index u32, inputs* i32"}).slots("Operator")["inputs"].width
    4
    """

    def __init__(self, lines: Mapping[str, str], unions: Mapping[str, Mapping[int, str]] | None = None) -> None:
        self._lines = lines
        self._slots: dict[str, dict[str, _Slot]] = {}
        self.unions = unions or {}

    def __contains__(self, kind: str) -> bool:
        return kind in self._lines

    def slots(self, kind: str) -> dict[str, _Slot]:
        """Fields of one table by name."""
        found = self._slots.get(kind)
        if found is None:
            entries = [entry.split() for entry in self._lines[kind].split(",") if entry.strip()]
            found = self._slots[kind] = {
                name.removesuffix("*"): _Slot(number, of, name.endswith("*") or of == "bytes", _width(of))
                for number, (name, of) in enumerate(entries)
            }
        return found


def _width(kind: str) -> int:
    if kind == "bytes":
        return 1
    if kind.startswith("struct"):
        return int(kind.removeprefix("struct"))
    return struct.calcsize(_NUMBERS[kind]) if kind in _NUMBERS else 4


class Table:
    """One table, read by the names of its fields. Fields that are not there answer nothing or zero."""

    __slots__ = ("_buffer", "_fields", "_slots", "depth", "kind", "position")

    def __init__(self, buffer: Buffer, slots: dict[str, _Slot], kind: str, position: int, depth: int) -> None:
        self._buffer = buffer
        self._slots = slots
        self.kind = kind
        self.position = position
        self.depth = depth
        self._fields = buffer.fields_of(position)

    @property
    def unknown_slots(self) -> list[int]:
        """Fields that are written and that the schema does not have."""
        return [slot for slot, place in enumerate(self._fields) if place and slot >= len(self._slots)]

    def has(self, name: str) -> bool:
        """Whether the field is written."""
        return self._place(name) != 0

    def integer(self, name: str, default: int = 0) -> int:
        """The value of a number."""
        place = self._place(name)
        return int(self._buffer.number(place, _NUMBERS[self._slots[name].kind])) if place else default

    def text(self, name: str) -> str:
        """The value of a string."""
        place = self._place(name)
        return self._buffer.text(self._buffer.follow(place)) if place else ""

    def texts(self, name: str) -> Iterator[str]:
        """Each string of a vector."""
        for place in self._elements(name):
            yield self._buffer.text(self._buffer.follow(place))

    def integers(self, name: str, most: int = _MOST_ELEMENTS) -> list[int]:
        """The first numbers of a vector."""
        slot = self._slots[name]
        start, count = self.vector(name)
        count = min(count, most)
        data = self._buffer.source.read(start, count * slot.width)
        return [int(value) for (value,) in struct.iter_unpack(_NUMBERS[slot.kind], data)]

    def part(self, name: str) -> Source | None:
        """The bytes of a vector of numbers or structures, not loaded; `None` when it is not written."""
        if not self.has(name):
            return None
        start, count = self.vector(name)
        return self._buffer.source.part(start, count * self._slots[name].width)

    def vector(self, name: str) -> tuple[int, int]:
        """Where the elements of a vector begin, and how many there are."""
        place = self._place(name)
        return self._buffer.vector(self._buffer.follow(place), self._slots[name].width) if place else (0, 0)

    def table(self, name: str) -> Table | None:
        """The table in a field."""
        place = self._place(name)
        return self._inner(name, place) if place else None

    def union(self, name: str) -> Table | None:
        """The table in a union; `None` when it is not written, or is one the schema lists no table for."""
        place, slot = self._place(name), self._slots[name]
        type_place = self._fields[slot.number - 1] if place else 0
        if not type_place:
            return None
        kind = self._buffer.schema.unions[slot.kind].get(int(self._buffer.number(type_place, "<B")))
        return None if kind is None else self._buffer.table(kind, self._buffer.follow(place), self._deeper())

    def tables(self, name: str) -> Iterator[Table]:
        """Each table of a vector."""
        for place in self._elements(name):
            yield self._inner(name, place)

    def children(self) -> Iterator[Table]:
        """Every table this one refers to; strings and vectors on the way are checked and noted as seen."""
        for name, slot in self._slots.items():
            if slot.kind == "unread" or not self.has(name):
                continue
            if slot.kind in self._buffer.schema.unions:
                chosen = self.union(name)
                if chosen is not None:
                    yield chosen
            elif slot.kind == "text":
                for _ in self.texts(name) if slot.repeated else (self.text(name),):
                    pass
            elif slot.kind in _NUMBERS or slot.kind == "bytes" or slot.kind.startswith("struct"):
                if slot.repeated:
                    self.vector(name)
            elif slot.repeated:
                yield from self.tables(name)
            else:
                yield self._inner(name, self._place(name))

    def _place(self, name: str) -> int:
        number = self._slots[name].number
        return self._fields[number] if number < len(self._fields) else 0

    def _elements(self, name: str) -> range:
        start, count = self.vector(name)
        if count > _MOST_ELEMENTS:
            raise _too_many()
        return range(start, start + 4 * count, 4)

    def _inner(self, name: str, place: int) -> Table:
        return self._buffer.table(self._slots[name].kind, self._buffer.follow(place), self._deeper())

    def _deeper(self) -> int:
        if self.depth >= DEEPEST:
            raise Unreadable(Text(f"nests tables deeper than {DEEPEST}", f"表嵌套超过 {DEEPEST} 层"))
        return self.depth + 1


class Buffer:
    """A source as a FlatBuffer."""

    def __init__(self, source: Source, schema: Schema, budget: Budget) -> None:
        self.source = source
        self.schema = schema
        self._budget = budget
        self._pages: dict[int, bytes] = {}
        self._seen = array("Q")

    def root(self, kind: str) -> Table:
        """The table the buffer begins with."""
        self._note(0, 8)
        return self.table(kind, self.follow(0), 0)

    def table(self, kind: str, position: int, depth: int) -> Table:
        """The table at a place."""
        self._budget.spend_opcodes(1)
        return Table(self, self.schema.slots(kind), kind, position, depth)

    def fields_of(self, position: int) -> list[int]:
        """Places of the fields of the table at `position`, by slot; 0 for those not written."""
        vtable = position - int(self.number(position, "<i"))
        length, inline = struct.unpack("<HH", self._read(vtable, 4))
        if length < 4 or length % 2 or inline < 4:
            raise damaged()
        offsets = struct.unpack(f"<{length // 2 - 2}H", self._read(vtable + 4, length - 4))
        if any(offset >= inline for offset in offsets):
            raise damaged()
        self._note(vtable, length)
        self._note(position, inline)
        return [position + offset if offset else 0 for offset in offsets]

    def follow(self, place: int) -> int:
        """Where the offset at `place` leads."""
        return place + int(self.number(place, "<I"))

    def number(self, place: int, layout: str) -> int | float:
        """A number at a place."""
        value: int | float = struct.unpack(layout, self._read(place, struct.calcsize(layout)))[0]
        return value

    def vector(self, place: int, width: int) -> tuple[int, int]:
        """Where the elements of the vector at `place` begin, and how many there are."""
        count = int(self.number(place, "<I"))
        if count * width > self.source.size - place - 4:
            raise damaged()
        self._note(place, 4 + count * width)
        return place + 4, count

    def text(self, place: int) -> str:
        """The string at a place; bytes that are no UTF-8 become replacement characters."""
        start, length = self.vector(place, 1)
        self._note(start + length, 1)
        return self.source.read(start, min(length, LONGEST_TEXT)).decode("utf-8", "replace")

    def note(self, start: int, length: int) -> None:
        """These bytes are accounted for by somebody else."""
        self._note(start, length)

    def unseen(self) -> Iterator[tuple[int, int]]:
        """Start and length of each longer run of bytes, not all zero, that nothing referred to."""
        if len(self._seen) >= 2 * _MOST_PLACES:
            raise _too_many()
        position, size = 0, self.source.size
        starts, ends = self._seen[::2], self._seen[1::2]
        order = sorted(range(len(starts)), key=starts.__getitem__)
        for start, end in chain(((starts[place], ends[place]) for place in order), ((size, size),)):
            if start - position > LARGEST_UNSEEN and self._holds_something(position, start):
                yield position, start - position
            position = max(position, end)

    def _holds_something(self, start: int, end: int) -> bool:
        return any(any(window) for window in self.source.part(start, end - start).windows())

    def _note(self, start: int, length: int) -> None:
        if len(self._seen) < 2 * _MOST_PLACES:
            self._seen.append(min(start, self.source.size))
            self._seen.append(min(start + length, self.source.size))

    def _read(self, start: int, length: int) -> bytes:
        if start < 0 or start + length > self.source.size:
            raise damaged()
        number, index = divmod(start, _PAGE)
        if index + length > _PAGE:
            return self.source.read(start, length)
        page = self._pages.get(number)
        if page is None:
            if len(self._pages) >= _PAGES:
                del self._pages[next(iter(self._pages))]
            page = self._pages[number] = self.source.read(number * _PAGE, _PAGE)
        return page[index : index + length]


def walk(root: Table, handlers: Mapping[str, Callable[[Table], None]], examination: Examination) -> None:
    """Go through all tables once, parents first, giving each to the handler of its kind."""
    waiting = [root]
    met = {(root.kind, root.position)}
    while waiting:
        table = waiting.pop()
        for slot in table.unknown_slots:
            examination.gap(
                Text(
                    f"has a field that {table.kind} is not known to have ({slot})", f"{table.kind} 含未知字段（{slot}）"
                ),
                "format",
            )
        handler = handlers.get(table.kind)
        if handler is not None:
            handler(table)
        if len(met) > _MOST_TABLES:
            raise _too_many()
        for child in table.children():
            place = (child.kind, child.position)
            if place not in met:
                met.add(place)
                waiting.append(child)


def report_unseen(start: int, length: int, examination: Examination) -> None:
    """Bytes that nothing refers to are a gap: no reader of the format would show them."""
    examination.gap(
        Text(
            f"holds {length} bytes at {start} that nothing in the file refers to",
            f"偏移 {start} 处有 {length} 字节未被文件中任何部分引用",
        )
    )


def _too_many() -> Unreadable:
    return Unreadable(Text("has more tables than are followed", "表的数量超过解析上限"))


def damaged() -> Unreadable:
    """The bytes break the format."""
    return Unreadable(Text("is not a well-formed FlatBuffer", "不是格式正确的 FlatBuffer"))
