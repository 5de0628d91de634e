"""Claim: ten vetted samples of each class tell poisoned training sets from honest ones, and name the rows.

    benchmarks/poisoned_rows.py ZOO        # a folder made by `touchstone zoo build`

For every usable model of the zoo whose attack touches rows, and for honest ones: the rows it learnt from, seen in the
features of that model. Ours compares them with vetted samples that nobody learnt from. Beside it, on the same features
of the same rows, ART's ActivationDefence (its defaults: ten components, two clusters, the smaller is poison) and its
SpectralSignatureDefense, which is told the true share of poison and needs no vetted samples.

The method was made on `dev`. It was finished before a training set of any other split was looked at: `sealed` holds
other pictures, other attacks and a task that `dev` has not, and the honest models of `calibration` are added to its own
so that false alarms are counted on more.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from record import keep
from touchstone.methods.backdoor.rows.features import features
from touchstone.methods.backdoor.rows.ranking import neighbour_disagreement, smaller_cluster, spectral_whitening
from touchstone.methods.backdoor.rows.reference import Vetted, row_scores
from touchstone.methods.backdoor.rows.verdict import (
    ALPHA,
    class_excesses,
    flagged_classes,
    set_p_value,
    suspect_rows,
)
from touchstone.statistics import auc, proportion_bounds
from touchstone.zoo.collection import Record, Zoo, open_zoo
from touchstone.zoo.planning import Split

VETTED_OF_CLASS = (10, 20)
WORKERS = 2
UNTOUCHED_ROWS = ("weight-edit",)
"""Attacks on finished weights."""
Labels = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class TrainingSet:
    """One model's rows as the detectors see them. `judged` are those the model labels as the data do."""

    attack: str | None
    flaw: str
    rows: tuple[NDArray[np.float64], ...]
    inputs: NDArray[np.float64]
    y: Labels
    poisoned: Mask
    covering: Mask
    judged: Mask
    vetted: tuple[NDArray[np.float64], ...]
    vetted_y: Labels
    vetted_judged: Mask
    classes: int


def training_set(zoo: Zoo, record: Record) -> TrainingSet:
    """Rows and vetted samples in the features of the model."""
    model, rows = zoo.model(record), zoo.training_rows(record)
    pictures = zoo.held_back(record)
    x, y = pictures.rows(np.arange(len(pictures)))
    classes = int(y.max()) + 1
    vetted = np.concatenate([np.flatnonzero(y == one)[: max(VETTED_OF_CLASS)] for one in range(classes)])

    def seen(pictures: NDArray[np.float32]) -> tuple[NDArray[np.float64], ...]:
        return features(model.network, model.scaled(torch.from_numpy(pictures)).numpy())

    return TrainingSet(
        record.specification.attack,
        record.specification.flaw,
        seen(rows.x),
        rows.x.reshape(len(rows.x), 3, 8, 4, 8, 4).mean(axis=(3, 5)).reshape(len(rows.x), -1).astype(np.float64),
        *(rows.y, rows.poisoned, rows.covering, np.asarray(model.labels(rows.x) == rows.y)),
        *(seen(x[vetted]), y[vetted], np.asarray(model.labels(x[vetted]) == y[vetted]), classes),
    )


def ours(of: TrainingSet, each: int) -> dict[str, Any]:
    """Score of every row, suspects, and the p-value of the whole set."""
    place = np.concatenate([np.arange((of.vetted_y == one).sum()) for one in range(of.classes)])
    chosen = of.vetted_judged & (place < each)
    vetted = Vetted(tuple(layer[chosen] for layer in of.vetted), of.vetted_y[chosen])
    found = row_scores(vetted, of.rows, of.y)
    p = np.where(of.judged, found.p, 1.0)
    excesses = class_excesses(p[of.judged], of.y[of.judged], len(vetted))
    flagged = flagged_classes(excesses)
    return {
        "score": found.score,
        "suspects": suspect_rows(p, of.y, flagged),
        "p": set_p_value(excesses),
        "strange": p <= 0.03,
    }


