"""Operators that hold weights: matrix products, convolutions and normalisations."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from touchstone.system.models.onnx_differentiable.calls import Call, Operator, axis_of, bounded
from touchstone.system.models.onnx_differentiable.windows import padded, window_of

_CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
_TRANSPOSED = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}


def _gemm(call: Call) -> Tensor:
    left, right, bias = call.tensor(0), call.tensor(1), call.optional(2)
    left = left.t() if call.integer("transA", 0) else left
    right = right.t() if call.integer("transB", 0) else right
    bounded([left.shape[0], right.shape[1]])
    alpha, beta = call.number("alpha", 1.0), call.number("beta", 1.0)
    product = left @ right if alpha == 1 else alpha * (left @ right)
    if bias is None:
        return product
    return product + (bias if beta == 1 else beta * bias)


def _matmul(call: Call) -> Tensor:
    left, right = call.tensor(0), call.tensor(1)
    if min(left.dim(), right.dim()) > 1:
        stack = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
        bounded([*stack, left.shape[-2], right.shape[-1]])
    return torch.matmul(left, right)


def _convolution(call: Call) -> Tensor:
    x, weight, bias = call.tensor(0), call.tensor(1), call.optional(2)
    rank = x.dim() - 2
    if rank not in _CONVOLUTIONS:
        raise call.refused(f"{rank} dimensions")
    window = window_of(call, x, tuple(weight.shape[2:]))
    group = call.integer("group", 1)
    if window.begin == window.end:
        bounded([*x.shape[:2], *(size + 2 * pad for size, pad in zip(x.shape[2:], window.begin, strict=True))])
        return _CONVOLUTIONS[rank](x, weight, bias, window.strides, window.begin, window.dilations, group)
    return _CONVOLUTIONS[rank](padded(x, window, 0.0), weight, bias, window.strides, 0, window.dilations, group)


def _transposed_convolution(call: Call) -> Tensor:
    x, weight, bias = call.tensor(0), call.tensor(1), call.optional(2)
    rank = x.dim() - 2
    if rank not in _TRANSPOSED:
        raise call.refused(f"{rank} dimensions")
    if call.has("output_shape") or call.text("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise call.refused("a given output shape")
    strides = call.integers("strides") or (1,) * rank
    dilations = call.integers("dilations") or (1,) * rank
    extra = call.integers("output_padding") or (0,) * rank
    pads = call.integers("pads") or (0,) * (2 * rank)
    group = call.integer("group", 1)
    whole = [
        stride * (size - 1) + more + (kernel - 1) * dilation + 1
        for stride, size, more, kernel, dilation in zip(
            strides, x.shape[2:], extra, weight.shape[2:], dilations, strict=True
        )
    ]
    bounded([x.shape[0], weight.shape[1] * group, *whole])
    full = _TRANSPOSED[rank](x, weight, bias, strides, 0, extra, group, dilations)
    for place in range(rank):
        size = full.shape[2 + place] - pads[place] - pads[rank + place]
        full = full.narrow(2 + place, pads[place], size)
    return full


def _batch_normalisation(call: Call) -> Tensor:
    if call.integer("training_mode", 0):
        raise call.refused("training mode")
    x, scale, bias, mean, variance = (call.tensor(place) for place in range(5))
    return functional.batch_norm(x, mean, variance, scale, bias, False, 0.0, call.number("epsilon", 1e-5))


def _layer_normalisation(call: Call) -> Tensor:
    x, scale, bias = call.tensor(0), call.tensor(1), call.optional(2)
    axis = axis_of(call, call.integer("axis", -1), x.dim())
    whole = functional.layer_norm(x, x.shape[axis:], eps=call.number("epsilon", 1e-5)) * scale
    return whole if bias is None else whole + bias


def _instance_normalisation(call: Call) -> Tensor:
    x = call.tensor(0)
    return functional.instance_norm(x, weight=call.tensor(1), bias=call.tensor(2), eps=call.number("epsilon", 1e-5))


def _group_normalisation(call: Call) -> Tensor:
    x, scale, bias = call.tensor(0), call.tensor(1), call.tensor(2)
    groups = call.integer("num_groups", 0)
    if groups < 1 or x.shape[1] % groups:
        raise call.refused(f"{groups} groups")
    if call.opset < 21:  # scale and bias were per group before they were per channel
        scale, bias = (item.repeat_interleave(x.shape[1] // groups) for item in (scale, bias))
    return functional.group_norm(x, groups, scale, bias, call.number("epsilon", 1e-5))


def _local_response(call: Call) -> Tensor:
    x, size = call.tensor(0), call.integer("size", 1)
    if not 0 < size <= 1024:
        raise call.refused(f"size {size}")
    squares = functional.pad(x.square().flatten(2), (0, 0, (size - 1) // 2, size // 2))
    total = squares.unfold(1, size, 1).sum(-1).reshape(x.shape)
    share = call.number("alpha", 1e-4) / size
    return x / (call.number("bias", 1.0) + share * total) ** call.number("beta", 0.75)


def _unit_length(call: Call) -> Tensor:
    x = call.tensor(0)
    axis = axis_of(call, call.integer("axis", -1), x.dim())
    return functional.normalize(x, call.integer("p", 2), axis, eps=0.0)


OPERATORS: Final[dict[str, Operator]] = {
    "BatchNormalization": _batch_normalisation,
    "Conv": _convolution,
    "ConvTranspose": _transposed_convolution,
    "Gemm": _gemm,
    "GroupNormalization": _group_normalisation,
    "InstanceNormalization": _instance_normalisation,
    "LRN": _local_response,
    "LayerNormalization": _layer_normalisation,
    "LpNormalization": _unit_length,
    "MatMul": _matmul,
}
