"""Does our accountant agree with two others, and what does it cost?

    python benchmarks/dp_accounting.py PYTHON_WITH_DP_ACCOUNTING_AND_OPACUS

dp-accounting composes privacy loss distributions (connect the dots, distance 1e-4), Opacus has its PRV accountant with
an error of 0.01 in epsilon. Each run covers one setting; seconds are CPU time without imports.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from record import keep
from touchstone.methods.privacy.accounting import Training, epsilon_bounds, renyi_epsilon

CLAIM = "Upper bounds within 0.1 % of dp-accounting and within the error of Opacus PRV, lower bounds within 2 %."
DELTA = 1e-5
SETTINGS = [
    (1.3, 0.102, 300),
    (3.0, 0.102, 300),
    (1.0, 0.01, 10_000),
    (0.6, 0.001, 1_000),
    (2.0, 1.0, 10),
    (0.8, 0.001, 100_000),
]
PEER = """
import json, sys, time, warnings, logging
logging.disable(logging.WARNING)
warnings.filterwarnings("ignore")
from dp_accounting.pld import privacy_loss_distribution as pld
from opacus.accountants import PRVAccountant
settings, delta = json.loads(sys.argv[1]), float(sys.argv[2])
rows = []
for sigma, q, steps in settings:
    start = time.process_time()
    one = pld.from_gaussian_mechanism(sigma, sampling_prob=q, value_discretization_interval=1e-4)
    dots = one.self_compose(steps).get_epsilon_for_delta(delta)
    middle = time.process_time()
    accountant = PRVAccountant()
    accountant.history = [(sigma, q, steps)]
    prv = accountant.get_epsilon(delta=delta)
    rows.append([dots, middle - start, float(prv), time.process_time() - middle])
json.dump(rows, sys.stdout)
"""


def main() -> None:
    answer = subprocess.run(
        [sys.argv[1], "-c", PEER, json.dumps(SETTINGS), str(DELTA)], check=True, capture_output=True, text=True
    )
    measured: dict[str, Any] = {}
    for setting, (dots, dots_seconds, prv, prv_seconds) in zip(SETTINGS, json.loads(answer.stdout), strict=True):
        training = Training(*setting)
        start = time.process_time()
        bounds = epsilon_bounds(training, DELTA)
        seconds = time.process_time() - start
        measured["noise={} rate={} steps={}".format(*setting)] = {
            "low": round(bounds.low, 5),
            "high": round(bounds.high, 5),
            "renyi": round(renyi_epsilon(training, DELTA), 5),
            "dp_accounting": round(dots, 5),
            "opacus_prv": round(prv, 5),
            "high_over_dp_accounting": round(bounds.high / dots, 6),
            "low_over_dp_accounting": round(bounds.low / dots, 6),
            "cpu_seconds": {
                "touchstone": round(seconds, 2),
                "dp_accounting": round(dots_seconds, 2),
                "opacus_prv": round(prv_seconds, 2),
            },
        }
    keep("dp_accounting", CLAIM, measured)


if __name__ == "__main__":
    main()