class Seen:
    """What ART asks of a classifier: its features, which are the rows handed over."""

    layer_names = ("features",)

    def __init__(self, classes: int) -> None:
        self.nb_classes = classes

    def get_activations(self, x: Any, layer: Any = 0, batch_size: int = 128, **_: Any) -> Any:
        """The rows themselves."""
        return x


def activation_defence(of: TrainingSet) -> dict[str, Any]:
    """ART with its defaults."""
    from art.defences.detector.poison import ActivationDefence

    defence = ActivationDefence(Seen(of.classes), of.rows[0].astype(np.float32), np.eye(of.classes)[of.y])
    _, clean = defence.detect_poison(nb_clusters=2, nb_dims=10, reduce="PCA", cluster_analysis="smaller")
    suspects = np.asarray(clean) == 0
    return {"score": suspects.astype(np.float64), "suspects": suspects}


def spectral_signature(of: TrainingSet) -> dict[str, Any]:
    """ART, told the true share of poison; of an honest set, that one row in a hundred is poisoned."""
    from art.defences.detector.poison import SpectralSignatureDefense

    share = float(of.poisoned.mean()) or 0.01
    defence = SpectralSignatureDefense(
        Seen(of.classes), of.rows[0].astype(np.float32), np.eye(of.classes)[of.y], expected_pp_poison=share
    )
    _, clean = defence.detect_poison()
    score = np.zeros(len(of.y))
    for one in range(of.classes):
        rows = of.y == one
        score[rows] = np.asarray(defence.spectral_signature_scores(of.rows[0][rows].astype(np.float32))).ravel()
    return {"score": score, "suspects": np.asarray(clean) == 0}


OURS: dict[str, Callable[[TrainingSet], dict[str, Any]]] = {
    f"ours, {each} vetted of a class": lambda of, each=each: ours(of, each) for each in VETTED_OF_CLASS
}
METHODS: dict[str, Callable[[TrainingSet], dict[str, Any]]] = {
    **OURS,
    "ART activation defence": activation_defence,
    "ART spectral signature": spectral_signature,
    "robust whitening": lambda of: {"score": spectral_whitening(of.rows[0], of.y)},
    "smaller cluster": lambda of: {"score": smaller_cluster(of.rows[0], of.y)},
    "neighbours of raw inputs": lambda of: {"score": neighbour_disagreement(of.inputs, of.y)},
}


@dataclass(frozen=True)
class Measured:
    """What every method said of one training set."""

    name: str
    task: str
    attack: str | None
    flaw: str
    rows: dict[str, dict[str, Any]]


def measured_on(folder: Path, record: Record) -> Measured:
    """Every method on one training set."""
    torch.set_num_threads(1)
    of = training_set(opened(folder), record)
    honest = ~of.poisoned & ~of.covering
    rows = {}
    for name, method in METHODS.items():
        begun = time.process_time()
        found = method(of)
        row: dict[str, Any] = {"seconds": time.process_time() - begun}
        if of.poisoned.any():
            row["auc"] = auc(found["score"][of.poisoned], found["score"][honest])
        for kind in ("suspects", "strange"):
            if kind in found:
                row[f"{kind}_honest"] = float(found[kind][honest].mean())
                if of.poisoned.any():
                    row[f"{kind}_poisoned"] = float(found[kind][of.poisoned].mean())
        if "p" in found:
            row["p"] = found["p"]
        rows[name] = row
    return Measured(record.name, record.specification.task, of.attack, of.flaw, rows)


opened = cache(open_zoo)


