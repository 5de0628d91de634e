"""Operators that move numbers without changing them, and those that make sizes and constants."""

from __future__ import annotations

from math import prod
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from touchstone.system.models.onnx_differentiable.calls import (
    LARGEST,
    Call,
    Operator,
    axis_of,
    bounded,
    constant,
    whole_numbers,
)


def _flatten(call: Call) -> Tensor:
    x, axis = call.tensor(0), call.integer("axis", 1)
    if not -x.dim() <= axis <= x.dim():
        raise call.refused(f"axis {axis}")
    axis = axis + x.dim() if axis < 0 else axis
    return x.reshape(prod(x.shape[:axis]), prod(x.shape[axis:]))


def _reshape(call: Call) -> Tensor:
    x, wanted = call.tensor(0), list(call.integers_at(1, "shape") or ())
    if not call.integer("allowzero", 0):
        wanted = [x.shape[place] if size == 0 else size for place, size in enumerate(wanted)]
    return x.reshape(wanted)


def _transpose(call: Call) -> Tensor:
    x = call.tensor(0)
    return x.permute(call.integers("perm") or tuple(range(x.dim()))[::-1])


def _squeeze(call: Call) -> Tensor:
    x, axes = call.tensor(0), call.integers_at(1, "axes")
    if axes is None:
        return x.squeeze()
    places = {axis_of(call, axis, x.dim()) for axis in axes}
    if any(x.shape[place] != 1 for place in places):
        raise call.refused("an axis longer than one")
    return x.reshape([size for place, size in enumerate(x.shape) if place not in places])


def _unsqueeze(call: Call) -> Tensor:
    x, axes = call.tensor(0), call.integers_at(1, "axes") or ()
    rank = x.dim() + len(axes)
    for place in sorted(axis_of(call, axis, rank) for axis in axes):
        x = x.unsqueeze(place)
    return x


def _concatenate(call: Call) -> Tensor:
    values = call.tensors()
    bounded([sum(value.numel() for value in values)])
    return torch.cat(values, axis_of(call, call.integer("axis", 0), values[0].dim()))


