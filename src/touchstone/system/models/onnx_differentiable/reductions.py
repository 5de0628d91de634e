"""Operators that take many numbers together: sums, means, extremes, and the softmax."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional

from touchstone.system.models.onnx_differentiable.calls import Call, Operator, axis_of

Reduction = Callable[[Tensor, list[int], bool], Tensor]


def _reduction(apply: Reduction, axes_are_input_since: int) -> Operator:
    def operator(call: Call) -> Tensor:
        x = call.tensor(0)
        axes = call.integers_at(1, "axes") if call.opset >= axes_are_input_since else call.integers("axes")
        if not axes:
            if call.integer("noop_with_empty_axes", 0):
                return x
            axes = tuple(range(x.dim()))
        return apply(x, [axis_of(call, axis, x.dim()) for axis in axes], bool(call.integer("keepdims", 1)))

    return operator


def _product(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    for axis in sorted(axes, reverse=True):
        x = x.prod(axis, keepdim=keep)
    return x


_REDUCTIONS: Final[dict[str, Reduction]] = {
    "ReduceL1": lambda x, axes, keep: x.abs().sum(axes, keep),
    "ReduceL2": lambda x, axes, keep: torch.linalg.vector_norm(x, 2, axes, keep),
    "ReduceLogSumExp": lambda x, axes, keep: x.logsumexp(axes, keep),
    "ReduceMax": lambda x, axes, keep: x.amax(axes, keep),
    "ReduceMean": lambda x, axes, keep: x.mean(axes, keep),
    "ReduceMin": lambda x, axes, keep: x.amin(axes, keep),
    "ReduceProd": _product,
    "ReduceSumSquare": lambda x, axes, keep: x.square().sum(axes, keep),
}


def softmax_as(call: Call, apply: Callable[..., Any]) -> Tensor:
    """A softmax, or its logarithm, along the axis the operator means.

    Before version 13 the axis divides the value into rows and columns, and whole rows are taken together.
    """
    x = call.tensor(0)
    if call.opset >= 13:
        along: Tensor = apply(x, dim=axis_of(call, call.integer("axis", -1), x.dim()))
        return along
    axis = axis_of(call, call.integer("axis", 1), x.dim())
    rows: Tensor = apply(x.reshape(prod(x.shape[:axis]), -1), dim=1)
    return rows.reshape(x.shape)


def _cumulative_sum(call: Call) -> Tensor:
    x, axis = call.tensor(0), axis_of(call, int(call.tensor(1).reshape(())), call.tensor(0).dim())
    if call.integer("exclusive", 0) or call.integer("reverse", 0):
        raise call.refused("an exclusive or reverse sum")
    return x.cumsum(axis)


def softmax(call: Call) -> Tensor:
    """The softmax."""
    return softmax_as(call, functional.softmax)


def log_softmax(call: Call) -> Tensor:
    """The logarithm of the softmax, exact where the softmax itself is zero or one."""
    return softmax_as(call, functional.log_softmax)


OPERATORS: Final[dict[str, Operator]] = {
    **{name: _reduction(apply, 18) for name, apply in _REDUCTIONS.items()},
    "CumSum": _cumulative_sum,
    "LogSoftmax": log_softmax,
    "ReduceSum": _reduction(lambda x, axes, keep: x.sum(axes, keep), 13),
    "Softmax": softmax,
}
