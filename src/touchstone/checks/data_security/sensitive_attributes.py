"""The sensitive attributes of a system's data, and what its model tells about them.

An attribute may stand among the inputs, in one column or several; the columns that give it away are hidden from the
attacker together, and what the model answers if they are filled in one way or another is what it tells. An attribute
that is no input can only be told by the answers as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.data_security.members import answers_of, drawn, labelled_test, target_of
from touchstone.methods.data_quality.sensitive_columns import class_by_name
from touchstone.methods.inference.answers import log_odds
from touchstone.methods.privacy.attribute import FEWEST, SUREST, Array, Persons
from touchstone.system.data.dataset import LabelledData
from touchstone.system.models.handle import ModelHandle
from touchstone.system.subject import Subject
from touchstone.training.shadows import scaled

FEWEST_ASKED = 2 * FEWEST
"""Persons with a value, on either side: half of them are known, half are guessed."""
MOST_VALUES = 8
"""Distinct values of a column of numbers: more are gathered into quarters."""
GIVES_AWAY = 0.99
"""Share of the rows with a value that a column finds, and of those it finds that have it."""
LOOKED_AT = 2_000
"""Rows by which it is found out which columns give an attribute away."""
FILLED_IN = 3
"""Ways of filling in one value."""
MOST_CLASSES = 20
"""Classes whose answers are looked at one by one."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A sensitive attribute of the persons in the training data and, where known, of those in the test data."""

    name: str
    train: NDArray[np.str_]
    test: NDArray[np.str_] | None


def attributes_of(subject: Subject) -> list[Attribute]:
    """The attributes that the data sets declare, and input columns whose names are sensitive and that say more."""
    train, test = subject.data("train"), labelled_test(subject)
    declared = [
        Attribute(name, values, None if test is None else test.sensitive.get(name))
        for name, values in sorted(train.sensitive.items())
    ]
    columns = subject.description.model.input.columns or []
    named = (
        Attribute(
            name,
            _as_values(train.inputs[:, place], train.inputs[:, place]),
            None if test is None else _as_values(test.inputs[:, place], train.inputs[:, place]),
        )
        for place, name in enumerate(columns)
        if class_by_name(name) is not None
    )
    return declared + [each for each in named if not any(_told_alike(each.train, other.train) for other in declared)]


def _told_alike(one: NDArray[np.str_], other: NDArray[np.str_]) -> bool:
    """Whether both divide the rows in the same way, whatever they call the parts."""
    parts = len(set(zip(one.tolist(), other.tolist(), strict=True)))
    return parts == len(np.unique(one)) == len(np.unique(other))


def _as_values(column: NDArray[Any], usual: NDArray[Any]) -> NDArray[np.str_]:
    if len(np.unique(usual)) <= MOST_VALUES:
        return np.array([f"{value:g}" for value in column])
    edges = np.unique(np.quantile(usual, [0.25, 0.5, 0.75]))
    return np.array([f"quarter {place + 1}" for place in np.searchsorted(edges, column, side="left")])


