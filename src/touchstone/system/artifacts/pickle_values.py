"""The symbols a pickle is followed with: what stands on the stack instead of an object, and how it is shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal as Exactly

from touchstone.system.artifacts.constructs import shown

MOST_KEPT = 64
"""Elements of a container that are kept for showing; the others are judged, then forgotten."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written in the stream. Long ones keep only their beginning (`whole` is then false)."""

    value: bool | int | float | str | bytes | None
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Global:
    """An imported name."""

    module: str
    name: str


@dataclass(slots=True)
class Container:
    """A list, tuple, dictionary (keys and values in turn) or set."""

    kind: Exactly["list", "tuple", "dict", "set", "frozenset"]
    items: list[Value] = field(default_factory=list)
    size: int = 0
    special_keys: list[str] = field(default_factory=list)
    """Dictionary keys such as `__class__`, which change what an object is when it takes them as its state."""

    def extend(self, values: list[Value]) -> None:
        self.items.extend(values[: max(0, MOST_KEPT - len(self.items))])
        self.size += len(values)
        if self.kind == "dict":
            for key in values[::2]:
                if isinstance(key, Literal) and isinstance(key.value, str) and key.value.startswith("__"):
                    self.special_keys.append(key.value)


@dataclass(frozen=True, slots=True)
class Call:
    """The result of calling something."""

    function: Value
    arguments: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value that comes from outside the stream."""

    what: str


Value = Literal | Global | Container | Call | Opaque


def arguments_of(value: Value) -> tuple[Value, ...]:
    """What a call is given: the elements of an argument tuple."""
    return tuple(value.items) if isinstance(value, Container) and value.kind == "tuple" else (value,)


def as_dictionary(value: Value) -> dict[str, Value]:
    """The entries of a dictionary whose keys are strings."""
    if not isinstance(value, Container) or value.kind != "dict":
        return {}
    return {
        key.value: item
        for key, item in zip(value.items[::2], value.items[1::2], strict=False)
        if isinstance(key, Literal) and isinstance(key.value, str)
    }


_PLAIN_DTYPE = re.compile(r"([biufcSUVmM])(\d{1,9})")


def element_size(dtype: Value | None) -> int | None:
    """Bytes of one element of a plain numpy dtype; 0 for objects, which are pickled; `None` when not plain."""
    if not isinstance(dtype, Call) or dtype.function != Global("numpy", "dtype") or not dtype.arguments:
        return None
    code = dtype.arguments[0]
    if not isinstance(code, Literal) or not isinstance(code.value, str):
        return None
    if code.value.startswith("O"):
        return 0
    plain = _PLAIN_DTYPE.fullmatch(code.value)
    if plain is None or int(plain[2]) == 0:
        return None
    return int(plain[2]) * (4 if plain[1] == "U" else 1)


def render(value: Value, longest: int = 200) -> str:
    """A value as one would write it in Python, bounded in length and depth, in printable ASCII."""
    pieces: list[str] = []
    _render(value, pieces, [longest], 6)
    return shown("".join(pieces), longest)


_BRACKETS = {
    "list": ("[", "]"),
    "tuple": ("(", ")"),
    "dict": ("{", "}"),
    "set": ("{", "}"),
    "frozenset": ("frozenset({", "})"),
}


def _render(value: Value, pieces: list[str], left: list[int], depth: int) -> None:
    def write(piece: str) -> None:
        pieces.append(piece)
        left[0] -= len(piece)

    if left[0] <= 0 or depth == 0:
        write("...")
    elif isinstance(value, Literal):
        write(_render_literal(value))
    elif isinstance(value, Global):
        write(f"{shown(value.module, 80)}.{shown(value.name, 80)}")
    elif isinstance(value, Opaque):
        write(f"<{value.what}>")
    elif isinstance(value, Call):
        _render(value.function, pieces, left, depth - 1)
        write("(")
        _render_items(value.arguments, pieces, left, depth)
        write(")")
    else:
        opening, closing = _BRACKETS[value.kind]
        write(opening)
        _render_items(value.items, pieces, left, depth, mapping=value.kind == "dict")
        write("," + closing if value.kind == "tuple" and value.size == 1 else closing)


def _render_items(
    items: Sequence[Value], pieces: list[str], left: list[int], depth: int, *, mapping: bool = False
) -> None:
    for index, item in enumerate(items):
        if index:
            pieces.append(": " if mapping and index % 2 else ", ")
            left[0] -= 2
        if left[0] <= 0:
            pieces.append("...")
            return
        _render(item, pieces, left, depth - 1)


def _render_literal(literal: Literal) -> str:
    value = literal.value
    if isinstance(value, str | bytes):
        cut = value[:120]
        return ascii(cut) + ("" if literal.whole and len(cut) == len(value) else "...")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**40:
        return hex(value)[:40] + "..."
    return repr(value) if literal.whole else "<long integer>"
