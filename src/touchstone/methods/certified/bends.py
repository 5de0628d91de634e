"""Linear bounds of what is not linear in a network: rectifiers and maximum pooling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn


class Bend(Protocol):
    """Linear bounds of one layer over the bounds of its input."""

    def back(self, slopes: Tensor) -> tuple[Tensor, Tensor]:
        """Coefficients `(n, S, out)` of the output as coefficients `(n, S, in)` of the input and a constant `(n, S)`.

        The new function is never above the old one.
        """
        ...


@dataclass(frozen=True, slots=True)
class Rectifier:
    """`lower_slope * z <= relu(z) <= upper_slope * z + upper_constant`, with whichever lower slope leaves less area."""

    lower_slope: Tensor
    upper_slope: Tensor
    upper_constant: Tensor

    @classmethod
    def between(cls, low: Tensor, high: Tensor) -> Rectifier:
        """For inputs within bounds `(n, *shape)`."""
        low, high = low.flatten(1), high.flatten(1)
        dead, live = high <= 0, low >= 0
        slope = high / (high - low).clamp_min(torch.finfo(low.dtype).tiny)
        slope = torch.where(live, 1.0, torch.where(dead, 0.0, slope))
        constant = torch.where(live | dead, 0.0, -slope * low)
        lower = torch.where(live, 1.0, torch.where(dead, 0.0, (high > -low).to(low.dtype)))
        return cls(lower[:, None], slope[:, None], constant[:, None])

    def back(self, slopes: Tensor) -> tuple[Tensor, Tensor]:
        """Positive coefficients take the lower bound, negative ones the upper."""
        up, down = slopes.clamp_min(0), slopes.clamp_max(0)
        return up * self.lower_slope + down * self.upper_slope, (down * self.upper_constant).sum(dim=2)


@dataclass(frozen=True, slots=True)
class Pool:
    """The maximum of each window is at least its element with the largest lower bound, and is that element where no
    other can exceed it; otherwise it is at most the largest upper bound."""

    best: Tensor
    """Place of that element in the flat input, `(n, out)`."""
    settled: Tensor
    """Whether it is the maximum for certain."""
    ceiling: Tensor
    inputs: int

    @classmethod
    def between(cls, layer: nn.MaxPool2d, low: Tensor, high: Tensor) -> Pool:
        """For inputs within bounds `(n, C, H, W)`."""
        numbers = torch.arange(low[0].numel(), dtype=low.dtype, device=low.device).reshape(1, *low.shape[1:])
        places = _windows(layer, numbers).long().expand(len(low), -1, -1)
        lows, highs = _windows(layer, low), _windows(layer, high)
        best = lows.argmax(dim=2, keepdim=True)
        others = highs.scatter(2, best, -torch.inf).amax(dim=2)
        settled = lows.gather(2, best)[:, :, 0] >= others
        return cls(places.gather(2, best)[:, :, 0], settled[:, None], highs.amax(dim=2)[:, None], low[0].numel())

    def back(self, slopes: Tensor) -> tuple[Tensor, Tensor]:
        """Positive coefficients take the lower bound, negative ones the upper."""
        linear = torch.where(self.settled, slopes, slopes.clamp_min(0))
        carried = slopes.new_zeros(*slopes.shape[:2], self.inputs)
        carried.scatter_add_(2, self.best[:, None].expand_as(slopes), linear)
        return carried, ((slopes - linear) * self.ceiling).sum(dim=2)


def _windows(layer: nn.MaxPool2d, z: Tensor) -> Tensor:
    """The elements of each window, `(n, out, elements)`; padding is below everything."""
    (tall, wide), (down, right), (above, beside) = (
        _pair(size) for size in (layer.kernel_size, layer.stride, layer.padding)
    )
    padded = nn.functional.pad(z, [beside, beside, above, above], value=-torch.inf)
    return padded.unfold(2, tall, down).unfold(3, wide, right).reshape(len(z), -1, tall * wide)


def _pair(size: int | tuple[int, ...]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])
