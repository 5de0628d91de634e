"""What the constant expressions of a template come to: `'__cla' ~ 'ss__'`, `['_', '_']|join`, `'%c' % 95`.

Names of internals are spelled in pieces to get past filters. The pieces are put together here by a small calculator
of our own for texts and whole numbers, bounded in size; nothing of Jinja evaluates anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from jinja2 import nodes

Value = str | int | list["Value"] | None
"""A constant; `None` when it is not known."""

MOST: Final = 10_000
"""Characters or items of a value that is followed."""
_DEEPEST: Final = 150


def fold(node: nodes.Node | None, known: Mapping[str, Value], depth: int = 0) -> Value:
    """The value of an expression when it follows from constants alone, else `None`."""
    if node is None or depth > _DEEPEST:
        return None
    rule = _RULES.get(type(node))
    value = None if rule is None else rule(node, lambda part: fold(part, known, depth + 1), known)
    return value if not isinstance(value, str | list) or len(value) <= MOST else None


_Fold = Callable[[nodes.Node | None], Value]
_Known = Mapping[str, Value]


def _constant(node: nodes.Node, _: _Fold, __: _Known) -> Value:
    value = node.value if isinstance(node, nodes.Const) else None
    return value if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)) else None


def _name(node: nodes.Node, _: _Fold, known: _Known) -> Value:
    return known.get(node.name) if isinstance(node, nodes.Name) else None


def _sequence(node: nodes.Node, inner: _Fold, _: _Known) -> Value:
    items: list[Value] = [inner(item) for item in node.items] if isinstance(node, nodes.List | nodes.Tuple) else [None]
    return None if None in items else items


def _concatenation(node: nodes.Node, inner: _Fold, _: _Known) -> Value:
    parts = [inner(part) for part in node.nodes] if isinstance(node, nodes.Concat) else [None]
    return None if any(not isinstance(part, str | int) for part in parts) else "".join(map(str, parts))


def _operation(node: nodes.Node, inner: _Fold, _: _Known) -> Value:
    if not isinstance(node, nodes.BinExpr):
        return None
    left, right = inner(node.left), inner(node.right)
    if isinstance(node, nodes.Mod) and isinstance(left, str):
        return _formatted(left, right if isinstance(right, list) else [right])
    if isinstance(node, nodes.Mul):
        return _product(left, right)
    if isinstance(node, nodes.Add) and isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, int) and isinstance(right, int):
        return _calculated(node, left, right)
    return None


def _product(left: Value, right: Value) -> Value:
    if isinstance(left, int) and isinstance(right, str):
        left, right = right, left
    if isinstance(left, str) and isinstance(right, int):
        return left * right if len(left) * max(right, 0) <= MOST else None
    return left * right if isinstance(left, int) and isinstance(right, int) and abs(left * right) < 2**128 else None


def _calculated(node: nodes.BinExpr, left: int, right: int) -> Value:
    if isinstance(node, nodes.Pow):
        return left**right if 0 <= right <= 128 and abs(left) <= 2**16 else None
    if isinstance(node, nodes.Add):
        return left + right
    return left - right if isinstance(node, nodes.Sub) else None


def _filtered(node: nodes.Node, inner: _Fold, _: _Known) -> Value:
    if not isinstance(node, nodes.Filter):
        return None
    return _method(inner(node.node), node.name, [inner(argument) for argument in node.args])


def _called(node: nodes.Node, inner: _Fold, _: _Known) -> Value:
    """A method of a constant text."""
    if not isinstance(node, nodes.Call) or not isinstance(node.node, nodes.Getattr):
        return None
    value, arguments = inner(node.node.node), [inner(argument) for argument in node.args]
    if node.node.attr == "join":
        return _method(arguments[0] if arguments else None, "join", [value])
    return _method(value, node.node.attr, arguments)


def _item(node: nodes.Node, inner: _Fold, _: _Known) -> Value:
    """`'__ssalc__'[::-1]`, `'abc'[1]`."""
    if not isinstance(node, nodes.Getitem):
        return None
    value = inner(node.node)
    if not isinstance(value, str | list):
        return None
    if isinstance(node.arg, nodes.Slice):
        return _slice(value, [inner(part) for part in (node.arg.start, node.arg.stop, node.arg.step)])
    place = inner(node.arg)
    return value[place] if isinstance(place, int) and -len(value) <= place < len(value) else None


def _slice(value: str | list[Value], bounds: list[Value]) -> Value:
    start, stop, step = (bound if isinstance(bound, int) else None for bound in bounds)
    return None if step == 0 else value[start:stop:step]


def _method(value: Value, name: str, arguments: list[Value]) -> Value:
    """Filters and methods that make texts of texts."""
    texts = [argument for argument in arguments if isinstance(argument, str)]
    if name == "join" and isinstance(value, str | list):
        separator = texts[0] if texts else ""
        return separator.join(map(str, value)) if len(separator) * len(value) <= MOST else None
    if not isinstance(value, str):
        return value[::-1] if name == "reverse" and isinstance(value, list) else None
    if name in {"lower", "upper", "title", "capitalize", "strip", "lstrip", "rstrip", "trim", "string", "swapcase"}:
        return str(getattr(value, {"trim": "strip", "string": "__str__"}.get(name, name))())
    if name == "replace" and len(texts) >= 2:
        return value.replace(texts[0], texts[1]) if len(value) * (len(texts[1]) + 1) <= MOST else None
    if name == "format":
        return _formatted(value, arguments)
    return value[::-1] if name == "reverse" else [*value] if name == "list" else None


def _formatted(template: str, arguments: list[Value]) -> Value:
    """`'%s%s' % (a, b)` and `'{}{}'.format(a, b)`, for plain places without width or attribute."""
    import re

    waiting = iter(arguments)

    def fill(place: re.Match[str]) -> str:
        value = next(waiting, None)
        if value is None or isinstance(value, list):
            return "\N{REPLACEMENT CHARACTER}"
        is_character = place.group() == "%c" and isinstance(value, int) and 0 <= value < 0x110000
        return chr(int(value)) if is_character else str(value)

    return re.sub(r"%[scd]|\{\d?\}", fill, template)


_RULES: Final[dict[type[nodes.Node], Callable[[nodes.Node, _Fold, _Known], Value]]] = {
    nodes.Const: _constant,
    nodes.Name: _name,
    nodes.List: _sequence,
    nodes.Tuple: _sequence,
    nodes.Concat: _concatenation,
    nodes.Add: _operation,
    nodes.Sub: _operation,
    nodes.Mul: _operation,
    nodes.Mod: _operation,
    nodes.Pow: _operation,
    nodes.Filter: _filtered,
    nodes.Call: _called,
    nodes.Getitem: _item,
}
