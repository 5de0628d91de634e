"""Claim: ten vetted samples of each class tell poisoned training sets from honest ones, and name the rows.

    benchmarks/poisoned_rows.py ZOO [--frozen FILE]        # a folder made by `touchstone zoo build`

For every usable model of the zoo's `dev` split whose attack touches rows: the rows it learnt from, seen in the features
of that model. Ours compares them with vetted samples that nobody learnt from. Beside it, on the same features of the
same rows, ART's ActivationDefence (its defaults: ten components, two clusters, the smaller is poison) and its
SpectralSignatureDefense, which is told the true share of poison and needs no vetted samples. FILE names the models that
were looked at while the method was made, one a line; the others are reported separately.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
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

VETTED_OF_CLASS = (10, 20)
Labels = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class TrainingSet:
    """One model's rows as the detectors see them. `judged` are those the model labels as the data do."""

    name: str
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
        record.name,
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
    score, p = np.full(len(of.y), -np.inf), np.ones(len(of.y))
    found = row_scores(vetted, [layer[of.judged] for layer in of.rows], of.y[of.judged])
    score[of.judged], p[of.judged] = found.score, found.p
    excesses = class_excesses(p[of.judged], of.y[of.judged], len(vetted))
    flagged = flagged_classes(excesses)
    return {
        "score": score,
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


METHODS: dict[str, Callable[[TrainingSet], dict[str, Any]]] = {
    **{f"ours, {each} vetted of a class": lambda of, each=each: ours(of, each) for each in VETTED_OF_CLASS},
    "ART activation defence": activation_defence,
    "ART spectral signature": spectral_signature,
    "robust whitening": lambda of: {"score": spectral_whitening(of.rows[0], of.y)},
    "smaller cluster": lambda of: {"score": smaller_cluster(of.rows[0], of.y)},
    "neighbours of raw inputs": lambda of: {"score": neighbour_disagreement(of.inputs, of.y)},
}


def measured_on(of: TrainingSet) -> dict[str, dict[str, Any]]:
    """Every method on one training set."""
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
    return rows


def summary(sets: list[tuple[TrainingSet, dict[str, dict[str, Any]]]]) -> dict[str, Any]:
    """Means over attacked sets, by attack too, and what each method says of whole sets."""
    result: dict[str, Any] = {
        "attacked_sets": sum(of.attack is not None for of, _ in sets),
        "honest_sets": sum(of.attack is None for of, _ in sets),
    }
    for name in METHODS:
        rows = [(of, found[name]) for of, found in sets]
        by_attack: dict[str, list[float]] = defaultdict(list)
        for of, row in rows:
            if of.attack is not None:
                by_attack[of.attack].append(row["auc"])
        entry: dict[str, Any] = {
            "row_auc": mean([row["auc"] for of, row in rows if of.attack is not None]),
            "row_auc_worst_set": round(min(min(values) for values in by_attack.values()), 3),
            "row_auc_by_attack": {attack: mean(values) for attack, values in sorted(by_attack.items())},
            "seconds": mean([row["seconds"] for _, row in rows]),
        }
        for kind in ("suspects", "strange"):
            if f"{kind}_honest" in rows[0][1]:
                attacked = [row for of, row in rows if of.attack is not None]
                entry[f"{kind}_of_poisoned_rows"] = mean([row[f"{kind}_poisoned"] for row in attacked])
                entry[f"{kind}_of_honest_rows"] = mean([row[f"{kind}_honest"] for row in attacked])
                entry[f"{kind}_of_rows_in_honest_sets"] = mean(
                    [row[f"{kind}_honest"] for of, row in rows if of.attack is None]
                )
        if "p" in rows[0][1]:
            entry["whole_set"] = whole_sets(rows)
        result[name] = entry
    return result


def whole_sets(rows: list[tuple[TrainingSet, dict[str, Any]]]) -> dict[str, Any]:
    """How well the p-value of a set tells attacked sets from honest ones."""
    attacked = np.array([-np.log10(max(row["p"], 1e-300)) for of, row in rows if of.attack is not None])
    honest = np.array([-np.log10(max(row["p"], 1e-300)) for of, row in rows if of.attack is None])
    caught, alarms = int((attacked >= -np.log10(ALPHA)).sum()), int((honest >= -np.log10(ALPHA)).sum())
    return {
        "auc": round(auc(attacked, honest), 3),
        "alpha": ALPHA,
        "caught": share(caught, len(attacked)),
        "false_alarms": share(alarms, len(honest)),
        "missed": sorted(f"{of.name} {of.attack}" for of, row in rows if of.attack is not None and row["p"] > ALPHA),
        "falsely_flagged": sorted(
            f"{of.name} {of.flaw}" for of, row in rows if of.attack is None and row["p"] <= ALPHA
        ),
    }


def share(count: int, n: int) -> dict[str, Any]:
    """With its bounds."""
    low, high = proportion_bounds(count, n)
    return {"share": round(count / n, 3), "count": count, "n": n, "low": round(low, 3), "high": round(high, 3)}


def mean(values: list[float]) -> float:
    """Rounded; of nothing, not a number."""
    return round(float(np.mean(values)), 4) if values else float("nan")


def main() -> None:
    """All usable models of the split that detectors are made on."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("zoo", type=Path)
    arguments.add_argument("--frozen", type=Path)
    given = arguments.parse_args()
    torch.set_num_threads(1)
    zoo = open_zoo(given.zoo)
    seen = set(given.frozen.read_text(encoding="utf-8").split()) if given.frozen else set()
    sets = []
    for record in zoo.usable("dev"):
        if record.specification.attack not in ("weight-edit", "adaptive"):
            of = training_set(zoo, record)
            sets.append((of, measured_on(of)))
    measured = {"all": summary(sets)}
    if seen:
        measured["made_after_the_method"] = summary([one for one in sets if one[0].name not in seen])
    keep("poisoned_rows", "ten vetted samples of a class tell poisoned training sets and name the rows", measured)


if __name__ == "__main__":
    main()
