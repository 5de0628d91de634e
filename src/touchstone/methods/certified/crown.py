"""CROWN: a lower bound of every margin over a whole ball, by linear bounds carried back through the network.

Zhang, Weng, Chen, Hsieh and Daniel 2018, "Efficient neural network robustness certification with general activation
functions" (NeurIPS), with the lower slope of each unstable rectifier that leaves the smaller area. Bounds of every
rectifier's input are found the same way, from the front to the back, for the elements that interval arithmetic leaves
undecided, and are never looser than it. Maximum pooling bends, too (:mod:`~touchstone.methods.certified.bends`). All
other layers are affine; what carries a linear bound back through one is its own derivative, so that every affine layer
is treated alike, with batch normalisation at rest among them.

The proof is about real numbers: bounds are computed in double precision, and a margin must exceed :data:`SLACK` of the
largest score to allow for the float32 rounding of the network as it is deployed.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from touchstone.methods.attacks.gradient.balls import Ball
from touchstone.methods.certified.bends import Bend, Pool, Rectifier
from touchstone.methods.certified.concretise import Region

SLACK: Final = 1e-5
MOST_ACTIVATIONS: Final = 50_000
"""Rectified elements per sample up to which a network is taken on."""
_AT_ONCE: Final = 4_000_000
"""Elements of the linear bounds that are held at one time."""
_AFFINE: Final = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.AvgPool1d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.Flatten,
    nn.Identity,
    nn.Dropout,
)


class UnsupportedNetworkError(ValueError):
    """The network holds something that cannot be bounded here; the message names it."""


class Standardise(nn.Module):
    """`(x - mean) / scale`, to go in front of a network that expects it."""

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)

    def forward(self, x: Tensor) -> Tensor:
        """Element by element."""
        return (x - self.mean) / self.scale


@dataclass(frozen=True, slots=True)
class Margins:
    """What was proven about each sample."""

    lower: Tensor
    """Lower bound, over the ball, of the own class's lead over each class; infinite for the own. Shape `(n, K)`."""
    certified: Tensor
    """Whether no point of the ball is answered otherwise; shape `(n,)`."""


def bound_margins(network: nn.Sequential, x: Tensor, y: Tensor, ball: Ball) -> Margins:
    """Bounds for the samples `x` of classes `y`.

    The network consists of `Linear`, `Conv`, pooling, batch normalisation, `Flatten`, :class:`Standardise` and `ReLU`,
    in evaluation mode; it is not changed. Raises `UnsupportedNetworkError` otherwise, also when a sample has more than
    :data:`MOST_ACTIVATIONS` elements in front of rectifiers and maximum pooling.
    """
    network_parts = _parts(network)
    lower, certified = [], []
    with torch.no_grad():
        rows = _samples_at_once(network_parts, x)
        for first in range(0, len(x), rows):
            bounds = _Bounds(network_parts, x[first : first + rows], ball)
            lead = bounds.of_margins(y[first : first + rows])
            lower.append(lead)
            certified.append(lead.amin(dim=1) > SLACK * bounds.largest_score())
    if not lower:
        return Margins(x.new_zeros(0, 0, dtype=torch.float64), x.new_zeros(0, dtype=torch.bool))
    return Margins(torch.cat(lower), torch.cat(certified))


def most_operations(network: nn.Sequential, shape: tuple[int, ...]) -> int:
    """Multiplications that the bounds of one sample of that shape take at most: as if every sign were open.

    Raises `UnsupportedNetworkError` like :func:`bound_margins`.
    """
    parts = _parts(network)
    with torch.no_grad():
        z = torch.zeros((1, *shape), dtype=torch.float64)
        total, before, elements = 0, 0, 0
        for block, bend in zip(parts.blocks, (*parts.bends, None), strict=True):
            for layer in block.layers:
                z = layer(z)
                before += _multiplications(layer, z)
            wanted = 2 * z.numel() if bend is not None and block.layers else z.numel()
            total += wanted * before
            if bend is not None:
                elements += z.numel()
                z = bend(z)
    _require_small(elements)
    return total


def interval_margins(network: nn.Sequential, x: Tensor, y: Tensor, ball: Ball) -> Tensor:
    """The same bounds by interval arithmetic, which is cheaper and looser; shape `(n, K)`."""
    parts = _parts(network)
    with torch.no_grad():
        low, high = Region.around(x.double(), ball).box()
        for block, bend in zip(parts.blocks, parts.bends, strict=False):
            low, high = (bend(bound) for bound in block.interval(low, high))
        scores_low, scores_high = parts.blocks[-1].interval(low, high)
        return _own_out(scores_low.gather(1, y[:, None]) - scores_high, y)


