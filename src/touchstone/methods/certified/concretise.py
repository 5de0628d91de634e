"""The smallest value of a linear function over a ball that the legal range cuts."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from touchstone.methods.attacks.gradient.balls import Ball

_HALVINGS = 40
_OUTWARD = 1e-6
"""The ball is taken this share larger, as attacks are allowed for the rounding of float32."""


@dataclass(frozen=True, slots=True)
class Region:
    """All that an attacker may make of each sample; everything flat, in double precision."""

    x: Tensor
    lower: Tensor
    """Most negative change of each element, `(n, d)`."""
    upper: Tensor
    radius: float
    norm: str

    @classmethod
    def around(cls, x: Tensor, ball: Ball) -> Region:
        """The ball around samples `(n, *shape)`; a sample outside the range can still be left as it is."""
        slack = _OUTWARD * max(1.0, *(abs(end) for end in (ball.low, ball.high) if abs(end) < torch.inf))
        radius = ball.radius + slack * (1.0 if ball.norm == "linf" else max(x[0].numel(), 1) ** 0.5)
        reach = torch.as_tensor(radius if ball.scale is None else ball.radius * ball.scale.double() + slack).to(x)
        lower = torch.maximum(ball.low - slack - x, -reach).clamp_max(0.0)
        upper = torch.minimum(ball.high + slack - x, reach).clamp_min(0.0)
        return cls(x, lower.flatten(1), upper.flatten(1), radius, ball.norm)

    def box(self) -> tuple[Tensor, Tensor]:
        """Bounds of each element, in the shape of the samples."""
        return self.x + self.lower.reshape(self.x.shape), self.x + self.upper.reshape(self.x.shape)

    def minimum(self, slopes: Tensor) -> Tensor:
        """Least values `(n, S)` of the functions with coefficients `(n, S, d)`."""
        at_samples = (slopes @ self.x.flatten(1)[:, :, None])[:, :, 0]
        lower, upper = self.lower[:, None], self.upper[:, None]
        if self.norm == "linf":
            return at_samples + (slopes.clamp_min(0) * lower + slopes.clamp_max(0) * upper).sum(dim=2)
        if self.norm == "l1":
            return at_samples - _spent_greedily(slopes, lower, upper, self.radius)
        return at_samples + _dual(slopes, lower, upper, self.radius)


def _spent_greedily(slopes: Tensor, lower: Tensor, upper: Tensor, radius: float) -> Tensor:
    """The most a budget of length buys: the steepest elements first, each to its end."""
    room = torch.where(slopes > 0, -lower, upper)
    size, order = slopes.abs().sort(dim=2, descending=True)
    room = room.gather(2, order)
    before = room.cumsum(dim=2) - room
    spent = torch.minimum(room, (radius - before).clamp_min(0))
    return (size * spent).sum(dim=2)


def _dual(slopes: Tensor, lower: Tensor, upper: Tensor, radius: float) -> Tensor:
    """Least value over an L2 ball within a box, from below: any multiplier gives a bound, halving finds the best.

    The best point for a multiplier gets shorter as that grows; where its length is the radius, the bound is exact.
    """

    def best_for(multiplier: Tensor) -> Tensor:
        return torch.minimum(torch.maximum(-slopes / multiplier[..., None], lower), upper)

    below = torch.zeros(slopes.shape[:2], dtype=slopes.dtype, device=slopes.device)
    above = slopes.norm(dim=2) / radius if radius > 0 else below
    above = above.clamp_min(torch.finfo(slopes.dtype).tiny)
    for _ in range(_HALVINGS):
        middle = (below + above) / 2
        too_long = best_for(middle).norm(dim=2) > radius
        below, above = torch.where(too_long, middle, below), torch.where(too_long, above, middle)
    point = best_for(above)
    value = (slopes * point).sum(dim=2) + above / 2 * (point.square().sum(dim=2) - radius**2)
    to_the_ends = (slopes.clamp_min(0) * lower + slopes.clamp_max(0) * upper).sum(dim=2)
    return torch.maximum(value, to_the_ends)
