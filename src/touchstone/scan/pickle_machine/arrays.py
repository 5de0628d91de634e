"""numpy's data types and joblib's array wrappers, as far as bytes must be measured by them.

joblib writes an array's bytes into the stream behind the BUILD of a wrapper that describes them (joblib,
`numpy_pickle.py`, `NumpyArrayWrapper`). Numpy's state of a data type holds flags that numpy believes: without the flag
for objects, it takes the bytes of an object array from the file for pointers (numpy, `descriptor.c`,
`arraydescr_setstate`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from touchstone.scan.pickle_machine.values import Call, Container, Global, Value, as_dictionary

_PLAIN: Final = re.compile(r"[<>=|]?([?bBhHiIlLqQefdgFDGuUSVmMcOa])(\d{0,9})(?:\[\w{1,12}\])?")
_WIDTH: Final = {
    "?": 1, "b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "I": 4, "e": 2, "f": 4, "l": 8, "L": 8, "q": 8, "Q": 8, "d": 8,
    "g": 16, "F": 8, "D": 16, "G": 32, "m": 8, "M": 8, "O": 8, "c": 1, "S": 0, "U": 0, "V": 0, "a": 0,
}  # fmt: skip
"""Bytes of the types that may be written without a number (numpy, "Array interface", and `numpy.typecodes`)."""
_ALIASES: Final = {
    "bool": "?", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4",
    "int64": "i8", "uint64": "u8", "float16": "f2", "float32": "f4", "float64": "f8", "complex64": "c8",
    "complex128": "c16", "object": "O",
}  # fmt: skip
_PLAIN_NAMES: Final = {
    "b1": "BOOL", "?": "BOOL", "i1": "I8", "u1": "U8", "i2": "I16", "u2": "U16", "i4": "I32", "u4": "U32",
    "i8": "I64", "u8": "U64", "f2": "F16", "f4": "F32", "f8": "F64", "c8": "C64", "c16": "C128",
}  # fmt: skip
"""In the notation of safetensors."""
_HAS_OBJECT: Final = 1
_WRAPPER_MODULE: Final = re.compile(r"(sklearn\.externals\.)?joblib\.numpy_pickle(_compat)?")


@dataclass(frozen=True, slots=True)
class ArrayBytes:
    """What follows a joblib wrapper."""

    length: int
    aligned: bool
    """Whether a byte with the number of bytes of padding comes first."""
    pickled: bool
    """Whether it is a pickle, as for objects."""
    dtype: str = ""
    shape: tuple[int, ...] = ()


def is_dtype(function: Global) -> bool:
    """Whether it makes numpy data types."""
    return function.name == "dtype" and function.module in {"numpy", "numpy._core.multiarray", "numpy.core.multiarray"}


def is_array_wrapper(function: Global) -> bool:
    """Whether it is joblib's description of an array that follows."""
    return function.name == "NumpyArrayWrapper" and _WRAPPER_MODULE.fullmatch(function.module) is not None


def is_file_wrapper(function: Global) -> bool:
    """Whether it is old joblib's description of an array in a file of its own."""
    return (
        function.name in {"NDArrayWrapper", "ZNDArrayWrapper"}
        and _WRAPPER_MODULE.fullmatch(function.module) is not None
    )


def array_bytes(state: Value) -> ArrayBytes | None:
    """The bytes that the wrapper with this state announces; `None` when they cannot be measured."""
    fields = as_dictionary(state)
    dtype, shape = fields.get("dtype"), fields.get("shape")
    if not isinstance(dtype, Call) or not isinstance(shape, Container) or shape.size != len(shape.items):
        return None
    element = _element_size(dtype)
    if element is None:
        return None
    elements = 1
    axes: list[int] = []
    for axis in shape.items:
        if not isinstance(axis, int) or isinstance(axis, bool) or axis < 0:
            return None
        axes.append(axis)
        elements *= axis
    code = dtype.arguments[0] if dtype.arguments else ""
    aligned = isinstance(fields.get("numpy_array_alignment_bytes"), int)
    return ArrayBytes(element * elements, aligned, _believed_to_hold_objects(dtype), str(code), tuple(axes))


def mark_objects(dtype: Call) -> None:
    """Remember of a data type that was just made or given its state whether there are objects in it."""
    code = dtype.arguments[0] if dtype.arguments else None
    if isinstance(code, str) and code.lstrip("<>=|").startswith("O"):
        dtype.of_objects = True
    if isinstance(dtype.state, Container) and dtype.state.of_objects:
        dtype.of_objects = True


def hides_objects(dtype: Call) -> bool:
    """Whether the flags of a data type deny the objects in it."""
    return dtype.of_objects and not _believed_to_hold_objects(dtype)


def _element_size(dtype: Value) -> int | None:
    """Bytes of one element."""
    if not isinstance(dtype, Call) or not isinstance(dtype.function, Global) or not is_dtype(dtype.function):
        return None
    code = dtype.arguments[0] if dtype.arguments else None
    return element_width(code) if isinstance(code, str) else None


def element_width(code: str) -> int | None:
    """Bytes of one element of a type that is written as a text; `None` when it is none we know."""
    plain = _PLAIN.fullmatch(_ALIASES.get(code, code))
    if plain is None:
        return None
    letter, digits = plain[1], plain[2]
    if not digits:
        return _WIDTH.get(letter)
    return int(digits) * (4 if letter == "U" else 1)


def plain_name(code: str) -> str:
    """A type as tensor tables write it: `F32` for `<f4`; as it is when it has no such name."""
    bare = _ALIASES.get(code, code).lstrip("<>=|")
    return _PLAIN_NAMES.get(bare, code)


def _believed_to_hold_objects(dtype: Call) -> bool:
    """Whether numpy takes its elements for objects: by the flags of its state, or by its code when it has none."""
    state = dtype.state
    if isinstance(state, Container) and len(state.items) >= 8 and isinstance(state.items[7], int):
        return bool(state.items[7] & _HAS_OBJECT)
    return dtype.of_objects
