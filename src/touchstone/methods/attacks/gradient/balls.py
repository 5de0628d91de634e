"""What the attacker may do to a tensor: a ball of one of three norms around each sample, cut by the legal range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor

from touchstone.methods.attacks.gradient.levels import common_level

Norm = Literal["linf", "l2", "l1"]

_HALVINGS: Final = 40
_INSIDE: Final = 1 - 1e-6
"""Projections aim a little inside the ball, so that float32 rounding cannot lead out of it."""
_SMALLEST: Final = 1e-30


def each(values: Tensor, like: Tensor) -> Tensor:
    """One value per sample, shaped so that it spreads over the elements of `like`."""
    return values.reshape(-1, *[1] * (like.dim() - 1))


def length(delta: Tensor, norm: Norm) -> Tensor:
    """Norm of each sample's perturbation, in double precision; shape `(n,)`."""
    flat = delta.flatten(1)
    if norm == "linf":
        return flat.abs().amax(dim=1).double()
    flat = flat.double()
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

    def box(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The least and the largest value of each element, one row per sample. In L∞ that is all of the ball."""
        if self.norm != "linf":
            column = x.new_empty(len(x), *[1] * (x.dim() - 1))
            return torch.full_like(column, self.low), torch.full_like(column, self.high)
        reach = self.radius if self.scale is None else self.radius * self.scale
        return (x - reach).clamp(self.low, self.high), (x + reach).clamp(self.low, self.high)

    def project(self, x: Tensor, moved: Tensor, box: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """The nearest point to `moved` (nearest in L2) that the attacker may use instead of `x`.

        Whoever projects around the same samples many times gives their `box`.
        """
        inside = moved.clamp(*(self.box(x) if box is None else box))
        if self.norm == "linf":
            return inside
        outside = length(inside - x, self.norm) > self.radius * _INSIDE
        if not bool(outside.any()):
            return inside
        inside[outside] = (self._shrunk if self.norm == "l2" else self._thresholded)(x[outside], moved[outside])
        return inside

    def _shrunk(self, x: Tensor, moved: Tensor) -> Tensor:
        """L2: all elements are shrunk by one factor, whose square is a common level."""
        delta = (moved - x).flatten(1)
        room = torch.where(delta > 0, self.high - x.flatten(1), x.flatten(1) - self.low).clamp_min(0)
        gains = delta.square()
        ends = (room.square() / gains.clamp_min(_SMALLEST)).clamp(max=1.0)
        wanted = torch.full_like(delta[:, 0], (self.radius * _INSIDE) ** 2)
        factor = common_level(gains, ends, wanted).sqrt()
        return (x + each(factor, x) * delta.reshape(x.shape)).clamp(self.low, self.high)

    def _thresholded(self, x: Tensor, moved: Tensor) -> Tensor:
        """L1: all elements lose one amount. What is left falls steadily with it, so halving an interval finds it."""
        delta = (moved - x).flatten(1)
        size, room = delta.abs(), torch.where(delta > 0, self.high - x.flatten(1), x.flatten(1) - self.low).clamp_min(0)
        nothing, limit = torch.zeros_like(room), self.radius * _INSIDE
        above = size.amax(dim=1)
        below = torch.zeros_like(above)
        for _ in range(_HALVINGS):
            middle = (below + above) / 2
            too_long = (size - middle[:, None]).clamp_(nothing, room).sum(dim=1) > limit
            below, above = torch.where(too_long, middle, below), torch.where(too_long, above, middle)
        left = (size - above[:, None]).clamp_(nothing, room)
        return x + (delta.sign() * left).reshape(x.shape)

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
            return gradient / each(length(gradient, "l2").clamp_min(_SMALLEST).to(gradient.dtype), gradient)
        size = gradient.flatten(1).abs()
        count = torch.ones(len(size), device=size.device) if sparsity is None else sparsity
        order = size.argsort(dim=1, descending=True)
        rank = torch.empty_like(order).scatter_(
            1, order, torch.arange(size.shape[1], device=size.device).expand_as(order)
        )
        chosen = (rank < count[:, None]).reshape(gradient.shape)
        direction = gradient.sign() * chosen
        return direction / each(length(direction, "l1").clamp_min(_SMALLEST).to(gradient.dtype), gradient)
