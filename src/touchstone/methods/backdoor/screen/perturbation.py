"""Universal perturbations: one change that, added to the features of all samples, turns them to a class.

After Moosavi-Dezfooli et al. 2017; in features and towards each class, after the observation of Zeng et al. and others
that what a trigger does inside a network is nearly the same for all pictures. The search grows the change from radius
to radius, and the area under the share of samples it turns is the score: how little it takes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

RADII = (0.1, 0.2, 0.35, 0.5, 0.75)
"""Length of the change as a share of the usual distance of a sample from the mean."""
STEPS = 4
"""Steps of the search at each radius."""
AT_ONCE = 4096
"""Samples pushed through the network together, over all classes."""

Function = Callable[[Any], Any]


def usual_distance(values: Tensor) -> float:
    """Median distance of samples `(n, ...)` from their mean: the unit of radii."""
    flat = values.flatten(1)
    return float((flat - flat.mean(dim=0)).norm(dim=1).median())


def turning_areas(back: Function, learnt: tuple[Tensor, Tensor], held: tuple[Tensor, Tensor], classes: int) -> Tensor:
    """For each class, the mean share over radii of held-out samples of other classes that turn to it; `(K,)`.

    `learnt` and `held` are features and classes `(n, ...)`, `(n,)`; `back` takes features to scores.
    """
    each = max(1, AT_ONCE // max(len(learnt[1]), 1))
    return torch.cat([_areas(back, learnt, held, targets) for targets in torch.split(torch.arange(classes), each)])


def _areas(back: Function, learnt: tuple[Tensor, Tensor], held: tuple[Tensor, Tensor], targets: Tensor) -> Tensor:
    features, y = learnt
    unit = usual_distance(features)
    change = torch.zeros((len(targets), *features.shape[1:]))
    others = (y[None] != targets[:, None]).float()
    wanted = targets.repeat_interleave(len(y))
    area = torch.zeros(len(targets))
    for radius in RADII:
        for _ in range(STEPS):
            change.requires_grad_()
            loss = functional.cross_entropy(_each(back, features, change), wanted, reduction="none")
            (gradient,) = torch.autograd.grad((loss.reshape(others.shape) * others).sum(), change)
            change = _stepped(change.detach(), -gradient, radius * unit)
        with torch.no_grad():
            answered = _each(back, held[0], change).argmax(dim=1).reshape(len(targets), -1)
        counted = held[1][None] != targets[:, None]
        area += ((answered == targets[:, None]) & counted).sum(dim=1) / counted.sum(dim=1).clamp(min=1)
    return area / len(RADII)


def _each(back: Function, features: Tensor, change: Tensor) -> Tensor:
    """Scores of every sample under every change, `(K * n, classes)`."""
    scores: Tensor = back((features[None] + change[:, None]).flatten(0, 1))
    return scores


def _stepped(change: Tensor, direction: Tensor, radius: float) -> Tensor:
    """One step of half the radius, kept within the radius."""
    change = change + radius / 2 * _unit(direction)
    length: Tensor = change.flatten(1).norm(dim=1).clamp(min=radius)
    return change * (radius / length).reshape(-1, *[1] * (change.dim() - 1))


def _unit(values: Tensor) -> Tensor:
    return functional.normalize(values.flatten(1), dim=1).reshape(values.shape)
