"""A chain of layers is read off an ONNX graph; anything else is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.system import onnx_writer as onnx
from touchstone.errors import UnavailableError

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from touchstone.training.architecture import built  # noqa: E402 - needs torch
from touchstone.training.onnx_layers import onnx_layers  # noqa: E402


def array(*shape: int) -> np.ndarray:
    return np.zeros(shape, dtype=np.float32)


CONSTANTS = {
    "W1": array(4, 3, 3, 3),
    "b1": array(4),
    "W2": array(8, 4, 3, 3),
    **{name: array(8) for name in ("scale", "shift", "mean", "variance")},
    "W3": array(5, 32),
    "b3": array(5),
}


def file_of(*nodes: tuple[str, list[str], str, dict[str, Any]]) -> bytes:
    operators = [onnx.operator(kind, inputs, [output], **attributes) for kind, inputs, output, attributes in nodes]
    parts = [onnx.tensor(name, values) for name, values in CONSTANTS.items()]
    ends = [onnx.value("x", ["n", 3, 8, 8])], [onnx.value(nodes[-1][2], ["n", 5])]
    return onnx.model(onnx.graph(operators, *ends, parts))


CONVOLUTION = ("Conv", ["x", "W1", "b1"], "a", {"pads": [1, 1, 1, 1], "strides": [2, 2]})
CHAIN = (
    CONVOLUTION,
    ("Relu", ["a"], "b", {}),
    ("Conv", ["b", "W2"], "c", {"pads": [1, 1, 1, 1]}),
    ("BatchNormalization", ["c", "scale", "shift", "mean", "variance"], "d", {}),
    ("MaxPool", ["d"], "e", {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ("Flatten", ["e"], "f", {}),
    ("Gemm", ["f", "W3", "b3"], "g", {"transB": 1}),
    ("Softmax", ["g"], "h", {"axis": 1}),
)


def test_the_layers_of_a_chain_can_be_trained_again() -> None:
    architecture, biases = onnx_layers(file_of(*CHAIN), "model.onnx")
    kinds = [part.kind for part in architecture]
    assert kinds == ["conv2d", "relu", "conv2d", "batchnorm2d", "maxpool2d", "flatten", "linear"]
    assert biases == {"0", "6"}
    assert built(architecture, biases).eval()(torch.zeros(2, 3, 8, 8)).shape == (2, 5)


@pytest.mark.parametrize(
    ("nodes", "named"),
    [
        ((CONVOLUTION, ("Sigmoid", ["a"], "b", {})), "Sigmoid"),
        ((CONVOLUTION, ("Relu", ["a"], "b", {}), ("Add", ["a", "b"], "c", {})), "Add"),
        ((("Conv", ["x", "W1"], "a", {"dilations": [2, 2]}),), "Conv"),
        ((("Conv", ["x", "W1"], "a", {"pads": [0, 0, 1, 1]}),), "Conv"),
        ((("AveragePool", ["x"], "a", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),), "AveragePool"),
        ((("Conv", ["x", "x"], "a", {}),), "Conv"),
        ((CONVOLUTION, ("Relu", ["x"], "b", {})), "Relu"),
        ((("Flatten", ["x"], "a", {"axis": 2}),), "Flatten"),
    ],
)
def test_what_no_layer_does_is_refused_by_its_name(nodes: tuple[Any, ...], named: str) -> None:
    with pytest.raises(UnavailableError, match=f"operator {named} is none of the layers"):
        onnx_layers(file_of(*nodes), "model.onnx")
