"""Claim: detectors accuse nobody oftener than they say where there is nothing, and find nine in ten of what is planted.

    OMP_NUM_THREADS=1 python benchmarks/null_runs.py [MOST-RUNS [WORD-IN-NAME,…]]

For each detector that a check decides with, hundreds of seeded runs on made data: without anything to find, and with.
The decision is that of the check, by its own public function at its own level. A run is one data set, and where a
detector judges one input after another, one fresh reference and one input: every run is independent, and the bounds of
Clopper and Pearson hold. A level is refuted when the share of false alarms lies above it beyond doubt (95 %, over all
detectors together).

Detectors that other benchmarks here measured in as many runs are not run again: they are listed with where. What needs
many learners is measured on fewer: `poisoned_rows.py`, `backdoor_screen.py`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_checks import estimated
from record import RESULTS, keep
from touchstone.checks.evaluation.readiness import ERROR
from touchstone.methods.backdoor import live
from touchstone.methods.backdoor.conformal import ALPHA, conformal_p_value
from touchstone.methods.backdoor.rows.reference import Vetted, row_scores
from touchstone.methods.backdoor.rows.verdict import ALPHA as ROWS_ALPHA
from touchstone.methods.backdoor.rows.verdict import class_excesses, flagged_classes
from touchstone.methods.backdoor.updates import FALSE_ALARMS as ACCUSED
from touchstone.methods.backdoor.updates import remember, screen_updates, threshold
from touchstone.methods.data_quality.drift import column_drift, told_apart
from touchstone.methods.data_quality.label_errors import LabelErrors
from touchstone.methods.data_quality.missingness import unevenness
from touchstone.methods.data_quality.sensitive_columns import class_by_content
from touchstone.methods.detectors import confidence, mahalanobis, neighbours, queries
from touchstone.methods.detectors.threshold import FALSE_ALARMS
from touchstone.methods.fingerprint.canaries import Canaries, boundary_lines, chosen, stepped_back
from touchstone.methods.fingerprint.poll import FALSE_ALARM, verdict
from touchstone.methods.out_of_distribution import lies_outside, outside_rows
from touchstone.methods.privacy.audit import audit
from touchstone.statistics import CONFIDENCE, proportion_bounds

CHANGED = (
    "rows of data.poisoning: the null was noisier than the shift the method tolerates (10 of 400 flagged); rows are "
    "exchangeable now, and the noisier ones stand apart without a level",
    "drift: the planted shift was 0.5 and found in 0.875 of 40 runs; it is 0.6",
    "detectors of single inputs: the judged input always had the same class; it is drawn",
    "the correction for many tests came after model.backdoor's p-value fell to 0.05 in 30 of 400 runs, which alone "
    "would refute its level; it is run 20,000 times now, those 400 among them: with 39 references the level is exact, "
    "2 of 40 ranks, and the 400 were unlucky (a chance of 1.9 %, among seventeen detectors)",
)
"""What of this benchmark was changed after first results had been seen."""
RUNS, FEWEST_RUNS, MOST_RUNS = 400, 200, 20_000
"""Of a detector, of one that takes long, and of one that takes no time."""
LABEL_ERROR = 0.02
"""The limit of the standard for the estimated share of wrong labels."""
WORKERS = 2
ERRING = round(1 - CONFIDENCE, 9)
Random = np.random.Generator
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Detector:
    """Whether it accuses in one run, with something planted or not. `level` is `None` where none is stated."""

    level: float | None
    accuses: Callable[[Random, bool], bool]
    runs: int = RUNS


def spread_classes(random: Random, n: int, classes: int = 6, width: int = 24) -> tuple[Matrix, Any, Matrix]:
    """Features of classes of different widths, their labels, and the widths."""
    labels = random.permutation(np.arange(n) % classes)
    widths = np.random.default_rng(5).uniform(0.9, 1.1, classes)
    return widths[labels, None] * random.normal(size=(n, width)) + 6 * np.eye(classes, width)[labels], labels, widths


def training_rows(random: Random, planted: bool, otherwise: float = 0.0) -> bool:
    """Twenty vetted samples of a class, 600 rows, forty of them taken from other classes and marked.

    `otherwise` is noise that the rows have and the vetted samples have not.
    """
    x, y, _ = spread_classes(random, 720)
    x[120:] += otherwise * random.normal(size=(600, x.shape[1]))
    if planted:
        marked = 120 + random.permutation(np.flatnonzero(y[120:] != 2))[:40]
        x[marked, 20] += 5
        y[marked] = 2
    layers = x, x[:, ::2]
    vetted = Vetted(tuple(layer[:120] for layer in layers), y[:120])
    p = row_scores(vetted, [layer[120:] for layer in layers], y[120:]).p
    return bool(flagged_classes(class_excesses(p, y[120:], len(vetted))))


def live_input(random: Random, planted: bool) -> bool:
    """The last of sixty inputs in use; a triggered one looks like another class still."""
    x, y, _ = spread_classes(random, 300)
    layers = x, x[:, ::2]
    record = live.fit([each[:120] for each in layers], y[:120], [each[120:240] for each in layers], y[120:240])
    stream = [each[240:].copy() for each in layers]
    if planted:
        wrong = (y[-1] + 1) % 6
        for each, step in zip(stream, (1, 2), strict=True):
            each[-1] += (6 * np.eye(6, 24)[y[-1]] * -0.5 + 6 * np.eye(6, 24)[wrong])[::step]
            each[-1, -1] += 8
        y[-1] = wrong
    return bool(live.Stream(record).alarms(stream, y[240:])[-1])


def round_of(random: Random, clients: int = 12, weights: int = 80) -> Matrix:
    """Updates that agree in part, of clients with more or less data."""
    return random.normal(size=weights) + random.uniform(0.5, 1.5, (clients, 1)) * random.normal(size=(clients, weights))


def client(random: Random, planted: bool) -> bool:
    """One client of a round, threshold from twenty honest rounds."""
    honest = np.array([screen_updates(round_of(random)).suspicion[0] for _ in range(40)])
    updates = round_of(random)
    if planted:
        updates[0] = -4 * updates[0]
    return bool(screen_updates(updates).suspicion[0] > threshold(honest))


def client_remembered(random: Random, planted: bool) -> bool:
    """One client over forty rounds, a little against the others in each, by a z-score that chance passes in 5 %."""
    memory = None
    for _ in range(40):
        updates = round_of(random)
        if planted:
            updates[0] = -updates[0]
        memory = remember(memory, screen_updates(updates).suspicion)
    assert memory is not None
    return bool(memory.z[0] > 1.645)


def drifted_column(random: Random, planted: bool) -> bool:
    """Any of twelve columns, some of them correlated, some of few values."""
    made = []
    for _ in range(2):
        x = random.normal(size=(300, 12))
        x[:, 1:4] += x[:, :1]
        x[:, 8:] = random.integers(0, 5, (300, 4))
        made.append(x.astype(np.float32))
    if planted:
        made[1][:, 5] += 0.6
    return bool(column_drift(*made).drifted.any())


def sets_apart(random: Random, planted: bool) -> bool:
    """A classifier tells two sets apart."""
    one, other = (random.normal(size=(240, 8)).astype(np.float32) for _ in range(2))
    other[:, ::4] += 1.0 * planted
    return told_apart(one, other, random).low > 0.5


HARMLESS: tuple[Callable[[Random], Any], ...] = (
    lambda random: [f"{value:.2f}" for value in random.normal(20, 5, 200)],
    lambda random: [f"{value:.4f}" for value in random.uniform(-90, 90, 200)],
    lambda random: [str(value) for value in random.integers(0, 2, 200)],
    lambda random: list(random.choice(["red", "green", "blue", "red-green"], 200)),
    lambda random: ["".join(random.choice(list("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"), 8)) for _ in range(200)],
    lambda random: list(random.choice(["yes", "no", "unknown", ""], 200)),
    lambda random: [f"{random.integers(1, 13)}/{random.integers(2000, 2026)}" for _ in range(200)],
    lambda random: [f"{letter}{number}" for letter, number in zip(*_codes(random), strict=True)],
)
TELLING: tuple[Callable[[Random], Any], ...] = (
    lambda random: list(random.choice(["m", "f", ""], 200, p=[0.45, 0.45, 0.1])),
    lambda random: list(random.choice(["汉族", "回族", "满族", "藏族"], 200)),
    lambda random: list(random.choice(["Christian", "Muslim", "Buddhist", "Hindu"], 200)),
    lambda random: [
        f"{random.choice(list('EIJKC'))}{random.integers(10, 99)}.{random.integers(0, 9)}" for _ in range(200)
    ],
    lambda random: [f"rs{random.integers(1000, 99_999_999)}" for _ in range(200)],
    lambda random: [f"{random.uniform(18, 53):.5f}, {random.uniform(73, 134):.5f}" for _ in range(200)],
)


def _codes(random: Random) -> tuple[Any, Any]:
    """Parts of shelf numbers such as B17, which are no diagnoses."""
    return random.choice(list("ABCDEFG"), 200), random.integers(1, 100, 200)


def sensitive_column(random: Random, planted: bool) -> bool:
    """One column of a kind drawn by lot."""
    kinds = TELLING if planted else HARMLESS
    return class_by_content(kinds[int(random.integers(len(kinds)))](random)) is not None


def missing_unevenly(random: Random, planted: bool) -> bool:
    """Five columns, two attributes of three values; what is planted is missing twice as often in one group."""
    groups = {name: random.choice(["a", "b", "c"], 600) for name in ("site", "group")}
    missing = random.random((600, 5)) < 0.1
    if planted:
        missing[:, 2] |= (groups["site"] == "a") & (random.random(600) < 0.2)
    found = unevenness(missing, list("vwxyz"), groups, ERROR)
    return any(one.believed for one in found)


def outside(random: Random, planted: bool) -> bool:
    """Whether rows are called outside: proper ones, or rows five deviations away."""
    normal, proper, rows = (random.normal(size=(n, 6)).astype(np.float32) for n in (300, 200, 100))
    if planted:
        rows = outside_rows(rows, normal, -20.0, 20.0, random)["far"]
    return lies_outside(rows, proper, normal)


def far_features(random: Random, planted: bool) -> bool:
    """A detector of attacks: features away from every class."""
    x, y, _ = spread_classes(random, 401)
    x[-1] += 3.0 * planted
    record = mahalanobis.fit(x[:200], y[:200], x[200:400])
    return bool(mahalanobis.score(record, x[-1:])[0] > record.threshold)


def far_neighbours(random: Random, planted: bool) -> bool:
    """A detector of attacks: features far from clean ones."""
    x, _, _ = spread_classes(random, 401)
    x[-1] += 3.0 * planted
    record = neighbours.fit(x[:200], x[200:400])
    return bool(neighbours.score(record, x[-1:])[0] > record.threshold)


def unsure_answer(random: Random, planted: bool) -> bool:
    """A detector of attacks: answers that are hardly sure."""
    scores = random.normal(size=(201, 5)) + 6 * np.eye(5)[random.integers(0, 5, 201)]
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    if planted:
        probabilities[-1] = (0.34, 0.36, 0.1, 0.1, 0.1)
    record = confidence.fit(probabilities[:200])
    return bool(confidence.score(record, probabilities[-1:])[0] > record.threshold)


def repeated_question(random: Random, planted: bool) -> bool:
    """A question like an earlier one of the same client, with a little noise on it."""
    pictures = random.integers(0, 2, (201, 1, 6, 6)).repeat(4, axis=2).repeat(4, axis=3).astype(np.float32)
    pictures = np.clip(pictures * 0.6 + 0.2 + 0.03 * random.standard_normal(pictures.shape), 0, 1).astype(np.float32)
    record = queries.fit(pictures[:100], pictures[100:200], low=0.0, high=1.0, salt=int(random.integers(2**31)))
    asked = pictures[200:]
    if planted:
        asked = np.clip(pictures[:1] + 0.002 * random.standard_normal(asked.shape), 0, 1).astype(np.float32)
    history = queries.QueryHistory(record, lifetime=np.inf, most=100)
    for row in queries.fingerprints(record, pictures[:100]):
        history.remember(row, 0.0)
    return bool(history.similarity(queries.fingerprints(record, asked)[0]) > record.threshold)


def canaries(random: Random, planted: bool) -> bool:
    """A poll of 32 canaries of a linear model in float16, untouched or with a hundredth of noise on its weights."""
    weights, own = random.normal(size=(12, 4)).astype(np.float32), random.normal(size=(120, 12)).astype(np.float32)

    def reading(of: NDArray[Any], kind: Any = np.float32) -> Callable[[Any], Any]:
        return lambda x: np.asarray((x.astype(kind) @ of.astype(kind)).argmax(axis=1))

    def margins(x: Any, y: Any) -> Any:
        scores = x.astype(np.float64) @ weights.astype(np.float64)
        others = np.where(np.eye(4, dtype=bool)[y], -np.inf, scores)
        return scores[np.arange(len(y)), y] - others.max(axis=1)

    lines = boundary_lines(reading(weights), own, 600, random)
    points = stepped_back(lines, margins, 1e-4)
    rounded = weights.astype(np.float16).astype(np.float32)
    rows = chosen(lines, points, [reading(weights), reading(rounded), reading(weights, np.float16)], 32)
    _, rate = proportion_bounds(0, 6 * max(len(rows), 1))
    made = Canaries(points[rows], lines.label[rows], {}, rate)
    noise = 0.01 * planted * random.normal(size=weights.shape)
    served = (rounded + noise).astype(np.float32)
    order = random.permutation(12)  # another machine adds up in another order
    answers = (points[rows][:, order].astype(np.float16) @ served[order].astype(np.float16)).argmax(axis=1)
    return verdict(made, answers).state == "changed"


def one_run_audit(random: Random, planted: bool) -> bool:
    """Epsilon 1 is claimed, the mechanism has 1 or 4: does the lower bound of one run lie above the claim?"""
    included = random.random(300) < 0.5
    honest = random.random(300) < 1 / (1 + np.exp(-(4.0 if planted else 1.0)))
    scores = np.where(honest, included, ~included) + 0.01 * random.random(300)
    return audit(scores, included, 0.0).low > 1.0


def odd_model(random: Random, planted: bool) -> bool:
    """The p-value of a model's score among those of 39 honest references."""
    return conformal_p_value(float(random.standard_t(3) + 8 * planted), random.standard_t(3, 39)) <= ALPHA


