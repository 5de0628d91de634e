"""Graphs without branches as layers in a row: the same answers, or the reason why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.system import onnx_writer as onnx  # noqa: E402
from tests.system.models.onnx_differentiable.graphs import Array, model_of  # noqa: E402
from touchstone.system.models.onnx_differentiable.calls import Unsupported  # noqa: E402
from touchstone.system.models.onnx_differentiable.interpreter import Interpreter  # noqa: E402
from touchstone.system.models.onnx_differentiable.sequence import sequence_of  # noqa: E402
from touchstone.system.models.onnx_graph import read_onnx_graph  # noqa: E402

pytestmark = pytest.mark.torch

DRAW = np.random.default_rng(3)


def drawn(*shape: int) -> Array:
    return DRAW.normal(size=shape).astype(np.float32)


PICTURES, ROWS = drawn(5, 3, 8, 8), drawn(5, 6)
WINDOW = (onnx.integers_attribute("kernel_shape", [2, 2]), onnx.integers_attribute("strides", [2, 2]))


def read(nodes: Sequence[bytes], constants: Mapping[str, Array], x: Array) -> tuple[list[Any], Any, Any]:
    graph = Interpreter(read_onnx_graph(model_of(nodes, constants), "m.onnx"), "x", "y")
    layers = sequence_of(graph, torch.from_numpy(x))
    with torch.no_grad():
        return layers, torch.nn.Sequential(*layers)(torch.from_numpy(x)), graph(torch.from_numpy(x))


def kinds(layers: Sequence[Any]) -> list[str]:
    return [type(layer).__name__ for layer in layers]


def test_a_network_of_pictures() -> None:
    channel = (3, 1, 1)
    nodes = [
        onnx.node("Sub", ["x", "mean"], ["a"]),
        onnx.node("Div", ["a", "scale"], ["b"]),
        onnx.node("Conv", ["b", "w", "v"], ["c"], onnx.integers_attribute("pads", [1, 1, 1, 1])),
        onnx.node("BatchNormalization", ["c", "g", "h", "m", "s"], ["d"]),
        onnx.node("Relu", ["d"], ["e"]),
        onnx.node("MaxPool", ["e"], ["f"], *WINDOW),
        onnx.node("AveragePool", ["f"], ["g1"], *WINDOW),
        onnx.node("GlobalAveragePool", ["g1"], ["h1"]),
        onnx.node("Flatten", ["h1"], ["i"]),
        onnx.node("Gemm", ["i", "W", "B"], ["y"], onnx.integer_attribute("transB", 1)),
    ]
    constants = {
        "mean": drawn(*channel), "scale": np.abs(drawn(*channel)) + 1, "w": drawn(4, 3, 3, 3), "v": drawn(4),
        "g": drawn(4), "h": drawn(4), "m": drawn(4), "s": np.abs(drawn(4)) + 1, "W": drawn(2, 4), "B": drawn(2),
    }  # fmt: skip
    layers, found, wanted = read(nodes, constants, PICTURES)
    assert kinds(layers) == [
        "BatchNorm2d", "BatchNorm2d", "Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d",
        "Flatten", "Linear",
    ]  # fmt: skip
    assert torch.allclose(found, wanted, atol=1e-5)


def test_a_network_of_tables_as_other_exporters_write_it() -> None:
    nodes = [
        onnx.node("Sub", ["one", "x"], ["a"]),
        onnx.node("MatMul", ["a", "W"], ["b"]),
        onnx.node("Add", ["v", "b"], ["c"]),
        onnx.node("Relu", ["c"], ["d"]),
        onnx.node("Mul", ["d", "three"], ["e"]),
        onnx.node("Identity", ["e"], ["y"]),
    ]
    constants = {
        "one": np.ones(1, np.float32), "W": drawn(6, 4), "v": drawn(4), "three": np.full((1, 1), 3, np.float32)
    }  # fmt: skip
    layers, found, wanted = read(nodes, constants, ROWS)
    assert kinds(layers) == ["BatchNorm1d", "Linear", "BatchNorm1d", "ReLU", "BatchNorm1d"]
    assert torch.allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("nodes", "constants", "x", "named"),
    [
        ([onnx.node("Relu", ["x"], ["a"]), onnx.node("Add", ["x", "a"], ["y"])], {}, ROWS, "branches at Add"),
        ([onnx.node("Mul", ["x", "x"], ["y"])], {}, ROWS, "branches at Mul"),
        ([onnx.node("Tanh", ["x"], ["y"])], {}, ROWS, "Tanh is no layer"),
        ([onnx.node("Div", ["c", "x"], ["y"])], {"c": np.ones(1, np.float32)}, ROWS, "Div with"),
        ([onnx.node("Add", ["x", "c"], ["y"])], {"c": drawn(8, 8)}, PICTURES, "differs within a channel"),
        ([onnx.node("Gemm", ["W", "x"], ["y"])], {"W": drawn(2, 5)}, ROWS, "weights on the left"),
        ([onnx.node("MaxPool", ["x"], ["y"], *WINDOW, onnx.integer_attribute("ceil_mode", 1))], {}, PICTURES, "window"),
    ],
)
def test_what_is_no_row_of_layers_is_refused_with_the_reason(
    nodes: Sequence[bytes], constants: Mapping[str, Array], x: Array, named: str
) -> None:
    with pytest.raises(Unsupported, match=named):
        read(nodes, constants, x)
