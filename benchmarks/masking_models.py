"""Small models for the masking panel: honest ones, trained in seconds, and ones with a planted defect.

Data come with scikit-learn or are drawn here; nothing is downloaded. Everything depends on the seed alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_digits, make_blobs
from torch import Tensor, nn

from touchstone.methods.attacks.gradient.balls import Ball

Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Case:
    """A model, samples to look at it with, and the ball."""

    name: str
    function: Function
    x: NDArray[np.float32]
    y: NDArray[np.int64]
    ball: Ball


@dataclass(frozen=True)
class Data:
    """Training and test samples."""

    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor


def _split(x: NDArray[Any], y: NDArray[Any], seed: int, test: int = 200) -> Data:
    order = np.random.default_rng(seed).permutation(len(x))
    tensors = torch.from_numpy(x[order].astype(np.float32)), torch.from_numpy(y[order].astype(np.int64))
    return Data(tensors[0][test:], tensors[1][test:], tensors[0][:test], tensors[1][:test])


@cache
def digits(seed: int, side: int = 8) -> Data:
    """Handwritten digits in [0, 1], enlarged to 16 x 16 on demand."""
    x, y = load_digits(return_X_y=True)
    pictures = (x / 16.0).reshape(-1, 1, 8, 8)
    if side == 16:
        pictures = pictures.repeat(2, axis=2).repeat(2, axis=3)
    return _split(pictures, y, seed)


@cache
def shapes(seed: int) -> Data:
    """Coloured bars, crosses, discs and frames, 3 x 16 x 16, in [0, 1]."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:16, :16]
    x, y = np.empty((1500, 3, 16, 16)), generator.integers(0, 5, 1500)
    for place, kind in enumerate(y):
        top, left = generator.uniform(5, 10, 2)
        size = generator.uniform(3, 5)
        far, wide = np.abs(rows - top), np.abs(columns - left)
        drawn = [
            (far < 1.5) & (wide < size),
            (wide < 1.5) & (far < size),
            ((far < 1) | (wide < 1)) & (np.maximum(far, wide) < size),
            np.hypot(far, wide) < size,
            np.abs(np.maximum(far, wide) - size) < 1,
        ][kind]
        ground, ink = generator.uniform(0, 0.4, 3), generator.uniform(0.6, 1, 3)
        x[place] = np.where(drawn, ink[:, None, None], ground[:, None, None])
    return _split((x + generator.normal(0, 0.03, x.shape)).clip(0, 1), y, seed)


@cache
def table(seed: int) -> Data:
    """Three clusters in ten columns, scaled to [0, 1]."""
    x, y = make_blobs(1200, 10, centers=3, cluster_std=3.0, random_state=seed)
    return _split((x - x.min(0)) / (x.max(0) - x.min(0)), y, seed)


@cache
def cells(seed: int) -> Data:
    """Breast cancer, two classes, scaled to [0, 1]."""
    x, y = load_breast_cancer(return_X_y=True)
    return _split((x - x.min(0)) / (x.max(0) - x.min(0)), y, seed, test=150)


@cache
def waves(seed: int) -> Data:
    """Two-channel series of 40 steps in four wave forms, in [-1, 1]."""
    generator = np.random.default_rng(seed)
    y, time = generator.integers(0, 4, 1200), np.arange(40)
    phase, speed = generator.uniform(0, 6.28, (1200, 1)), generator.uniform(0.2, 0.4, (1200, 1))
    angle = phase + speed * time
    forms = np.stack([np.sin(angle), np.sign(np.sin(angle)), np.sin(2.5 * angle), (angle / 3.1416) % 2 - 1])
    one = forms[y, np.arange(1200)]
    x = 0.7 * np.stack([one, np.roll(one, 5, axis=1)], axis=1) + generator.normal(0, 0.1, (1200, 2, 40))
    return _split(x.clip(-1, 1), y, seed)


def train(
    net: nn.Module, data: Data, seed: int, *, steps: int = 300, rate: float = 3e-3, against: Ball | None = None
) -> nn.Module:
    """Adam on cross-entropy; with `against`, on what five steps of projected gradient make of each batch."""
    dice = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(net.parameters(), rate)
    net.train()
    for _ in range(steps):
        rows = torch.randint(0, len(data.x), (96,), generator=dice)
        x, y = data.x[rows], data.y[rows]
        if against:
            x = _adversarial(net, x, y, against)
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimiser.step()
    return net.eval().requires_grad_(False)


