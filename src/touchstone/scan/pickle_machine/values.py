"""The symbols a pickle is followed with: what stands on the stack instead of an object.

Literals stand for themselves, so that the most frequent opcodes cost least. Everything else is a record of where the
value would have come from. Records keep only as much as a judgement may ask for, so that a hostile stream cannot fill
memory: a container the first elements, a long text its place in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

from touchstone.scan.pickle_machine import runs
from touchstone.scan.pickle_machine.runs import Later, Run
from touchstone.scan.symbols import Standing

MOST_KEPT: Final = 128
"""Elements of a container that are kept; the others are judged, then forgotten."""
HEAVIEST: Final = 256
"""Records kept below one container, over all levels."""
LONGEST_SHORT: Final = 64
"""Characters of a text that takes no more memory than any record."""
SATURATED: Final = 2**64
"""Sizes are counted up to this."""

ContainerKind = Literal["list", "tuple", "dict", "set", "frozenset"]

_CALLED_BY_OPCODES: Final = frozenset({"append", "extend", "add"})
"""APPENDS and ADDITEMS look these up on the object itself, so an instance may bring its own."""
_MAY_BE_SPECIAL: Final = re.compile(r"^(?:__|append$|extend$|add$)", re.MULTILINE)
_SPECIAL: Final = frozenset(
    {"__class__", "__setstate__", "__getstate__", "__reduce__", "__reduce_ex__", "__copy__", "__deepcopy__"}
    | {"__getattr__", "__getattribute__", "__setattr__", "__delattr__", "__call__", "__del__", "__bases__", "__mro__"}
    | {"__code__", "__globals__", "__closure__", "__defaults__", "__kwdefaults__", "__builtins__", "__import__"}
    | {"__path__", "__file__", "__loader__", "__spec__", "__wrapped__", "__init__", "__new__", "__init_subclass__"}
)
"""Names that Python itself looks up, on instances, functions, classes and modules (Python reference, 3.2 and 3.3)."""
_HARMLESS_SPECIAL: Final = frozenset({"__doc__", "__name__", "__qualname__", "__module__", "__orig_class__"})
"""Names that ordinary states hold, and that nothing calls: those of `numpy.vectorize`, of generic classes."""


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


class Call:
    """The result of calling something."""

    state: Value = None
    """What the last BUILD gave it, kept where somebody asks: for numpy's data types."""
    filled = False
    """Whether elements were added to it."""
    of_objects = False
    """Whether it is a numpy data type with objects in it."""
    forgotten = False
    """Whether its arguments were forgotten to save memory."""

    def __init__(self, function: Value, arguments: tuple[Value, ...], weight: int = 1) -> None:
        self.function = function
        self.arguments = arguments
        self.weight = weight
        """Records kept here and below."""


@dataclass(frozen=True, slots=True, eq=False)
class Outside:
    """A value that comes from outside of the stream: a persistent object, a buffer, a registered extension."""

    what: str
    identifier: Value = None


