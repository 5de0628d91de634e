"""Claim: distances add to what labels betray beside references; gradients inside the model add nothing.

The targets of `membership.py` (digits with wrong labels, census records, made tables; networks with one hidden layer),
each with four references. AUC and true positive rate at 1 % false positives on the half of the samples that had no part
in fitting: from labels with references, from labels with the distance of 64 questions beside them, from probabilities
(RMIA), and from what somebody inside sees as well: norms of the gradients of the loss by weights and by inputs, against
those of references, weighed with the best answers by logistic regression.

    OMP_NUM_THREADS=1 python benchmarks/membership_access.py --data DIR --art PYTHON-WITH-ART

Last, against ART's LabelOnlyDecisionBoundary (HopSkipJump, five iterations) on two targets of each task: 100 known
members and as many non-members choose the threshold, as many others are judged; balanced accuracy, labels asked and
processor time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from membership import census, digits, made, scores
from record import keep
from touchstone.checks.data_security.membership_distances import QUESTIONS, WALKED_TO
from touchstone.methods.attacks.hop_skip_jump import hop_skip_jump
from touchstone.methods.attacks.threat_model import ThreatModel
from touchstone.methods.inference.answers import Answers, References, log_odds, paired_halves
from touchstone.methods.inference.label_attacks import boundary_distance
from touchstone.methods.inference.reference_attacks import calibrated_loss, relative_likelihood
from touchstone.system.models.answers import softmax
from touchstone.training.shadows import scaled
from touchstone.training.side_by_side import Networks, learn_side_by_side

Draw = Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]
TARGETS = 3
JUDGED = 100
"""Members and non-members beside ART, of the known and of the suspected each."""
REFERENCES = 4
EPOCHS = 33


PEER = """
import sys, json, time, logging, warnings, numpy as np, art
warnings.simplefilter("ignore"); logging.disable(logging.CRITICAL)
from art.estimators.classification import BlackBoxClassifier
from art.attacks.inference.membership_inference import LabelOnlyDecisionBoundary
data = np.load(sys.argv[1])
asked = 0
def answer(x):
    global asked
    asked += len(x)
    hidden = np.maximum(x @ data["first"][:-1] + data["first"][-1], 0)
    return np.eye(data["second"].shape[1])[(hidden @ data["second"][:-1] + data["second"][-1]).argmax(axis=1)]
model = BlackBoxClassifier(answer, data["known_in"].shape[1:], data["second"].shape[1])
attack = LabelOnlyDecisionBoundary(model)
settings = dict(norm=2, max_iter=5, max_eval=200, init_eval=50, init_size=50, verbose=False)
started = time.process_time()
known = [data[name + part] for name in ("known_in", "known_out") for part in ("", "_y")]
attack.calibrate_distance_threshold(*known, **settings)
said = [attack.infer(data[name], data[name + "_y"], **settings).mean() for name in ("suspect_in", "suspect_out")]
print(json.dumps({"art": art.__version__, "balanced_accuracy": float((said[0] + 1 - said[1]) / 2),
                  "labels_per_sample": asked / (4 * len(data["known_in"])), "seconds": time.process_time() - started}))
"""


def inside(networks: Networks, which: int, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of the norms of the gradient of the loss by weights and by inputs, sample by sample."""
    first, second = networks.first[which].astype(float), networks.second[which].astype(float)
    before = x @ first[:-1] + first[-1]
    hidden = np.maximum(before, 0)
    error = softmax(hidden @ second[:-1] + second[-1])
    error[np.arange(len(y)), y] -= 1
    back = (error @ second[:-1].T) * (before > 0)
    by_weights = (error**2).sum(1) * ((hidden**2).sum(1) + 1) + (back**2).sum(1) * ((x**2).sum(1) + 1)
    by_inputs = ((back @ first[:-1].T) ** 2).sum(1)
    return tuple(0.5 * np.log(np.maximum(each, 1e-60)) for each in (by_weights, by_inputs))