def _adversarial(net: nn.Module, x: Tensor, y: Tensor, ball: Ball) -> Tensor:
    moved = x
    for _ in range(5):
        leaf = moved.clone().requires_grad_(True)
        (slope,) = torch.autograd.grad(nn.functional.cross_entropy(net(leaf), y), leaf)
        moved = ball.project(x, moved + 0.35 * ball.radius * ball.steepest(slope))
    return moved


def mlp(inputs: int, classes: int, hidden: int = 64, activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """Two hidden layers."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(inputs, hidden),
        activation(),
        nn.Linear(hidden, hidden),
        activation(),
        nn.Linear(hidden, classes),
    )


def conv(channels: int, side: int, classes: int, *, norm: bool = False, pool: bool = False) -> nn.Sequential:
    """Two convolutions and two linear layers."""
    quarter = side // 4
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3, stride=1 if pool else 2, padding=1),
        *([nn.BatchNorm2d(8)] if norm else []),
        nn.ReLU(),
        *([nn.MaxPool2d(2)] if pool else []),
        nn.Conv2d(8, 16, 3, stride=2, padding=1),
        *([nn.BatchNorm2d(16)] if norm else []),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * quarter * quarter, 48),
        nn.ReLU(),
        nn.Linear(48, classes),
    )


class Residual(nn.Module):
    """A block with a way around it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Body and the way around."""
        return torch.relu(x + self.body(x))


PICTURES = Ball("linf", 0.1, 0.0, 1.0)


@cache
def standard_conv(seed: int) -> nn.Module:
    """Conv net on 16 x 16 digits."""
    torch.manual_seed(seed)
    return train(conv(1, 16, 10), digits(seed, 16), seed)


@cache
def robust_conv(seed: int) -> nn.Module:
    """The same, adversarially trained."""
    torch.manual_seed(seed)
    return train(conv(1, 16, 10), digits(seed, 16), seed, steps=500, against=Ball("linf", 0.15, 0.0, 1.0))


@cache
def plain_mlp(seed: int) -> nn.Module:
    """MLP on 8 x 8 digits."""
    torch.manual_seed(seed)
    return train(mlp(64, 10), digits(seed), seed)


def _case(
    name: str, function: Function, data: Data, ball: Ball, scale: Callable[[Tensor], Tensor] | None = None
) -> Case:
    x = data.x_test if scale is None else scale(data.x_test)
    return Case(name, function, x.numpy(), data.y_test.numpy(), ball)


def honest(seed: int) -> Iterator[Case]:
    """Models whose gradient is what it seems."""
    d8, d16 = digits(seed), digits(seed, 16)
    torch.manual_seed(seed)
    yield _case("linear", train(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), d8, seed), d8, PICTURES)
    yield _case("mlp", plain_mlp(seed), d8, PICTURES)
    yield _case("mlp, large radius", plain_mlp(seed), d8, Ball("linf", 0.3, 0.0, 1.0))
    yield _case("mlp, small radius", plain_mlp(seed), d8, Ball("linf", 0.01, 0.0, 1.0))
    yield _case("mlp wide", train(mlp(64, 10, 512), d8, seed), d8, PICTURES)
    yield _case("mlp narrow", train(mlp(64, 10, 10), d8, seed, steps=800), d8, PICTURES)
    yield _case("mlp trained long", train(mlp(64, 10, 128), d8, seed, steps=3000), d8, PICTURES)
    yield _case("mlp smooth", train(mlp(64, 10, 64, nn.GELU), d8, seed), d8, PICTURES)
    yield _case("mlp tanh", train(mlp(64, 10, 64, nn.Tanh), d8, seed), d8, PICTURES)
    yield _case("mlp sigmoid", train(mlp(64, 10, 64, nn.Sigmoid), d8, seed, steps=800), d8, PICTURES)
    dropped = nn.Sequential(nn.Flatten(), nn.Linear(64, 96), nn.ReLU(), nn.Dropout(0.4), nn.Linear(96, 10))
    yield _case("dropout at rest", train(dropped, d8, seed), d8, PICTURES)
    yield _case("mlp adversarial", train(mlp(64, 10, 128), d8, seed, against=PICTURES), d8, PICTURES)
    yield _case("conv", standard_conv(seed), d16, PICTURES)
    yield _case("conv adversarial", robust_conv(seed), d16, PICTURES)
    yield _case("conv adversarial, larger radius", robust_conv(seed), d16, Ball("linf", 0.2, 0.0, 1.0))
    yield _case("conv adversarial, L2", robust_conv(seed), d16, Ball("l2", 1.0, 0.0, 1.0))
    yield _case("conv adversarial, L1", robust_conv(seed), d16, Ball("l1", 6.0, 0.0, 1.0))
    yield _case("conv, L2", standard_conv(seed), d16, Ball("l2", 0.8, 0.0, 1.0))
    yield _case("conv batch norm", train(conv(1, 16, 10, norm=True), d16, seed), d16, PICTURES)
    colours = shapes(seed)
    yield _case("colours max pool", train(conv(3, 16, 5, pool=True), colours, seed), colours, Ball("linf", 0.05, 0, 1))
    ways = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), Residual(8), Residual(8), nn.Flatten(), nn.Linear(512, 5)
    )
    yield _case("colours residual", train(ways, colours, seed), colours, Ball("linf", 0.05, 0, 1))
    robust = train(conv(3, 16, 5, norm=True), colours, seed, against=Ball("linf", 0.05, 0, 1))
    yield _case("colours adversarial", robust, colours, Ball("linf", 0.05, 0, 1))
    net = plain_mlp(seed)
    signed, bytes_ = Ball("linf", 0.2, -1.0, 1.0), Ball("linf", 25.0, 0.0, 255.0)
    yield _case("range -1 to 1", lambda x: net((x + 1) / 2), d8, signed, lambda x: 2 * x - 1)
    yield _case("range 0 to 255", lambda x: net(x / 255), d8, bytes_, lambda x: 255 * x)
    columns = table(seed)
    yield _case("table, three classes", train(mlp(10, 3, 32), columns, seed), columns, Ball("linf", 0.05, 0, 1))
    biopsy = cells(seed)
    two = nn.Sequential(nn.Linear(30, 2))
    yield _case("table, two classes, linear", train(two, biopsy, seed), biopsy, Ball("linf", 0.05, 0, 1))
    yield _case("table, two classes", train(mlp(30, 2, 32), biopsy, seed), biopsy, Ball("linf", 0.05, 0, 1))
    series = nn.Sequential(
        nn.Conv1d(2, 12, 5, stride=2), nn.ReLU(), nn.Conv1d(12, 16, 5, stride=2), nn.ReLU(), nn.Flatten(),
        nn.Linear(112, 4),
    )  # fmt: skip
    yield _case("series", train(series, waves(seed), seed), waves(seed), Ball("linf", 0.1, -1, 1))


# ---- defects


def quantised(levels: int) -> Function:
    """Inputs rounded to so many levels."""
    return lambda x: torch.round(x * (levels - 1)) / (levels - 1)


def sinus(frequency: float, amplitude: float) -> Function:
    """Ripples on the input: the function hardly changes, its gradient does."""
    return lambda x: x + amplitude * torch.sin(frequency * x)


def noisy(sigma: float) -> Function:
    """Fresh noise in every pass."""
    return lambda x: x + sigma * torch.randn_like(x)


def median(width: int) -> Function:
    """Median filter."""

    def smooth(x: Tensor) -> Tensor:
        padded = nn.functional.pad(x, [width // 2] * 4, mode="reflect")
        windows = padded.unfold(2, width, 1).unfold(3, width, 1).flatten(4)
        return windows.median(dim=-1).values

    return smooth


def _cosines() -> Tensor:
    place = torch.arange(8.0)
    matrix = torch.cos((2 * place[None] + 1) * place[:, None] * math.pi / 16) / 2
    matrix[0] /= 2**0.5
    return matrix


def block_rounded(step: float) -> Function:
    """Cosine coefficients of 8 x 8 blocks rounded, as JPEG does."""
    matrix = _cosines()

    def squeeze(x: Tensor) -> Tensor:
        n, channels, height, width = x.shape
        blocks = x.reshape(n, channels, height // 8, 8, width // 8, 8).transpose(3, 4)
        coarse = torch.round(matrix @ blocks @ matrix.T / step) * step
        return (matrix.T @ coarse @ matrix).transpose(3, 4).reshape(x.shape)

    return squeeze


def resized(smallest: int) -> Function:
    """Shrunk to a random size and padded at a random place, anew in every pass."""

    def resize(x: Tensor) -> Tensor:
        side = x.shape[-1]
        size = int(torch.randint(smallest, side + 1, ()))
        top, left = (int(torch.randint(0, side - size + 1, ())) for _ in range(2))
        small = nn.functional.interpolate(x, size=(size, size), mode="bilinear", align_corners=False)
        return nn.functional.pad(small, [left, side - size - left, top, side - size - top])

    return resize


def thermometer(levels: int) -> Function:
    """One plane per level, 1 where the input exceeds it."""
    steps = torch.arange(levels).reshape(1, levels, 1, 1) / levels
    return lambda x: (x > steps).float()


class Rounded(nn.Module):
    """An activation rounded to steps, without a gradient of its own."""

    def __init__(self, step: float) -> None:
        super().__init__()
        self.step = step

    def forward(self, x: Tensor) -> Tensor:
        """Rectify and round."""
        return torch.round(torch.relu(x) / self.step) * self.step


def with_activation(net: nn.Module, activation: nn.Module) -> nn.Module:
    """The first rectifier replaced."""
    assert isinstance(net, nn.Sequential)
    first = next(place for place, layer in enumerate(net) if isinstance(layer, nn.ReLU))
    return nn.Sequential(*[activation if place == first else layer for place, layer in enumerate(net)]).eval()


def before(front: Function, net: nn.Module) -> Function:
    """`net` behind a front-end."""
    return lambda x: net(front(x))


CONSTANTS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "input quantised": ((4, 8, 16, 32), (5, 10, 12, 24)),
    "scores multiplied": ((100, 1e3, 1e5), (300, 1e4, 1e6)),
    "sinus front-end": ((40, 60, 150, 400), (50, 90, 200, 600)),
    "input noise": ((0.02, 0.1, 0.3), (0.05, 0.2)),
    "median filter": ((3,), (5,)),
    "probabilities": ((1,), (1.5,)),
    "saturated scores": ((20, 100), (50, 1000)),
    "saturated activations": ((100,), (1000,)),
    "thermometer": ((8, 16), (10, 24)),
    "rounded activations": ((0.25, 1.0), (0.5, 2.0)),
    "input detached": ((1,), (1,)),
    "most of the gradient detached": ((0.02, 0.1), (0.05, 0.2)),
    "block rounding": ((0.1, 0.4), (0.2, 0.8)),
    "random resizing": ((12,), (14,)),
    "training mode, batch norm": ((1,), (1,)),
    "training mode, dropout": ((0.1, 0.5), (0.2,)),
}
"""Constants of each defect: with the first ones the thresholds are set, with the second ones they are tested."""


def planted(seed: int, half: int) -> Iterator[Case]:
    """Each defect with its constants, on a standard and on an adversarially trained net."""
    for defect, halves in CONSTANTS.items():
        for constant in halves[half]:
            for kind, function, data in _with(defect, constant, seed):
                yield _case(f"{defect} {constant:g}, {kind}", function, data, PICTURES)


def _with(defect: str, constant: float, seed: int) -> Iterator[tuple[str, Function, Data]]:
    data = digits(seed, 16)
    if defect == "thermometer":
        torch.manual_seed(seed)
        net = train(conv(int(constant), 16, 10), _encoded(data, thermometer(int(constant))), seed)
        yield "conv", before(thermometer(int(constant)), net), data
        return
    if defect.startswith("training mode"):
        torch.manual_seed(seed)
        if defect.endswith("batch norm"):
            yield "conv", train(conv(1, 16, 10, norm=True), data, seed).train(), data
            return
        net = nn.Sequential(nn.Flatten(), nn.Linear(256, 96), nn.ReLU(), nn.Dropout(constant), nn.Linear(96, 10))
        yield "mlp", train(net, data, seed).train(), data
        return
    for kind, net in (("conv", standard_conv(seed)), ("conv adversarial", robust_conv(seed))):
        yield kind, _planted_in(net, defect, constant), data


def _encoded(data: Data, code: Function) -> Data:
    return Data(code(data.x), data.y, code(data.x_test), data.y_test)


def _planted_in(net: nn.Module, defect: str, constant: float) -> Function:
    fronts: dict[str, Callable[[], Function]] = {
        "input quantised": lambda: quantised(int(constant)),
        "sinus front-end": lambda: sinus(constant, 0.05),
        "input noise": lambda: noisy(constant),
        "median filter": lambda: median(int(constant)),
        "block rounding": lambda: block_rounded(constant),
        "random resizing": lambda: resized(int(constant)),
        "input detached": lambda: Tensor.detach,
    }
    if defect in fronts:
        return before(fronts[defect](), net)
    if defect == "rounded activations":
        return with_activation(net, Rounded(constant))
    if defect == "saturated activations":
        return with_activation(net, nn.Sequential(_Scaled(constant), nn.Hardsigmoid()))
    whole: dict[str, Function] = {
        "scores multiplied": lambda x: net(x) * constant,
        "probabilities": lambda x: torch.softmax(net(x) * constant, dim=1),
        "saturated scores": lambda x: torch.tanh(constant * net(x)),
        "most of the gradient detached": lambda x: net(x.detach()) + constant * (x - x.detach()).flatten(1)[:, :10],
    }
    return whole[defect]


class _Scaled(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Multiply."""
        return self.factor * x
