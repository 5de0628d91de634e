"""Claim: the masking panel warns of every planted defect and of no honest model, for about a second of one core.

Honest models are trained here, in seconds each; defects are planted with several constants in a standard and in an
adversarially trained net. One half of the seeds and constants set the thresholds that no paper gives, the other half
was not looked at before: ten seeds of honest models, four of planted ones, so that bounds mean something. Some cases
look at one net under several radii, norms or ranges; the nets are counted beside them. The plain probe, a zero gradient
or a gradient that random blocks beat, is scored beside the panel.

    OMP_NUM_THREADS=1 python benchmarks/masking_panel.py [--half 0]

`--half` runs one half only and keeps nothing.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from masking_models import Case, honest, planted
from null_runs import share
from record import keep
from touchstone.methods.attacks.gradient.differentiable import Differentiable
from touchstone.methods.attacks.masking import MaskingPanel, masking_panel

HALVES: dict[str, tuple[int, Sequence[int], Sequence[int]]] = {
    "set": (0, (1,), (1,)),
    "tested": (1, range(11, 21), range(11, 15)),
}
"""Which constants of the defects; seeds of honest models, seeds of planted ones."""
NETS = 20
"""Of the honest cases of a seed; the others look at one of these in another way."""
PLAIN_PROBE = {"zero-gradient-cross-entropy", "zero-gradient-lead", "random-beats-gradient"}


def look(case: Case) -> tuple[MaskingPanel, float]:
    """The panel and its CPU seconds."""
    started = time.process_time()
    panel = masking_panel(Differentiable(case.function), case.x, case.y, case.ball, seed=1, ids=np.arange(len(case.x)))
    return panel, time.process_time() - started


def codes(panel: MaskingPanel) -> list[str]:
    """What warns."""
    return [indicator.code for indicator in panel.warnings]


def measure_half(half: int, honest_seeds: Sequence[int], planted_seeds: Sequence[int]) -> dict[str, Any]:
    """All honest models and all defects of their seeds."""
    seconds: list[float] = []
    largest: dict[str, float] = {}
    false_warnings: dict[str, list[str]] = {}
    models = 0
    for seed in honest_seeds:
        for case in honest(seed):
            panel, spent = look(case)
            models += 1
            seconds.append(spent)
            for indicator in panel.indicators:
                largest[indicator.code] = max(largest.get(indicator.code, 0.0), round(indicator.value, 4))
            if panel.warnings:
                false_warnings[f"{case.name}, seed {seed}"] = codes(panel)
    found: dict[str, list[str]] = {}
    for seed in planted_seeds:
        for case in planted(seed, half):
            panel, spent = look(case)
            seconds.append(spent)
            found[f"{case.name}, seed {seed}"] = codes(panel)
    plain = sum(bool(PLAIN_PROBE & set(warned)) for warned in found.values())
    return {
        "honest_models_warned_of": share(len(false_warnings), models),
        "honest_nets": NETS * len(honest_seeds),
        "honest_models_with_a_warning": false_warnings,
        "largest_value_of_honest_models": largest,
        "planted_found": share(sum(bool(warned) for warned in found.values()), len(found)),
        "planted_found_by_the_plain_probe": share(plain, len(found)),
        "planted_missed": [name for name, warned in found.items() if not warned],
        "found_by": dict(Counter(code for warned in found.values() for code in warned).most_common()),
        "cpu_seconds": {"median": round(statistics.median(seconds), 2), "largest": round(max(seconds), 2)},
    }


def main() -> None:
    """Both halves, and the thresholds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--half", type=int)
    only = parser.parse_args().half
    torch.set_num_threads(1)
    measured = {name: measure_half(*half) for name, half in HALVES.items() if only in (None, half[0])}
    if only is not None:
        print(measured)
        return
    limits, _ = look(next(honest(1)))
    thresholds = {one.code: {"above": one.threshold, "source": one.source} for one in limits.indicators}
    keep(
        "masking_panel",
        "the masking panel warns of every planted defect and of no honest model, for about a second of one core",
        {"thresholds": thresholds, **measured},
    )


if __name__ == "__main__":
    main()
