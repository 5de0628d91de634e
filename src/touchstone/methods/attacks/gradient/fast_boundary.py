"""FAB-T: walk to the linearised decision boundary towards one other class, and stop once inside the ball.

Croce and Hein 2020, "Minimally distorted adversarial examples with a fast adaptive boundary attack" (ICML), targeted
version. Each step projects onto the hyperplane where the linearised scores of own class and target are equal, inside
the legal range. The paper sorts the elements to do so; the amount reached grows steadily with one multiplier, so
halving an interval finds the same point without sorting.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from touchstone.methods.attacks.gradient.auto_pgd import Ascent
from touchstone.methods.attacks.gradient.balls import Ball, each, length
from touchstone.methods.attacks.gradient.differentiable import Differentiable, Objective

OVERSHOOT: Final = 1.05
LARGEST_PULL: Final = 0.1
"""Most weight of the projection from the original point."""
BACKWARD: Final = 0.9
"""After a success the walk goes on from this share of the way out."""
_HALVINGS: Final = 40


def fast_boundary(
    model: Differentiable, x: Tensor, y: Tensor, target: Tensor, ball: Ball, start: Tensor, *, iterations: int
) -> Ascent:
    """Walk from `start` (`x` itself for the first run) towards the classes `target`."""
    found = Ascent(
        points=x.clone(),
        broken=torch.zeros(len(x), dtype=torch.bool, device=x.device),
        values=torch.full((len(x),), -torch.inf, device=x.device),
        steps=torch.full((len(x),), -1, device=x.device),
    )
    place = torch.arange(len(x), device=x.device)
    original, current = x, start.clone()
    for step in range(iterations + 1):
        if not len(place):
            break
        scores, ahead, slope = model.climb(current, _difference(y[place], target[place]))
        outside = scores.argmax(dim=1) != y[place]
        broken = outside & ball.contains(original, current)
        found.points[place[broken]] = current[broken]
        found.broken[place[broken]] = True
        found.steps[place[broken]] = step
        found.values[place] = torch.maximum(found.values[place], ahead)
        keep = ~broken
        place, original, current = place[keep], original[keep], current[keep]
        ahead, slope, outside = ahead[keep], slope[keep], outside[keep]
        if step == iterations or not len(place):
            break
        current = torch.where(each(outside, current), (1 - BACKWARD) * original + BACKWARD * current, current)
        current = _step(ball, original, current, ahead, slope)
    return found


def _difference(y: Tensor, target: Tensor) -> Objective:
    def objective(scores: Tensor, rows: Tensor) -> Tensor:
        return scores.gather(1, target[rows, None])[:, 0] - scores.gather(1, y[rows, None])[:, 0]

    return objective


def _step(ball: Ball, original: Tensor, current: Tensor, ahead: Tensor, slope: Tensor) -> Tensor:
    """One step of the walk: from here and from the original point to the same hyperplane, then a mix of both."""
    missing_here = -ahead
    missing_there = missing_here - (slope * (original - current)).flatten(1).sum(dim=1)
    from_here = _to_hyperplane(ball, current, slope, missing_here)
    from_there = _to_hyperplane(ball, original, slope, missing_there)
    near, far = length(from_here, ball.norm), length(from_there, ball.norm)
    pull = (near / (near + far).clamp_min(1e-12)).clamp(max=LARGEST_PULL).to(current.dtype)
    ahead_of_boundary = (1 - each(pull, current)) * (current + OVERSHOOT * from_here)
    ahead_of_boundary += each(pull, current) * (original + OVERSHOOT * from_there)
    return ahead_of_boundary.clamp(ball.low, ball.high)


def _to_hyperplane(ball: Ball, point: Tensor, slope: Tensor, missing: Tensor) -> Tensor:
    """The shortest legal `delta` with `<slope, delta> = missing`, or as near to it as the range allows.

    Where `missing` is negative the point is beyond the plane already, and the way leads back.
    """
    direction = each(torch.where(missing < 0, -1.0, 1.0).to(slope.dtype), slope) * slope
    lower, upper = ball.low - point, ball.high - point
    size = direction.abs()

    def at(multiplier: Tensor) -> Tensor:
        if ball.norm == "linf":
            moved = ball.scaled(direction.sign()) * multiplier
        elif ball.norm == "l2":
            moved = direction * multiplier
        else:  # the elements with the largest slope go all the way
            moved = direction.sign() * torch.where(size >= 1 / multiplier.clamp_min(1e-30), torch.inf, 0.0)
            moved = torch.where(direction == 0, torch.zeros_like(moved), moved)
        return torch.minimum(torch.maximum(moved, lower), upper)

    reach = ball.high - ball.low
    smallest = size.flatten(1).masked_fill(size.flatten(1) == 0, torch.inf).amin(dim=1)
    if ball.norm == "linf":
        finest = 1.0 if ball.scale is None else float(ball.scale[ball.scale > 0].amin())
        above = torch.full_like(smallest, reach / finest)
    else:  # past this multiplier every element that counts is at an end of its range
        above = ((reach if ball.norm == "l2" else 1.001) / smallest).clamp(max=1e12)
    below = torch.zeros_like(above)
    wanted = missing.abs()
    for _ in range(_HALVINGS):
        middle = (below + above) / 2
        enough = (at(each(middle, point)) * direction).flatten(1).sum(dim=1) >= wanted
        below, above = torch.where(enough, below, middle), torch.where(enough, middle, above)
    return at(each(above, point))
