"""Auto-PGD: gradient ascent that finds its own step size, on a batch that shrinks with every broken sample.

Croce and Hein 2020, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free attacks"
(ICML), algorithm 1; the L1 variant follows their "Mind the box" (ICML 2021). At checkpoints the step of a sample is
halved when too few steps improved its objective, or when neither step nor best value changed since the last; it then
starts again from its best point.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Final

import torch
from torch import Tensor

from touchstone.methods.attacks.gradient.balls import Ball, each
from touchstone.methods.attacks.gradient.differentiable import Differentiable, Objective

MOMENTUM: Final = 0.75
ENOUGH_IMPROVEMENTS: Final = 0.75
"""Share of the steps since the last checkpoint that must have improved the objective."""
_SPARSE_SHARE: Final = 0.05
"""L1: share of the elements that the first steps touch."""


@dataclass(slots=True)
class _Climbers:
    """The runs still going on. Every field has one row per run, so that one that ends is cut out of all."""

    place: Tensor
    sample: Tensor
    start: Tensor
    lower: Tensor
    upper: Tensor
    y: Tensor
    current: Tensor
    previous: Tensor
    slope: Tensor
    value: Tensor
    best: Tensor
    best_slope: Tensor
    best_value: Tensor
    best_at_review: Tensor
    step: Tensor
    improvements: Tensor
    halved: Tensor
    sparsity: Tensor

    def keep(self, mask: Tensor) -> None:
        """Go on with these runs only."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name)[mask])


@dataclass(slots=True)
class Ascent:
    """What each run found: a point, and whether it changes the answer."""

    points: Tensor
    """For a run that broke nothing, the point with the largest objective."""
    broken: Tensor
    values: Tensor
    """Largest objective of each run; how near the survivors came."""
    steps: Tensor
    """Step in which a run broke its sample; -1 if it did not."""

    @classmethod
    def nothing(cls, x: Tensor) -> Ascent:
        """Before anything was found around `x`."""
        return cls(
            points=x.clone(),
            broken=torch.zeros(len(x), dtype=torch.bool, device=x.device),
            values=torch.full((len(x),), -torch.inf, device=x.device),
            steps=torch.full((len(x),), -1, device=x.device),
        )


def with_their_sample(broken: Tensor, sample: Tensor) -> Tensor:
    """The runs that end when these are `broken`: all that attack the same sample."""
    fallen = torch.zeros(int(sample.max()) + 1 if len(sample) else 0, dtype=torch.bool, device=sample.device)
    fallen[sample[broken]] = True
    return fallen[sample]


