"""Claim: CROWN's bounds hold against everything that was tried, and prove much of what attacks fail to break.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/certified.py

For three adversarially trained networks: the lower bound of every margin against the smallest margin that random search
(corners of the ball and points inside it) and the whole gradient ladder find. One found margin below its bound would
refute the proof. Time per point is that of one core.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from attack_models import Case, pinned
from record import keep
from touchstone.methods.attacks.gradient.balls import Ball
from touchstone.methods.attacks.gradient.differentiable import Differentiable
from touchstone.methods.attacks.gradient.ladder import climb_ladder
from touchstone.methods.attacks.gradient.rungs import AUDIT
from touchstone.methods.certified.crown import bound_margins, interval_margins

POINTS, DRAWS = 30, 2000
CASES = ("digits, dense, adversarially", "digits, convolutional, adversarially", "cancer")
RADII = (0.25, 0.5, 1.0)
"""Shares of the radius that the network was trained against."""
ROUNDING = 1e-4
"""What float32 scores may differ from the real numbers the bounds are about."""


def smallest_found(case: Case, ball: Ball) -> torch.Tensor:
    """The smallest lead over each class that random search finds, `(n, K)`; half of it in corners."""
    generator = torch.Generator().manual_seed(0)
    lower, upper = ball.box(case.x)
    smallest = torch.full((len(case.x), int(case.net(case.x[:1]).shape[1])), torch.inf)
    own = torch.nn.functional.one_hot(case.y, smallest.shape[1]).bool()
    for draw in range(DRAWS):
        share = torch.rand(case.x.shape, generator=generator)
        point = lower + (upper - lower) * (share.round() if draw % 2 else share)
        with torch.no_grad():
            scores = case.net(point)
        lead = (scores.gather(1, case.y[:, None]) - scores).masked_fill(own, torch.inf)
        smallest = torch.minimum(smallest, lead)
    return smallest


def measured(case: Case, share: float) -> dict[str, Any]:
    """Bounds, search and attack at one radius."""
    ball = Ball("linf", share * case.radius, 0.0, 1.0)
    with torch.no_grad():
        right = case.net(case.x).argmax(dim=1) == case.y
    x, y = case.x[right][:POINTS], case.y[right][:POINTS]
    case = Case(case.name, case.net, x, y, case.norm, ball.radius, case.robust)
    assert isinstance(case.net, torch.nn.Sequential)
    started = time.process_time()
    margins = bound_margins(case.net, x, y, ball)
    seconds = time.process_time() - started
    interval = interval_margins(case.net.double(), x.double(), y, ball).amin(dim=1) > 0
    case.net.float()
    outcome = climb_ladder(Differentiable(case.net), x.numpy(), y.numpy(), ball, AUDIT, seed=1, ids=np.arange(len(x)))
    standing = int((outcome.correct & ~outcome.broken).sum())
    return {
        "points": len(x),
        "radius": round(ball.radius, 4),
        "certified": int(margins.certified.sum()),
        "certified_by_intervals": int(interval.sum()),
        "standing_after_the_ladder": standing,
        "certified_but_broken": int((margins.certified.numpy() & outcome.broken).sum()),
        "margins_below_their_bound": int((smallest_found(case, ball) < margins.lower - ROUNDING).sum()),
        "cpu_seconds_per_point": round(seconds / len(x), 4),
    }


def main() -> None:
    """Three networks, three radii."""
    torch.set_num_threads(1)
    cells = {}
    for case in pinned(3 * POINTS, 0, CASES):
        for share in RADII:
            cells[f"{case.name}, {share:g} of the radius"] = row = measured(case, share)
            print(case.name, row, flush=True)
    refuted = sum(row["certified_but_broken"] + row["margins_below_their_bound"] for row in cells.values())
    keep(
        "certified",
        "no margin found by search or attack lies below its bound; no certified point breaks",
        {"refuted": refuted, "cells": cells},
    )


if __name__ == "__main__":
    main()
