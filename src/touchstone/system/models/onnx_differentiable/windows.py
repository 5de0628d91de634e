"""Windows that slide over an input, and the pooling operators made of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from touchstone.system.models.onnx_differentiable.calls import Call, Operator, bounded

_MAXIMA = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}


@dataclass(frozen=True, slots=True)
class Window:
    """A window and its steps, with what is added before and after each spatial axis of the input."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    begin: tuple[int, ...]
    end: tuple[int, ...]


def window_of(call: Call, x: Tensor, kernel: tuple[int, ...]) -> Window:
    """The window of an operator, its automatic padding worked out for the input `x`."""
    rank = x.dim() - 2
    strides = call.integers("strides") or (1,) * rank
    dilations = call.integers("dilations") or (1,) * rank
    pads = call.integers("pads") or (0,) * (2 * rank)
    automatic = call.text("auto_pad", "NOTSET")
    sizes = {len(kernel), len(strides), len(dilations), len(pads) // 2}
    if sizes != {rank} or min([*kernel, *strides, *dilations]) < 1 or min(pads) < 0:
        raise call.refused("a window that does not fit its input")
    begin, end = pads[:rank], pads[rank:]
    if automatic == "VALID":
        begin = end = (0,) * rank
    elif automatic in ("SAME_UPPER", "SAME_LOWER"):
        missing = [
            max((-(-size // stride) - 1) * stride + (width - 1) * dilation + 1 - size, 0)
            for size, stride, width, dilation in zip(x.shape[2:], strides, kernel, dilations, strict=True)
        ]
        less, more = tuple(total // 2 for total in missing), tuple(total - total // 2 for total in missing)
        begin, end = (less, more) if automatic == "SAME_UPPER" else (more, less)
    elif automatic != "NOTSET":
        raise call.refused(f"padding {automatic}")
    return Window(kernel, strides, dilations, begin, end)


def padded(x: Tensor, window: Window, value: float) -> Tensor:
    """The input with what the window adds around it."""
    pads = []
    for before, after in reversed(list(zip(window.begin, window.end, strict=True))):
        pads += [before, after]
    added = [before + after for before, after in zip(window.begin, window.end, strict=True)]
    bounded([*x.shape[:2], *(size + more for size, more in zip(x.shape[2:], added, strict=True))])
    return functional.pad(x, pads, value=value)


def _pooling_window(call: Call, x: Tensor) -> Window:
    """A pooling window; for outputs rounded up, the end is stretched so far that the last window is whole."""
    window = window_of(call, x, call.integers("kernel_shape") or ())
    if not call.integer("ceil_mode", 0):
        return window
    end = []
    for place, size in enumerate(x.shape[2:]):
        reach = (window.kernel[place] - 1) * window.dilations[place] + 1
        stride, begin = window.strides[place], window.begin[place]
        steps = -(-(size + begin + window.end[place] - reach) // stride)
        if steps * stride >= size + begin:  # a window must begin in the input or before it
            steps -= 1
        end.append(max(steps * stride + reach - size - begin, 0))
    return Window(window.kernel, window.strides, window.dilations, window.begin, tuple(end))


def _maximum_pool(call: Call) -> Tensor:
    x = call.tensor(0)
    if len([name for name in call.node.outputs if name]) > 1:
        raise call.refused("places of the maxima")
    window = _pooling_window(call, x)
    rank = x.dim() - 2
    if rank not in _MAXIMA:
        raise call.refused(f"{rank} dimensions")
    full = padded(x, window, float("-inf")) if any(window.begin + window.end) else x
    return _MAXIMA[rank](full, window.kernel, window.strides, 0, window.dilations)


def _average_pool(call: Call) -> Tensor:
    """Sums over windows, each divided by how many numbers it holds."""
    x = call.tensor(0)
    stretched, declared = _pooling_window(call, x), window_of(call, x, call.integers("kernel_shape") or ())
    if any(dilation != 1 for dilation in declared.dilations):
        raise call.refused("dilations")
    total = _sums(padded(x, stretched, 0.0), stretched)
    if stretched.begin == stretched.end == (0,) * len(stretched.kernel):
        return total / torch.tensor(stretched.kernel).prod()
    ones = torch.ones((1, 1, *x.shape[2:]), dtype=x.dtype)
    added = tuple(map(min, declared.end, stretched.end))  # what only rounding up adds is never counted
    counted = replace(stretched, end=added)
    rounding = tuple(whole - part for whole, part in zip(stretched.end, added, strict=True))
    ones = padded(ones, counted, 1.0 if call.integer("count_include_pad", 0) else 0.0)
    ones = padded(ones, replace(stretched, begin=(0,) * len(rounding), end=rounding), 0.0)
    return total / _sums(ones, stretched)


def _sums(x: Tensor, window: Window) -> Tensor:
    match len(window.kernel):
        case 1:
            flat = x.unsqueeze(2)
            return functional.avg_pool2d(flat, (1, *window.kernel), (1, *window.strides), divisor_override=1).squeeze(2)
        case 2:
            return functional.avg_pool2d(x, window.kernel, window.strides, divisor_override=1)
        case _:
            return functional.avg_pool3d(x, window.kernel, window.strides, divisor_override=1)


def _global_average(call: Call) -> Tensor:
    x = call.tensor(0)
    return x.mean(dim=tuple(range(2, x.dim())), keepdim=True)


def _global_maximum(call: Call) -> Tensor:
    """The gradient goes to one of equal maxima, as in the networks graphs are made of."""
    x = call.tensor(0)
    return x.flatten(2).max(dim=2).values.reshape(*x.shape[:2], *[1] * (x.dim() - 2))


OPERATORS: Final[dict[str, Operator]] = {
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global_average,
    "GlobalMaxPool": _global_maximum,
    "MaxPool": _maximum_pool,
}