class Container:
    """A list, tuple, dictionary (keys and values in turn) or set."""

    special_keys: tuple[str, ...] = ()
    """Keys such as `__class__`, which change what an object does when it takes the dictionary for its state.

    A state may also be a tuple with such a dictionary in it, so a tuple has the keys of what is in it.
    """
    height = 1
    """Levels of containers, this one included."""
    below = 0
    """Elements below its own, if nothing were shared."""
    heavy = 0
    """Records kept below its own elements."""
    inexact = False
    """Whether `height` and `below` are only bounds, for something was stepped over."""
    of_objects = False
    """Whether there is a numpy data type with objects in it, at any level."""
    forgotten = False
    """Whether its elements were forgotten to save memory."""

    def __init__(self, kind: ContainerKind, items: list[Value] | None = None) -> None:
        """A container of these few values, which it keeps as its own."""
        self.kind: ContainerKind = kind
        if items is None:
            self.items: list[Value] = []
            self.size = 0
            """Elements it really has; keys and values count separately."""
        else:
            self.items = items
            self.size = len(items)
            if not _WEIGHTLESS.issuperset(map(type, items)):
                self._weigh(items, 0)

    @property
    def expanded(self) -> int:
        """Elements there would be if nothing were shared, over all levels, this one included."""
        return self.size + self.below + 1

    def extend(self, values: Sequence[Slot]) -> None:
        """Add elements: keep the first, measure all. None of the first may be a run or a value nobody looked at."""
        start = self.size
        self.size = start + len(values)
        if start < MOST_KEPT:
            kept = values if self.size <= MOST_KEPT else values[: MOST_KEPT - start]
            self.items.extend(cast("Sequence[Value]", kept))
        if not _WEIGHTLESS.issuperset(map(type, values)):
            self._weigh(values, start)
        if self.kind == "dict":
            self._look_for_special_keys(values)

    def _weigh(self, values: Sequence[Slot], start: int) -> None:
        """Take notice of what lies below elements that were added as those from `start`."""
        below = self.below
        heavy = [(index, value) for index, value in enumerate(values, start) if type(value) not in _WEIGHTLESS]
        for index, value in heavy:
            weight = 1
            if isinstance(value, Container):
                weight += value.heavy + len(value.items)
                below += value.expanded
                if value.height >= self.height:
                    self.height = value.height + 1
                if value.of_objects or value.inexact or value.special_keys:
                    self._inherit(value)
            elif isinstance(value, Call):
                weight = value.weight
                self.of_objects |= value.of_objects
            elif isinstance(value, Run):
                below += value.length
                self.inexact = True
                if not value.flat:
                    self.height = max(self.height, runs.HEIGHT + 1)
            if index < MOST_KEPT:
                self.heavy += weight
                if self.heavy > HEAVIEST:
                    self.heavy -= weight
                    self.items[index] = without_details(self.items[index])
        self.below = min(below, SATURATED)

    def _inherit(self, inner: Container) -> None:
        self.of_objects |= inner.of_objects
        self.inexact |= inner.inexact
        if self.kind == "tuple":
            self.special_keys = self.special_keys or inner.special_keys

    def _look_for_special_keys(self, values: Sequence[Slot]) -> None:
        keys = values[::2]
        texts = [key for key in keys if isinstance(key, str)]
        if _MAY_BE_SPECIAL.search("\n".join(texts)) is not None:
            for index, key in enumerate(keys):
                if isinstance(key, str):
                    self._look_at_key(key, values[2 * index + 1])

    def _look_at_key(self, key: str, value: Slot) -> None:
        if is_special(key, value):
            self.special_keys = (*self.special_keys[:3], key)


Value = None | bool | int | float | str | bytes | Stretch | Global | Container | Call | Outside
Slot = Value | Run | Later
"""What lies on the stack: a value, or what stands for values nobody has looked at."""


def is_special(key: str, value: Slot) -> bool:
    """Whether an entry of a state replaces something that the loader or the object itself calls."""
    if key == "__dict__":
        return not isinstance(value, Container) or bool(value.special_keys)
    if key in _SPECIAL:
        return True
    called = key in _CALLED_BY_OPCODES or (key.startswith("__") and key.endswith("__"))
    return called and key not in _HARMLESS_SPECIAL and isinstance(value, Global | Call | Outside)


def without_details(value: Value) -> Value:
    """The value with everything forgotten that takes memory, except what may still incriminate."""
    if isinstance(value, Container):
        return _without_elements(value)
    if isinstance(value, Call):
        return without_arguments(value)
    if isinstance(value, str | bytes) and len(value) > LONGEST_SHORT:
        return FORGOTTEN_TEXT
    return value


def without_arguments(call: Call) -> Call:
    """The result of a call, when nobody needs to know any more what it was called with."""
    if call.forgotten or not (call.arguments or call.state):
        return call
    instance_of = tuple(argument for argument in call.arguments[:1] if isinstance(argument, Global))
    summary = Call(call.function, instance_of)
    summary.filled, summary.of_objects, summary.forgotten = call.filled, call.of_objects, True
    return summary


def _without_elements(container: Container) -> Container:
    if not container.special_keys and not container.of_objects and container.height == 1:
        return _EMPTIED[container.kind]
    summary = _emptied(container.kind)
    summary.special_keys = container.special_keys
    summary.of_objects = container.of_objects
    summary.inexact = container.inexact
    summary.height, summary.below = container.height, container.below
    return summary


def _emptied(kind: ContainerKind) -> Container:
    container = Container(kind)
    container.size = MOST_KEPT
    container.forgotten = True
    return container


LITERALS: Final = frozenset({type(None), bool, int, float, str, bytes, Stretch})
"""Types of values that stand for themselves."""
_WEIGHTLESS: Final = LITERALS | {Global, Outside}
"""Types of values below which there is nothing."""
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