# ---- the network, as affine blocks with bends between


@dataclass(frozen=True, slots=True)
class _Affine:
    """Layers without a bend: `W z + b`."""

    layers: tuple[nn.Module, ...]

    def __call__(self, z: Tensor) -> Tensor:
        for layer in self.layers:
            z = layer(z)
        return z

    def interval(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """Bounds of the output, layer by layer, from bounds of each input element."""
        for layer in self.layers:
            low, high = _layer_interval(layer, low, high)
        return low, high

    def back(self, slopes: Tensor, shape: torch.Size) -> tuple[Tensor, Tensor]:
        """Coefficients `(m, *out)` of the output as coefficients `(m, *shape)` of the input, and a constant `(m,)`."""
        with torch.enable_grad():
            point = torch.zeros((1, *shape), dtype=slopes.dtype, device=slopes.device, requires_grad=True)
            output = self(point)
            wanted = slopes.reshape(len(slopes), *output.shape)
            (carried,) = torch.autograd.grad(output, point, wanted, is_grads_batched=True)
        return carried[:, 0], (output.detach() * wanted).flatten(1).sum(dim=1)


def _layer_interval(layer: nn.Module, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Middle and half width: the half width goes through the absolute values of the weights."""
    middle, half = (low + high) / 2, (high - low) / 2
    centre = layer(middle)
    spread = _absolute(layer)(half)
    return centre - spread, centre + spread


def _absolute(layer: nn.Module) -> nn.Module:
    """The layer with absolute weights and without a constant."""
    if isinstance(layer, nn.Flatten | nn.Identity | nn.Dropout | nn.AvgPool1d | nn.AvgPool2d | nn.AdaptiveAvgPool2d):
        return layer
    copied = _copy(layer)
    if isinstance(copied, nn.BatchNorm1d | nn.BatchNorm2d) and copied.running_mean is not None:
        copied.running_mean.zero_()
    if isinstance(copied, Standardise):
        copied.mean.zero_()
        copied.scale.abs_()
        return copied
    for name, parameter in copied.named_parameters():
        parameter.zero_() if name == "bias" else parameter.abs_()
    return copied


def _copy(layer: nn.Module) -> nn.Module:
    return copy.deepcopy(layer).double().eval().requires_grad_(False)


def _flat(network: nn.Module) -> Iterator[nn.Module]:
    for layer in network.children():
        if isinstance(layer, nn.Sequential):
            yield from _flat(layer)
        else:
            yield layer


@dataclass(frozen=True, slots=True)
class _Parts:
    """One block more than bends: a block comes first and last, and may be empty."""

    blocks: tuple[_Affine, ...]
    bends: tuple[nn.Module, ...]


def _parts(network: nn.Sequential) -> _Parts:
    """Copies in double precision, cut at the bends."""
    blocks: list[list[nn.Module]] = [[]]
    bends: list[nn.Module] = []
    for place, layer in enumerate(_flat(network)):
        if type(layer) is nn.ReLU or (type(layer) is nn.MaxPool2d and layer.dilation == 1 and not layer.ceil_mode):
            bends.append(nn.ReLU() if isinstance(layer, nn.ReLU) else layer)
            blocks.append([])
        elif type(layer) in (*_AFFINE, Standardise):
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) and (layer.training or layer.running_mean is None):
                raise UnsupportedNetworkError(f"layer {place + 1}: batch normalisation in training mode")
            blocks[-1].append(_copy(layer))
        else:
            raise UnsupportedNetworkError(f"layer {place + 1}: {type(layer).__name__}")
    return _Parts(tuple(_Affine(tuple(block)) for block in blocks), tuple(bends))


def _samples_at_once(parts: _Parts, x: Tensor) -> int:
    """As many samples as fit; refuses networks that are too large."""
    if not len(x):
        return 1
    z, total, widest = x[:1].double(), 0, x[0].numel()
    for block, bend in zip(parts.blocks, parts.bends, strict=False):
        z = block(z)
        total += z.numel()
        widest = max(widest, z.numel())
        z = bend(z)
    _require_small(total)
    return max(1, _AT_ONCE // (widest * parts.blocks[-1](z).numel()))


def _require_small(elements: int) -> None:
    if elements > MOST_ACTIVATIONS:
        raise UnsupportedNetworkError(f"{elements} elements before bends, at most {MOST_ACTIVATIONS} are taken on")


def _multiplications(layer: nn.Module, output: Tensor) -> int:
    """Of one pass through an affine layer: each element of a weight once per place of its window."""
    if isinstance(layer, nn.Linear):
        return layer.weight.numel()
    if isinstance(layer, nn.Conv1d | nn.Conv2d):
        return layer.weight[0].numel() * output.numel()
    return output.numel()


# ---- bounds


class _Bounds:
    """Bounds of everything inside the network for a few samples."""

    def __init__(self, parts: _Parts, x: Tensor, ball: Ball) -> None:
        self.blocks = parts.blocks
        self.region = Region.around(x.double(), ball)
        self.shapes = [x.shape[1:]]
        """Shape of each block's input."""
        self.bends: list[Bend] = []
        low, high = self.region.box()
        for depth, bend in enumerate(parts.bends):
            low, high = self.blocks[depth].interval(low, high)
            pool = bend if isinstance(bend, nn.MaxPool2d) else None
            if self.blocks[depth].layers:  # else the bounds are those of the bend before, and as tight
                low, high = self._tightened(depth, low, high, every=pool is not None)
            self.bends.append(Pool.between(pool, low, high) if pool else Rectifier.between(low, high))
            low, high = bend(low), bend(high)
            self.shapes.append(low.shape[1:])
        self.scores_low, self.scores_high = self.blocks[-1].interval(low, high)

    def of_margins(self, y: Tensor) -> Tensor:
        """Lower bounds of the own class's lead over every other, `(n, K)`."""
        n, classes = self.scores_low.shape
        wanted = -torch.eye(classes, dtype=torch.float64, device=y.device).expand(n, -1, -1).clone()
        wanted += nn.functional.one_hot(y, classes)[:, None, :]
        bound = self._lower(len(self.blocks) - 1, wanted)
        by_interval = self.scores_low.gather(1, y[:, None]) - self.scores_high
        return _own_out(torch.maximum(bound, by_interval), y)

    def largest_score(self) -> Tensor:
        """Largest size that a score can have, per sample; the scale of rounding."""
        return torch.maximum(self.scores_low.abs(), self.scores_high.abs()).amax(dim=1)

    def _tightened(self, depth: int, low: Tensor, high: Tensor, *, every: bool) -> tuple[Tensor, Tensor]:
        """Interval bounds of block `depth`, joined by linear ones where a sign is open in any sample, or `every`."""
        flat_low, flat_high = low.flatten(1).clone(), high.flatten(1).clone()
        open_elements = (((flat_low < 0) & (flat_high > 0)).any(dim=0) | every).nonzero()[:, 0]
        widest = max(*(shape.numel() for shape in self.shapes), flat_low.shape[1])
        rows = max(1, _AT_ONCE // (2 * len(low) * widest))
        for first in range(0, len(open_elements), rows):
            some = open_elements[first : first + rows]
            chosen = torch.zeros(len(some), flat_low.shape[1], dtype=low.dtype, device=low.device)
            chosen[torch.arange(len(some)), some] = 1.0
            both = torch.cat([chosen, -chosen]).expand(len(low), -1, -1)
            bound_low, bound_high = self._lower(depth, both).chunk(2, dim=1)
            flat_low[:, some] = torch.maximum(flat_low[:, some], bound_low)
            flat_high[:, some] = torch.minimum(flat_high[:, some], -bound_high)
        return flat_low.reshape(low.shape), flat_high.reshape(high.shape)

    def _lower(self, depth: int, slopes: Tensor) -> Tensor:
        """Lower bounds `(n, S)` of linear functions `(n, S, out)` of block `depth`'s output."""
        n, wanted = slopes.shape[:2]
        constant = torch.zeros(n, wanted, dtype=slopes.dtype, device=slopes.device)
        for level in range(depth, -1, -1):
            carried, added = self.blocks[level].back(slopes.flatten(0, 1), self.shapes[level])
            slopes = carried.reshape(n, wanted, -1)
            constant = constant + added.reshape(n, wanted)
            if level == 0:
                break
            slopes, added = self.bends[level - 1].back(slopes)
            constant = constant + added
        return constant + self.region.minimum(slopes)


def _own_out(lead: Tensor, y: Tensor) -> Tensor:
    return lead.scatter(1, y[:, None], torch.inf)
