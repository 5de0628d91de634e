"""What constant expressions of Python source come to: `'sys' + 'tem'`, `chr(111)`, `base64.b64decode('…').decode()`.

Texts that are put together or decoded before use hide what they name. They are worked out here from the syntax tree by
a few functions of our own on constants, bounded in size; nothing of the source is evaluated.
"""

from __future__ import annotations

import ast
import base64
import binascii
import bz2
import codecs
import lzma
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final

Value = str | bytes | int | list["Value"] | None
"""A constant; `None` when it is not known."""

MOST: Final = 2**20
_DEEPEST: Final = 120

Names = Callable[[ast.expr], frozenset[str]]
"""What an expression may name, dotted."""


def fold(node: ast.AST | None, constants: dict[str, Value], names: Names, depth: int = 0) -> Value:
    """The value of an expression when it follows from constants alone, else `None`."""
    if node is None or depth > _DEEPEST:
        return None
    rule = _RULES.get(type(node))
    value = None if rule is None else rule(node, _Folding(constants, names, depth + 1))
    return value if not isinstance(value, str | bytes | list) or len(value) <= MOST else None


class _Folding:
    """Folds the parts of an expression."""

    def __init__(self, constants: dict[str, Value], names: Names, depth: int) -> None:
        self.constants = constants
        self.names = names
        self._depth = depth

    def __call__(self, node: ast.AST | None) -> Value:
        return fold(node, self.constants, self.names, self._depth)


def _constant(node: ast.Constant, _: _Folding) -> Value:
    return node.value if isinstance(node.value, str | bytes | int) and not isinstance(node.value, bool) else None


def _name(node: ast.Name, inner: _Folding) -> Value:
    return inner.constants.get(node.id)


def _items(node: ast.List | ast.Tuple, inner: _Folding) -> Value:
    if len(node.elts) > 10_000:
        return None
    values = [inner(element) for element in node.elts]
    return None if None in values else values


def _formatted(node: ast.JoinedStr, inner: _Folding) -> Value:
    parts = [inner(part.value if isinstance(part, ast.FormattedValue) else part) for part in node.values]
    return "".join(map(str, parts)) if all(isinstance(part, str | int) for part in parts) else None


def _operation(node: ast.BinOp, inner: _Folding) -> Value:
    left, right = inner(node.left), inner(node.right)
    if isinstance(node.op, ast.Add):
        return _sum(left, right)
    if isinstance(node.op, ast.Mult) and isinstance(left, str | bytes) and isinstance(right, int):
        return left * right if len(left) * max(right, 0) <= MOST else None
    if isinstance(node.op, ast.Mod) and isinstance(left, str) and right is not None:
        return _filled(left, right if isinstance(right, list) else [right])
    if isinstance(left, int) and isinstance(right, int) and max(abs(left), abs(right)) < 2**32:
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.BitXor):
            return left ^ right
    return None


def _sum(left: Value, right: Value) -> Value:
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, bytes) and isinstance(right, bytes):
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        return left + right
    return left + right if isinstance(left, int) and isinstance(right, int) else None


def _filled(template: str, pieces: Sequence[Value]) -> Value:
    """A template with its plain places filled in order; `None` when it has others."""
    if len(template) > 10_000 or any(not isinstance(piece, str | int) for piece in pieces):
        return None
    filled = template
    for piece in pieces:
        place = next((place for place in ("%s", "%c", "%d", "{}") if place in filled), None)
        if place is None:
            return None
        letter = chr(piece) if place == "%c" and isinstance(piece, int) and 0 <= piece < 0x110000 else piece
        filled = filled.replace(place, str(letter), 1)
    return None if re.search(r"\{\w*\}|%[scd(]", template) and filled == template else filled


def _item(node: ast.Subscript, inner: _Folding) -> Value:
    value = inner(node.value)
    if not isinstance(value, str | bytes | list):
        return None
    if isinstance(node.slice, ast.Slice):
        bounds = [inner(part) for part in (node.slice.lower, node.slice.upper, node.slice.step)]
        start, stop, step = (bound if isinstance(bound, int) else None for bound in bounds)
        return None if step == 0 else value[start:stop:step]
    place = inner(node.slice)
    return value[place] if isinstance(place, int) and -len(value) <= place < len(value) else None


def _negated(node: ast.UnaryOp, inner: _Folding) -> Value:
    value = inner(node.operand)
    return -value if isinstance(node.op, ast.USub) and isinstance(value, int) else None


def _comprehension(node: ast.ListComp | ast.GeneratorExp, inner: _Folding) -> Value:
    """`[chr(c) for c in (111, 115)]`."""
    if len(node.generators) != 1 or node.generators[0].ifs or not isinstance(node.generators[0].target, ast.Name):
        return None
    source = inner(node.generators[0].iter)
    values: list[Value] = [*source] if isinstance(source, str | bytes | list) else []
    if not values or len(values) > 10_000:
        return None
    name = node.generators[0].target.id
    made = [fold(node.elt, {**inner.constants, name: value}, inner.names, _DEEPEST - 10) for value in values[:4096]]
    return None if None in made else made


