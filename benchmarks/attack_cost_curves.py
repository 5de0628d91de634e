"""What the gradient ladder costs: CPU time against points, radius, classes and size of the model, in one process.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/attack_cost_curves.py

`quick` is what every sample faces, `audit` the whole ladder before a pass. The curve over radii is measured on a model
trained against PGD. The others are worst cases: networks with random weights that are asked about their own answers in
a ball so small that every point stands to the end. For large models the audit is given in passes alone, which cost what
passes cost there; `floor` is the time of the bare passes.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import nn

from attack_models import Case, Data, convolutional, pinned
from attack_parity import Counted
from record import keep
from touchstone.methods.attacks.gradient.balls import Ball
from touchstone.methods.attacks.gradient.differentiable import Differentiable
from touchstone.methods.attacks.gradient.ladder import climb_ladder
from touchstone.methods.attacks.gradient.rungs import AUDIT, QUICK, Rung

POINTS, CLASSES, RADII = (10, 25, 50, 100), (2, 10, 43, 100, 200), (0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
WIDTHS = (5, 16, 36, 76)
"""Of three convolutions over 32 × 32 pixels, about 0.1, 1, 5 and 25 million parameters with their dense layer."""
AUDITED_WIDTHS = WIDTHS[:2]
TIERS: dict[str, tuple[Rung, ...]] = {"quick": QUICK, "audit": AUDIT}


def cost(case: Case, tier: str) -> dict[str, Any]:
    """One tier on all points of a case."""
    model, ball = Counted(case.net), Ball(case.norm, case.radius, 0.0, 1.0)
    x, y = case.x.numpy(), case.y.numpy()
    started = time.process_time()
    outcome = climb_ladder(Differentiable(model), x, y, ball, TIERS[tier], seed=1, ids=np.arange(len(x)))
    spent, attacked = time.process_time() - started, max(int(outcome.correct.sum()), 1)
    floor = model.bare_seconds(case.x)
    return {
        "cpu_seconds_per_point": round(spent / attacked, 5),
        "floor": round(floor / attacked, 5),
        "cost_over_floor": round(spent / floor, 2),
        "standing_share": round(float((outcome.correct & ~outcome.broken).sum() / attacked), 3),
        "forward_per_point": round(model.samples(back=False) / attacked),
        "forward_and_back_per_point": round(model.samples(back=True) / attacked),
    }


def standing_case(points: int, side: int, classes: int, width: int, hidden: int = 64) -> Case:
    """Random pictures, a network with random weights, and a ball in which nothing happens."""
    torch.manual_seed(points + classes + width)
    x = torch.rand(points, 3, side, side)
    data = Data(x, x, x, x)
    net = convolutional(data, width, classes, 3)
    if hidden != 64:
        inner = net[-3].in_features
        net[-3], net[-1] = nn.Linear(inner, hidden), nn.Linear(hidden, classes)
    net = net.eval()
    with torch.no_grad():
        y = net(x).argmax(dim=1)
    return Case("standing", net, x, y, "linf", 1e-4, robust=True)


def curve(cases: Iterable[tuple[str, Case]], audited: Iterable[str] | None = None) -> dict[str, Any]:
    """Both tiers along one axis."""
    rows: dict[str, Any] = {}
    for name, case in cases:
        cost(Case(case.name, case.net, case.x[:2], case.y[:2], case.norm, 1.0, case.robust), "quick")  # warm up
        tiers = TIERS if audited is None or name in audited else ["quick"]
        rows[name] = {tier: cost(case, tier) for tier in tiers}
        print(name, rows[name], flush=True)
    return rows


def size(case: Case) -> str:
    """Millions of parameters."""
    return f"{sum(parameter.numel() for parameter in case.net.parameters()) / 1e6:.2g} M"


def main() -> None:
    """All four curves."""
    torch.set_num_threads(1)
    (trained,) = pinned(40, 0, ["digits, convolutional, adversarially"])
    sized = [(width, standing_case(2, 32, 10, width, hidden=16 * width)) for width in WIDTHS]
    keep(
        "attack_cost_curves",
        "cost of a point does not grow with the number of points or, past ten, of classes, and is that of the passes",
        {
            "points": curve((str(n), standing_case(n, 8, 10, 4)) for n in POINTS),
            "radius": curve(
                (str(r), Case(trained.name, trained.net, trained.x, trained.y, "linf", r, robust=True)) for r in RADII
            ),
            "classes": curve((str(k), standing_case(10, 8, k, 4)) for k in CLASSES),
            "parameters": curve(
                ((size(case), case) for _, case in sized),
                audited=[size(case) for width, case in sized if width in AUDITED_WIDTHS],
            ),
        },
    )


if __name__ == "__main__":
    main()
