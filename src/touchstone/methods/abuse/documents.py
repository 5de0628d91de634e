"""Hostile variants of a JSON document, derived from one legal document: every field is broken in every way.

The legal document is the grammar: what stands at a place tells which type belongs there, so that each variant breaks
one thing and everything else about it is right. (Grammar-based fuzzing; Godefroid, Kiezun and Levin 2008, PLDI.)
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]

DEEP = 100_000
"""Nested brackets: far beyond the recursion limit of any parser that recurses."""
MANY_DIGITS = 50_000
WRONG_VALUES: tuple[Any, ...] = (None, True, "x", -1, 1.5, [], {}, [[]], {"a": {}})


@dataclass(frozen=True, slots=True)
class HostileBody:
    """The body of one request.

    `kind` says how it is hostile. A `lenient` one may be answered or refused, as a service likes; any other is no
    legal question under its protocol and has to be refused.
    """

    kind: str
    content: bytes
    content_type: str = "application/json"
    lenient: bool = False


def hostile_documents(legal: dict[str, Any], required: tuple[Path, ...]) -> Iterator[HostileBody]:
    """Variants of `legal` that no reader of it may accept: fields of another type, or missing.

    `required` are paths of the fields that the protocol demands, e.g. `("inputs", 0, "shape")`.
    """
    for path in required:
        here = _at(legal, path)
        for wrong in WRONG_VALUES:
            if _kind(wrong) != _kind(here):
                yield HostileBody("wrong-type", _written(_with(legal, path, wrong)))
        yield HostileBody("missing-field", _written(_without(legal, path)))


def hostile_syntax(legal: dict[str, Any], number_at: Path) -> Iterator[HostileBody]:
    """Bodies that are no JSON document, or one that parsers are known to stumble over.

    `number_at` is the path of a number that the values below take the place of.
    """
    text = _written(legal)
    yield HostileBody("empty-body", b"")
    yield HostileBody("truncated", text[: len(text) // 2])
    yield HostileBody("truncated", text[:-1])
    yield HostileBody("trailing-garbage", text + b"}")
    yield HostileBody("not-an-object", b"[" + text + b"]")
    yield HostileBody("not-an-object", b"42")
    yield HostileBody("bad-utf-8", b'{"\xff\xfe": 1, ' + text[1:].replace(b'"', b'"\xc3\x28', 1))
    yield HostileBody("not-json", bytes(range(256)))
    yield HostileBody("deep-nesting", b"[" * DEEP + b"]" * DEEP)
    yield HostileBody("deep-nesting", _with_number(legal, number_at, b'{"a":' * DEEP + b"1" + b"}" * DEEP))
    for kind, number in _NUMBERS:
        yield HostileBody(kind, _with_number(legal, number_at, number))
    yield HostileBody("lone-surrogate", b'{"\\ud800": 1, ' + text[1:], lenient=True)
    yield HostileBody("duplicate-keys", text[:-1] + b", " + text[1:], lenient=True)
    yield HostileBody("unknown-fields", b'{"__proto__": {"a": 1}, "$ref": "file:///", ' + text[1:], lenient=True)
    yield HostileBody("byte-order-mark", b"\xef\xbb\xbf" + text, lenient=True)
    yield HostileBody("utf-16", text.decode().encode("utf-16"), lenient=True)
    for content_type in ("text/plain", "application/xml", "multipart/form-data", "application/json; charset=utf-7"):
        yield HostileBody("wrong-content-type", text, content_type, lenient=True)


_NUMBERS = (
    ("not-a-number", b"NaN"),
    ("not-a-number", b"Infinity"),
    ("not-a-number", b"-Infinity"),
    ("huge-number", b"1e999999999"),
    ("huge-number", b"9" * MANY_DIGITS),
    ("malformed-number", b"1."),
    ("malformed-number", b"0x10"),
)
_PLACE = "touchstone-number-goes-here"


def changed(legal: dict[str, Any], path: Path, value: Any, kind: str, *, lenient: bool = False) -> HostileBody:
    """The legal document with one value exchanged."""
    return HostileBody(kind, _written(_with(legal, path, value)), lenient=lenient)


def _with_number(legal: dict[str, Any], path: Path, number: bytes) -> bytes:
    return _written(_with(legal, path, _PLACE)).replace(f'"{_PLACE}"'.encode(), number)


def _written(document: Any) -> bytes:
    return json.dumps(document).encode()


def _kind(value: Any) -> type:
    """Numbers are one type: where 1 is legal, 1.5 is a wrong value and no wrong type."""
    return float if type(value) is int else type(value)


def _at(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document


def _with(document: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    copied = copy.deepcopy(document)
    _at(copied, path[:-1])[path[-1]] = value
    return copied


def _without(document: dict[str, Any], path: Path) -> dict[str, Any]:
    copied = copy.deepcopy(document)
    del _at(copied, path[:-1])[path[-1]]
    return copied
