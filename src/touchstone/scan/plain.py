"""Results as plain JSON values, and back: one form for the pipe from a worker and for the file a scan writes.

What comes back is believed only as far as it fits: a worker that read hostile bytes may say anything. Every text must
be printable and bounded, every number one that JSON can carry, every word one that the field knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from touchstone.canonical import LARGEST_SAFE_INTEGER

LONGEST_TEXT = 8192
MOST_ITEMS = 1_000_000

Result = TypeVar("Result")


class MisshapenError(ValueError):
    """A value does not have the form that was asked for. Names the field."""


def plain(value: object) -> Any:
    """A result, or any part of one, as JSON: objects, arrays, strings, integers and truth values only."""
    if isinstance(value, str | int):
        return value
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if is_dataclass(value):
        kind: Any = type(value)
        return {name: plain(getattr(value, name)) for name in _names(kind)}
    if isinstance(value, float):
        return f"{value:g}"
    raise TypeError(f"{type(value).__name__} in a result")


def restored(kind: type[Result], value: object) -> Result:
    """The record of type `kind` that `value` stands for. Raises `MisshapenError` when it stands for none."""
    return cast(Result, _reader(cast(Any, kind))(value, kind.__name__))


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


Reader = Callable[[object, str], object]


@cache
def _reader(kind: Any) -> Reader:
    """What turns a JSON value into a value of one type, or refuses."""
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if get_origin(kind) is Literal:
        return _word(frozenset(get_args(kind)))
    if get_origin(kind) is tuple:
        return _items(_reader(get_args(kind)[0]))
    if get_origin(kind) in (Union, UnionType):
        return _one_of(get_args(kind))
    return _record(kind)


def _text(value: object, field: str) -> str:
    if isinstance(value, str) and len(value) <= LONGEST_TEXT and value.isprintable():
        return value
    raise MisshapenError(field)


def _integer(value: object, field: str) -> int:
    if type(value) is int and -1 <= value <= LARGEST_SAFE_INTEGER:
        return value
    raise MisshapenError(field)


def _truth(value: object, field: str) -> bool:
    if isinstance(value, bool):
        return value
    raise MisshapenError(field)


_SIMPLE: Final[dict[type, Reader]] = {str: _text, int: _integer, bool: _truth}


def _word(words: frozenset[str]) -> Reader:
    def read(value: object, field: str) -> object:
        if isinstance(value, str) and value in words:
            return value
        raise MisshapenError(field)

    return read


def _items(read_one: Reader) -> Reader:
    def read(value: object, field: str) -> object:
        if isinstance(value, list) and len(value) <= MOST_ITEMS:
            return tuple(read_one(item, field) for item in value)
        raise MisshapenError(field)

    return read


def _one_of(kinds: tuple[type, ...]) -> Reader:
    """A record of one of several types, told by its fields."""
    by_names = {frozenset(_names(kind)): _record(kind) for kind in kinds}

    def read(value: object, field: str) -> object:
        names = frozenset(value) if isinstance(value, dict) else frozenset()
        if names not in by_names:
            raise MisshapenError(field)
        return by_names[names](value, field)

    return read


def _record(kind: type) -> Reader:
    hints = get_type_hints(kind)
    readers = {name: _reader(hints[name]) for name in _names(kind)}

    def read(value: object, field: str) -> object:
        if not isinstance(value, dict) or value.keys() != readers.keys():
            raise MisshapenError(field)
        return kind(**{name: read_one(value[name], name) for name, read_one in readers.items()})

    return read
