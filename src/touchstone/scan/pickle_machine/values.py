"""The symbols a pickle is followed with: what stands on the stack instead of an object.

Literals stand for themselves, so that the most frequent opcodes cost least. Everything else is a record of where the
value would have come from. Records keep only as much as a judgement may ask for, so that a hostile stream cannot fill
memory: a container the first elements, a long text its place in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from touchstone.scan.pickle_machine import runs
from touchstone.scan.pickle_machine.runs import Later, Run
from touchstone.scan.symbols import Standing

MOST_KEPT: Final = 128
"""Elements of a container that are kept; the others are judged, then forgotten."""
HEAVIEST: Final = 256
"""Records kept below one container, over all levels."""
_LONGEST_KEPT: Final = 64
SATURATED: Final = 2**64
"""Sizes are counted up to this."""

ContainerKind = Literal["list", "tuple", "dict", "set", "frozenset"]

_CALLED_BY_OPCODES: Final = frozenset({"append", "extend", "add"})
"""APPENDS and ADDITEMS look these up on the object itself, so an instance may bring its own."""
_HARMLESS_SPECIAL: Final = frozenset(
    {"__orig_class__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__"}
    | {"__doc__", "__name__", "__qualname__", "__module__"}
)
"""Special names that ordinary states hold: `typing.Generic`, pydantic and numpy write them, and nothing calls them."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A literal too long to be kept: where it lies."""

    kind: Literal["text", "bytes", "integer"]
    offset: int
    length: int
    beginning: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Global:
    """An imported name. There is one record for each name of a stream, so they are compared by identity."""

    module: str
    name: str
    standing: Standing

    def is_named(self, module: str, name: str) -> bool:
        """Whether it is this name."""
        return self.name == name and self.module == module