def distances(networks: Networks, x: np.ndarray, y: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    def labels(rows: np.ndarray) -> np.ndarray:
        return Networks(networks.first[:1], networks.second[:1]).logits(rows)[0].argmax(axis=1)

    right = labels(x) == y
    pool = generator.permutation(len(x))[:WALKED_TO]
    free = np.full(x.shape[1], np.inf)
    walked = hop_skip_jump(
        labels,
        x[right],
        y[right],
        ThreatModel(np.ones(x.shape[1]), -free, free, "l2"),
        generator.integers(2**63, size=right.sum()),
        queries=QUESTIONS,
        pool=x[pool],
        pool_y=y[pool],
        stop=0.0,
    )
    found = np.zeros(len(x))
    found[right] = np.minimum(walked.distance, walked.distance[np.isfinite(walked.distance)].max())
    return found


def target(draw: Draw, seed: list[int]) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    raw, y = draw(generator)
    x, y, classes = scaled(raw), y.astype(np.int64), int(y.max()) + 1
    trained = np.vstack([paired_halves(len(x), 2, generator)[:1], paired_halves(len(x), REFERENCES, generator)])
    networks = learn_side_by_side(x, y, classes, trained, generator, epochs=EPOCHS)
    logits = networks.logits(x).astype(np.float64)
    references = References(np.array([log_odds(softmax(each), y) for each in logits[1:]]), trained[1:])
    answers = Answers(softmax(logits[0]), y, references)
    member, known = trained[0], generator.random(len(x)) < 0.5
    started = time.process_time()
    labels = Answers(np.eye(classes)[logits[0].argmax(1)], y, references, distances(networks, x, y, generator))
    seconds = time.process_time() - started
    rows = [np.flatnonzero(side) for side in (known & member, known & ~member)]
    walked = boundary_distance(labels, labels[rows[0]], labels[rows[1]])
    norms = [np.array(each) for each in zip(*(inside(networks, r, x, y) for r in range(REFERENCES + 1)), strict=True)]
    out = ~trained[1:]
    beyond = [each[0] - (each[1:] * out).sum(0) / out.sum(0) for each in norms]
    shown = [
        relative_likelihood(answers, answers, answers),
        calibrated_loss(answers, answers, answers),
        answers.log_odds,
    ]

    def weighed(columns: list[np.ndarray]) -> np.ndarray:
        table = np.column_stack(columns)
        table = np.clip((table - table[known].mean(0)) / table[known].std(0), -5, 5)
        return LogisticRegression(max_iter=1000).fit(table[known], member[known]).decision_function(table)

    suspicion = {
        "labels, references": relative_likelihood(labels, labels, labels),
        "labels, references, distance": walked,
        "labels, distance": boundary_distance(
            *(replace(each, references=None) for each in (labels, labels[rows[0]], labels[rows[1]]))
        ),
        "probabilities (RMIA)": shown[0],
        "gradient by weights beyond references": -beyond[0],
        "probabilities, weighed": weighed(shown),
        "probabilities and gradients, weighed": weighed([*shown, *beyond, norms[0][0], norms[1][0]]),
    }
    return {
        "seconds_of_walks": seconds,
        **{name: scores(each[~known & member], each[~known & ~member]) for name, each in suspicion.items()},
    }


def against_art(python: str, draw: Draw, seed: list[int]) -> dict[str, float]:
    """Both attacks on the same target, the same known samples and the same suspects."""
    generator = np.random.default_rng(seed)
    raw, y = draw(generator)
    x, y, classes = scaled(raw), y.astype(np.int64), int(y.max()) + 1
    trained = np.vstack([paired_halves(len(x), 2, generator)[:1], paired_halves(len(x), REFERENCES, generator)])
    networks = learn_side_by_side(x, y, classes, trained, generator, epochs=EPOCHS)
    logits = networks.logits(x).astype(np.float64)
    member = trained[0]
    rows = {
        f"{who}_{side}": part
        for side, where in (("in", member), ("out", ~member))
        for who, part in zip(
            ("known", "suspect"), generator.permutation(np.flatnonzero(where))[: 2 * JUDGED].reshape(2, -1), strict=True
        )
    }
    arrays = {"first": networks.first[0], "second": networks.second[0]}
    for name, part in rows.items():
        arrays |= {name: x[part], f"{name}_y": np.eye(classes)[y[part]]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "target.npz"
        np.savez(path, **arrays)
        said = subprocess.run([python, "-c", PEER, str(path)], check=True, stdout=subprocess.PIPE, text=True)
    everyone = np.concatenate(list(rows.values()))
    started = time.process_time()
    found = np.zeros(len(x))
    found[everyone] = distances(networks, x[everyone], y[everyone], generator)
    references = References(np.array([log_odds(softmax(each), y) for each in logits[1:]]), trained[1:])
    answers = Answers(np.eye(classes)[logits[0].argmax(1)], y, references, found)
    seconds = time.process_time() - started
    table: dict[str, float] = {}
    for name, seen in (("with references", answers), ("without references", replace(answers, references=None))):
        sides = seen[rows["known_in"]], seen[rows["known_out"]]
        score = {part: boundary_distance(seen[rows[part]], *sides) for part in rows}
        levels = np.unique(np.concatenate([score["known_in"], score["known_out"]]))
        best = max(levels, key=lambda level: (score["known_in"] > level).mean() - (score["known_out"] > level).mean())
        right = (score["suspect_in"] > best).mean() + 1 - (score["suspect_out"] > best).mean()
        table[f"ours, {name}"] = float(right) / 2
    peer = json.loads(said.stdout)
    return {
        **table,
        "art": peer["balanced_accuracy"],
        "art, labels per sample": peer["labels_per_sample"],
        "art, seconds": peer["seconds"],
        "ours, labels per sample at most": QUESTIONS,
        "ours, seconds": seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True, help="a folder with adult/adult.data")
    parser.add_argument("--art", required=True, help="a Python with adversarial-robustness-toolbox")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    tasks = {"digits": digits, "census": lambda draw: census(options.data / "adult" / "adult.data", draw), "made": made}
    table: dict[str, Any] = {}
    for task, draw in tasks.items():
        found = [target(draw, [number, len(task), 1]) for number in range(TARGETS)]
        table[task] = {
            name: [round(float(value), 4) for value in np.mean([each[name] for each in found], axis=0)]
            for name in found[0]
            if name != "seconds_of_walks"
        }
        table[task]["seconds of 64 questions about each sample"] = round(
            float(np.mean([each["seconds_of_walks"] for each in found])), 1
        )
    beside = [
        against_art(options.art, draw, [number, len(task), 2]) for task, draw in tasks.items() for number in range(2)
    ]
    keep(
        "membership_access",
        "distances add to labels and references; norms of gradients add nothing to probabilities and references",
        {
            "targets_per_task": TARGETS,
            "references": REFERENCES,
            "auc_and_tpr_at_fpr_0_01": table,
            "labels_only_beside_art": {
                "targets": len(beside),
                "mean": {name: round(float(np.mean([each[name] for each in beside])), 3) for name in beside[0]},
                "balanced_accuracies": [
                    {
                        name: round(value, 3)
                        for name, value in each.items()
                        if "labels" not in name and "sec" not in name
                    }
                    for each in beside
                ],
            },
        },
    )


if __name__ == "__main__":
    main()
