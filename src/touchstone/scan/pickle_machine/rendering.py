"""Values shown as one would write them in Python, bounded in length and depth, in printable ASCII."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from touchstone.scan.findings import shown
from touchstone.scan.pickle_machine.values import Call, Container, Global, Outside, Stretch, Value

_DEEPEST: Final = 6
_BRACKETS: Final = {
    "list": ("[", "]"),
    "tuple": ("(", ")"),
    "dict": ("{", "}"),
    "set": ("{", "}"),
    "frozenset": ("frozenset({", "})"),
}


def render(value: Value, longest: int = 200) -> str:
    """A value as one would write it in Python."""
    rendering = _Rendering(longest)
    rendering.write(value, _DEEPEST)
    return shown("".join(rendering.pieces), longest)


class _Rendering:
    def __init__(self, longest: int) -> None:
        self.pieces: list[str] = []
        self.left = longest

    def _text(self, piece: str) -> None:
        self.pieces.append(piece)
        self.left -= len(piece)

    def write(self, value: Value, depth: int) -> None:
        if self.left <= 0 or depth == 0:
            self._text("...")
        elif isinstance(value, Container):
            self._container(value, depth)
        elif isinstance(value, Call):
            self.write(value.function, depth - 1)
            self._text("(")
            self._items(value.arguments, depth)
            self._text("...)" if value.forgotten else ")")
        elif isinstance(value, Global):
            self._text(f"{shown(value.module, 80)}.{shown(value.name, 80)}")
        elif isinstance(value, Outside):
            self._text(f"<{value.what}")
            if value.identifier is not None:
                self._text(" ")
                self.write(value.identifier, depth - 1)
            self._text(">")
        elif isinstance(value, Stretch):
            quoted = repr(value.beginning.decode("latin-1") if value.kind == "text" else value.beginning)
            self._text("<long integer>" if value.kind == "integer" else f"{quoted}...")
        else:
            self._text(_literal(value))

    def _container(self, container: Container, depth: int) -> None:
        opening, closing = _BRACKETS[container.kind]
        self._text(opening)
        self._items(container.items, depth, mapping=container.kind == "dict")
        if container.forgotten:
            self._text("...")
        elif container.kind == "tuple" and container.size == 1:
            self._text(",")
        self._text(closing)

    def _items(self, items: Sequence[Value], depth: int, *, mapping: bool = False) -> None:
        for index, item in enumerate(items):
            if index:
                self._text(": " if mapping and index % 2 else ", ")
            if self.left <= 0:
                self._text("...")
                return
            self.write(item, depth - 1)


def _literal(value: bool | int | float | str | bytes | None) -> str:
    if isinstance(value, str | bytes):
        cut = value[:120]
        return ascii(cut) + ("" if len(cut) == len(value) else "...")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**40:
        return hex(value)[:40] + "..."
    return repr(value)
