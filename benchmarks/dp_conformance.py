"""How surely does the conformance test tell a weakened DP-SGD step from an honest one?

Steps with one thing wrong each, over many seeds. The canaries and the noise of a trial follow from its seed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from record import keep

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.methods.privacy.test_conformance import CLAIMED, RECORDS, Mechanism

from touchstone.methods.privacy.conformance import conformance
from touchstone.statistics import proportion_bounds

CLAIM = "At least 95 % of steps with 10 % less noise are found, and at most 1.5 % of honest steps are accused."
SEEDS, HONEST_SEEDS = 200, 1000
CASES = {
    "honest": {},
    "noise_10_percent_less": {"noise": 0.9},
    "noise_5_percent_less": {"noise": 0.95},
    "noise_2_percent_less": {"noise": 0.98},
    "norm_10_percent_larger": {"clip": 1.1},
    "norm_5_percent_larger": {"clip": 1.05},
    "rate_10_percent_higher": {"rate": 1.1},
    "batches_of_fixed_size": {"kind": "fixed"},
    "weighted_sampler": {"kind": "weighted"},
    "same_noise_at_every_step": {"kind": "repeated"},
    "one_noise_for_all_coordinates": {"kind": "shared"},
}


def measure(wrong: dict[str, object], seeds: int) -> dict[str, object]:
    accused = 0
    start = time.process_time()
    for seed in range(seeds):
        mechanism = Mechanism(seed, **wrong)
        found = conformance(
            mechanism.step,
            CLAIMED,
            np.random.default_rng([seed, 1]),
            sampler=mechanism.batch,
            records=RECORDS,
        )
        accused += not found.conforms
    low, high = proportion_bounds(accused, seeds)
    seconds = (time.process_time() - start) / seeds
    return {
        "trials": seeds,
        "accused": round(accused / seeds, 4),
        "bounds_95_percent": [round(low, 4), round(high, 4)],
        "cpu_seconds_per_trial": round(seconds, 4),
    }


def main() -> None:
    keep(
        "dp_conformance",
        CLAIM,
        {name: measure(wrong, HONEST_SEEDS if name == "honest" else SEEDS) for name, wrong in CASES.items()},
    )


if __name__ == "__main__":
    main()
