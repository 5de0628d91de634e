"""Protocol-buffer messages read by name, every field accounted for.

A schema lists the fields of each message in one line, like a `.proto` file does. A walk over a message names each
field, goes into messages by itself, and says what it met that the schema does not know: a field nobody knows is a
gap, a field of one value that is written twice is a finding, because readers differ in which value they take.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.protobuf import FIXED32, FIXED64, LENGTH, VARINT, Field, Message
from touchstone.text import Text

WRITTEN_TWICE: Final = Rule(
    id="protobuf/written-twice",
    severity="medium",
    nature="threat",
    title=Text(
        "A field for one value is written twice, so that two readers may take different values",
        "单值字段出现两次，不同的读取程序可能取到不同的值",
    ),
    remedy=Text("Export the model again with its own framework.", "请用模型所属框架重新导出。"),
    references=("CWE-436",),
)
RULES: Final[tuple[Rule, ...]] = (WRITTEN_TWICE,)

_WIRE_TYPES: Final = {
    "int": VARINT,
    "ints": VARINT,
    "float": FIXED32,
    "floats": FIXED32,
    "double": FIXED64,
    "doubles": FIXED64,
    "text": LENGTH,
    "bytes": LENGTH,
}
_PACKABLE: Final = frozenset({"ints", "floats", "doubles"})

Handler = Callable[[Message], None]


@dataclass(frozen=True, slots=True)
class _Declared:
    name: str
    kind: str
    wire: int
    repeated: bool


class Schema:
    """Messages by name. Each is a line of `number name kind`, separated by commas.

    Kinds: `int` (any varint), `float`, `double`, `text`, `bytes`, the name of another message; with `s` at the end
    (`ints`, `floats`, `doubles`) repeated numbers, packed or not. A `*` after the name says that the field repeats.

    >>> Schema({"Node": "1 name text, 2 input* text, 3 dims ints"}).fields("Node")[2].repeated
    True
    """

    def __init__(self, lines: Mapping[str, str]) -> None:
        self._lines = lines
        self._fields: dict[str, dict[int, _Declared]] = {}
        self._dull: dict[str, frozenset[int]] = {}

    def __contains__(self, kind: str) -> bool:
        return kind in self._lines

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def fields(self, kind: str) -> dict[int, _Declared]:
        """Fields of one message by number."""
        found = self._fields.get(kind)
        if found is None:
            found = self._fields[kind] = {
                int(number): _Declared(
                    name.removesuffix("*"), of, _WIRE_TYPES.get(of, LENGTH), name.endswith("*") or of in _PACKABLE
                )
                for number, name, of in (entry.split() for entry in self._lines[kind].split(",") if entry.strip())
            }
        return found

    def dull(self, kind: str) -> frozenset[int]:
        """Fields of one message that are lists of numbers, which a walk need not stop at one by one."""
        found = self._dull.get(kind)
        if found is None:
            numbers = (number for number, field in self.fields(kind).items() if field.kind in _PACKABLE and number < 16)
            found = self._dull[kind] = frozenset(numbers)
        return found


@cache
def messages_of(pack: str) -> Schema:
    """The messages of one framework, from its message pack (`packs/`, written by `tools/scan_message_packs.py`)."""
    text = files("touchstone.scan").joinpath(f"packs/{pack}_messages.json").read_text("utf-8")
    return Schema(json.loads(text)["messages"])


class Walk:
    """One walk over the messages of one file.

    `handlers` read the messages of some kinds, wherever they are met; all other messages are gone through for what
    they hold. A handler goes through its own message with `fields` and hands what it does not care for to `enter`.
    """

    def __init__(self, schema: Schema, examination: Examination, handlers: Mapping[str, Handler]) -> None:
        self._schema = schema
        self._examination = examination
        self._handlers = handlers

    def message(self, message: Message, kind: str) -> None:
        """Go through a message of some kind, by its handler when it has one."""
        handler = self._handlers.get(kind)
        if handler is not None:
            handler(message)
            return
        for _, field in self.fields(message, kind):
            self.enter(field)

    def fields(self, message: Message, kind: str) -> Iterator[tuple[str, Field]]:
        """Each known field of a message with its name; what is not known is reported."""
        declared_fields = self._schema.fields(kind)
        met = 0
        for field in message.fields(self._schema.dull(kind)):
            declared = declared_fields.get(field.number)
            if declared is None:
                self._unknown(kind, field.number)
                continue
            if field.wire != declared.wire and not (field.wire == LENGTH and declared.kind in _PACKABLE):
                self._unknown(kind, field.number)
                continue
            if not declared.repeated:
                bit = 1 << field.number
                if met & bit:
                    self._examination.report(
                        WRITTEN_TWICE, f"{kind}.{declared.name}", offset=field.offset, length=field.length
                    )
                met |= bit
            field.kind = declared.kind
            yield declared.name, field

    def enter(self, field: Field) -> None:
        """Go into a field when it holds a message."""
        if field.kind in self._schema:
            self.message(field.message(), field.kind)

    def _unknown(self, kind: str, number: int) -> None:
        self._examination.gap(
            Text(f"has a field that {kind} is not known to have ({number})", f"{kind} 含未知字段（{number}）"), "format"
        )
