"""Attribute inference: does a model tell somebody's sensitive attribute, beyond what the rest of the record tells?

A good guess is no leak by itself: most of it is *imputation*, which needs no model (Jayaraman and Evans 2022, "Are
Attribute Inference Attacks Just Imputation?", CCS). So two attackers guess, who differ in nothing but the model's
answers, and what counts is how much more often the one who has them is right. Part of that gain is what the model
teaches about people at large; what it gives away about those it was trained on is the gain on them (members) less the
gain on others (Yeom et al. 2018, CSF: advantage).

Every value of the attribute counts alike, however rare: an attack that exposes all of the few carriers of a rare
illness is not hidden behind the many who are well.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchstone.statistics import CONFIDENCE, mean_bounds

Array = NDArray[np.float64]

TREES = 100
SUREST = 10.0
"""Largest log-odds that count: beyond them an answer is as sure as can be."""
SMALLEST = 0.01
"""Floor of an imputed probability."""
FEWEST = 20
"""Suspects with a value, on either side, below which nothing is said about that value."""


@dataclass(frozen=True, slots=True)
class Persons:
    """What an attacker knows of `n` persons: other columns and label `(n, d)`, what the model's answers tell `(n, m)`.

    `value` `(n,)` is the attribute to be guessed, as whole numbers from 0.
    """

    known: Array
    told: Array
    value: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, rows: NDArray[np.int64]) -> Persons:
        return Persons(self.known[rows], self.told[rows], self.value[rows])


@dataclass(frozen=True, slots=True)
class Gains:
    """How the guesses with the model compare with those without it, person by person: 1 gained, -1 lost, 0 alike."""

    gain: NDArray[np.int64]
    value: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Advantage:
    """An estimate with one-sided bounds, and the independent units that they rest on."""

    estimate: float
    low: float
    high: float
    n: int


def infer_attribute(persons: Persons, generator: np.random.Generator) -> Gains:
    """Learn from half of some persons, guess the other half, with the model's answers and without.

    The attacker knows the attribute of some and wants that of the rest; half of each value is known. Members and others
    are attacked by somebody of their own: one who learnt on members how much to trust the model would trust it too much
    about others, and the difference would count that mistake as a leak.
    """
    known, suspected = _halves(persons.value, generator)
    return _attacker(persons[known], generator)(persons[suspected])


def _attacker(known: Persons, generator: np.random.Generator) -> Callable[[Persons], Gains]:
    """Somebody who imputes from the known columns, and weighs that with what the model tells; or does not.

    Imputation comes first and by itself, so that a few telling numbers do not drown in a picture's thousands.
    """
    from sklearn.ensemble import ExtraTreesClassifier

    imputer = ExtraTreesClassifier(
        TREES,
        min_samples_leaf=2,
        class_weight="balanced",
        bootstrap=True,
        oob_score=True,
        random_state=int(generator.integers(2**31)),
    )
    _fit(imputer, known.known, known.value)
    # What a tree says of rows it learnt from is too sure: for them only the trees count that did not.
    spared = np.nan_to_num(np.asarray(imputer.oob_decision_function_), nan=1.0 / len(imputer.classes_))
    middle, spread = known.told.mean(axis=0), np.maximum(known.told.std(axis=0), 1e-9)

    def weighed(imputed: Array, told: Array | None) -> Array:
        logarithms = np.log(np.maximum(imputed, SMALLEST))
        return logarithms if told is None else np.hstack([logarithms, (told - middle) / spread])

    without, beside = _weighing(), _weighing()
    _fit(without, weighed(spared, None), known.value)
    _fit(beside, weighed(spared, known.told), known.value)

    def attack(suspects: Persons) -> Gains:
        imputed = np.asarray(imputer.predict_proba(suspects.known))
        right = beside.predict(weighed(imputed, suspects.told)) == suspects.value
        imputed_right = without.predict(weighed(imputed, None)) == suspects.value
        return Gains(right.astype(np.int64) - imputed_right, suspects.value)

    return attack


def advantage(
    sides: Sequence[Gains], generator: np.random.Generator, *, confidence: float = CONFIDENCE, looks: int = 1
) -> Advantage:
    """Mean gain over values: of the first side, less that of the second where there is one.

    The rows of each value and side are dealt out by lot into as many heaps as the rarest has rows. One heap of each
    makes a block whose expectation is the advantage; blocks are independent, and a gambler can bet on their mean
    (:func:`touchstone.statistics.mean_bounds`), whatever the distribution.
    """
    values = [value for value in np.unique(sides[0].value) if all((s.value == value).sum() >= FEWEST for s in sides)]
    if len(values) < 2:
        raise ValueError(f"two values with {FEWEST} persons each are needed on either side")
    blocks = min(int((side.value == value).sum()) for side in sides for value in values)
    total, estimate = np.zeros(blocks), 0.0
    for sign, side in zip((1.0, -1.0), sides, strict=False):
        for value in values:
            gain = side.gain[side.value == value].astype(np.float64)
            heaps = np.array_split(generator.permutation(gain), blocks)
            total += sign * np.array([heap.mean() for heap in heaps]) / len(values)
            estimate += sign * float(gain.mean()) / len(values)
    reach = float(len(sides))
    low, high = mean_bounds(total, smallest=-reach, largest=reach, confidence=confidence, looks=looks)
    return Advantage(estimate, min(low, estimate), max(high, estimate), blocks)


def _halves(value: NDArray[np.int64], generator: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Half of the rows of each value, and the others."""
    order = generator.permutation(len(value))
    order = order[np.argsort(value[order], kind="stable")]
    return np.sort(order[::2]), np.sort(order[1::2])


def _weighing() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(class_weight="balanced", max_iter=1000)


def _fit(estimator: Any, x: Array, y: NDArray[np.int64]) -> None:
    import joblib

    with joblib.parallel_config(backend="sequential"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on rows that no tree spared, which get even chances
        estimator.fit(x, y)