def wrong_labels(random: Random, share: float, apart: float) -> LabelErrors:
    """Estimated of 1,200 rows, 300 of them vouched for, of which exactly so many others are wrong."""
    truth, vouched = random.integers(0, 3, 1_200), np.arange(1_200) < 300
    x = apart * np.eye(3)[truth] + random.normal(size=(1_200, 3))
    wrong = 300 + random.permutation(900)[: round(share * 900)]
    given = truth.copy()
    given[wrong] = (truth[wrong] + random.integers(1, 3, len(wrong))) % 3
    return estimated(x, given, vouched, random)[0]


def labels_refused(random: Random, planted: bool) -> bool:
    """A set with as many wrong labels as the standard allows, or with eight times as many; classes overlap or not."""
    apart = float(random.choice([1.5, 3.0, 5.0]))
    return wrong_labels(random, 8 * LABEL_ERROR if planted else LABEL_ERROR, apart).low > LABEL_ERROR


def labels_accepted(random: Random, planted: bool) -> bool:
    """A set with one wrong label more than the standard allows is accepted; what is to be found is one without any."""
    return wrong_labels(random, 0.0 if planted else LABEL_ERROR + 1 / 900, 5.0).high <= LABEL_ERROR


DETECTORS: dict[str, Detector] = {
    "data.poisoning: a class of training rows flagged": Detector(ROWS_ALPHA, training_rows),
    "data.poisoning: the same, rows noisier by 4 % than vetted samples": Detector(
        None, partial(training_rows, otherwise=0.3)
    ),
    "live scorer: an input raises an alarm": Detector(FALSE_ALARMS, live_input),
    "updates: a client accused in a round": Detector(ACCUSED, client),
    "updates: a client accused over rounds": Detector(0.05, client_remembered),
    "data.drift: any column drifted": Detector(0.01, drifted_column),
    "data.drift: sets told apart": Detector(ERRING, sets_apart, FEWEST_RUNS),
    "data.inventory: a column called sensitive by content": Detector(None, sensitive_column),
    "data.readiness: values missing unevenly": Detector(ERROR, missing_unevenly),
    "out_of_distribution: rows called outside": Detector(None, outside),
    "detector of attacks: Mahalanobis": Detector(FALSE_ALARMS, far_features),
    "detector of attacks: neighbours": Detector(FALSE_ALARMS, far_neighbours),
    "detector of attacks: confidence": Detector(FALSE_ALARMS, unsure_answer),
    "detector of attacks: repeated questions": Detector(FALSE_ALARMS, repeated_question),
    "runtime.tamper: canaries raise the alarm": Detector(FALSE_ALARM, canaries),
    "privacy.dp: one-run audit refutes a claim": Detector(ERRING, one_run_audit),
    "model.backdoor: p-value among references": Detector(ALPHA, odd_model, MOST_RUNS),
    "data.label_quality: a set refused": Detector(ERRING, labels_refused, FEWEST_RUNS),
    "data.label_quality: a set accepted": Detector(ERRING, labels_accepted, FEWEST_RUNS),
}
ELSEWHERE = {
    "evaluation.contamination, copies": "data_checks.json: 200 sets of each of six kinds",
    "group metrics, groups that stand out, weak slices": "fairness.json: 300 runs",
    "privacy.membership": "membership.json: 300 runs of chance",
    "privacy.dp: conformance of steps": "dp_conformance.json: 1,000 honest steps, 200 of each fault",
    "explanation control": "explanation.json: 300 runs of attributions by lot",
    "model.lineage: texts in weights": "scan_tensor_statistics.json: 1,164 untouched tensors",
    "data.label_quality, bounds": "data_checks.json: 96 runs, label_errors.json: 36",
    "masking panel": "masking_panel.json: 280 looks at 200 honest networks, 224 at planted ones",
}


