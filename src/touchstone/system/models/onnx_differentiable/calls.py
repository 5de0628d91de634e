"""One operator about to be applied: its arguments as tensors, its attributes, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import prod
from typing import Any, Final, NoReturn

import numpy as np
import torch
from torch import Tensor

from touchstone.system.models.onnx_graph import OnnxNode
from touchstone.text import Text

LARGEST: Final = 2**28
"""Numbers in one value; a gibibyte of float32."""


class Unsupported(Exception):  # noqa: N818 - a reason to do without gradients, no fault
    """The graph cannot be followed: why."""

    def __init__(self, why: Text) -> None:
        super().__init__(why.en)
        self.why = why


@dataclass(frozen=True, slots=True)
class Call:
    """An operator of version `opset` with its arguments; one that was left out is `None`."""

    node: OnnxNode
    opset: int
    arguments: tuple[Tensor | None, ...]

    def tensor(self, place: int) -> Tensor:
        """An argument that must be there."""
        found = self.optional(place)
        if found is None:
            raise Unsupported(Text(f"{self.node.title} lacks an input", f"{self.node.title} 缺少输入"))
        return found

    def optional(self, place: int) -> Tensor | None:
        """An argument that may be left out."""
        return self.arguments[place] if place < len(self.arguments) else None

    def tensors(self) -> list[Tensor]:
        """All arguments of an operator that takes any number of them."""
        return [self.tensor(place) for place in range(len(self.arguments))]

    def has(self, name: str) -> bool:
        """Whether an attribute is given."""
        return name in self.node.attributes

    def integer(self, name: str, default: int) -> int:
        """An attribute that is a whole number."""
        value = self.node.attributes.get(name, default)
        return value if isinstance(value, int) else self.misread(name)

    def number(self, name: str, default: float) -> float:
        """An attribute that is a number."""
        value = self.node.attributes.get(name, default)
        return float(value) if isinstance(value, int | float) else self.misread(name)

    def text(self, name: str, default: str) -> str:
        """An attribute that is a word."""
        value = self.node.attributes.get(name, default)
        return value if isinstance(value, str) else self.misread(name)

    def integers(self, name: str) -> tuple[int, ...] | None:
        """An attribute that is a list of whole numbers, or `None` when it is not given."""
        value = self.node.attributes.get(name)
        if value is None:
            return None
        if not isinstance(value, tuple):
            return self.misread(name)
        return tuple(item if isinstance(item, int) else self.misread(name) for item in value)

    def integers_at(self, place: int, name: str) -> tuple[int, ...] | None:
        """Whole numbers that are an argument, or were an attribute in earlier versions of the operator."""
        given = self.optional(place)
        return self.integers(name) if given is None else whole_numbers(given)

    def refused(self, detail: str) -> Unsupported:
        """Why this use of the operator is not followed, to be raised."""
        return Unsupported(Text(f"{self.node.title} with {detail}"[:300], f"{self.node.title}（{detail}）"[:300]))

    def misread(self, name: str) -> NoReturn:
        """An attribute is of another kind than its operator has."""
        raise self.refused(f"an attribute {name} of another kind")


Operator = Callable[[Call], Tensor | tuple[Tensor, ...]]


def whole_numbers(values: Tensor) -> tuple[int, ...]:
    """The numbers of a small tensor that holds sizes, axes or places."""
    if values.is_floating_point() or values.numel() > 4096:
        raise Unsupported(Text("sizes are not whole numbers", "尺寸不是整数"))
    return tuple(int(value) for value in values.reshape(-1).tolist())


def bounded(shape: Iterable[int]) -> list[int]:
    """The shape of a value about to be made, unless it is too large to be made."""
    sizes = [int(size) for size in shape]
    if min(sizes, default=0) < 0 or prod(sizes) > LARGEST:
        raise Unsupported(
            Text(f"makes a value of shape {sizes}"[:200], f"产生形状为 {sizes} 的值"[:200]),
        )
    return sizes


def broadcast(*values: Tensor) -> None:
    """Raise `Unsupported` when values together stretch to something too large."""
    bounded(np.broadcast_shapes(*(value.shape for value in values)))


def axis_of(call: Call, axis: int, rank: int) -> int:
    """An axis counted from the front."""
    if not -rank <= axis < max(rank, 1):
        raise call.refused(f"axis {axis} of {rank}")
    return axis % rank if rank else 0


ELEMENT_TYPES: Final[dict[int, torch.dtype]] = {
    1: torch.float32,
    2: torch.uint8,
    3: torch.int8,
    5: torch.int16,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
    10: torch.float16,
    11: torch.float64,
}
"""TensorProto.DataType of the numbers that are followed."""


def constant(values: Any) -> Tensor:
    """A tensor of its own with the values of an array."""
    return torch.from_numpy(np.array(values, order="C"))
