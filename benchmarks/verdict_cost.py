"""Claim: a verdict at a limit costs a small part of the fixed AutoAttack ensemble on 400 points, and is the same.

    OMP_NUM_THREADS=1 ENVIRONMENT/bin/python benchmarks/verdict_cost.py

Ours looks at 25, 50, 100, 200 and 400 samples in a fixed random order, as the check `robust.adversarial` does: quick
gradient attacks at each look, and the whole ladder on the survivors before a limit counts as met, never on fewer than
100 samples. The peer attacks all 400 with AutoAttack's four attacks in torchattacks at the published strength, and
compares the exact bound. Both are measured in one process, none is extrapolated; the environment is that of
`attack_parity.py`. An ensemble that also stopped early would cost less than the one that is published and used.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any

import numpy as np
import torch

from attack_models import Case, pinned, standing
from attack_parity import Counted, torchattacks_ensemble
from record import keep
from sequential_verdict import LIMIT, verdict
from touchstone.methods.attacks.gradient.balls import Ball
from touchstone.methods.attacks.gradient.differentiable import Differentiable
from touchstone.methods.attacks.gradient.ladder import climb_ladder
from touchstone.methods.attacks.gradient.rungs import AUDIT, QUICK, Rung
from touchstone.statistics import proportion_bounds

POINTS = 400
REPEATS = 5
"""Runs of ours of which the middle one counts, where a run takes less than half a second."""
CASES = (
    "digits, convolutional, plain",
    "digits 16 px, residual, plain",
    "signs, convolutional, plain",
    "digits, convolutional, L2, plain",
    "digits, convolutional, adversarially",
    "digits, dense, adversarially",
    "digits, convolutional, larger radius",
    "digits, convolutional, L2, adversarially",
)
CLAIM = "same verdict as the fixed ensemble on 400 points; limit missed at <= 1/300 of its cost, met at <= 1/10"


def ours(case: Case) -> tuple[str, int, int]:
    """The verdict that stops early: what it says, samples used, samples audited."""
    model, x, y = Differentiable(case.net), case.x.numpy(), case.y.numpy()

    def broken(rows: np.ndarray, rungs: tuple[Rung, ...]) -> np.ndarray:
        ball = Ball(case.norm, case.radius, 0.0, 1.0)
        outcome = climb_ladder(model, x[rows], y[rows], ball, rungs, seed=1, ids=rows)
        return outcome.broken | ~outcome.correct

    lot = np.random.default_rng(1)
    return verdict(lambda rows: broken(rows, QUICK), lambda rows: broken(rows, AUDIT), lot, samples=len(x))


def fixed(case: Case) -> tuple[str, int]:
    """The verdict of the ensemble on all points, and how many stand."""
    left = standing(case, torchattacks_ensemble(case, Counted(case.net)))
    low, high = proportion_bounds(left, len(case.x))
    return "met" if low >= LIMIT else "missed" if high < LIMIT else "open", left


def compared(case: Case) -> dict[str, Any]:
    """Both verdicts on one case, and what they cost."""
    order = torch.randperm(len(case.x), generator=torch.Generator().manual_seed(1))
    case = Case(case.name, case.net, case.x[order], case.y[order], case.norm, case.radius, case.robust)
    seconds: list[float] = []
    while not seconds or (seconds[0] < 0.5 and len(seconds) < REPEATS):
        started = time.process_time()
        said, samples, audited = ours(case)
        seconds.append(time.process_time() - started)
    started = time.process_time()
    theirs, left = fixed(case)
    peer = time.process_time() - started
    spent = statistics.median(seconds)
    row = {
        "radius": round(case.radius, 4),
        "verdict": said,
        "verdict_of_the_ensemble": theirs,
        "samples": samples,
        "audited": audited,
        "samples_of_the_ensemble": len(case.x),
        "robust_accuracy_by_the_ensemble": round(left / len(case.x), 3),
        "cpu_seconds": round(spent, 4),
        "cpu_seconds_of_the_ensemble": round(peer, 2),
        "cheaper_by": round(peer / spent, 1),
    }
    print(case.name, row, flush=True)
    return row


def main() -> None:
    """Measure and keep."""
    torch.set_num_threads(1)
    wanted = sys.argv[1:]
    cells = {}
    for case in pinned(POINTS, POINTS, wanted or CASES):
        ours(Case(case.name, case.net, case.x[:4], case.y[:4], case.norm, 1.0, case.robust))  # warm up
        cells[case.name] = compared(case)
    if wanted:
        return
    missed, met = (
        {name: row["cheaper_by"] for name, row in cells.items() if row["verdict"] == word} for word in ("missed", "met")
    )
    keep(
        "verdict_cost",
        CLAIM,
        {
            "limit": LIMIT,
            "other_verdict_than_the_ensemble": [
                name for name, row in cells.items() if row["verdict"] != row["verdict_of_the_ensemble"]
            ],
            "missed_cheaper_by": missed,
            "met_cheaper_by": met,
            "cells": cells,
        },
    )


if __name__ == "__main__":
    main()