def _split(call: Call) -> tuple[Tensor, ...]:
    x, axis = call.tensor(0), axis_of(call, call.integer("axis", 0), call.tensor(0).dim())
    sizes = call.integers_at(1, "split")
    if sizes is None:
        parts = call.integer("num_outputs", len(call.node.outputs))
        if not 0 < parts <= max(x.shape[axis], 1):
            raise call.refused(f"{parts} parts")
        size = -(-x.shape[axis] // parts)
        sizes = tuple(min(size, x.shape[axis] - size * number) for number in range(parts))
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    return tuple(x.narrow(axis, start, size) for start, size in zip(starts, sizes, strict=True))


def _slice(call: Call) -> Tensor:
    x = call.tensor(0)
    if call.opset < 10:
        starts, ends, axes, steps = call.integers("starts"), call.integers("ends"), call.integers("axes"), None
    else:
        starts, ends = whole_numbers(call.tensor(1)), whole_numbers(call.tensor(2))
        axes, steps = call.integers_at(3, "axes"), call.integers_at(4, "steps")
    if starts is None or ends is None:
        raise call.refused("no bounds")
    for start, end, axis, step in zip(
        starts, ends, axes or range(len(starts)), steps or (1,) * len(starts), strict=True
    ):
        place = axis_of(call, axis, x.dim())
        chosen = range(*slice(start, end, step).indices(x.shape[place]))  # numbers beyond the ends are cut as in Python
        if step > 0:
            x = x[(slice(None),) * place + (slice(chosen.start, max(chosen.stop, chosen.start), step),)]
        else:
            x = x.index_select(place, torch.tensor(list(chosen), dtype=torch.int64))
    return x


def _gather(call: Call) -> Tensor:
    x, places = call.tensor(0), call.tensor(1)
    axis = axis_of(call, call.integer("axis", 0), x.dim())
    shape = bounded([*x.shape[:axis], *places.shape, *x.shape[axis + 1 :]])
    flat = places.reshape(-1).long()
    return x.index_select(axis, torch.where(flat < 0, flat + x.shape[axis], flat)).reshape(shape)


def _pad(call: Call) -> Tensor:
    x, mode = call.tensor(0), call.text("mode", "constant")
    pads, axes = call.integers_at(1, "pads") or (), call.integers_at(3, "axes")
    places = [axis_of(call, axis, x.dim()) for axis in (range(x.dim()) if axes is None else axes)]
    if len(pads) != 2 * len(places):
        raise call.refused("pads that do not fit")
    sides = {place: (pads[number], pads[number + len(places)]) for number, place in enumerate(places)}
    bounded(size + sum(sides.get(place, (0, 0))) for place, size in enumerate(x.shape))
    if mode == "constant":
        given = call.optional(2)
        value = call.number("value", 0.0) if given is None else float(given.reshape(-1)[0])
        flat = [side for place in reversed(range(x.dim())) for side in sides.get(place, (0, 0))]
        return functional.pad(x, flat, value=value)
    for place, (before, after) in sides.items():
        if before or after:
            x = x.index_select(place, torch.from_numpy(_mirrored(call, mode, x.shape[place], before, after)))
    return x


def _mirrored(call: Call, mode: str, size: int, before: int, after: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Where the numbers of a padded axis come from."""
    if max(before, after) >= size > 0 or size == 0:
        raise call.refused("pads longer than the input")
    places = np.arange(-before, size + after)
    match mode:
        case "edge":
            return places.clip(0, size - 1)
        case "wrap":
            return places % size
        case "reflect":
            places = np.abs(places)
            return np.where(places >= size, 2 * (size - 1) - places, places)
    raise call.refused(f"mode {mode}")


def _expand(call: Call) -> Tensor:
    x, wanted = call.tensor(0), whole_numbers(call.tensor(1))
    return x.expand(bounded(np.broadcast_shapes(x.shape, wanted)))


def _tile(call: Call) -> Tensor:
    x, repeats = call.tensor(0), whole_numbers(call.tensor(1))
    bounded(size * times for size, times in zip(x.shape, repeats, strict=True))
    return x.repeat(repeats)


def _shape(call: Call) -> Tensor:
    sizes = list(call.tensor(0).shape)
    end = call.integer("end", len(sizes))
    return torch.tensor(sizes[call.integer("start", 0) : end], dtype=torch.int64)


def _size(call: Call) -> Tensor:
    return torch.tensor(call.tensor(0).numel(), dtype=torch.int64)


def _constant(call: Call) -> Tensor:
    for name, kind in (("value", None), ("value_float", np.float32), ("value_floats", np.float32)):
        if call.has(name):
            return constant(np.asarray(call.node.attributes[name], dtype=kind))
    for name in ("value_int", "value_ints"):
        if call.has(name):
            return constant(np.asarray(call.node.attributes[name], dtype=np.int64))
    raise call.refused("no numbers")


def _constant_of_shape(call: Call) -> Tensor:
    shape = bounded(whole_numbers(call.tensor(0)))
    value = constant(np.asarray(call.node.attributes.get("value", np.zeros(1, dtype=np.float32)))).reshape(-1)
    return value[:1].expand(shape) if shape else value[0]


def _range(call: Call) -> Tensor:
    start, limit, delta = (call.tensor(place).reshape(()) for place in range(3))
    if not float(delta) or (float(limit) - float(start)) / float(delta) > LARGEST:
        raise call.refused("too many numbers")
    count = max(int(np.ceil((float(limit) - float(start)) / float(delta))), 0)
    return start + delta * torch.arange(count, dtype=start.dtype)


def _depth_to_space(call: Call) -> Tensor:
    x, block = call.tensor(0), call.integer("blocksize", 1)
    n, channels, height, width = x.shape
    if block < 1 or channels % block**2:
        raise call.refused(f"blocks of {block}")
    rest = channels // block**2
    if call.text("mode", "DCR") == "CRD":
        x = x.reshape(n, rest, block, block, height, width).permute(0, 1, 4, 2, 5, 3)
    else:
        x = x.reshape(n, block, block, rest, height, width).permute(0, 3, 4, 1, 5, 2)
    return x.reshape(n, rest, height * block, width * block)


def _space_to_depth(call: Call) -> Tensor:
    x, block = call.tensor(0), call.integer("blocksize", 1)
    n, channels, height, width = x.shape
    if block < 1 or height % block or width % block:
        raise call.refused(f"blocks of {block}")
    x = x.reshape(n, channels, height // block, block, width // block, block).permute(0, 3, 5, 1, 2, 4)
    return x.reshape(n, channels * block**2, height // block, width // block)


OPERATORS: Final[dict[str, Operator]] = {
    "Concat": _concatenate,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "DepthToSpace": _depth_to_space,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Pad": _pad,
    "Range": _range,
    "Reshape": _reshape,
    "Shape": _shape,
    "Size": _size,
    "Slice": _slice,
    "SpaceToDepth": _space_to_depth,
    "Split": _split,
    "Squeeze": _squeeze,
    "Tile": _tile,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
