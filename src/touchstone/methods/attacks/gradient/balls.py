"""What the attacker may do to a tensor: a ball of one of three norms around each sample, cut by the legal range.

Projections onto ball and range together solve for one multiplier per sample. The amount that is left over falls
steadily with the multiplier, so halving an interval finds it: no sorting, the same number of steps for every sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Norm = Literal["linf", "l2", "l1"]

_HALVINGS = 40
_INSIDE = 1 - 1e-6
"""Projections aim a little inside the ball, so that float32 rounding cannot lead out of it."""


def each(values: Tensor, like: Tensor) -> Tensor:
    """One value per sample, shaped so that it spreads over the elements of `like`."""
    return values.reshape(-1, *[1] * (like.dim() - 1))


def length(delta: Tensor, norm: Norm) -> Tensor:
    """Norm of each sample's perturbation, in double precision; shape `(n,)`."""
    flat = delta.flatten(1).double()
    if norm == "linf":
        return flat.abs().amax(dim=1)
    return flat.norm(dim=1) if norm == "l2" else flat.abs().sum(dim=1)


@dataclass(frozen=True, slots=True)
class Ball:
    """All `x + delta` with `norm(delta) <= radius` and every element in `[low, high]`."""

    norm: Norm
    radius: float
    low: float
    high: float
    scale: Tensor | None = None
    """L∞ only: how far each element may move, as a share of the radius; an element with zero is immutable."""

    def scaled(self, direction: Tensor) -> Tensor:
        """A direction whose elements are as long as the attacker may go in each."""
        return direction if self.scale is None else direction * self.scale

    def project(self, x: Tensor, moved: Tensor) -> Tensor:
        """The nearest point to `moved` (nearest in L2) that the attacker may use instead of `x`."""
        if self.norm == "linf":
            reach = self.radius if self.scale is None else self.radius * self.scale
            inside = torch.minimum(torch.maximum(moved, x - reach), x + reach)
            return inside.clamp(self.low, self.high)
        delta = moved - x
        lower, upper = self.low - x, self.high - x
        limit = self.radius * _INSIDE

        def at(multiplier: Tensor) -> Tensor:
            if self.norm == "l2":
                return torch.minimum(torch.maximum(delta / (1 + multiplier), lower), upper)
            shrunk = delta.sign() * (delta.abs() - multiplier).clamp_min(0)
            return torch.minimum(torch.maximum(shrunk, lower), upper)

        unshrunk = at(torch.zeros(len(x), *[1] * (x.dim() - 1), dtype=x.dtype, device=x.device))
        outside = length(unshrunk, self.norm) > limit
        if not bool(outside.any()):
            return x + unshrunk
        largest = length(delta, "linf") if self.norm == "l1" else length(delta, "l2") / max(limit, 1e-30)
        below, above = torch.zeros_like(largest), largest
        for _ in range(_HALVINGS):
            middle = (below + above) / 2
            too_long = length(at(each(middle.to(x.dtype), x)), self.norm) > limit
            below, above = torch.where(too_long, middle, below), torch.where(too_long, above, middle)
        return x + torch.where(each(outside, x), at(each(above.to(x.dtype), x)), unshrunk)

    def contains(self, x: Tensor, adversarial: Tensor) -> Tensor:
        """Whether each point is one the attacker may use; shape `(n,)`. Allows for the rounding of float32."""
        slack = 1e-6 * max(1.0, abs(self.low), abs(self.high))
        delta = adversarial.double() - x.double()
        if self.scale is not None:
            near = (delta.abs() <= self.radius * self.scale + 1e-6 * x.double().abs()).flatten(1).all(dim=1)
        else:
            rounding = slack * (1.0 if self.norm == "linf" else x[0].numel() ** 0.5)
            near = length(delta, self.norm) <= self.radius + rounding
        flat = adversarial.flatten(1)
        return near & (flat >= self.low - slack).all(dim=1) & (flat <= self.high + slack).all(dim=1)

    def with_room(self, here: Tensor, gradient: Tensor) -> Tensor:
        """The gradient without elements that stand at the end of the range it points to."""
        stuck = ((gradient > 0) & (here >= self.high)) | ((gradient < 0) & (here <= self.low))
        return gradient.masked_fill(stuck, 0.0)

    def steepest(self, gradient: Tensor, sparsity: Tensor | None = None) -> Tensor:
        """The direction of unit norm along which the objective grows fastest.

        In L1 that is a single element; `sparsity` is the number of elements per sample that share the step instead
        (Croce and Hein 2021, "Mind the box", ICML).
        """
        if self.norm == "linf":
            return self.scaled(gradient.sign())
        if self.norm == "l2":
            return gradient / each(length(gradient, "l2").clamp_min(1e-30).to(gradient.dtype), gradient)
        size = gradient.flatten(1).abs()
        count = torch.ones(len(size), device=size.device) if sparsity is None else sparsity
        order = size.argsort(dim=1, descending=True)
        rank = torch.empty_like(order).scatter_(
            1, order, torch.arange(size.shape[1], device=size.device).expand_as(order)
        )
        chosen = (rank < count[:, None]).reshape(gradient.shape)
        direction = gradient.sign() * chosen
        return direction / each(length(direction, "l1").clamp_min(1e-30).to(gradient.dtype), gradient)
