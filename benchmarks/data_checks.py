"""Claim: checks of data sets hardly ever accuse clean data, and find nine in ten of what was planted where they can.

Over many seeds: copies of training rows among test rows, equal and near, in tables, pictures and texts; wrong labels in
tables whose classes are apart, overlap a little, or a lot. A false alarm is any copy reported between independent sets,
or a lower bound of the label error above the truth. Planted copies are equal rows, and near ones as the check's own
control makes them.

    OMP_NUM_THREADS=1 python benchmarks/data_checks.py
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from record import keep
from touchstone.checks.evaluation.copies import find_copies
from touchstone.checks.evaluation.planted_copies import near_copies
from touchstone.methods.data_quality.agreement import krippendorff_alpha
from touchstone.methods.data_quality.label_errors import (
    LabelErrors,
    Turned,
    found_of_turned,
    label_errors,
    out_of_fold,
    turn_round,
)
from touchstone.statistics import proportion_bounds
from touchstone.system.description import InputSpecification

SEEDS = 200
WORKERS = 5
LABEL_SEEDS = 16
TEST, TRAIN, PLANTED = 300, 900, 20
TABLE = InputSpecification(kind="tabular", columns=["a"])
PICTURE = InputSpecification(kind="image", shape=[1, 24, 24])
TEXT = InputSpecification(kind="text")


def normal(generator: np.random.Generator, n: int) -> Any:
    return generator.normal(size=(n, 10)).astype(np.float32)


def few_columns(generator: np.random.Generator, n: int) -> Any:
    return generator.normal(size=(n, 3)).astype(np.float32)


def form(generator: np.random.Generator, n: int) -> Any:
    """Age in years, two categories: 936 different rows."""
    boxes = np.eye(4)[generator.integers(0, 4, n)], np.eye(3)[generator.choice(3, n, p=[0.7, 0.2, 0.1])]
    return np.concatenate([generator.integers(18, 96, (n, 1)), *boxes], axis=1).astype(np.float32)


def mixed(generator: np.random.Generator, n: int) -> Any:
    """Whole numbers, a heavy tail, categories, and a column that is mostly zero."""
    columns = generator.integers(18, 90, n), generator.lognormal(size=n)
    rare = np.where(generator.random(n) < 0.8, 0, generator.exponential(size=n))
    return np.column_stack([*columns, np.eye(5)[generator.integers(0, 5, n)], rare]).astype(np.float32)


def template(generator: np.random.Generator, n: int) -> Any:
    """Pictures drawn from one template: a blob of some place, size and brightness."""
    grid = np.linspace(0, 1, 24)
    centre, width = generator.uniform(0.3, 0.7, (n, 2)), generator.uniform(0.1, 0.3, n)
    distance = np.hypot(grid[:, None] - centre[:, :1, None], grid[None, :] - centre[:, 1:, None])
    blob = np.exp(-((distance / width[:, None, None]) ** 2))
    lit = generator.uniform(0.3, 0.6, (n, 1, 1)) + 0.4 * blob + generator.normal(0, 0.03, blob.shape)
    return np.clip(lit, 0, 1)[:, None].astype(np.float32)


WORDS = np.array([f"{a}{b}{c}{d}" for a in "bdgkmnprst" for b in "aeiou" for c in "lnrst" for d in "aeio"])


def letters(generator: np.random.Generator, n: int) -> Any:
    """Letters with one opening and one close."""
    told = (" ".join(generator.choice(WORDS, 14)) for _ in range(n))
    return np.array([f"Dear service, please note: {each}. Kind regards" for each in told], dtype=object)


FAMILIES: dict[str, tuple[Any, InputSpecification]] = {
    "table, 10 normal columns": (normal, TABLE),
    "table, 3 normal columns": (few_columns, TABLE),
    "table, form with few boxes": (form, TABLE),
    "table, mixed columns": (mixed, TABLE),
    "pictures of one template": (template, PICTURE),
    "letters of one form": (letters, TEXT),
}


def copies(family: str) -> dict[str, Any]:
    """False alarms between independent sets, and how many of the planted rows are found."""
    draw, specification = FAMILIES[family]
    alarms = rows_accused = equal_found = near_found = 0
    for seed in range(SEEDS):
        generator = np.random.default_rng([seed, len(family)])
        test, train = draw(generator, TEST), draw(generator, TRAIN)
        accused = int(find_copies(test, train, specification).found.sum())
        alarms, rows_accused = alarms + (accused > 0), rows_accused + accused
        chosen = generator.permutation(TRAIN)[: 2 * PLANTED]
        test[:PLANTED] = train[chosen[:PLANTED]]
        test[PLANTED : 2 * PLANTED] = near_copies(train[chosen[PLANTED:]], specification, generator)
        found = find_copies(test, train, specification).found
        equal_found += int(found[:PLANTED].sum())
        near_found += int(found[PLANTED : 2 * PLANTED].sum())
    planted = SEEDS * PLANTED
    return {
        "sets": SEEDS,
        "sets_with_a_false_alarm": alarms,
        "upper_bound_of_false_alarms": round(proportion_bounds(alarms, SEEDS)[1], 4),
        "rows_accused": rows_accused,
        "equal_found": round(equal_found / planted, 4),
        "near_found": round(near_found / planted, 4),
    }


def estimated(x: Any, given: Any, vouched: Any, generator: np.random.Generator) -> tuple[LabelErrors, Turned]:
    """As the check estimates it: wrong labels among three classes, and how well labels turned round are found."""
    turned_labels, turned = turn_round(given, 3, generator)
    turned_answers = out_of_fold(x, turned_labels, 3, generator, "numbers")
    strength = found_of_turned(turned_answers, turned_labels, turned)
    return label_errors(out_of_fold(x, given, 3, generator, "numbers"), given, strength, vouched), strength


def labels(apart: float, wrong: float) -> dict[str, Any]:
    """Estimates of a known share of wrong labels, 300 of 1,200 rows vouched for."""
    found, low_missed, high_missed, power, estimates = 0, 0, 0, [], []
    for seed in range(LABEL_SEEDS):
        generator = np.random.default_rng([seed, int(100 * wrong), int(10 * apart)])
        truth = generator.integers(0, 3, 1_200)
        x = apart * np.eye(3)[truth] + generator.normal(size=(1_200, 3))
        vouched = np.arange(1_200) < 300
        given = np.where(
            ~vouched & (generator.random(1_200) < wrong), (truth + generator.integers(1, 3, 1_200)) % 3, truth
        )
        errors, strength = estimated(x, given, vouched, generator)
        really = float((given != truth)[~vouched].mean())
        low_missed, high_missed = low_missed + (errors.low > really), high_missed + (errors.high < really)
        found += int(errors.contradicted[given != truth].sum())
        power.append(strength.found / strength.n)
        estimates.append(errors.rate - really)
    return {
        "runs": LABEL_SEEDS,
        "lower_bound_above_the_truth": low_missed,
        "upper_bound_below_the_truth": high_missed,
        "mean_error_of_the_estimate": round(float(np.mean(estimates)), 4),
        "largest_error_of_the_estimate": round(float(np.abs(estimates).max()), 4),
        "turned_labels_found": round(float(np.mean(power)), 3),
    }


def agreement() -> dict[str, Any]:
    """Coverage of the bounds of alpha where it is known to be 0.64."""
    low = high = 0
    for seed in range(SEEDS):
        generator = np.random.default_rng(seed)
        truth = generator.integers(0, 2, (100, 1))
        found = krippendorff_alpha(truth ^ (generator.random((100, 2)) < 0.1), generator)
        if found is not None:
            low, high = low + (found.low > 0.64), high + (found.high < 0.64)
    return {"runs": SEEDS, "lower_bound_above_the_truth": low, "upper_bound_below_the_truth": high}


if __name__ == "__main__":
    noise = [(apart, wrong) for apart in (5.0, 3.0, 1.5) for wrong in (0.0, 0.05)]
    with ProcessPoolExecutor(WORKERS) as workers:
        found = workers.map(copies, reversed(FAMILIES))
        estimated = workers.map(labels, *zip(*noise, strict=True))
        keep(
            "data_checks",
            "clean data are hardly ever accused; planted copies and wrong labels are found where classes and "
            "rows differ",
            {
                "copies": dict(zip(reversed(FAMILIES), found, strict=True)),
                "wrong_labels": {
                    f"classes {apart:g} spreads apart, {wrong:.0%} wrong": one
                    for (apart, wrong), one in zip(noise, estimated, strict=True)
                },
                "krippendorff_alpha": agreement(),
            },
        )