def checkpoints(iterations: int) -> list[int]:
    """Steps at which step sizes are reviewed: ever closer together, as the paper has them."""
    shares = [0.0, 0.22]
    while shares[-1] < 1:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06))
    return sorted({int(-(-share * iterations // 1)) for share in shares[1:] if share < 1})


def auto_pgd(
    model: Differentiable,
    x: Tensor,
    y: Tensor,
    ball: Ball,
    objective: Callable[[Tensor], Objective],
    start: Tensor,
    sample: Tensor,
    *,
    iterations: int,
) -> Ascent:
    """Climb from `start` with at most `iterations` steps per run.

    Each row is a run of its own. Runs with the same number in `sample` attack the same sample, towards different
    classes: as soon as one breaks it, all end. `objective` makes the objective for the runs at the given places, as the
    batch shrinks.
    """
    found = Ascent.nothing(x)
    box = ball.box(x)
    here = ball.project(x, start, box)
    places = torch.arange(len(x), device=x.device)
    scores, value, slope = model.climb(here, objective(places))
    climbers = _begin(ball, x, y, places, sample, box, here, value, slope)
    _cut(found, climbers, scores, 0)
    reviews = checkpoints(iterations)
    last_review = 0
    for step in range(1, iterations + 1):
        if not len(climbers.place):
            break
        _move(ball, climbers, momentum=step > 1)
        if step == 1:
            # The first step goes right across the ball and breaks most samples of a fragile model: ask before slopes
            # are taken, which cost twice as much as answers.
            _cut(found, climbers, model.scores(climbers.current), step)
            if not len(climbers.place):
                break
        scores, value, climbers.slope = model.climb(climbers.current, objective(climbers.place))
        climbers.improvements += value > climbers.value
        climbers.value = value
        _remember_best(climbers)
        _cut(found, climbers, scores, step)
        if step in reviews and len(climbers.place):
            _review(ball, climbers, step - last_review)
            last_review = step
    found.points[climbers.place] = climbers.best
    found.values[climbers.place] = climbers.best_value
    return found


def _begin(
    ball: Ball,
    x: Tensor,
    y: Tensor,
    places: Tensor,
    sample: Tensor,
    box: tuple[Tensor, Tensor],
    here: Tensor,
    value: Tensor,
    slope: Tensor,
) -> _Climbers:
    first_step = ball.radius * (1.0 if ball.norm == "l1" else 2.0)
    elements = x[0].numel() if len(x) else 1
    return _Climbers(
        place=places,
        sample=sample,
        start=x,
        lower=box[0],
        upper=box[1],
        y=y,
        current=here,
        previous=here,
        slope=slope,
        value=value,
        best=here,
        best_slope=slope,
        best_value=value,
        best_at_review=value,
        step=torch.full((len(x),), first_step, dtype=x.dtype, device=x.device),
        improvements=torch.zeros(len(x), dtype=torch.long, device=x.device),
        halved=torch.ones(len(x), dtype=torch.bool, device=x.device),
        sparsity=torch.full((len(x),), max(_SPARSE_SHARE * elements, 1.0), device=x.device),
    )


def _move(ball: Ball, climbers: _Climbers, *, momentum: bool) -> None:
    if ball.norm == "l1":
        direction = ball.steepest(ball.with_room(climbers.current, climbers.slope), climbers.sparsity)
    else:
        direction = ball.steepest(climbers.slope)
    box = climbers.lower, climbers.upper
    target = ball.project(climbers.start, climbers.current + each(climbers.step, direction) * direction, box)
    if momentum and ball.norm != "l1":
        blended = (target - climbers.current).mul_(MOMENTUM).add_(climbers.current)
        blended.add_(climbers.current - climbers.previous, alpha=1 - MOMENTUM)
        target = ball.project(climbers.start, blended, box)
    climbers.previous, climbers.current = climbers.current, target


def _remember_best(climbers: _Climbers) -> None:
    better = climbers.value > climbers.best_value
    spread = each(better, climbers.current)
    climbers.best = torch.where(spread, climbers.current, climbers.best)
    climbers.best_slope = torch.where(spread, climbers.slope, climbers.best_slope)
    climbers.best_value = torch.where(better, climbers.value, climbers.best_value)


def _cut(found: Ascent, climbers: _Climbers, scores: Tensor, step: int) -> None:
    """Take broken samples out of the batch."""
    broken = scores.argmax(dim=1) != climbers.y
    if not bool(broken.any()):
        return
    places = climbers.place[broken]
    found.points[places] = climbers.current[broken]
    found.broken[places] = True
    found.steps[places] = step
    leaving = with_their_sample(broken, climbers.sample)
    found.values[climbers.place[leaving]] = climbers.best_value[leaving]
    climbers.keep(~leaving)


def _review(ball: Ball, climbers: _Climbers, steps: int) -> None:
    slow = climbers.improvements < ENOUGH_IMPROVEMENTS * steps
    stuck = ~climbers.halved & (climbers.best_at_review >= climbers.best_value)
    halve = slow | stuck
    spread = each(halve, climbers.current)
    factor = 1.5 if ball.norm == "l1" else 2.0
    climbers.step = torch.where(halve, climbers.step / factor, climbers.step)
    climbers.sparsity = torch.where(halve, (climbers.sparsity / factor).clamp_min(1), climbers.sparsity)
    climbers.current = torch.where(spread, climbers.best, climbers.current)
    climbers.slope = torch.where(spread, climbers.best_slope, climbers.slope)
    climbers.value = torch.where(halve, climbers.best_value, climbers.value)
    climbers.previous = torch.where(spread, climbers.best, climbers.previous)
    climbers.halved = halve
    climbers.best_at_review = climbers.best_value
    climbers.improvements = torch.zeros_like(climbers.improvements)
