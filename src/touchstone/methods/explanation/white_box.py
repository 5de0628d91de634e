"""What only a differentiable model allows: its slopes, an attack on its explanation, and the same network at random."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from touchstone.methods.attacks.gradient.differentiable import Differentiable, Objective
from touchstone.methods.attacks.threat_model import Classes, Samples
from touchstone.methods.explanation.attribution import Odds, Slopes
from touchstone.methods.explanation.parts import Parts
from touchstone.methods.explanation.stability import top_parts

Function = Callable[[Tensor], Tensor]
"""Inputs `(n, *shape)` to scores `(n, K)` in a logarithmic scale."""

BATCH = 256
ATTACK_STEPS = 15
ATTACK_PATH = 8
"""Points on the line of integrated gradients while its explanation is attacked."""


def tensor_log_odds(scores: Tensor, y: Tensor) -> Tensor:
    """Log-odds of the classes `y` from scores `(n, K)` in a logarithmic scale; any offset of a row drops out."""
    own = scores.gather(1, y[:, None])
    others = scores.scatter(1, y[:, None], -torch.inf)
    return own[:, 0] - torch.logsumexp(others, dim=1)


def answers_of(function: Function) -> tuple[Odds, Slopes]:
    """Log-odds and their gradients as functions of arrays."""
    model = Differentiable(function)

    def odds(x: Samples, y: Classes) -> NDArray[np.float64]:
        parts = [
            tensor_log_odds(model.scores(model.tensor(x[start : start + BATCH])), _classes(y[start : start + BATCH]))
            for start in range(0, len(x), BATCH)
        ]
        return np.concatenate([part.numpy().astype(np.float64) for part in parts])

    def slopes(x: Samples, y: Classes) -> Samples:
        parts = []
        for start in range(0, len(x), BATCH):
            chosen = _classes(y[start : start + BATCH])
            batch = model.tensor(x[start : start + BATCH])
            parts.append(model.climb(batch, _odds_of(chosen))[2].numpy())
        return np.concatenate(parts)

    return odds, slopes


def _odds_of(y: Tensor) -> Objective:
    return lambda scores, at: tensor_log_odds(scores, y[at])


def attack_explanations(
    function: Function,
    x: Samples,
    y: Classes,
    baseline: Samples,
    parts: Parts,
    top: int,
    box: tuple[Samples, Samples],
    generator: np.random.Generator,
) -> Samples:
    """Inputs within `box` (lowest and highest, `(n, *shape)`) with the same answer `y` and another explanation.

    Signed steps take integrated gradients away from the `top` parts that they name (Ghorbani, Abid and Zou 2019, AAAI);
    a step that would change the answer is not taken, and the next is half as long. Where nothing is found the input
    comes back as it was. On piecewise linear models slopes do not change along a small step, so that only the distance
    from the baseline is worked on; noise at the start gets other slopes into play.
    """
    model = Differentiable(function)
    low, high = model.tensor(box[0]), model.tensor(box[1])
    clean, target, base = model.tensor(x), _classes(y), model.tensor(baseline)
    membership = nn.functional.one_hot(torch.from_numpy(parts.of.ravel()), parts.count).float()
    original, _ = _explained(function, clean, target, base, membership)
    named = torch.from_numpy(top_parts(original.detach().numpy().astype(np.float64), top))
    length = (high - low).flatten(1) / 4
    best, best_mass = clean, _mass(original, named).detach()
    start = model.tensor(generator.random(x.shape, dtype=np.float32))
    point = torch.where(
        _each(_answers(model, low + start * (high - low), target), clean), low + start * (high - low), clean
    )
    for _ in range(ATTACK_STEPS):
        attributions, leaf = _explained(function, point, target, base, membership)
        mass = _mass(attributions, named)
        better = mass.detach() < best_mass
        best, best_mass = torch.where(_each(better, point), point, best), torch.where(better, mass.detach(), best_mass)
        slope = torch.autograd.grad(mass.sum(), leaf)[0].nan_to_num(0.0)
        stepped = point - length.reshape(point.shape) * slope.sign()
        stepped = torch.minimum(torch.maximum(stepped, low), high)
        kept = _answers(model, stepped, target)
        point = torch.where(_each(kept, point), stepped, point)
        length = length * torch.where(kept, 0.9, 0.5)[:, None]
    return np.asarray(best.numpy())


def randomised(network: nn.Module, generator: np.random.Generator) -> nn.Module:
    """The same architecture with the values of every weight tensor exchanged by lot (Adebayo et al. 2018, NeurIPS).

    Whatever an explanation still shows of such a model, it did not learn from the model.
    """
    shuffled = copy.deepcopy(network)
    with torch.no_grad():
        for weights in shuffled.parameters():
            order = torch.from_numpy(generator.permutation(weights.numel()))
            weights.copy_(weights.flatten()[order].reshape(weights.shape))
    return shuffled


def _explained(function: Function, x: Tensor, y: Tensor, baseline: Tensor, membership: Tensor) -> tuple[Tensor, Tensor]:
    """Integrated gradients by part `(n, P)` as a function of the returned leaf."""
    leaf = x.detach().clone().requires_grad_(True)
    total = torch.zeros_like(leaf)
    for step in range(ATTACK_PATH):
        at = baseline + (step + 0.5) / ATTACK_PATH * (leaf - baseline)
        odds = tensor_log_odds(function(at.contiguous()), y)
        total = total + torch.autograd.grad(odds.sum(), at, create_graph=True)[0]
    return (total / ATTACK_PATH * (leaf - baseline)).flatten(1) @ membership, leaf


def _mass(attributions: Tensor, named: Tensor) -> Tensor:
    """Share of all attribution that the named parts have, per sample."""
    return (attributions * named).sum(dim=1) / attributions.abs().sum(dim=1).clamp_min(1e-12)


def _answers(model: Differentiable, x: Tensor, y: Tensor) -> Tensor:
    return model.scores(x).argmax(dim=1) == y


def _each(chosen: Tensor, like: Tensor) -> Tensor:
    """A mask of samples that broadcasts over their elements."""
    return chosen.reshape(-1, *[1] * (like.ndim - 1))


def _classes(y: Classes) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(y))
