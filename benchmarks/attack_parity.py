"""Claim: our ladder finds at least as much as the AutoAttack ensemble, at a fraction of its cost.

Peers: the four attacks of AutoAttack (APGD-CE, APGD-T, FAB-T, Square) in torchattacks at the published strength (100
steps; its own `AutoAttack` uses 10) and, on one case, ART's `AutoAttack`; in an environment of their own that also
holds Touchstone:

    OMP_NUM_THREADS=1 ENVIRONMENT/bin/python benchmarks/attack_parity.py

Both have the same steps, targets and proposals. Same models (`attack_models.py`), same points, same process, one
thread, CPU time. A success counts when a neutral scorer finds the point inside the ball and the answer changed. The
floor is the cost of the same passes through the bare model, in batches of the same sizes, forward and back where the
attack went back; nothing can attack for less without going through the model less often.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from attack_models import Case, pinned, standing
from record import keep
from touchstone.methods.attacks.gradient.balls import Ball
from touchstone.methods.attacks.gradient.differentiable import Differentiable
from touchstone.methods.attacks.gradient.ladder import climb_ladder
from touchstone.methods.attacks.gradient.rungs import AUDIT

POINTS, PLAIN_POINTS = 40, 200
REPEATS = 5
"""Runs of which the middle one counts, where a run takes less than half a second."""
ART_CASE, ART_POINTS = "digits, dense, adversarially trained", 20
CLAIM = (
    "robust accuracy <= the AutoAttack ensemble on every pinned set; cost <= 1/30 of it on models without robustness, "
    "<= 1/2.5 on robust ones, and <= 1.6 x the bare passes"
)


class Counted:
    """A model that counts the samples that go through it, and the sizes of the batches they come in."""

    def __init__(self, net: torch.nn.Module) -> None:
        self.net = net
        self.batches: Counter[tuple[int, bool]] = Counter()

    def __call__(self, x: Tensor) -> Tensor:
        """The model's scores."""
        self.batches[len(x), x.requires_grad] += 1
        return self.net(x)

    def samples(self, *, back: bool) -> int:
        """Samples that went forward only, or were to go back as well."""
        return sum(size * times for (size, gradient), times in self.batches.items() if gradient == back)

    def bare_seconds(self, x: Tensor) -> float:
        """CPU time of the same passes with nothing around them."""
        started = time.process_time()
        for (size, back), times in self.batches.items():
            batch = x[torch.arange(size) % len(x)]
            for _ in range(times):
                if not back:
                    with torch.no_grad():
                        self.net(batch)
                    continue
                leaf = batch.requires_grad_(True)
                torch.autograd.grad(self.net(leaf).sum(), leaf)
        return time.process_time() - started


def ours(case: Case, model: Counted) -> Tensor:
    """The whole ladder that survivors must withstand, on everything."""
    outcome = climb_ladder(
        Differentiable(model),
        case.x.numpy(),
        case.y.numpy(),
        Ball(case.norm, case.radius, 0.0, 1.0),
        AUDIT,
        seed=1,
        ids=np.arange(len(case.x)),
    )
    return torch.from_numpy(outcome.points)


class _Wrapped(torch.nn.Module):
    """The peers want a module."""

    def __init__(self, model: Counted) -> None:
        super().__init__()
        self.net, self.counted = model.net, model

    def forward(self, x: Tensor) -> Tensor:
        """Counted."""
        return self.counted(x)


def torchattacks_ensemble(case: Case, model: Counted) -> Tensor:
    """AutoAttack's four attacks in its order, each on the survivors of those before it."""
    import torchattacks

    net = _Wrapped(model).eval()
    x, y = case.x, case.y
    classes = int(case.net(x[:1]).shape[1])
    common = {"norm": {"linf": "Linf", "l2": "L2"}[case.norm], "eps": case.radius}
    attacks = [torchattacks.APGD(net, **common, steps=100)]
    if classes > 3:  # its targeted attacks divide by the spread of four scores
        attacks.append(torchattacks.APGDT(net, **common, steps=100, n_classes=min(classes, 10)))
    attacks.append(torchattacks.FAB(net, **common, steps=100, multi_targeted=classes > 2, n_classes=min(classes, 10)))
    attacks.append(torchattacks.Square(net, **common, n_queries=5000))
    found = x.clone()
    for attack in attacks:
        with torch.no_grad():
            left = torch.nonzero(net(found).argmax(dim=1) == y).flatten()
        if not len(left):
            break
        points = attack(x[left], y[left]).detach()
        delta = (points - x[left]).flatten(1)
        inside = (delta.abs().amax(dim=1) if case.norm == "linf" else delta.norm(dim=1)) <= case.radius + 1e-5
        with torch.no_grad():  # FAB returns the nearest point it found, wherever that is
            broken = inside & (net(points).argmax(dim=1) != y[left])
        found[left[broken]] = points[broken]
    return found


