"""Does the answer about a person change when nothing but a sensitive attribute does? For tables that hold it.

The attribute's column of the input is set to every other value that occurs in the data. That is no statement about
causes: what goes with the attribute in life stays as it was. A model that never changes its answer may still use other
columns that stand for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.shares import share_metric
from touchstone.records import ControlRun, Metric, Note, number
from touchstone.statistics import proportion_bounds
from touchstone.system.models.handle import Capability
from touchstone.system.subject import Subject
from touchstone.text import Text

SAMPLES: Final = {"quick": 2000, "standard": 10_000, "full": 50_000}
"""Most people per budget."""
MOST_VALUES: Final = 20
"""A column with more values is no attribute that can be exchanged one value at a time."""

Rows = NDArray[np.float32]
Favoured = Callable[[Rows], NDArray[np.bool_]]
"""Whether each row gets the positive decision."""


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """What exchanging the attributes showed."""

    metrics: tuple[Metric, ...] = ()
    controls: tuple[ControlRun, ...] = ()
    warnings: tuple[Note, ...] = ()


def exchanged_attributes(
    subject: Subject, favoured: int, budget: str, generator: np.random.Generator
) -> Counterfactual:
    """Exchange every sensitive attribute that is a column of the input; nothing where none is, or none can be asked."""
    model, specification = subject.model(), subject.description.model.input
    test = subject.data("test")
    attributes = [name for name in specification.columns or () if name in test.sensitive]
    if specification.kind != "tabular" or Capability.ANY_INPUT not in model.capabilities or not attributes:
        return Counterfactual()
    rows = generator.permutation(len(test))[: SAMPLES[budget]]
    x = test.inputs[rows]
    metrics, notes = [], []
    controls: tuple[ControlRun, ...] = ()
    for attribute in attributes:
        column = (specification.columns or []).index(attribute)
        values = np.unique(test.inputs[:, column])
        if not 2 <= len(values) <= MOST_VALUES:
            notes.append(_not_exchanged(attribute, len(values)))
            continue
        changed = changes(lambda rows: model.labels(rows) == favoured, x, column, values)
        metrics.append(_share(attribute, changed))
        controls = controls or tuple(_controls(attribute, x, column, values))
    return Counterfactual((*_worst(metrics), *metrics), controls, tuple(notes))


def changes(favoured: Favoured, x: Rows, column: int, values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which rows `(n, columns)` get another decision under any other of the values in this column."""
    before = favoured(x)
    changed = np.zeros(len(x), dtype=bool)
    for value in values:
        other = x.copy()
        other[:, column] = value
        changed |= favoured(other) != before
    return changed


def _share(attribute: str, changed: NDArray[np.bool_]) -> Metric:
    return share_metric("counterfactual_flip_share", int(changed.sum()), len(changed), "lower", part=attribute)


def _worst(metrics: list[Metric]) -> Iterator[Metric]:
    """The attribute whose exchange changes most.

    The upper bound holds whenever that of the worst in truth does; the lower bounds share their error.
    """
    if metrics:
        worst = max(metrics, key=lambda metric: metric.value)
        counts = [(round(float(metric.value) * metric.n), metric.n) for metric in metrics]
        yield worst.model_copy(
            update={
                "slice": None,
                "low": number(max(proportion_bounds(*count, looks=len(metrics))[0] for count in counts)),
                "high": max(metric.high for metric in metrics if metric.high is not None),
            }
        )


def _controls(attribute: str, x: Rows, column: int, values: NDArray[np.float32]) -> Iterator[ControlRun]:
    """A rule that does not look at the column, and one that looks at nothing else."""
    ignored = int(changes(lambda rows: np.delete(rows, column, axis=1).sum(axis=1) > 0, x, column, values).sum())
    yield ControlRun(
        kind="null",
        expected=Text(f"a rule that ignores {attribute}: no answer changes", f"忽略 {attribute} 的规则：答案不变"),
        seen=Text(f"{ignored} of {len(x)} answers changed", f"{len(x)} 个答案中改变 {ignored} 个"),
        passed=ignored == 0,
    )
    bound = int(changes(lambda rows: rows[:, column] == values[0], x, column, values).sum())
    yield ControlRun(
        kind="planted",
        expected=Text(
            f"a rule that looks at {attribute} alone: every answer changes", f"仅依据 {attribute} 的规则：全部答案改变"
        ),
        seen=Text(f"{bound} of {len(x)} answers changed", f"{len(x)} 个答案中改变 {bound} 个"),
        passed=bound == len(x),
    )


def _not_exchanged(attribute: str, count: int) -> Note:
    return Note(
        code="attribute-not-exchanged",
        text=Text(
            f"{attribute} has {count} values in the input and was not exchanged (2 to {MOST_VALUES} can be)",
            f"{attribute} 在输入中有 {count} 种取值，未做交换（可交换 2 至 {MOST_VALUES} 种）",
        ),
    )
