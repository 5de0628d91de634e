"""What a model is trained on so that it withstands more: the worst points of a ball, or noise.

Both losses keep the clean answer in sight, so that a model that was trained before is moved as little as its lesson
allows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from touchstone.methods.attacks.gradient.balls import Ball
from touchstone.methods.attacks.gradient.differentiable import Differentiable
from touchstone.methods.attacks.gradient.objectives import margin

Function = Callable[[Tensor], Tensor]
"""From inputs `(n, *shape)` to scores `(n, K)` in a logarithmic scale."""

_STEP: float = 2.5
"""The steps of an ascent together reach this many times as far as the radius (Madry et al. 2018)."""


class Lesson(Protocol):
    """The loss of one batch."""

    @property
    def passes(self) -> int:
        """Passes forward and back through the model per sample, for an estimate of the cost."""

    def loss(self, function: Function, x: Tensor, y: Tensor, dice: torch.Generator, share: float) -> Tensor:
        """The mean loss of samples `x` of classes `y`; `share` of the full disturbance while training sets in."""


@dataclass(frozen=True, slots=True)
class Adversarial:
    """Cross-entropy of clean samples, and how far the answer moves at the worst point found around each.

    Zhang et al. 2019, "Theoretically principled trade-off between robustness and accuracy" (TRADES, ICML): `trade_off`
    weighs the Kullback-Leibler divergence between both answers. The worst point is searched with the margin of the true
    class instead of that divergence: its slope does not vanish at the sample itself, nor where the model is sure.
    """

    ball: Ball
    steps: int = 7
    trade_off: float = 4.0

    @property
    def passes(self) -> int:
        """The ascent, the clean samples and the worst points."""
        return self.steps + 2

    def loss(self, function: Function, x: Tensor, y: Tensor, dice: torch.Generator, share: float) -> Tensor:
        worst = self._worst(function, x, y, dice, replace(self.ball, radius=self.ball.radius * share))
        clean, moved = functional.log_softmax(function(x), dim=1), functional.log_softmax(function(worst), dim=1)
        divergence = functional.kl_div(moved, clean, reduction="batchmean", log_target=True)
        return functional.nll_loss(clean, y) + self.trade_off * divergence

    def _worst(self, function: Function, x: Tensor, y: Tensor, dice: torch.Generator, ball: Ball) -> Tensor:
        """Projected gradient ascent from a random point of the ball."""
        model = Differentiable(function)
        drawn = torch.empty_like(x).uniform_(-1.0, 1.0, generator=dice)
        here = ball.project(x, x + ball.radius * ball.steepest(drawn) * torch.rand((), generator=dice))
        for _ in range(self.steps):
            slope = model.climb(here, lambda scores, rows: -margin(scores, y[rows]))[2]
            here = ball.project(x, here + _STEP * ball.radius / self.steps * ball.steepest(slope))
        return here


@dataclass(frozen=True, slots=True)
class Noisy:
    """Cross-entropy under Gaussian noise of deviation `sigma` (Cohen, Rosenfeld and Kolter 2019, ICML)."""

    sigma: float
    copies: int = 2

    @property
    def passes(self) -> int:
        """One for each noisy copy."""
        return self.copies

    def loss(self, function: Function, x: Tensor, y: Tensor, dice: torch.Generator, share: float) -> Tensor:
        many = x.repeat(self.copies, *[1] * (x.dim() - 1))
        noise = torch.empty_like(many).normal_(generator=dice)
        return functional.cross_entropy(function(many + share * self.sigma * noise), y.repeat(self.copies))
