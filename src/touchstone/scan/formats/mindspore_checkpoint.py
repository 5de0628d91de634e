"""MindSpore checkpoints (`.ckpt`): tensors by name, one protocol-buffer message after the other.

Nothing in it runs. Tensors of more than half a gibibyte are written in pieces under the same name.

Source: mindspore/train/checkpoint.proto, mindspore/train/serialization.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import shown
from touchstone.scan.formats.mindspore import SIZE_MISMATCH
from touchstone.scan.protobuf import Message, message_of
from touchstone.scan.protobuf_kinds import without_checksum
from touchstone.scan.protobuf_schema import Walk, messages_of
from touchstone.scan.source import Source
from touchstone.scan.tensor_beginnings import look_at_beginning

_BITS: Final = {
    "Bool": 8,
    "Int4": 4,
    "Int8": 8,
    "UInt8": 8,
    "Int16": 16,
    "UInt16": 16,
    "Float16": 16,
    "BFloat16": 16,
    "Int32": 32,
    "UInt32": 32,
    "Float32": 32,
    "Int64": 64,
    "UInt64": 64,
    "Float64": 64,
    "Complex64": 64,
    "Complex128": 128,
    "int32": 32,
    "float32": 32,
    "float16": 16,
    "float64": 64,
    "int64": 64,
}


def read_checkpoint(source: Source, examination: Examination) -> None:
    """Go through all tensors."""
    reading = _Reading(examination)
    reading.walk.message(message_of(without_checksum(source), examination.budget), "Checkpoint")
    reading.finish()


@dataclass(slots=True)
class _Tensor:
    """One tensor, or the pieces of one that were met so far."""

    name: str = ""
    kind: str = ""
    dims: list[int] = field(default_factory=list)
    size: int = 0
    offset: int = 0


class _Reading:
    """One walk over one checkpoint."""

    def __init__(self, examination: Examination) -> None:
        self._examination = examination
        self._pending = _Tensor()
        self._parameters = 0
        self.walk = Walk(messages_of("mindspore_checkpoint"), examination, {"Checkpoint.Value": self._value})

    def finish(self) -> None:
        """Judge the last tensor, and tell what was met."""
        self._judge()
        self._examination.fact("framework", "mindspore")
        if self._parameters:
            self._examination.fact("parameters", str(self._parameters))

    def _value(self, message: Message) -> None:
        name = ""
        for title, each in self.walk.fields(message, "Checkpoint.Value"):
            match title:
                case "tag":
                    name = each.text()
                case "tensor":
                    self._tensor(name, each.message())
                case _:
                    self.walk.enter(each)

    def _tensor(self, name: str, message: Message) -> None:
        piece = _Tensor(name, offset=message.start)
        data = message.part(message.start, 0)
        for title, each in self.walk.fields(message, "TensorProto"):
            match title:
                case "dims":
                    piece.dims = piece.dims or _dims(message)
                case "tensor_type":
                    piece.kind = each.text()
                case "tensor_content":
                    data = each.part()
        piece.size = data.size
        if (piece.name, piece.kind, piece.dims) == (self._pending.name, self._pending.kind, self._pending.dims):
            self._pending.size += piece.size
        else:
            self._judge()
            self._pending = piece
        self._examination.tensor(name, piece.kind, piece.dims, data)
        look_at_beginning(data, name, message.start, self._examination)

    def _judge(self) -> None:
        """Compare a tensor with all of its pieces."""
        tensor = self._pending
        if tensor.kind not in _BITS:
            return
        elements = math.prod(tensor.dims) if all(size >= 0 for size in tensor.dims) else -1
        self._parameters += max(elements, 0)
        if (elements * _BITS[tensor.kind] + 7) // 8 != tensor.size:
            self._examination.report(
                SIZE_MISMATCH,
                f"{shown(tensor.name, 100)}: {tensor.kind}{tensor.dims[:8]} in {tensor.size} bytes",
                offset=tensor.offset,
            )


def _dims(message: Message) -> list[int]:
    """Dimensions, which are written one by one; a walk passes over a run of them as over one field."""
    return [size for each in message.fields() if each.number == 1 for size in each.integers()][:64]