def art_ensemble(case: Case, model: Counted) -> Tensor:
    """ART's own ensemble, which is made of other attacks."""
    from art.attacks.evasion import AutoAttack
    from art.estimators.classification import PyTorchClassifier

    net, shape = _Wrapped(model).eval(), tuple(case.x.shape[1:])
    classifier = PyTorchClassifier(net, torch.nn.CrossEntropyLoss(), shape, 10, clip_values=(0, 1))
    attack = AutoAttack(classifier, norm=np.inf, eps=case.radius, eps_step=case.radius / 5, batch_size=256)
    return torch.from_numpy(attack.generate(case.x.numpy(), case.y.numpy()))


Attack = Callable[[Case, Counted], Tensor]


def measured(case: Case, attack: Attack) -> dict[str, Any]:
    """What an attack leaves standing, and what that cost."""
    seconds: list[float] = []
    while not seconds or (seconds[0] < 0.5 and len(seconds) < REPEATS):
        model = Counted(case.net)
        started = time.process_time()
        found = attack(case, model)
        seconds.append(time.process_time() - started)
    spent = statistics.median(seconds)
    floor = statistics.median(model.bare_seconds(case.x) for _ in seconds) if attack is ours else None
    return {
        "standing": standing(case, found),
        "cpu_seconds": round(spent, 4),
        **({} if floor is None else {"floor_seconds": round(floor, 4), "cost_over_floor": round(spent / floor, 2)}),
        "forward": model.samples(back=False),
        "forward_and_back": model.samples(back=True),
        "batches": sum(model.batches.values()),
    }


def compared(case: Case, peers: dict[str, Attack]) -> dict[str, Any]:
    """Ours and the peers' on one case."""
    row: dict[str, Any] = {"points": len(case.x), "norm": case.norm, "radius": round(case.radius, 4)}
    row |= {name: measured(case, attack) for name, attack in {"touchstone": ours, **peers}.items()}
    for name in peers:
        row[f"{name}_cost_over_ours"] = round(row[name]["cpu_seconds"] / row["touchstone"]["cpu_seconds"], 2)
    print(case.name, row, flush=True)
    return row


def main() -> None:
    """Measure and keep."""
    torch.set_num_threads(1)
    wanted = sys.argv[1:]
    rows: dict[str, dict[str, Any]] = {}
    robust = {}
    for case in pinned(POINTS, PLAIN_POINTS, wanted):
        measured(Case(case.name, case.net, case.x[:4], case.y[:4], case.norm, 0.0, case.robust), ours)  # warm up
        rows[case.name], robust[case.name] = compared(case, {"torchattacks": torchattacks_ensemble}), case.robust
    for case in pinned(ART_POINTS, 0, [ART_CASE]) if not wanted or "art" in wanted else ():
        rows[f"{case.name}, against ART"] = compared(case, {"art": art_ensemble})
    if wanted:
        return
    cells = {name: rows[name] for name in robust}
    cost = {name: row["torchattacks_cost_over_ours"] for name, row in cells.items()}
    worse = [name for name, row in cells.items() if row["touchstone"]["standing"] > row["torchattacks"]["standing"]]
    keep(
        "attack_parity",
        CLAIM,
        {
            "at_least_as_strong_on": f"{len(cells) - len(worse)} of {len(cells)}",
            "weaker_on": worse,
            "plain_below_30_times_cheaper": {n: c for n, c in cost.items() if not robust[n] and c < 30},
            "robust_below_2.5_times_cheaper": {n: c for n, c in cost.items() if robust[n] and c < 2.5},
            "above_1.6_times_the_floor": {
                name: row["touchstone"]["cost_over_floor"]
                for name, row in cells.items()
                if row["touchstone"]["cost_over_floor"] > 1.6
            },
            "cells": rows,
        },
    )


if __name__ == "__main__":
    main()
