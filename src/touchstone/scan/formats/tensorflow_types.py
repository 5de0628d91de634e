"""Element types of TensorFlow tensors (tensorflow/core/framework/types.proto)."""

from __future__ import annotations

from typing import Final

_NAMES: Final = (
    "1 float32, 2 float64, 3 int32, 4 uint8, 5 int16, 6 int8, 7 string, 8 complex64, 9 int64, 10 bool, 11 qint8, "
    "12 quint8, 13 qint32, 14 bfloat16, 15 qint16, 16 quint16, 17 uint16, 18 complex128, 19 float16, 20 resource, "
    "21 variant, 22 uint32, 23 uint64, 24 float8_e5m2, 25 float8_e4m3fn, 26 float8_e4m3fnuz, "
    "27 float8_e4m3b11fnuz, 28 float8_e5m2fnuz, 29 int4, 30 uint4, 31 int2, 32 uint2, 33 float4_e2m1fn"
)

NAME_OF: Final = {int(number): name for number, name in (entry.split() for entry in _NAMES.split(","))}
BYTES_OF: Final = {  # narrow integers take a byte each
    number: size
    for size, numbers in {
        1: (4, 6, 10, 11, 12, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33),
        2: (5, 14, 15, 16, 17, 19),
        4: (1, 3, 13, 22),
        8: (2, 8, 9, 23),
        16: (18,),
    }.items()
    for number in numbers
}
