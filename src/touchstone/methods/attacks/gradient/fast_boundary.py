"""FAB-T: walk to the linearised decision boundary towards one other class, and stop once inside the ball.

Croce and Hein 2020, "Minimally distorted adversarial examples with a fast adaptive boundary attack" (ICML), targeted
version. Each step projects onto the hyperplane where the linearised scores of own class and target are equal, inside
the legal range. The paper sorts the elements to do so; here the level to which they move is found without.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from touchstone.methods.attacks.gradient.auto_pgd import Ascent, with_their_sample
from touchstone.methods.attacks.gradient.balls import Ball, each
from touchstone.methods.attacks.gradient.differentiable import Differentiable, Objective
from touchstone.methods.attacks.gradient.levels import common_level

OVERSHOOT: Final = 1.05
LARGEST_PULL: Final = 0.1
"""Most weight of the projection from the original point."""
BACKWARD: Final = 0.9
"""After a success the walk goes on from this share of the way out."""
_SMALLEST: Final = 1e-30


def fast_boundary(
    model: Differentiable,
    x: Tensor,
    y: Tensor,
    target: Tensor,
    ball: Ball,
    start: Tensor,
    sample: Tensor,
    *,
    iterations: int,
) -> Ascent:
    """Walk from `start` (`x` itself for the first run) towards the classes `target`.

    Each row is a run of its own. Runs with the same number in `sample` attack the same sample: as soon as one breaks
    it, all end.
    """
    found = Ascent.nothing(x)
    place = torch.arange(len(x), device=x.device)
    original, current = x, start
    for step in range(iterations + 1):
        scores, ahead, slope = model.climb(current, _difference(y[place], target[place]))
        found.values[place] = torch.maximum(found.values[place], ahead)
        outside = scores.argmax(dim=1) != y[place]
        if bool(outside.any()):
            broken = outside.clone()
            broken[outside] = ball.contains(original[outside], current[outside])
            if bool(broken.any()):
                found.points[place[broken]] = current[broken]
                found.broken[place[broken]] = True
                found.steps[place[broken]] = step
                stays = ~with_their_sample(broken, sample)
                place, sample, original, current = place[stays], sample[stays], original[stays], current[stays]
                ahead, slope, outside = ahead[stays], slope[stays], outside[stays]
            current = torch.where(each(outside, current), torch.lerp(original, current, BACKWARD), current)
        if step == iterations or not len(place):
            break
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
    both = _to_hyperplane(
        ball, torch.cat([current, original]), torch.cat([slope, slope]), torch.cat([missing_here, missing_there])
    )
    near, far = _length(both, ball).chunk(2)
    pull = each((near / (near + far).clamp_min(1e-12)).clamp(max=LARGEST_PULL), current)
    from_here, from_there = both.mul_(OVERSHOOT).chunk(2)
    return torch.lerp(current + from_here, original + from_there, pull).clamp_(ball.low, ball.high)


def _length(delta: Tensor, ball: Ball) -> Tensor:
    order = {"linf": torch.inf, "l2": 2.0, "l1": 1.0}[ball.norm]
    norm: Tensor = torch.linalg.vector_norm(delta.flatten(1), order, dim=1)
    return norm


def _to_hyperplane(ball: Ball, point: Tensor, slope: Tensor, missing: Tensor) -> Tensor:
    """The shortest legal `delta` with `<slope, delta> = missing`, or as near to it as the range allows.

    Where `missing` is negative the point is beyond the plane already, and the way leads back.
    """
    direction = (slope * each(torch.where(missing < 0, -1.0, 1.0).to(slope.dtype), slope)).flatten(1)
    flat, wanted = point.flatten(1), missing.abs()
    room = torch.where(direction > 0, ball.high - flat, flat - ball.low).clamp_min_(0)
    size = direction.abs()
    if ball.norm == "l1":
        way = _steepest_first(size, room, wanted)
    elif ball.norm == "linf" and ball.scale is None:
        way = torch.minimum(common_level(size, room, wanted)[:, None], room)
    else:
        pace = size if ball.norm == "l2" else ball.scaled(torch.ones_like(point[:1])).flatten(1)
        level = common_level(size * pace, room / pace.clamp_min(_SMALLEST), wanted)
        way = torch.minimum(level[:, None] * pace, room)
    return direction.sign_().mul_(way).reshape(point.shape)


def _steepest_first(size: Tensor, room: Tensor, wanted: Tensor) -> Tensor:
    """L1: the elements with the largest slope go all the way, the last one as far as is still needed."""
    order = size.argsort(dim=1, descending=True)
    steep, far = size.gather(1, order), room.gather(1, order)
    brought = steep * far
    before = brought.cumsum(dim=1) - brought
    needed = ((wanted[:, None] - before) / steep.clamp_min(_SMALLEST)).clamp_min(0)
    return torch.empty_like(room).scatter_(1, order, torch.minimum(far, needed))
