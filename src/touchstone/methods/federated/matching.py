"""Gradient inversion by matching: inputs whose gradient points where the update that was seen points.

Follows the cosine distance from random inputs, by signed steps (Zhu et al. 2019; Geiping et al. 2020, both NeurIPS).
The attacker is told the labels, as they can mostly be read off the last layer's biases.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from touchstone.methods.federated.learner import Classes
from touchstone.methods.federated.network import NetworkLearner
from touchstone.methods.federated.rules import Vector

RATE = 0.1
"""First step, in standard deviations of the inputs; steps shrink to nothing along half a cosine."""


def matched(
    learner: NetworkLearner,
    weights: Vector,
    update: Vector,
    y: Classes,
    usual: NDArray[np.float32],
    generator: np.random.Generator,
    *,
    steps: int,
    restarts: int,
) -> NDArray[np.float32]:
    """Inputs `(n, *shape)` for the labels `y` `(n,)` whose gradient is most like the update, turned round.

    `usual` `(m, *shape)` are inputs that show what values are usual: each attempt starts from their mean and spread,
    and never leaves their range.
    """
    learner.set(weights)
    wanted = torch.from_numpy(np.asarray(-update, dtype=np.float32))
    spread = float(usual.std()) or 1.0
    start = usual.mean(axis=0) + spread * generator.normal(size=(restarts, len(y), *usual.shape[1:]))
    low, high = float(usual.min()), float(usual.max())
    labels = torch.from_numpy(y)
    best, least = np.empty(0, dtype=np.float32), np.inf
    for attempt in start.astype(np.float32):
        x = torch.from_numpy(attempt).clamp_(low, high)
        for step in range(steps):
            x.requires_grad_(True)
            (slope,) = torch.autograd.grad(_distance(learner, x, labels, wanted), x)
            rate = RATE * spread * 0.5 * (1 + np.cos(np.pi * step / steps))
            x = (x.detach() - rate * slope.sign()).clamp_(low, high)
        distance = float(_distance(learner, x, labels, wanted).detach())
        if distance < least:
            best, least = x.numpy(), distance
    return best


def _distance(learner: NetworkLearner, x: Tensor, y: Tensor, wanted: Tensor) -> Tensor:
    gradient = torch.cat([part.flatten() for part in learner.gradients(x, y, keep=True)])
    return 1 - torch.nn.functional.cosine_similarity(gradient, wanted, dim=0)