def share(count: int, n: int) -> dict[str, Any]:
    """With exact bounds."""
    low, high = proportion_bounds(count, n)
    return {"share": round(count / n, 4), "count": count, "n": n, "low": round(low, 4), "high": round(high, 4)}


def measured(runs: int, name: str) -> dict[str, Any]:
    """As many runs without anything to find as with."""
    detector = DETECTORS[name]
    runs = min(runs, detector.runs)
    begun = time.process_time()
    counts = [
        sum(detector.accuses(np.random.default_rng([seed, planted, *name.encode()]), planted) for seed in range(runs))
        for planted in (False, True)
    ]
    false, found = (share(count, runs) for count in counts)
    result: dict[str, Any] = {"level": detector.level, "false_alarms": false, "found": found}
    result["cpu_seconds"] = round(time.process_time() - begun, 1)
    print(name, result, file=sys.stderr, flush=True)
    return result


def is_refuted(result: dict[str, Any]) -> bool:
    """Whether the stated level cannot be true, at one in twenty over all detectors together."""
    alarms = result["false_alarms"]
    low, _ = proportion_bounds(alarms["count"], alarms["n"], looks=len(DETECTORS))
    return result["level"] is not None and low > result["level"]


def main() -> None:
    """All of them, or those whose names hold one of some words again, beside what was measured before."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else MOST_RUNS
    word = sys.argv[2] if len(sys.argv) > 2 else ""
    asked = [name for name in DETECTORS if any(part in name for part in word.split(","))]
    chosen = sorted(asked, key=lambda name: DETECTORS[name].runs)
    with ProcessPoolExecutor(WORKERS) as workers:
        done = dict(zip(chosen, workers.map(partial(measured, runs), chosen), strict=True))
    if word:
        kept = json.loads((RESULTS / "null_runs.json").read_text(encoding="utf-8"))
        done = kept["measured"]["detectors"] | done
    results = {name: done[name] for name in DETECTORS}
    keep(
        "null_runs",
        "detectors accuse nobody oftener than they say, and find nine in ten of what is planted",
        {
            "detectors": results,
            "changed_after_first_results": list(CHANGED),
            "levels_refuted": [name for name, one in results.items() if is_refuted(one)],
            "found_fewer_than_nine_in_ten": [name for name, one in results.items() if one["found"]["share"] < 0.9],
            "measured_elsewhere": ELSEWHERE,
        },
    )


if __name__ == "__main__":
    main()
