"""Operators that work on each number by itself: arithmetic, activations, comparisons."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional

from touchstone.system.models.onnx_differentiable.calls import ELEMENT_TYPES, Call, Operator, broadcast


def _one(apply: Callable[[Tensor], Tensor]) -> Operator:
    return lambda call: apply(call.tensor(0))


def _two(apply: Callable[[Tensor, Tensor], Tensor]) -> Operator:
    def operator(call: Call) -> Tensor:
        left, right = call.tensor(0), call.tensor(1)
        broadcast(left, right)
        return apply(left, right)

    return operator


def _many(apply: Callable[[Tensor, Tensor], Tensor]) -> Operator:
    def operator(call: Call) -> Tensor:
        values = call.tensors()
        broadcast(*values)
        return reduce(apply, values)

    return operator


def _divide(left: Tensor, right: Tensor) -> Tensor:
    return left / right if left.is_floating_point() else torch.div(left, right, rounding_mode="trunc")


def _power(left: Tensor, right: Tensor) -> Tensor:
    if right.numel() == 1 and right.dim() <= left.dim() and not right.requires_grad:
        return torch.pow(left, right.item()).to(left.dtype)  # its gradient is finite where the base is zero
    return torch.pow(left, right.to(left.dtype))


def _modulo(call: Call) -> Tensor:
    left, right = call.tensor(0), call.tensor(1)
    broadcast(left, right)
    return torch.fmod(left, right) if call.integer("fmod", 0) else torch.remainder(left, right)


def _mean(call: Call) -> Tensor:
    values = call.tensors()
    broadcast(*values)
    return reduce(torch.add, values) / len(values)


def _selu(call: Call) -> Tensor:
    alpha, gamma = call.number("alpha", 1.6732631921768188), call.number("gamma", 1.0507010221481323)
    return gamma * functional.elu(call.tensor(0), alpha)


def _hard_sigmoid(call: Call) -> Tensor:
    return (call.number("alpha", 0.2) * call.tensor(0) + call.number("beta", 0.5)).clamp(0, 1)


def _thresholded(call: Call) -> Tensor:
    x = call.tensor(0)
    return torch.where(x > call.number("alpha", 1.0), x, torch.zeros_like(x))


def _clip(call: Call) -> Tensor:
    x = call.tensor(0)
    if call.opset < 11:
        return x.clamp(call.number("min", float("-inf")), call.number("max", float("inf")))
    low, high = call.optional(1), call.optional(2)
    if low is not None:
        x = x.clamp_min(low.reshape(()))
    return x if high is None else x.clamp_max(high.reshape(()))


def _gelu(call: Call) -> Tensor:
    return functional.gelu(call.tensor(0), approximate=call.text("approximate", "none"))


def _leaky(call: Call) -> Tensor:
    return functional.leaky_relu(call.tensor(0), call.number("alpha", 0.01))


def _slope(call: Call) -> Tensor:
    x, slope = call.tensor(0), call.tensor(1)
    broadcast(x, slope)
    return torch.where(x < 0, x * slope, x)


def _celu(call: Call) -> Tensor:
    return functional.celu(call.tensor(0), call.number("alpha", 1.0))


def _elu(call: Call) -> Tensor:
    return functional.elu(call.tensor(0), call.number("alpha", 1.0))


def _where(call: Call) -> Tensor:
    condition, left, right = call.tensor(0), call.tensor(1), call.tensor(2)
    broadcast(condition, left, right)
    return torch.where(condition.bool(), left, right)


def _cast(call: Call) -> Tensor:
    kind = ELEMENT_TYPES.get(call.integer("to", 0))
    if kind is None:
        raise call.refused(f"element type {call.integer('to', 0)}")
    return call.tensor(0).to(kind)


def _dropout(call: Call) -> Tensor:
    training = call.optional(2)
    if training is not None and bool(training.any()):
        raise call.refused("training mode")
    return call.tensor(0)


def _softplus(x: Tensor) -> Tensor:
    return functional.softplus(x, threshold=torch.finfo(x.dtype).max)


_UNARY: Final[dict[str, Any]] = {
    "Abs": torch.abs,
    "Ceil": torch.ceil,
    "Cos": torch.cos,
    "Erf": torch.erf,
    "Exp": torch.exp,
    "Floor": torch.floor,
    "HardSwish": functional.hardswish,
    "Identity": lambda x: x,
    "Log": torch.log,
    "Mish": functional.mish,
    "Neg": torch.neg,
    "Not": torch.logical_not,
    "Reciprocal": torch.reciprocal,
    "Relu": torch.relu,
    "Round": torch.round,
    "Sigmoid": torch.sigmoid,
    "Sign": torch.sign,
    "Sin": torch.sin,
    "Softplus": _softplus,
    "Softsign": functional.softsign,
    "Sqrt": torch.sqrt,
    "Tan": torch.tan,
    "Tanh": torch.tanh,
}
_BINARY: Final[dict[str, Any]] = {
    "Add": torch.add,
    "And": torch.logical_and,
    "Div": _divide,
    "Equal": torch.eq,
    "Greater": torch.gt,
    "GreaterOrEqual": torch.ge,
    "Less": torch.lt,
    "LessOrEqual": torch.le,
    "Mul": torch.mul,
    "Or": torch.logical_or,
    "Pow": _power,
    "Sub": torch.sub,
    "Xor": torch.logical_xor,
}

OPERATORS: Final[dict[str, Operator]] = {
    **{name: _one(apply) for name, apply in _UNARY.items()},
    **{name: _two(apply) for name, apply in _BINARY.items()},
    "Cast": _cast,
    "Celu": _celu,
    "Clip": _clip,
    "Dropout": _dropout,
    "Elu": _elu,
    "Gelu": _gelu,
    "HardSigmoid": _hard_sigmoid,
    "LeakyRelu": _leaky,
    "Max": _many(torch.maximum),
    "Mean": _mean,
    "Min": _many(torch.minimum),
    "Mod": _modulo,
    "PRelu": _slope,
    "Selu": _selu,
    "Sum": _many(torch.add),
    "ThresholdedRelu": _thresholded,
    "Where": _where,
}