def persons_of_values(
    sides: Sequence[NDArray[np.str_]], most: int, generator: np.random.Generator
) -> tuple[dict[str, list[NDArray[np.int64]]], list[str]]:
    """For each value the rows that are asked about, by lot, equally many on every side; and the values left out.

    Every value gets an equal part of `most`, so that the rare ones, whose carriers have most to lose, are not crowded
    out by the others. Left out are those that too few on some side have, and the rarest where there are too many.
    """
    counts = [Counter(side.tolist()) for side in sides]
    values = sorted(set().union(*counts))
    fewest = {value: min(count[value] for count in counts) for value in values}
    enough = sorted((value for value in values if fewest[value] >= FEWEST_ASKED), key=lambda value: -fewest[value])
    asked = sorted(enough[: most // FEWEST_ASKED])
    each = most // max(len(asked), 1)
    rows = {
        value: [drawn(np.flatnonzero(side == value), min(each, fewest[value]), generator) for side in sides]
        for value in asked
    }
    return rows, [value for value in values if value not in rows]


@dataclass(frozen=True, slots=True)
class Filling:
    """How an attribute stands among the inputs: its columns, and for each value some ways of filling them in."""

    columns: NDArray[np.int64]
    ways: tuple[NDArray[Any], ...]
    """Per value, `(ways, columns)`."""


def filling_of(x: NDArray[Any], value: NDArray[np.int64], generator: np.random.Generator) -> Filling | None:
    """The columns of `x` `(n, d)` that give the attribute `value` `(n,)` away; `None` where it is no input."""
    rows = generator.permutation(len(x))[:LOOKED_AT]
    columns = np.array([c for c in range(x.shape[1]) if _gives_away(x[rows, c], value[rows])], dtype=np.int64)
    if not len(columns):
        return None
    return Filling(columns, tuple(_ways(x[np.ix_(value == v, columns)]) for v in np.unique(value)))


def _gives_away(column: NDArray[Any], value: NDArray[np.int64]) -> bool:
    """Whether a few cuts through the column tell for some value of the attribute who has it, nearly always."""
    from sklearn.tree import DecisionTreeClassifier

    cut = DecisionTreeClassifier(max_leaf_nodes=2 * MOST_VALUES, min_samples_leaf=5, random_state=0)
    said = cut.fit(column[:, None], value).predict(column[:, None])
    return any(
        ((said == v) & (value == v)).sum() >= GIVES_AWAY * max((said == v).sum(), (value == v).sum())
        for v in np.unique(value)
    )


def _ways(filled: NDArray[Any]) -> NDArray[Any]:
    """How the columns of the attribute are filled in among people who have the same value: few ways, or spread ones."""
    distinct = np.unique(filled, axis=0)
    if len(distinct) <= FILLED_IN:
        return distinct
    order = filled[np.argsort(filled[:, 0], kind="stable")]
    return np.asarray(order[((np.arange(FILLED_IN) + 0.5) / FILLED_IN * len(order)).astype(np.int64)])


def persons(
    model: ModelHandle, data: LabelledData, rows: NDArray[np.int64], value: NDArray[np.int64], filling: Filling | None
) -> Persons:
    """What the attacker has on these rows, whose attribute is `value`: the other columns, the label, the answers."""
    x, y = data.inputs[rows], target_of(data)[rows]
    others = x if filling is None else np.delete(x, filling.columns, axis=1)
    labels = np.eye(model.classes)[y][:, :MOST_CLASSES]
    known = np.hstack([scaled(others), labels]) if others[0].size else labels
    told = _told(model, x, y) if filling is None else _told_if_filled(model, x, y, filling)
    return Persons(known.astype(np.float64), told, value)


def _told_if_filled(model: ModelHandle, x: NDArray[Any], y: NDArray[np.int64], filling: Filling) -> Array:
    """For each value, how sure the model is of the label, and of anything, if it is filled in; against the others."""
    of_label, of_any = [], []
    for ways in filling.ways:
        answers = [answers_of(model, _filled(x, filling.columns, way)) for way in ways]
        of_label.append(np.max([_sure(each, y) for each in answers], axis=0))
        of_any.append(np.max([_sure(each, each.argmax(axis=1)) for each in answers], axis=0))
    both = [np.array(side).T for side in (of_label, of_any)]
    return np.hstack([side - side.mean(axis=1, keepdims=True) for side in both])


def _told(model: ModelHandle, x: NDArray[Any], y: NDArray[np.int64]) -> Array:
    """How sure the model is of the label, and of each class."""
    answers = answers_of(model, x)
    classes = range(min(model.classes, MOST_CLASSES))
    return np.stack([_sure(answers, y), *(_sure(answers, np.full(len(y), each)) for each in classes)], axis=1)


def _filled(x: NDArray[Any], columns: NDArray[np.int64], way: NDArray[Any]) -> NDArray[Any]:
    filled = x.copy()
    filled[:, columns] = way
    return filled


def _sure(answers: Array, classes: NDArray[np.int64]) -> Array:
    return np.asarray(np.clip(log_odds(answers, classes), -SUREST, SUREST))