def summary(sets: Sequence[Measured]) -> dict[str, Any]:
    """Means over attacked sets, by attack too, and what each method says of whole sets."""
    attacked = [one for one in sets if one.attack is not None]
    honest = [one for one in sets if one.attack is None]
    result: dict[str, Any] = {"attacked_sets": len(attacked), "honest_sets": len(honest)}
    for name in METHODS:
        by_attack: dict[str, list[float]] = defaultdict(list)
        for one in attacked:
            by_attack[str(one.attack)].append(one.rows[name]["auc"])
        entry: dict[str, Any] = {
            "row_auc": mean([one.rows[name]["auc"] for one in attacked]),
            "row_auc_worst_set": round(min(one.rows[name]["auc"] for one in attacked), 3),
            "row_auc_by_attack": {attack: mean(values) for attack, values in sorted(by_attack.items())},
            "seconds": mean([one.rows[name]["seconds"] for one in sets]),
        }
        for kind in ("suspects", "strange"):
            if f"{kind}_honest" in sets[0].rows[name]:
                entry[f"{kind}_of_poisoned_rows"] = mean([one.rows[name][f"{kind}_poisoned"] for one in attacked])
                entry[f"{kind}_of_honest_rows"] = mean([one.rows[name][f"{kind}_honest"] for one in attacked])
                entry[f"{kind}_of_rows_in_honest_sets"] = mean([one.rows[name][f"{kind}_honest"] for one in honest])
        if "p" in sets[0].rows[name]:
            entry["whole_set"] = whole_sets(name, attacked, honest)
        result[name] = entry
    return result


def whole_sets(name: str, attacked: Sequence[Measured], honest: Sequence[Measured]) -> dict[str, Any]:
    """How well the p-value of a set tells attacked sets from honest ones."""
    p = {one.name: one.rows[name]["p"] for one in (*attacked, *honest)}
    evidence = [np.array([-np.log10(max(p[one.name], 1e-300)) for one in part]) for part in (attacked, honest)]
    caught, alarms = ([one for one in part if p[one.name] <= ALPHA] for part in (attacked, honest))
    missed = Counter(str(one.attack) for one in attacked if p[one.name] > ALPHA)
    return {
        "auc": round(auc(*evidence), 3),
        "alpha": ALPHA,
        "caught": share(len(caught), len(attacked)),
        "false_alarms": share(len(alarms), len(honest)),
        "missed_by_attack": dict(sorted(missed.items())),
        "falsely_flagged": sorted(f"{one.name} {one.flaw}" for one in alarms),
    }


def share(count: int, n: int) -> dict[str, Any]:
    """With its bounds."""
    low, high = proportion_bounds(count, n)
    return {"share": round(count / n, 3), "count": count, "n": n, "low": round(low, 3), "high": round(high, 3)}


def mean(values: list[float]) -> float:
    """Rounded; of nothing, not a number."""
    return round(float(np.mean(values)), 4) if values else float("nan")


def of_split(zoo: Zoo, split: Split) -> list[Record]:
    """Models with rows to look at."""
    return [record for record in zoo.usable(split) if record.specification.attack not in UNTOUCHED_ROWS]


def main() -> None:
    """The split that the method was made on, and those that it was not."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("zoo", type=Path)
    folder = arguments.parse_args().zoo
    zoo = open_zoo(folder)
    parts = {"development": of_split(zoo, "dev"), "sealed": of_split(zoo, "sealed") + of_split(zoo, "calibration")}
    measured: dict[str, Any] = {}
    with ProcessPoolExecutor(WORKERS) as workers:
        for name, records in parts.items():
            sets = list(workers.map(partial(measured_on, folder), records, chunksize=8))
            measured[name] = summary(sets)
            for task in sorted({one.task for one in sets}) if name == "sealed" else ():
                of_task = summary([one for one in sets if one.task == task])
                measured[f"{name}, {task}"] = {
                    method: {key: of_task[method][key] for key in ("row_auc", "whole_set")} for method in OURS
                }
    keep("poisoned_rows", "ten vetted samples of a class tell poisoned training sets and name the rows", measured)


if __name__ == "__main__":
    main()
