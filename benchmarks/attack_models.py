"""Models and points that the attack benchmarks share: trained in seconds on data that packages ship or that is drawn.

Digits and breast cancer come from scikit-learn. Signs are drawn: every class has a glyph and colours of its own, shown
at varying place, size, light and noise on a varying ground, for any number of classes. Weights are kept in the
temporary directory, so that only the first run trains; `TOUCHSTONE_BENCHMARK_CACHE` names another.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.preprocessing import minmax_scale
from torch import Tensor, nn

CACHE = Path(os.environ.get("TOUCHSTONE_BENCHMARK_CACHE", Path(tempfile.gettempdir()) / "touchstone-benchmarks"))
Norm = Literal["linf", "l2"]


@dataclass(frozen=True)
class Data:
    """Training set and points to attack."""

    x: Tensor
    y: Tensor
    points: Tensor
    classes: Tensor


@dataclass(frozen=True)
class Case:
    """One cell of a benchmark: a model, points, what may be done to them, and whether it was trained against that."""

    name: str
    net: nn.Module
    x: Tensor
    y: Tensor
    norm: Norm
    radius: float
    robust: bool


def digits(side: int = 8) -> Data:
    """Pictures of ten digits in [0, 1], enlarged to `side`."""
    data = load_digits()
    x = torch.from_numpy((data.images / 16).astype(np.float32))[:, None]
    if side != 8:
        x = nn.functional.interpolate(x, size=(side, side), mode="bilinear", align_corners=False)
    y = torch.from_numpy(data.target.astype(np.int64))
    return Data(x[:1200], y[:1200], x[1200:], y[1200:])


def cancer() -> Data:
    """30 measurements of two classes, scaled to [0, 1], as pictures of one row."""
    data = load_breast_cancer()
    x = torch.from_numpy(minmax_scale(data.data).astype(np.float32)).reshape(-1, 1, 5, 6)
    y = torch.from_numpy(data.target.astype(np.int64))
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    x, y = x[order], y[order]
    return Data(x[:300], y[:300], x[300:], y[300:])


def signs(classes: int, samples: int, side: int = 32, seed: int = 0) -> Data:
    """Drawn signs in three colours."""
    generator = np.random.default_rng(seed)
    glyphs = np.kron(generator.random((classes, 6, 6)) < 0.5, np.ones((4, 4))).astype(np.float32)
    colours = generator.uniform(0.0, 0.3, (classes, 2, 3)).astype(np.float32)
    colours[:, 1] += 0.7
    y = np.arange(samples + 600) % classes
    x = np.empty((len(y), 3, side, side), dtype=np.float32)
    for picture, label in zip(x, y, strict=True):
        picture[:] = generator.uniform(0, 1, (3, 1, 1))
        top, left = (side - 24) // 2 + generator.integers(-2, 3, 2)
        picture[:, top : top + 24, left : left + 24] = np.where(glyphs[label], *colours[label][..., None, None])
    x *= generator.uniform(0.7, 1.1, (len(y), 1, 1, 1)).astype(np.float32)
    x += generator.normal(0, 0.05, x.shape).astype(np.float32)
    pictures, labels = torch.from_numpy(x.clip(0, 1)), torch.from_numpy(y)
    order = torch.from_numpy(generator.permutation(len(y)))
    pictures, labels = pictures[order], labels[order]
    return Data(pictures[:samples], labels[:samples], pictures[samples:], labels[samples:])


def convolutional(data: Data, width: int, classes: int = 10, layers: int = 2) -> nn.Sequential:
    """Strided convolutions of growing width, then two dense layers."""
    channels, side = data.x.shape[1], data.x.shape[2]
    parts: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
    for _ in range(layers - 1):
        parts += [nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), nn.ReLU()]
        width, side = 2 * width, -(-side // 2)
    hidden = [nn.Flatten(), nn.Linear(width * side * side, 64), nn.ReLU(), nn.Linear(64, classes)]
    return nn.Sequential(*parts, *hidden)


def dense(data: Data, classes: int = 10, width: int = 64) -> nn.Sequential:
    """Two hidden layers."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(data.x[0].numel(), width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
        nn.Linear(width, classes),
    )  # fmt: skip