@dataclass(slots=True, eq=False)
class Call:
    """The result of calling something."""

    function: Value
    arguments: tuple[Value, ...]
    state: Value = None
    """What the last BUILD gave it, kept where somebody asks: for numpy's data types."""
    filled: bool = False
    """Whether elements were added to it."""
    of_objects: bool = False
    """Whether it is a numpy data type with objects in it."""
    forgotten: bool = False
    """Whether its arguments were forgotten to save memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Outside:
    """A value that comes from outside of the stream: a persistent object, a buffer, a registered extension."""

    what: str
    identifier: Value = None


class Container:
    """A list, tuple, dictionary (keys and values in turn) or set."""

    __slots__ = (
        "expanded",
        "forgotten",
        "height",
        "inexact",
        "items",
        "kind",
        "of_objects",
        "size",
        "special_keys",
        "weight",
    )

    def __init__(self, kind: ContainerKind) -> None:
        self.kind: ContainerKind = kind
        self.items: list[Value] = []
        self.size = 0
        """Elements it really has; keys and values count separately."""
        self.special_keys: tuple[str, ...] = ()
        """Keys such as `__class__`, which change what an object does when it takes the dictionary for its state."""
        self.height = 1
        """Levels of containers, this one included."""
        self.expanded = 1
        """Elements there would be if nothing were shared, over all levels."""
        self.inexact = False
        """Whether height and expansion are only bounds, for something was stepped over."""
        self.weight = 1
        """Records kept here and below."""
        self.of_objects = False
        """Whether there is a numpy data type with objects in it, at any level."""
        self.forgotten = False
        """Whether its elements were forgotten to save memory."""

    def extend(self, values: Sequence[Slot]) -> None:
        """Add elements: keep the first, measure all. None of the first may be a run or a value nobody looked at."""
        start = self.size
        self.size = start + len(values)
        expanded = len(values)
        for value in values:
            if type(value) is Container:
                expanded += value.expanded
                if value.height >= self.height:
                    self.height = value.height + 1
                self.of_objects |= value.of_objects
                self.inexact |= value.inexact
            elif type(value) is Call:
                self.of_objects |= value.of_objects
            elif type(value) is Run:
                expanded += value.length
                if not value.flat:
                    self.inexact = True
                    self.height = max(self.height, runs.HEIGHT + 1)
        self.expanded = min(self.expanded + expanded, SATURATED)
        if start < MOST_KEPT:
            self._keep(values[: MOST_KEPT - start])
        if self.kind == "dict":
            self._look_for_special_keys(values)

    def _keep(self, values: Sequence[Slot]) -> None:
        for value in values:
            if isinstance(value, (Run, Later)):
                raise TypeError("a value that is kept must be known")
            weight = value.weight if type(value) is Container else 1
            if self.weight + weight > HEAVIEST:
                self.items.append(without_details(value))
                self.weight += 1
            else:
                self.items.append(value)
                self.weight += weight

    def _look_for_special_keys(self, values: Sequence[Slot]) -> None:
        for index in range(0, len(values), 2):
            key = values[index]
            if type(key) is str and is_special(key, values[index + 1]):
                self.special_keys = (*self.special_keys[:3], key)


Value = None | bool | int | float | str | bytes | Stretch | Global | Container | Call | Outside
Slot = Value | Run | Later
"""What lies on the stack: a value, or what stands for values nobody has looked at."""


def is_special(key: str, value: Slot) -> bool:
    """Whether an entry of a state replaces something that the loader or the object itself calls."""
    if key.startswith("__") and key.endswith("__"):
        return key not in _HARMLESS_SPECIAL and (
            key != "__dict__" or not isinstance(value, Container) or bool(value.special_keys)
        )
    return key in _CALLED_BY_OPCODES and isinstance(value, Global | Call | Outside)


def without_details(value: Value) -> Value:
    """The value with everything forgotten that takes memory, except what may still incriminate."""
    if isinstance(value, Container):
        return _without_elements(value)
    if isinstance(value, Call):
        return without_arguments(value)
    if isinstance(value, str | bytes) and len(value) > _LONGEST_KEPT:
        return FORGOTTEN_TEXT
    return value


def without_arguments(call: Call) -> Call:
    """The result of a call, when nobody needs to know any more what it was called with."""
    if call.forgotten or not (call.arguments or call.state):
        return call
    instance_of = tuple(argument for argument in call.arguments[:1] if isinstance(argument, Global))
    return Call(call.function, instance_of, filled=call.filled, of_objects=call.of_objects, forgotten=True)


def _without_elements(container: Container) -> Container:
    if not container.special_keys and not container.of_objects and container.height == 1:
        return _EMPTIED[container.kind]
    summary = _emptied(container.kind)
    summary.special_keys = container.special_keys
    summary.of_objects = container.of_objects
    summary.inexact = container.inexact
    summary.height, summary.expanded = container.height, container.expanded
    return summary


def _emptied(kind: ContainerKind) -> Container:
    container = Container(kind)
    container.size = MOST_KEPT
    container.forgotten = True
    return container


FORGOTTEN_TEXT: Final = Stretch("text", -1, 0, b"")
"""A text that was kept for a while and then forgotten."""
_EMPTIED: Final = {kind: _emptied(kind) for kind in get_args(ContainerKind)}


def arguments_of(value: Value) -> tuple[Value, ...]:
    """What a call is given: the elements of an argument tuple."""
    return tuple(value.items) if isinstance(value, Container) and value.kind == "tuple" else (value,)


def as_pairs(container: Container) -> Iterator[tuple[Value, Value]]:
    """The entries of a dictionary, those with the same key all of them."""
    return zip(container.items[::2], container.items[1::2], strict=False)


def as_dictionary(value: Value) -> dict[str, Value]:
    """The entries of a dictionary whose keys are texts."""
    if not isinstance(value, Container) or value.kind != "dict":
        return {}
    return {key: item for key, item in as_pairs(value) if isinstance(key, str)}
