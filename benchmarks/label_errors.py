"""Claim: wrong labels rank as high as with cleanlab on the same probabilities, and their share gets bounds.

Real pictures (digits of scikit-learn), real measurements (breast cancer), and overlapping synthetic classes get wrong
labels, by lot among all classes or to one neighbouring class. Both are given the same out-of-fold probabilities.
Measured: the area under the ROC curve by which wrong labels rank above right ones (cleanlab: the better of its two
scores), and the error of the estimated share. No row is vouched for: this is the harder case.

    OMP_NUM_THREADS=1 python benchmarks/label_errors.py --cleanlab PYTHON-WITH-CLEANLAB
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from record import keep
from touchstone.methods.data_quality.label_errors import (
    found_of_turned,
    label_errors,
    margins,
    out_of_fold,
    turn_round,
)
from touchstone.statistics import auc

SEEDS = 3

PEER = """
import sys, json, numpy as np, cleanlab
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from cleanlab.count import num_label_issues
answers = []
for path in sys.argv[1:]:
    data = np.load(path)
    labels, p = data["labels"], data["probabilities"]
    p = p / p.sum(axis=1, keepdims=True)
    answers.append({
        "scores": {how: get_label_quality_scores(labels, p, method=how).tolist()
                   for how in ("self_confidence", "normalized_margin")},
        "number": int(num_label_issues(labels, p)),
        "found": np.flatnonzero(find_label_issues(labels, p)).tolist(),
    })
print(json.dumps({"version": cleanlab.__version__, "answers": answers}))
"""


def digits(generator: np.random.Generator) -> tuple[Any, Any]:
    from sklearn.datasets import load_digits

    return load_digits(return_X_y=True)


def cancer(generator: np.random.Generator) -> tuple[Any, Any]:
    from sklearn.datasets import load_breast_cancer

    return load_breast_cancer(return_X_y=True)


def overlapping(generator: np.random.Generator) -> tuple[Any, Any]:
    truth = generator.integers(0, 3, 1_500)
    return 2.5 * np.eye(3)[truth] + generator.normal(size=(1_500, 3)), truth


SETS = {"digits": digits, "breast cancer": cancer, "three overlapping classes": overlapping}


def cases(folder: Path) -> list[dict[str, Any]]:
    """Every set with every kind and share of wrong labels, judged by us and written down for the peer."""
    found = []
    for name, make in SETS.items():
        for share in (0.02, 0.1):
            for neighbour in (False, True):
                for seed in range(SEEDS):
                    generator = np.random.default_rng([seed, int(100 * share), neighbour])
                    x, truth = make(generator)
                    classes = int(truth.max()) + 1
                    wrong = generator.random(len(truth)) < share
                    shift = 1 if neighbour else generator.integers(1, classes, len(truth))
                    given = np.where(wrong, (truth + shift) % classes, truth)
                    probabilities = out_of_fold(x, given, classes, generator, "numbers")
                    turned_labels, turned = turn_round(given, classes, generator)
                    again = out_of_fold(x, turned_labels, classes, generator, "numbers")
                    errors = label_errors(probabilities, given, found_of_turned(again, turned_labels, turned))
                    path = folder / f"{len(found)}.npz"
                    np.savez(path, labels=given, probabilities=probabilities)
                    found.append(
                        {
                            "set": name,
                            "wrong": f"{share:.0%} {'to a neighbour' if neighbour else 'by lot'}",
                            "path": path,
                            "truth": wrong,
                            "auc": auc(margins(probabilities, given)[wrong], margins(probabilities, given)[~wrong]),
                            "rate": errors.rate,
                            "covered": errors.low <= wrong.mean() <= errors.high,
                        }
                    )
    return found


def compared(python: str) -> dict[str, Any]:
    """Both on every case; means over the seeds."""
    with tempfile.TemporaryDirectory() as folder:
        ours = cases(Path(folder))
        command = [python, "-c", PEER, *(str(case["path"]) for case in ours)]
        peer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    table: dict[str, dict[str, list[float]]] = {}
    for case, answer in zip(ours, peer["answers"], strict=True):
        wrong, share = case["truth"], float(case["truth"].mean())
        row = table.setdefault(f"{case['set']}, {case['wrong']}", {})
        scores = {how: -np.array(values) for how, values in answer["scores"].items()}
        for key, value in {
            "auc": case["auc"],
            "auc_cleanlab": max(auc(score[wrong], score[~wrong]) for score in scores.values()),
            "share_error": abs(case["rate"] - share),
            "share_error_cleanlab": abs(answer["number"] / len(wrong) - share),
            "bounds_cover": float(case["covered"]),
        }.items():
            row.setdefault(key, []).append(value)
    means = {
        case: {key: round(float(np.mean(values)), 4) for key, values in row.items()} for case, row in table.items()
    }
    return {
        "cleanlab": peer["version"],
        "cases": means,
        "mean": {
            key: round(float(np.mean([row[key] for row in means.values()])), 4) for key in next(iter(means.values()))
        },
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cleanlab", required=True, help="a Python that has cleanlab")
    keep(
        "label_errors",
        "wrong labels rank as with cleanlab on the same probabilities; their share has bounds",
        compared(parser.parse_args().cleanlab),
    )
