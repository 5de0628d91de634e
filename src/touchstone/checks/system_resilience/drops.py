"""What corruptions cost a model: the answers, and the quantities made of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.corruptions.drop import mean_drop_bounds
from touchstone.records import Metric, number
from touchstone.statistics import relative_drop_bounds

MILD_SEVERITIES = (1, 2)
WORST_SEVERITY = 3
"""The limits speak of these three severities."""

Correct = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cell:
    """What one family at one severity, or one condition, did to the samples it was tried on."""

    severity: int | None
    """`None` for a condition."""
    tried: Correct
    correct: Correct
    """False where it was not tried."""

    def drop(self, clean: Correct) -> float:
        """The relative drop among the samples it was tried on."""
        return relative_drop(clean[self.tried], self.correct[self.tried])

    def bounds(self, clean: Correct, looks: int) -> tuple[float, float]:
        """Exact bounds of the drop."""
        return relative_drop_bounds(clean[self.tried], self.correct[self.tried], looks=looks)


@dataclass(slots=True)
class Drops:
    """Which samples were answered correctly: clean, and in each cell by its name (`fog/3`, `condition=night`)."""

    clean: Correct
    cells: dict[str, Cell] = field(default_factory=dict)

    def add(self, name: str, severity: int | None, tried: Correct, correct: Correct) -> None:
        """Add the next samples: which of them were tried, and whether those that were are `correct`."""
        answers = np.zeros(len(tried), dtype=bool)
        answers[tried] = correct
        before = self.cells.get(name, Cell(severity, tried[:0], answers[:0]))
        self.cells[name] = Cell(
            severity, np.concatenate([before.tried, tried]), np.concatenate([before.correct, answers])
        )

    def at(self, *severities: int | None) -> list[Cell]:
        """The cells of these severities."""
        return [cell for cell in self.cells.values() if cell.severity in severities]


def relative_drop(clean: Correct, corrupted: Correct) -> float:
    """`1 - accuracy under corruption / clean accuracy`."""
    return float(1.0 - corrupted.mean() / clean.mean())


def limited_metrics(drops: Drops, looks: int) -> tuple[Metric, ...]:
    """The quantities that limits speak about; the last only where conditions are declared."""
    metrics = [
        _mean_drop(drops, looks),
        _worst_drop("worst_family_relative_drop_s3", "families", drops.at(WORST_SEVERITY), drops.clean, looks),
    ]
    if conditions := drops.at(None):
        metrics.append(_worst_drop("worst_condition_relative_drop", "conditions", conditions, drops.clean, looks))
    return tuple(metrics)


def cell_metrics(drops: Drops, looks: int) -> tuple[Metric, ...]:
    """Every family, severity and condition, for the report; each bound holds by itself, not for all together.

    The looks are paid for here too: sampling stopped at one of them because of what these cells showed. A cell is left
    out where no sample that it was tried on is answered correctly when clean.
    """
    return tuple(
        _metric(
            "relative_drop",
            cell.drop(drops.clean),
            cell.bounds(drops.clean, looks),
            int(cell.tried.sum()),
            "clopper-pearson",
            looks,
            name,
        )
        for name, cell in drops.cells.items()
        if drops.clean[cell.tried].any()
    )


def _mean_drop(drops: Drops, looks: int) -> Metric:
    """The mean over families and the three severities.

    Where a sample was tried at only one of the mild severities of a family, drawn by lot, it stands for both.
    """
    mild = drops.at(*MILD_SEVERITIES)
    survived = np.sum([cell.correct for cell in mild], axis=0) / np.sum([cell.tried for cell in mild], axis=0)
    worst = np.mean([cell.correct for cell in drops.at(WORST_SEVERITY)], axis=0)
    share = (len(MILD_SEVERITIES) * survived + worst) / (len(MILD_SEVERITIES) + 1)
    value = 1.0 - share.mean() / drops.clean.mean()
    bounds = mean_drop_bounds(drops.clean, share, looks)
    return _metric("mean_relative_drop_s1_s3", value, bounds, len(share), "betting/clopper-pearson", looks)


def _worst_drop(name: str, of: str, cells: list[Cell], clean: Correct, looks: int) -> Metric:
    """The largest drop of any of the cells, all tried on every sample.

    The true worst is one of them, so the largest of the upper bounds holds without correction; the largest of the
    lower bounds holds only if all of them do, and pays for that (Bonferroni).
    """
    value = max(cell.drop(clean) for cell in cells)
    low = max(cell.bounds(clean, looks * len(cells))[0] for cell in cells)
    high = max(cell.bounds(clean, looks)[1] for cell in cells)
    return _metric(name, value, (low, high), len(clean), f"clopper-pearson/worst-of-{of}", looks)


def _metric(
    name: str, value: float, bounds: tuple[float, float], n: int, method: str, looks: int, part: str | None = None
) -> Metric:
    low, high = bounds
    return Metric(
        id=name,
        unit="share",
        value=number(value),
        low=number(low),
        high=number(min(high, 1.0)),
        method=method if looks == 1 else f"{method}/{looks}-looks",
        n=n,
        better="lower",
        slice=part,
    )
