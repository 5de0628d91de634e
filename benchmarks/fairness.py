"""Claim: gaps between groups with exact bounds cost little more than counting; chance alone is hardly ever accused.

Processor seconds on one thread (set OMP_NUM_THREADS=1) for a million people in eight groups: numbering the groups,
counting them, all gaps with bounds, and accuracy with recalls; beside the plainest counting in numpy, and Fairlearn's
`MetricFrame` with a bootstrap, in an environment of its own, on the same rows in the same run. Then false alarms and
finds over many seeds, for gaps, groups that stand out, and rules that name weak spots.

    python benchmarks/fairness.py --fairlearn PYTHON-WITH-FAIRLEARN
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from record import keep
from touchstone.checks.governance.group_evidence import standing_out
from touchstone.checks.governance.group_gaps import GAPS, TRUE_POSITIVE_RATE_GAP, comparisons
from touchstone.methods.group_fairness import groups_by_attribute
from touchstone.methods.groups import membership
from touchstone.methods.slices import conditions_on, find_rules, prove
from touchstone.statistics import proportion_bounds

PEOPLE = 1_000_000
GROUPS = 8
ROUNDS = 5
BOOTSTRAPS = 10
SEEDS = 300
LEAST = 30

PEER = """
import sys, time, json, numpy as np, fairlearn
from fairlearn.metrics import MetricFrame, selection_rate, true_positive_rate, false_positive_rate
from sklearn.metrics import accuracy_score
data = np.load(sys.argv[1])
metrics = {"selection_rate": selection_rate, "true_positive_rate": true_positive_rate,
           "false_positive_rate": false_positive_rate, "accuracy": accuracy_score}
truth, answer, group = data["positive"].astype(int), data["selected"].astype(int), data["group"]
start = time.process_time()
frame = MetricFrame(metrics=metrics, y_true=truth, y_pred=answer, sensitive_features=group,
                    n_boot=int(sys.argv[2]), ci_quantiles=[0.05, 0.95], random_state=0)
frame.difference(); frame.difference_ci(); frame.by_group; frame.by_group_ci
print(json.dumps({"seconds": time.process_time() - start, "version": fairlearn.__version__,
                  "gaps": {name: float(frame.difference()[name]) for name in metrics}}))
"""


def crowd(generator: np.random.Generator, n: int, groups: int) -> tuple[Any, Any, Any]:
    """Decisions, truth and groups that have nothing to do with one another."""
    names = np.array([f"group-{index}" for index in range(groups)])
    return generator.random(n) < 0.5, generator.random(n) < 0.4, names[generator.integers(0, groups, n)]


def ours(selected: Any, positive: Any, group: Any) -> dict[str, float]:
    """Everything from the strings to the bounds."""
    groups = groups_by_attribute(selected, positive, {"group": membership(group)})
    gaps = {gap.metric: comparisons(gap, groups, LEAST)["group",].value for gap in GAPS}
    confusion = np.bincount(2 * positive.astype(np.int64) + selected, minlength=4).reshape(2, 2)
    for right, n in [
        (confusion.trace(), confusion.sum()),
        *zip(confusion.diagonal(), confusion.sum(axis=1), strict=True),
    ]:
        proportion_bounds(int(right), int(n))
    return gaps


def plain_numpy(selected: Any, positive: Any, group: Any) -> None:
    """What anybody would write: for every group four counts, and nothing else."""
    for name in np.unique(group):
        members = group == name
        for counted in (selected, positive, selected & positive):
            (members & counted).sum()
        members.sum()


def seconds(work: Callable[[], Any]) -> float:
    """Least processor time of some rounds: what is left when nothing disturbs."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def speed(peer: str | None) -> dict[str, Any]:
    """The same million people for all."""
    rows = crowd(np.random.default_rng(1), PEOPLE, GROUPS)
    mine, bare = seconds(lambda: ours(*rows)), seconds(lambda: plain_numpy(*rows))
    measured: dict[str, Any] = {
        "people": PEOPLE,
        "groups": GROUPS,
        "touchstone_seconds": round(mine, 3),
        "plain_numpy_seconds": round(bare, 3),
        "ratio_to_plain_numpy": round(mine / bare, 2),
    }
    if peer is not None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "rows.npz"
            np.savez(file, **dict(zip(("selected", "positive", "group"), rows, strict=True)))
            answer = subprocess.run(
                [peer, "-c", PEER, str(file), str(BOOTSTRAPS)], check=True, capture_output=True, text=True
            )
        theirs = json.loads(answer.stdout)
        gaps = ours(*rows)
        measured["fairlearn"] = {
            "version": theirs["version"],
            "bootstraps": BOOTSTRAPS,
            "seconds": round(theirs["seconds"], 2),
            "ratio_to_touchstone": round(theirs["seconds"] / mine, 1),
            "largest_difference_of_a_gap": max(
                abs(gaps[f"{name}_gap"] - value) for name, value in theirs["gaps"].items() if f"{name}_gap" in gaps
            ),
        }
    return measured


