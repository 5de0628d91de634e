"""The layers of an ONNX graph, where it is a plain chain of layers that can be declared.

Only the architecture is read; the weights are looked at for their shapes alone. A batch normalisation that an exporter
folded into a convolution is not seen any more: the reference is trained without one.
"""

from __future__ import annotations

from collections.abc import Callable

from touchstone.errors import UnavailableError
from touchstone.system.description import Layer
from touchstone.system.models.onnx_graph import OnnxGraph, OnnxNode, read_onnx_graph
from touchstone.text import Text
from touchstone.training.architecture import Architecture

_Read = tuple[Layer | None, bool]
"""A layer, if the operator is one, and whether it has a bias."""


class _NotALayerError(Exception):
    """An operator that no declared layer does."""


def onnx_layers(data: bytes, where: str) -> tuple[Architecture, frozenset[str]]:
    """The layers of the file, and the places of those with a bias.

    Raises `UnavailableError` naming the operator where the graph branches or does what no layer can.
    """
    graph = read_onnx_graph(data, where)
    layers: list[Layer] = []
    biases: set[str] = set()
    value = graph.sources[0] if len(graph.sources) == 1 else ""
    for node in graph.nodes:
        if not set(node.inputs) - set(graph.constants):
            continue  # makes a constant
        try:
            layer, biased = _layer(graph, node, value)
        except (_NotALayerError, KeyError, TypeError, ValueError, IndexError):
            raise _refused(node, where) from None
        if biased:
            biases.add(str(len(layers)))
        if layer is not None:
            layers.append(layer)
        value = node.outputs[0]
    if not layers or value not in graph.outputs:
        raise UnavailableError(
            Text("is not a chain of layers from one input to the output", "并非由单一输入到输出的层序列"),
            where,
            _REMEDY,
        )
    return tuple(layers), frozenset(biases)


def _layer(graph: OnnxGraph, node: OnnxNode, value: str) -> _Read:
    """What an operator is that takes `value` and constants alone."""
    if node.inputs[0] != value or not set(node.inputs[1:]) <= {*graph.constants, ""}:
        raise _NotALayerError
    return _READERS[node.title](graph, node)


_REMEDY = Text(
    "hand it in as safetensors with its layers declared, if it is a chain of such layers",
    "若模型为此类层的序列，请以 safetensors 并声明各层的方式提交",
)


def _refused(node: OnnxNode, where: str) -> UnavailableError:
    return UnavailableError(
        Text(
            f"cannot be trained again: its operator {node.title[:100]} is none of the layers that can be declared",
            f"无法重新训练：算子 {node.title[:100]} 不属于可声明的层",
        ),
        where,
        _REMEDY,
    )


def _square(node: OnnxNode, name: str, default: int) -> int:
    """An attribute that is the same along both axes (and on both sides)."""
    value = node.attributes.get(name, (default,))
    if not isinstance(value, tuple) or len(set(value)) != 1 or not isinstance(value[0], int):
        raise _NotALayerError
    return value[0]


def _window(node: OnnxNode) -> dict[str, int]:
    plain = {"auto_pad": ("NOTSET", "VALID"), "ceil_mode": (0,), "group": (1,), "count_include_pad": (1, 0)}
    if any(node.attributes.get(name, allowed[0]) not in allowed for name, allowed in plain.items()):
        raise _NotALayerError
    if _square(node, "dilations", 1) != 1:
        raise _NotALayerError
    padding = _square(node, "pads", 0)
    if node.operator == "AveragePool" and padding and node.attributes.get("count_include_pad", 0) != 1:
        raise _NotALayerError
    return {"stride": _square(node, "strides", 1), "padding": padding}


def _convolution(graph: OnnxGraph, node: OnnxNode) -> _Read:
    outputs, inputs, height, width = graph.constants[node.inputs[1]].shape
    if height != width:
        raise _NotALayerError
    layer = Layer(kind="conv2d", inputs=inputs, outputs=outputs, kernel=height, **_window(node))
    return layer, len(node.inputs) > 2


def _pool(graph: OnnxGraph, node: OnnxNode) -> _Read:
    del graph
    kind = {"MaxPool": "maxpool2d", "AveragePool": "avgpool2d"}[node.operator]
    return Layer.model_validate({"kind": kind, "kernel": _square(node, "kernel_shape", 0), **_window(node)}), False


def _normalisation(graph: OnnxGraph, node: OnnxNode) -> _Read:
    return Layer(kind="batchnorm2d", inputs=len(graph.constants[node.inputs[1]])), False


def _linear(graph: OnnxGraph, node: OnnxNode) -> _Read:
    weight = graph.constants[node.inputs[1]].shape
    if node.attributes.get("transA", 0) or len(weight) != 2:
        raise _NotALayerError
    inputs, outputs = weight[::-1] if node.attributes.get("transB", 0) else weight
    return Layer(kind="linear", inputs=inputs, outputs=outputs), len(node.inputs) > 2


def _flatten(graph: OnnxGraph, node: OnnxNode) -> _Read:
    if node.operator == "Flatten":
        flat = node.attributes.get("axis", 1) == 1
    else:
        flat = graph.constants[node.inputs[1]].shape == (2,) and int(graph.constants[node.inputs[1]][0]) in (0, -1)
    if not flat:
        raise _NotALayerError
    return Layer(kind="flatten"), False


_READERS: dict[str, Callable[[OnnxGraph, OnnxNode], _Read]] = {
    "Conv": _convolution,
    "BatchNormalization": _normalisation,
    "Relu": lambda graph, node: (Layer(kind="relu"), False),
    "MaxPool": _pool,
    "AveragePool": _pool,
    "GlobalAveragePool": lambda graph, node: (Layer(kind="globalavgpool"), False),
    "Flatten": _flatten,
    "Reshape": _flatten,
    "Gemm": _linear,
    "MatMul": _linear,
    "Identity": lambda graph, node: (None, False),
    "Softmax": lambda graph, node: (None, False),
}
"""Operators that are layers. A softmax at the end is left out: training has its own."""