def _call(node: ast.Call, inner: _Folding) -> Value:
    if node.keywords and not all(keyword.arg in {"encoding", "errors"} for keyword in node.keywords):
        return None
    arguments = [inner(argument) for argument in node.args]
    for name in inner.names(node.func):
        decode = _FUNCTIONS.get(name)
        if decode is not None:
            return _decoded(decode, arguments)
    if isinstance(node.func, ast.Attribute):
        return _method(inner(node.func.value), node.func.attr, arguments)
    return None


def _method(value: Value, name: str, arguments: list[Value]) -> Value:
    first = arguments[0] if arguments else None
    if name == "join" and isinstance(value, str) and isinstance(first, list | str):
        pieces = [piece for piece in first if isinstance(piece, str)]
        return value.join(pieces) if len(pieces) == len(first) else None
    if name == "decode" and isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if name == "encode" and isinstance(value, str):
        return value.encode("utf-8", "replace")
    if name in {"lower", "upper", "strip", "lstrip", "rstrip", "swapcase"} and isinstance(value, str | bytes):
        made = getattr(value, name)()
        return made if isinstance(made, str | bytes) else None
    if name == "replace" and isinstance(value, str) and len(arguments) == 2 and len(value) <= 10_000:
        return value.replace(str(first), str(arguments[1])[:100]) if None not in arguments else None
    return _filled(value, arguments) if name == "format" and isinstance(value, str) else None


def _decoded(decode: Callable[..., Value], arguments: list[Value]) -> Value:
    if not arguments or None in arguments:
        return None
    try:
        return decode(*arguments)
    except (ValueError, TypeError, LookupError, OSError, EOFError, zlib.error, lzma.LZMAError):
        return None


def _inflated(data: bytes) -> bytes:
    return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(data, MOST)


def _unpacked_bzip2(data: bytes) -> bytes:
    return bz2.BZ2Decompressor().decompress(data, MOST)


def _unpacked_lzma(data: bytes) -> bytes:
    return lzma.LZMADecompressor(memlimit=2**27).decompress(data, MOST)


_FUNCTIONS: Final[dict[str, Callable[..., Value]]] = {
    "builtins.chr": chr,
    "builtins.ord": ord,
    "builtins.str": lambda value, *_: value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value),
    "builtins.bytes": lambda value, *_: bytes(value) if isinstance(value, list) else str(value).encode(),
    "builtins.bytearray": lambda value, *_: bytes(value) if isinstance(value, list) else str(value).encode(),
    "builtins.reversed": lambda value: value[::-1],
    "builtins.list": lambda value: [*value],
    "builtins.bytes.fromhex": bytes.fromhex,
    "base64.b64decode": lambda value, *_: base64.b64decode(value),
    "base64.urlsafe_b64decode": lambda value, *_: base64.urlsafe_b64decode(value),
    "base64.standard_b64decode": lambda value, *_: base64.b64decode(value),
    "base64.b32decode": lambda value, *_: base64.b32decode(value),
    "base64.b16decode": lambda value, *_: base64.b16decode(value),
    "base64.b85decode": lambda value, *_: base64.b85decode(value),
    "base64.a85decode": lambda value, *_: base64.a85decode(value),
    "binascii.unhexlify": binascii.unhexlify,
    "binascii.a2b_hex": binascii.unhexlify,
    "binascii.a2b_base64": binascii.a2b_base64,
    "zlib.decompress": lambda value, *_: _inflated(value),
    "gzip.decompress": lambda value, *_: _inflated(value),
    "bz2.decompress": lambda value, *_: _unpacked_bzip2(value),
    "lzma.decompress": lambda value, *_: _unpacked_lzma(value),
    "codecs.decode": lambda value, name="utf-8", *_: _by_codec(value, name),
}
"""What Python makes of constants, for the functions that hide texts most often."""


def decoded_literal(value: object) -> Iterator[bytes]:
    """What a long encoded literal may decode to: from base64 or hexadecimal, then decompressed."""
    candidates: list[bytes] = []
    if isinstance(value, bytes):
        candidates.append(value)
    text = value if isinstance(value, str) else value.decode("latin-1") if isinstance(value, bytes) else ""
    text = "".join(text.split())
    for decode in (base64.b64decode, binascii.unhexlify):
        try:
            candidates.append(decode(text.encode("ascii")))
        except ValueError:
            continue
    for data in candidates:
        yield data
        for unpack in (_inflated, _unpacked_bzip2, _unpacked_lzma):
            try:
                yield unpack(data)
            except (ValueError, OSError, EOFError, zlib.error, lzma.LZMAError):
                continue


def _by_codec(value: str | bytes, name: str) -> Value:
    if name.lower().replace("-", "_") in {"rot13", "rot_13"} and isinstance(value, str):
        return codecs.decode(value, "rot13")
    if name.lower() in {"hex", "hex_codec"}:
        return binascii.unhexlify(value)
    if name.lower() in {"base64", "base64_codec"}:
        return base64.b64decode(value)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else None


_RULES: Final[dict[type[ast.AST], Callable[..., Value]]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.List: _items,
    ast.Tuple: _items,
    ast.JoinedStr: _formatted,
    ast.BinOp: _operation,
    ast.Subscript: _item,
    ast.UnaryOp: _negated,
    ast.ListComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.Call: _call,
}
