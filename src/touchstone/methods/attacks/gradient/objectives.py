"""What an attack makes larger: cross-entropy, and margins that no scaling of the scores can flatten.

Croce and Hein 2020, "Reliable evaluation of adversarial robustness" (ICML), equations 5 and 6. Their difference of
logits ratio divides by the spread of the best three or four scores, which needs as many classes; below that the plain
margin is used, whose sign and direction are the same.
"""

from __future__ import annotations

import torch
from torch import Tensor

from touchstone.methods.attacks.gradient.differentiable import Objective

_SMALLEST_SPREAD = 1e-12


def cross_entropy(y: Tensor) -> Objective:
    """Cross-entropy against the class `y` of each sample."""
    return lambda scores, rows: torch.nn.functional.cross_entropy(scores, y[rows], reduction="none")


def towards(y: Tensor, target: Tensor) -> Objective:
    """How far each sample's target is ahead of its own class, relative to the spread of the best scores."""

    def objective(scores: Tensor, rows: Tensor) -> Tensor:
        ahead = scores.gather(1, target[rows, None])[:, 0] - scores.gather(1, y[rows, None])[:, 0]
        if scores.shape[1] < 4:
            return ahead
        best = scores.topk(4, dim=1).values
        spread = best[:, 0] - 0.5 * (best[:, 2] + best[:, 3])
        return ahead / spread.clamp_min(_SMALLEST_SPREAD)

    return objective


def margin(scores: Tensor, y: Tensor) -> Tensor:
    """How far the own class is ahead of the best other one; negative for a broken sample. Shape `(n,)`."""
    own = scores.gather(1, y[:, None])[:, 0]
    return own - scores.scatter(1, y[:, None], -torch.inf).amax(dim=1)
