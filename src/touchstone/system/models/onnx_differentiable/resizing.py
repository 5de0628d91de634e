"""Pictures made larger or smaller, one axis after the other."""

from __future__ import annotations

from math import ceil, floor
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from touchstone.system.models.onnx_differentiable.calls import Call, Operator, axis_of, bounded, whole_numbers


def _resize(call: Call) -> Tensor:
    x, mode = call.tensor(0), call.text("mode", "nearest")
    if call.integer("antialias", 0) or call.text("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise call.refused("antialiasing or a kept aspect ratio")
    if mode not in ("nearest", "linear"):
        raise call.refused(f"mode {mode}")
    scales, sizes = (call.optional(1), None) if call.opset < 11 else (call.optional(2), call.optional(3))
    axes = [axis_of(call, axis, x.dim()) for axis in call.integers("axes") or range(x.dim())]
    if sizes is not None and sizes.numel():
        lengths = list(whole_numbers(sizes))
        factors: list[np.floating[Any]] = [
            np.float64(length / x.shape[axis]) for length, axis in zip(lengths, axes, strict=True)
        ]
    elif scales is not None and scales.numel():
        factors = [np.float32(factor) for factor in scales.reshape(-1).tolist()]
        lengths = [floor(x.shape[axis] * factor) for factor, axis in zip(factors, axes, strict=True)]
    else:
        raise call.refused("neither scales nor sizes")
    wanted = dict(zip(axes, lengths, strict=True))
    if bounded(wanted.get(place, size) for place, size in enumerate(x.shape)) == list(x.shape):
        return x
    for axis, length, factor in zip(axes, lengths, factors, strict=True):
        if factor != 1:
            x = _resized_axis(call, x, axis, length, factor, mode)
    return x


def _upsample(call: Call) -> Tensor:
    """The forerunner of Resize: scales only, coordinates not centred."""
    x = call.tensor(0)
    given = call.optional(1)
    values = call.node.attributes.get("scales") if given is None else tuple(given.reshape(-1).tolist())
    mode = call.text("mode", "nearest")
    if not isinstance(values, tuple) or len(values) != x.dim() or mode not in ("nearest", "linear"):
        raise call.refused(f"mode {mode}")
    factors = [np.float32(value) for value in values]
    lengths = bounded(floor(size * factor) for size, factor in zip(x.shape, factors, strict=True))
    for axis, (length, factor) in enumerate(zip(lengths, factors, strict=True)):
        if factor != 1:
            x = _resized_axis(call, x, axis, length, factor, mode, "asymmetric", "floor")
    return x


def _resized_axis(
    call: Call,
    x: Tensor,
    axis: int,
    length: int,
    factor: np.floating[Any],
    mode: str,
    coordinates: str | None = None,
    rounding: str | None = None,
) -> Tensor:
    if coordinates is None:
        default = "half_pixel" if call.opset >= 11 else "asymmetric"
        coordinates = call.text("coordinate_transformation_mode", default)
    if rounding is None:
        rounding = call.text("nearest_mode", "round_prefer_floor" if call.opset >= 11 else "floor")
    size = x.shape[axis]
    places = [_origin(call, coordinates, place, size, length, factor) for place in range(length)]
    if mode == "nearest":
        chosen = [min(max(_rounded(call, rounding, place), 0), size - 1) for place in places]
        return x.index_select(axis, torch.tensor(chosen, dtype=torch.int64))
    inside = [min(max(place, 0.0), float(size - 1)) for place in places]
    low = torch.tensor([floor(place) for place in inside], dtype=torch.int64)
    share = torch.tensor([place - floor(place) for place in inside], dtype=x.dtype)
    share = share.reshape([-1 if place == axis else 1 for place in range(x.dim())])
    first, second = x.index_select(axis, low), x.index_select(axis, (low + 1).clamp(max=size - 1))
    return first * (1 - share) + second * share


def _origin(call: Call, coordinates: str, place: int, size: int, length: int, factor: np.floating[Any]) -> float:
    """Where in the input a number of the output lies, in the precision of the factor, as in the runtime."""
    at, half = type(factor)(place), type(factor)(0.5)
    match coordinates:
        case "half_pixel":
            return float((at + half) / factor - half)
        case "pytorch_half_pixel":
            return float((at + half) / factor - half) if length > 1 else 0.0
        case "asymmetric":
            return float(at / factor)
        case "align_corners":
            return float(at * type(factor)(size - 1) / type(factor)(length - 1)) if length > 1 else 0.0
    raise call.refused(f"coordinates {coordinates}")


def _rounded(call: Call, rounding: str, place: float) -> int:
    match rounding:
        case "round_prefer_floor":
            return ceil(place - 0.5)
        case "round_prefer_ceil":
            return floor(place + 0.5)
        case "floor":
            return floor(place)
        case "ceil":
            return ceil(place)
    raise call.refused(f"rounding {rounding}")


OPERATORS: Final[dict[str, Operator]] = {"Resize": _resize, "Upsample": _upsample}
