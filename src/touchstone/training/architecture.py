"""Networks as data: the layers a description can declare, and residual blocks of them; never code, never a pickle."""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from touchstone.system.description import Layer
from touchstone.system.models.torch import layer_module


class Residual(BaseModel):
    """Layers whose result is added to what went in, or to what `shortcut` makes of it, rectified; He et al. 2016."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["residual"] = "residual"
    layers: tuple[Layer, ...]
    shortcut: tuple[Layer, ...] = ()


Architecture = tuple[Layer | Residual, ...]
"""The parts of a network in their order."""


class ResidualBlock(nn.Module):
    """A :class:`Residual` that runs."""

    def __init__(self, layers: nn.Sequential, shortcut: nn.Sequential) -> None:
        super().__init__()
        self.layers, self.shortcut = layers, shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Features in, features out."""
        return torch.relu(self.layers(x) + self.shortcut(x))


def initialised(architecture: Architecture, generator: torch.Generator, biases: frozenset[str] | None = None) -> Any:
    """The network of :func:`built`, ready to learn.

    Weights are drawn from `generator` after He et al. 2015, biases are zero.
    """
    network = built(architecture, biases)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network


def built(architecture: Architecture, biases: frozenset[str] | None = None) -> Any:
    """The network as a `torch.nn.Sequential` with one module for each part; its weights mean nothing yet.

    Convolutions and linear layers have a bias when PyTorch's name for them is in `biases`; by default all but those
    right before a batch normalisation, which has one itself.
    """
    return nn.Sequential(*_modules(architecture, "", biases))


def _modules(parts: Architecture, prefix: str, biases: frozenset[str] | None) -> list[nn.Module]:
    modules: list[nn.Module] = []
    for place, part in enumerate(parts):
        name = f"{prefix}{place}"
        if isinstance(part, Residual):
            inner = _modules(part.layers, f"{name}.layers.", biases)
            aside = _modules(part.shortcut, f"{name}.shortcut.", biases)
            modules.append(ResidualBlock(nn.Sequential(*inner), nn.Sequential(*aside)))
        else:
            normalised = place + 1 < len(parts) and parts[place + 1].kind == "batchnorm2d"
            biased = not normalised if biases is None else name in biases
            modules.append(layer_module(nn, part, biased, f"layer {name} ({part.kind})"))
    return modules


def _conv(inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, normalised: bool = True) -> tuple[Layer, ...]:
    """A convolution that keeps the size (divided by the stride), and its normalisation."""
    padding = (kernel - 1) // 2
    conv = Layer(kind="conv2d", inputs=inputs, outputs=outputs, kernel=kernel, stride=stride, padding=padding)
    return (conv, Layer(kind="batchnorm2d", inputs=outputs)) if normalised else (conv,)


_RELU = Layer(kind="relu")
_HALVE = Layer(kind="maxpool2d", kernel=2, stride=2)
_FLATTEN = Layer(kind="flatten")
_AVERAGE = Layer(kind="globalavgpool")


def plain(channels: int, side: int, classes: int) -> Architecture:
    """Three convolutions without normalisation and a hidden layer."""
    return (
        *_conv(channels, 16, kernel=4, stride=2, normalised=False),
        _RELU,
        *_conv(16, 32, normalised=False),
        _RELU,
        _HALVE,
        *_conv(32, 64, normalised=False),
        _RELU,
        _HALVE,
        _FLATTEN,
        Layer(kind="linear", inputs=64 * (side // 8) ** 2, outputs=64),
        _RELU,
        Layer(kind="linear", inputs=64, outputs=classes),
    )


def vgg(channels: int, side: int, classes: int) -> Architecture:
    """Normalised convolutions in pairs, after Simonyan and Zisserman 2015, averaged at the end."""
    return (
        *_conv(channels, 16, kernel=4, stride=2),
        _RELU,
        *_conv(16, 24),
        _RELU,
        _HALVE,
        *_conv(24, 48),
        _RELU,
        *_conv(48, 48),
        _RELU,
        _HALVE,
        *_conv(48, 64),
        _RELU,
        _AVERAGE,
        _FLATTEN,
        Layer(kind="linear", inputs=64, outputs=classes),
    )


def resnet(channels: int, side: int, classes: int) -> Architecture:
    """Three residual blocks, after He et al. 2016."""
    return (
        *_conv(channels, 16, kernel=4, stride=2),
        _RELU,
        _block(16, 16),
        _block(16, 32, stride=2),
        _block(32, 64, stride=2),
        _AVERAGE,
        _FLATTEN,
        Layer(kind="linear", inputs=64, outputs=classes),
    )


def _block(inputs: int, outputs: int, stride: int = 1) -> Residual:
    shortcut = () if stride == 1 else _conv(inputs, outputs, kernel=1, stride=stride)
    layers = (*_conv(inputs, outputs, stride=stride), _RELU, *_conv(outputs, outputs))
    return Residual(layers=layers, shortcut=shortcut)


FAMILIES = {"plain": plain, "vgg": vgg, "resnet": resnet}
"""Architectures for square pictures, by name: channels, side and classes to layers."""