def share(hits: int) -> dict[str, Any]:
    """A count over the seeds, with bounds of the rate behind it."""
    low, high = proportion_bounds(hits, SEEDS)
    return {"hits": hits, "of": SEEDS, "rate": round(hits / SEEDS, 4), "low": round(low, 4), "high": round(high, 4)}


def gaps_by_chance_and_planted() -> dict[str, Any]:
    """2,000 people in four groups: no gap at all, then a true positive rate lower by 0.3 in the last of them."""
    one, any_gap, outstanding, found, named = dict.fromkeys((gap.metric for gap in GAPS), 0), 0, 0, 0, 0
    for seed in range(SEEDS):
        selected, positive, group = crowd(np.random.default_rng(seed), 2000, 4)
        numbered = {"group": membership(group)}
        groups = groups_by_attribute(selected, positive, numbered)
        proven = []
        for gap in GAPS:
            worst = comparisons(gap, groups, LEAST)["group",]
            proven.append(worst.high < 1 if gap.better == "higher" else worst.low > 0)
            one[gap.metric] += proven[-1]
        any_gap += any(proven)
        outstanding += bool(list(standing_out(groups, LEAST)))
        last = positive & (group == "group-3")
        worse = np.where(last, np.random.default_rng(10_000 + seed).random(2000) < 0.2, selected)
        spoilt = groups_by_attribute(worse, positive, numbered)
        found += comparisons(TRUE_POSITIVE_RATE_GAP, spoilt, LEAST)["group",].low > 0
        named += any("group-3: true positive rate below" in note.text.en for note in standing_out(spoilt, LEAST))
    return {
        "false_alarms": {name: share(hits) for name, hits in one.items()},
        "false_alarm_of_any_of_the_gaps": share(any_gap),
        "false_alarm_of_groups_that_stand_out": share(outstanding),
        "planted_gap_found": share(found),
        "planted_group_named": share(named),
    }


def slices_by_chance_and_planted() -> dict[str, Any]:
    """2,000 rows, six columns: errors by chance at 10 %, then at 40 % where two conditions meet (an eighth)."""
    alarms, found, named = 0, 0, 0
    for seed in range(SEEDS):
        generator = np.random.default_rng(20_000 + seed)
        columns = {f"x{index}": generator.normal(size=2000) for index in range(5)}
        columns["sex"] = np.where(generator.random(2000) < 0.5, "F", "M")
        conditions = conditions_on(columns)
        search, proof = np.arange(1000), np.arange(1000, 2000)
        weak = (columns["x0"] > np.quantile(columns["x0"], 0.75)) & (columns["sex"] == "F")
        for rate in (0.1, 0.4):
            wrong = generator.random(2000) < np.where(weak, rate, 0.1)
            rules = find_rules(conditions, wrong, search, least=20, most=8)
            proven = [each for each in prove(conditions, rules, wrong, proof) if each.low > 0]
            if rate == 0.1:
                alarms += bool(proven)
            else:
                found += bool(proven)
                named += any("x0" in each.words and "sex = F" in each.words for each in proven)
    return {
        "false_alarms": share(alarms),
        "planted_spot_proven": share(found),
        "planted_spot_proven_and_named_by_both_conditions": share(named),
    }


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fairlearn", help="a Python that has fairlearn")
    measured = {
        "speed": speed(parser.parse_args().fairlearn),
        "gaps": gaps_by_chance_and_planted(),
        "weak_spots": slices_by_chance_and_planted(),
    }
    claim = "gaps between groups with exact bounds cost about what counting does; chance is hardly ever accused"
    keep("fairness", claim, measured)


if __name__ == "__main__":
    main()
