"""Claim: isolation, journal, evidence and reports cost at most 15 % on top of the checks themselves.

For each example system: wall time of the bare check functions, one after the other in this process, against the
wall time of `touchstone assess` as a command with all it does, with one and with two jobs. Threads are limited to one
in both. Taken in turns; the median of the rounds counts.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import keep
from touchstone.api import SCREENINGS
from touchstone.assessment.measure import measure
from touchstone.assessment.plan import make_plan
from touchstone.checks.registry import installed_checks
from touchstone.standard.catalog import load_standard
from touchstone.system.subject import open_system

EXAMPLES = Path(__file__).parents[1] / "examples"
SYSTEMS = ("healthcare", "smart-city", "manufacturing")
ROUNDS = 3


ONE_THREAD = os.environ | {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}


def bare(system: Path) -> float:
    """Seconds for the check functions alone, in a process of their own."""
    finished = subprocess.run(
        [sys.executable, __file__, "--bare", system], check=True, capture_output=True, text=True, env=ONE_THREAD
    )
    return float(finished.stdout)


def time_checks(system: Path) -> float:
    """What `--bare` does. Importing, opening and planning are outside; reading data and models is inside."""
    subject = open_system(system)
    profile = load_standard().profile(SCREENINGS[subject.description.system.sector])
    plan = make_plan(subject, profile, installed_checks(), "quick")
    started = time.perf_counter()
    for item in plan.items:
        if item.runs and not item.audit:
            measure(installed_checks()[item.check.id], subject, item, "quick")
    return time.perf_counter() - started


def whole(system: Path, jobs: int) -> float:
    """Seconds for the command."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "touchstone", "assess", system, "--output", f"{folder}/out", "--jobs", str(jobs)],
            check=False,
            stdout=subprocess.DEVNULL,
        )
        return time.perf_counter() - started


def main() -> None:
    """Measure in turns."""
    measured = {}
    for name in SYSTEMS:
        times: dict[str, list[float]] = {"bare": [], "one_job": [], "two_jobs": []}
        for _ in range(ROUNDS):
            times["bare"].append(bare(EXAMPLES / name))
            times["one_job"].append(whole(EXAMPLES / name, 1))
            times["two_jobs"].append(whole(EXAMPLES / name, 2))
        median = {kind: statistics.median(values) for kind, values in times.items()}
        measured[name] = {
            "bare_seconds": round(median["bare"], 2),
            "ratio_one_job": round(median["one_job"] / median["bare"], 3),
            "ratio_two_jobs": round(median["two_jobs"] / median["bare"], 3),
        }
    keep("overhead", "`assess` wall time ≤ 1.15 × the sum of the bare check functions", measured)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--bare"]:
        print(time_checks(Path(sys.argv[2])))
    else:
        main()
