"""Operators of the `ai.onnx.ml` domain that linear classifiers and their preparation become.

Source: https://onnx.ai/onnx/operators/ (ai.onnx.ml).
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from touchstone.system.models.onnx_differentiable.calls import Call, Operator


def _numbers(call: Call, name: str) -> Tensor:
    values = call.node.attributes.get(name, ())
    if not isinstance(values, tuple) or any(isinstance(value, str) for value in values):
        raise call.refused(f"no list of numbers {name}")
    return torch.tensor(values, dtype=torch.float32)


def _linear_classifier(call: Call) -> tuple[Tensor, Tensor]:
    """Labels, of which nobody asks here, and scores."""
    x, intercepts = call.tensor(0).to(torch.float32), _numbers(call, "intercepts")
    coefficients = _numbers(call, "coefficients")
    if intercepts.numel() < 2 or coefficients.numel() != intercepts.numel() * x.shape[1]:
        raise call.refused("one row for two classes")
    scores = x @ coefficients.reshape(intercepts.numel(), -1).t() + intercepts
    match call.text("post_transform", "NONE"):
        case "NONE":
            return scores.argmax(1), scores
        case "SOFTMAX":
            return scores.argmax(1), scores.softmax(1)
        case "LOGISTIC":
            return scores.argmax(1), scores.sigmoid()
    raise call.refused(f"the transform {call.text('post_transform', 'NONE')}")


def _scaler(call: Call) -> Tensor:
    return (call.tensor(0).to(torch.float32) - _numbers(call, "offset")) * _numbers(call, "scale")


def _normalizer(call: Call) -> Tensor:
    x = call.tensor(0).to(torch.float32)
    match call.text("norm", "MAX"):
        case "L1":
            return functional.normalize(x, 1.0, 1)
        case "L2":
            return functional.normalize(x, 2.0, 1)
    raise call.refused(f"the norm {call.text('norm', 'MAX')}")


OPERATORS: Final[dict[str, Operator]] = {
    "ai.onnx.ml::LinearClassifier": _linear_classifier,
    "ai.onnx.ml::Normalizer": _normalizer,
    "ai.onnx.ml::Scaler": _scaler,
}
