"""The tensors of a PyTorch pickle: names, shapes, and which storage each lies in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from touchstone.scan.pickle_machine.values import Call, Container, Global, Outside, Value

MOST_TENSORS: Final = 200_000

DTYPES: Final[dict[str, tuple[str, int]]] = {
    "DoubleStorage": ("F64", 8),
    "FloatStorage": ("F32", 4),
    "HalfStorage": ("F16", 2),
    "BFloat16Storage": ("BF16", 2),
    "LongStorage": ("I64", 8),
    "IntStorage": ("I32", 4),
    "ShortStorage": ("I16", 2),
    "CharStorage": ("I8", 1),
    "ByteStorage": ("U8", 1),
    "BoolStorage": ("BOOL", 1),
    "ComplexDoubleStorage": ("C128", 16),
    "ComplexFloatStorage": ("C64", 8),
    "QUInt8Storage": ("U8", 1),
    "QInt8Storage": ("I8", 1),
    "QInt32Storage": ("I32", 4),
    "QUInt4x2Storage": ("U4", 1),
    "QUInt2x4Storage": ("U2", 1),
    "UntypedStorage": ("U8", 1),
    "_UntypedStorage": ("U8", 1),
}
"""Kinds of storages, with the notation of safetensors and the bytes of one element."""


@dataclass(frozen=True, slots=True)
class TorchTensor:
    """One tensor of a state dictionary."""

    name: str
    storage: str
    """Key of the storage, which is also the name of the archive's member."""
    offset: int
    """Elements of the storage before the first of the tensor."""
    shape: tuple[int, ...]
    storage_type: str


def tensor_of(name: Value, value: Value) -> TorchTensor | None:
    """The tensor that an entry of a dictionary is, when it is one."""
    if not isinstance(name, str) or not isinstance(value, Call) or not isinstance(value.function, Global):
        return None
    function = value.function.name
    arguments = value.arguments
    if function == "_rebuild_parameter" and arguments:
        return tensor_of(name, arguments[0])
    if function not in {"_rebuild_tensor_v2", "_rebuild_tensor"} or len(arguments) < 3:
        return None
    storage, offset, shape = arguments[:3]
    identifier = storage.identifier if isinstance(storage, Outside) else None
    if not isinstance(identifier, Container) or len(identifier.items) < 3 or not isinstance(offset, int):
        return None
    _, storage_type, key = identifier.items[:3]
    axes = shape.items if isinstance(shape, Container) else []
    whole = tuple(axis for axis in axes if isinstance(axis, int) and axis >= 0)
    if not isinstance(storage_type, Global) or len(whole) != len(axes):
        return None
    return TorchTensor(name, str(key), offset, whole, storage_type.name)
