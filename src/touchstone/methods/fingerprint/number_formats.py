"""Numbers as they lie in a file: their bits, their values, and the values they have in a shorter format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

NumberFormat = Literal["f16", "bf16", "f32", "f64", "i8", "u8"]
Values = NDArray[np.float64]
Bits = NDArray[Any]
"""Unsigned integers."""

MANTISSA: Final[dict[NumberFormat, int]] = {"f16": 10, "bf16": 7, "f32": 23, "f64": 52}
"""Stored bits of the fraction. The sign is the highest bit; between them lies the exponent (IEEE 754)."""
_NAMES: Final[dict[str, NumberFormat]] = {
    "float16": "f16",
    "bfloat16": "bf16",
    "float32": "f32",
    "float64": "f64",
    "int8": "i8",
    "uint8": "u8",
}
_WORDS: Final[dict[NumberFormat, str]] = {
    "f16": "<u2",
    "bf16": "<u2",
    "f32": "<u4",
    "f64": "<u8",
    "i8": "u1",
    "u8": "u1",
}
_FLOATS: Final[dict[NumberFormat, str]] = {"f16": "<f2", "f32": "<f4", "f64": "<f8", "i8": "i1", "u8": "u1"}


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor of a file: its name, its number format, and its bits as unsigned integers of its shape."""

    name: str
    format: NumberFormat
    bits: Bits

    @property
    def values(self) -> Values:
        """The numbers."""
        if self.format == "bf16":
            return (self.bits.astype(np.uint32) << np.uint32(16)).view(np.float32).astype(np.float64)
        return np.asarray(self.bits.view(_FLOATS[self.format]), dtype=np.float64)

    @property
    def is_whole(self) -> bool:
        """Whether it holds whole numbers, which mean something by a scale that is kept elsewhere."""
        return self.format in {"i8", "u8"}


def format_called(dtype: str) -> NumberFormat | None:
    """The number format of a name in small letters, `float32` or `f32`; `None` for those that are not compared."""
    short = _NAMES.get(dtype, dtype)
    return next((each for each in _WORDS if each == short), None)


def stored(name: str, data: bytes, number_format: NumberFormat, shape: tuple[int, ...]) -> StoredTensor:
    """The tensor in `data`, least significant byte first. Raises `ValueError` when the bytes do not fit the shape."""
    return StoredTensor(name, number_format, np.frombuffer(data, dtype=_WORDS[number_format]).reshape(shape))


def rounded_to(values: Values, number_format: NumberFormat) -> Values:
    """The nearest numbers of a floating-point format, ties to even; beyond its range infinities."""
    if number_format == "bf16":
        return _bfloat16(values.astype(np.float32))
    with np.errstate(over="ignore"):
        return values.astype(_FLOATS[number_format]).astype(np.float64)


def _bfloat16(values: NDArray[np.float32]) -> Values:
    bits = np.atleast_1d(values).view(np.uint32)
    half_way = np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    with np.errstate(over="ignore"):
        rounded = ((bits + half_way) & np.uint32(0xFFFF0000)).view(np.float32)
    return np.where(np.isnan(values), values, rounded.reshape(values.shape)).astype(np.float64)