class _Residual(nn.Module):
    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(channels, out, 3, stride=2, padding=1), nn.BatchNorm2d(out)
        self.second, self.short = nn.Conv2d(out, out, 3, padding=1), nn.Conv2d(channels, out, 1, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Two convolutions around a shortcut."""
        return torch.relu(self.second(torch.relu(self.norm(self.first(x)))) + self.short(x))


def residual(data: Data, width: int, classes: int) -> nn.Sequential:
    """Three residual blocks with batch normalisation."""
    blocks = [_Residual(data.x.shape[1], width), _Residual(width, 2 * width), _Residual(2 * width, 4 * width)]
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16 * width, classes))


def train(net: nn.Module, data: Data, norm: Norm, epsilon: float, epochs: int) -> nn.Module:
    """Train, against seven steps of PGD when `epsilon` is not zero, or take the weights of an earlier run."""
    kept = CACHE / f"{_fingerprint(net, data, norm, epsilon, epochs)}.pt"
    if kept.exists():
        net.load_state_dict(torch.load(kept, weights_only=True))
        return net.eval()
    optimiser = torch.optim.Adam(net.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    generator = torch.Generator().manual_seed(0)
    for _ in range(epochs):
        for rows in torch.randperm(len(data.x), generator=generator).split(128):
            x, y = data.x[rows], data.y[rows]
            moved = _moved(net, x, y, norm, epsilon) if epsilon else x
            optimiser.zero_grad()
            nn.functional.cross_entropy(net(moved), y).backward()
            optimiser.step()
        schedule.step()
    CACHE.mkdir(parents=True, exist_ok=True)
    torch.save(net.state_dict(), kept)
    return net.eval()


def _moved(net: nn.Module, x: Tensor, y: Tensor, norm: Norm, epsilon: float) -> Tensor:
    moved = x
    for _ in range(7):
        leaf = moved.clone().requires_grad_(True)
        (slope,) = torch.autograd.grad(nn.functional.cross_entropy(net(leaf), y), leaf)
        if norm == "linf":
            moved = (moved + epsilon / 3 * slope.sign()).clamp(x - epsilon, x + epsilon).clamp(0, 1)
            continue
        size = slope.flatten(1).norm(dim=1).clamp_min(1e-12).reshape(-1, 1, 1, 1)
        delta = moved + epsilon / 3 * slope / size - x
        size = delta.flatten(1).norm(dim=1).clamp_min(1e-12).reshape(-1, 1, 1, 1)
        moved = (x + delta * (epsilon / size).clamp(max=1)).clamp(0, 1)
    return moved


def _fingerprint(net: nn.Module, data: Data, *training: object) -> str:
    """What the weights follow from: the fresh network, the data and how it is trained."""
    digest = hashlib.sha256(repr((str(net), *training, torch.__version__)).encode())
    for tensor in (*net.state_dict().values(), data.x, data.y):
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()[:24]


@dataclass(frozen=True)
class _Recipe:
    name: str
    data: Callable[[], Data]
    net: Callable[[Data], nn.Module]
    norm: Norm
    radius: float
    against: float
    epochs: int


def _signs() -> Data:
    return signs(12, 1200)


_RECIPES = (
    _Recipe("digits, convolutional", digits, lambda d: convolutional(d, 12), "linf", 0.3, 0.0, 40),
    _Recipe("digits, dense", digits, dense, "linf", 0.3, 0.0, 40),
    _Recipe("digits 16 px, residual", lambda: digits(16), lambda d: residual(d, 12, 10), "linf", 0.2, 0.0, 15),
    _Recipe("signs, convolutional", _signs, lambda d: convolutional(d, 16, 12, 3), "linf", 0.2, 0.0, 8),
    _Recipe("digits, convolutional, L2", digits, lambda d: convolutional(d, 12), "l2", 2.5, 0.0, 40),
    _Recipe("digits, convolutional", digits, lambda d: convolutional(d, 12), "linf", 0.1, 0.1, 40),
    _Recipe("digits, dense", digits, dense, "linf", 0.1, 0.1, 40),
    _Recipe("digits, convolutional, larger radius", digits, lambda d: convolutional(d, 12), "linf", 0.2, 0.2, 40),
    _Recipe("cancer, dense, two classes", cancer, lambda d: dense(d, 2), "linf", 0.05, 0.05, 40),
    _Recipe("digits 16 px, convolutional", lambda: digits(16), lambda d: convolutional(d, 12), "linf", 0.15, 0.15, 20),
    _Recipe("signs, convolutional", _signs, lambda d: convolutional(d, 16, 12, 3), "linf", 0.1, 0.1, 8),
    _Recipe("digits, convolutional, L2", digits, lambda d: convolutional(d, 12), "l2", 0.8, 0.8, 40),
    _Recipe("signs, convolutional, L2", _signs, lambda d: convolutional(d, 16, 12, 3), "l2", 1.5, 1.5, 8),
)  # fmt: skip


def pinned(robust_points: int, plain_points: int, wanted: Sequence[str] = ()) -> Iterator[Case]:
    """Every case (only those that have a part of their name `wanted`) with its first points, trained or kept."""
    for recipe in _RECIPES:
        robust = recipe.against > 0
        name = f"{recipe.name}, {'adversarially trained' if robust else 'plain'}"
        if wanted and not any(part in name for part in wanted):
            continue
        data = recipe.data()
        torch.manual_seed(1)
        net = train(recipe.net(data), data, recipe.norm, recipe.against, recipe.epochs)
        points = robust_points if robust else plain_points
        yield Case(name, net, data.points[:points], data.classes[:points], recipe.norm, recipe.radius, robust)


def standing(case: Case, found: Any) -> int:
    """How many points are right to begin with, and not broken by a found point inside the ball: a neutral score."""
    delta = (found.double() - case.x.double()).flatten(1)
    size = delta.abs().amax(dim=1) if case.norm == "linf" else delta.norm(dim=1)
    inside = (size <= case.radius + 1e-5) & (found.flatten(1).amin(dim=1) >= 0) & (found.flatten(1).amax(dim=1) <= 1)
    with torch.no_grad():
        right = case.net(case.x).argmax(dim=1) == case.y
        return int((right & ~(inside & (case.net(found).argmax(dim=1) != case.y))).sum())
