"""Graphs made for a test, and what ONNX Runtime and our own interpreter answer to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from tests.system import onnx_writer as onnx
from touchstone.system.models.onnx_differentiable.interpreter import Interpreter
from touchstone.system.models.onnx_graph import read_onnx_graph

Array = NDArray[Any]


def model_of(
    nodes: Sequence[bytes],
    constants: Mapping[str, Array] | None = None,
    *,
    opset: int = 17,
    element: int = onnx.FLOAT,
    shape: Sequence[int | str] | None = None,
) -> bytes:
    """A model from the input `x` to the output `y`, of whatever type that is."""
    weights = [onnx.array(name, values) for name, values in (constants or {}).items()]
    inputs = [onnx.value("x", shape, element)]
    return onnx.model(onnx.graph(nodes, inputs, [onnx.block(1, "y")], weights), {"": opset, "ai.onnx.ml": 1})


def reference(data: bytes, x: Array) -> Array:
    """ONNX Runtime's answer, its graph left as it is written."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    answer: Array = session.run(["y"], {"x": x})[0]
    return answer


def ours(data: bytes, x: Array) -> Array:
    """The interpreter's answer."""
    with torch.no_grad():
        answer: Array = Interpreter(read_onnx_graph(data, "m.onnx"), "x", "y")(torch.from_numpy(x)).numpy()
    return answer


def assert_equal(data: bytes, x: Array, tolerance: float = 1e-4) -> None:
    """Both answers have one shape, one type and, but for rounding, the same numbers."""
    wanted, found = reference(data, x), ours(data, x)
    assert found.shape == wanted.shape
    assert found.dtype == wanted.dtype
    assert np.allclose(found, wanted, rtol=tolerance, atol=tolerance, equal_nan=True), np.abs(found - wanted).max()
