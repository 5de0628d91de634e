"""A graph without branches as PyTorch layers in a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from touchstone.system.models.layers import scaling
from touchstone.system.models.onnx_differentiable.calls import Unsupported
from touchstone.system.models.onnx_differentiable.interpreter import Interpreter, Link
from touchstone.system.models.onnx_differentiable.windows import window_of
from touchstone.text import Text

TOLERANCE: Final = 1e-4
"""How far the answers of the layers may be from those of the graph, as a share of the largest."""


def sequence_of(graph: Interpreter, x: Tensor) -> list[nn.Module]:
    """The layers, which answer `x` as the graph does. Raises `Unsupported` for a graph that is not made of such."""
    layers: list[nn.Module] = []
    with torch.no_grad():
        z = x[:1]
        for link in graph.chain():
            build = _BUILDERS.get(link.call.node.title)
            if build is None:
                name = link.call.node.title
                raise Unsupported(Text(f"{name} is no layer that is read", f"{name} 不属于可读取的层"))
            for layer in build(link, z):
                layers.append(layer.eval().requires_grad_(False))
                z = layer(z)
        found, wanted = nn.Sequential(*layers)(x), graph(x)
    if found.shape != wanted.shape or bool(((found - wanted).abs() > TOLERANCE * (1 + wanted.abs().max())).any()):
        raise Unsupported(Text("its layers answer otherwise than the graph", "各层的输出与计算图不一致"))
    return layers


Builder = Callable[[Link, Tensor], list[nn.Module]]


def _nothing(_: Link, __: Tensor) -> list[nn.Module]:
    return []


def _rectifier(_: Link, __: Tensor) -> list[nn.Module]:
    return [nn.ReLU()]


def _flatten(link: Link, z: Tensor) -> list[nn.Module]:
    """Also a reshape that only flattens."""
    shape = link.answer(z).shape
    if shape == z.shape:
        return []
    if shape != (1, z.numel()):
        raise link.call.refused("another shape than flat")
    return [nn.Flatten()]


def _product(link: Link, z: Tensor) -> list[nn.Module]:
    call = link.call
    if link.place != 0 or z.dim() != 2 or call.tensor(1).dim() != 2 or call.integer("transA", 0):
        raise call.refused("the weights on the left")
    weight = call.tensor(1).t() if call.integer("transB", 0) else call.tensor(1)
    bias = call.optional(2) if call.node.title == "Gemm" else None
    layer = nn.Linear(len(weight), weight.shape[1], bias=bias is not None)
    layer.weight.data = (call.number("alpha", 1.0) * weight).t().float().contiguous()
    if bias is not None:
        layer.bias.data = (call.number("beta", 1.0) * bias).float().broadcast_to(1, weight.shape[1])[0].clone()
    return [layer]


def _elementwise(link: Link, z: Tensor) -> list[nn.Module]:
    """One operation with a constant that is the same for all places of a channel."""
    call, title = link.call, link.call.node.title
    constant = call.tensor(1 - link.place).double()
    one, zero = torch.ones(()), torch.zeros(())
    scale, shift = {
        "Add": (one, constant),
        "Sub": (one, -constant) if link.place == 0 else (-one, constant),
        "Mul": (constant, zero),
        "Div": (1 / constant, zero),
    }[title]
    fits = np.broadcast_shapes(constant.shape, z.shape) == z.shape and (title != "Div" or link.place == 0)
    layer = scaling(scale, shift, z.shape) if fits else None
    if layer is None:
        raise call.refused("a constant that differs within a channel")
    return [layer]


def _normalisation(link: Link, z: Tensor) -> list[nn.Module]:
    weight, bias, mean, variance = (link.call.tensor(place).double() for place in range(1, 5))
    scale = weight / (variance + link.call.number("epsilon", 1e-5)).sqrt()
    each = [-1, *[1] * (z.dim() - 2)]
    layer = scaling(scale.reshape(each), (bias - mean * scale).reshape(each), z.shape)
    if layer is None or link.place != 0 or link.call.integer("training_mode", 0):
        raise link.call.refused("such inputs")
    return [layer]


def _convolution(link: Link, z: Tensor) -> list[nn.Module]:
    weight, bias = link.call.tensor(1), link.call.optional(2)
    window = window_of(link.call, z, tuple(weight.shape[2:]))
    kinds: dict[int, Any] = {3: nn.Conv1d, 4: nn.Conv2d}
    if link.place != 0 or window.begin != window.end or z.dim() not in kinds:
        raise link.call.refused("such a window")
    group = link.call.integer("group", 1)
    shape = (window.kernel, window.strides, window.begin, window.dilations, group, bias is not None)
    layer: nn.Module = kinds[z.dim()](z.shape[1], len(weight), *shape)
    layer.weight.data = weight.float()
    if bias is not None:
        layer.bias.data = bias.float()
    return [layer]


def _pool(link: Link, z: Tensor) -> list[nn.Module]:
    window = window_of(link.call, z, link.call.integers("kernel_shape") or ())
    sizes: dict[str, Any] = {"kernel_size": window.kernel, "stride": window.strides, "padding": window.begin}
    plain = window.begin == window.end and set(window.dilations) == {1} and not link.call.integer("ceil_mode", 0)
    if z.dim() != 4 or not plain:
        raise link.call.refused("such a window")
    if link.call.node.title == "MaxPool":
        return [nn.MaxPool2d(**sizes)]
    return [nn.AvgPool2d(**sizes, count_include_pad=bool(link.call.integer("count_include_pad", 0)))]


def _global_average(link: Link, z: Tensor) -> list[nn.Module]:
    """Also a mean over all places, which may let go of their axes."""
    shape = link.answer(z).shape
    if z.dim() != 4 or shape.numel() != z.shape[1] or shape[:2] != z.shape[:2]:
        raise link.call.refused("other axes than all places")
    return [nn.AdaptiveAvgPool2d(1), *([nn.Flatten()] if len(shape) == 2 else [])]


_BUILDERS: Final[dict[str, Builder]] = {
    **dict.fromkeys(("Dropout", "Identity"), _nothing),
    **dict.fromkeys(("Flatten", "Reshape"), _flatten),
    **dict.fromkeys(("Gemm", "MatMul"), _product),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), _elementwise),
    **dict.fromkeys(("AveragePool", "MaxPool"), _pool),
    **dict.fromkeys(("GlobalAveragePool", "ReduceMean"), _global_average),
    "BatchNormalization": _normalisation,
    "Conv": _convolution,
    "Relu": _rectifier,
}
