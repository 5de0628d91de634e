"""What the model would be worth if it abstained where it is unsure: metrics and the curve behind them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from touchstone.canonical import canonical_json
from touchstone.checks.shares import share_metric
from touchstone.methods.selective import (
    area_under_risk_coverage,
    area_under_risk_coverage_bounds,
    selective_risk,
)
from touchstone.records import Metric, number, plain
from touchstone.statistics import proportion_bounds

COVERAGES = tuple(tenth / 10 for tenth in range(1, 11))
"""Shares of the inputs that would be answered."""
SHOWN = (0.8, 0.9)
"""Those of them that are metrics by themselves."""


def abstaining(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> tuple[Metric, ...]:
    """Mean error rate over all coverages, and the error rate at some of them; `confidence` and `correct` are `(n,)`."""
    low, high = area_under_risk_coverage_bounds(confidence, correct)
    area = Metric(
        id="area_under_risk_coverage",
        unit="share",
        value=area_under_risk_coverage(confidence, correct),
        low=low,
        high=high,
        method="betting",
        n=len(correct),
        better="lower",
    )
    return area, *(_risk(confidence, correct, coverage) for coverage in SHOWN)


def risk_coverage_table(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> bytes:
    """The curve at every tenth of coverage, with exact bounds."""

    def row(coverage: float) -> dict[str, int | str]:
        wrong, taken = selective_risk(confidence, correct, coverage)
        low, high = proportion_bounds(wrong, taken)
        figures = {"coverage": taken / len(correct), "risk": wrong / taken, "risk_low": low, "risk_high": high}
        return {"answered": taken} | {name: plain(number(figure)) for name, figure in figures.items()}

    return canonical_json({"curve": [row(coverage) for coverage in COVERAGES]})


def _risk(confidence: NDArray[np.float64], correct: NDArray[np.bool_], coverage: float) -> Metric:
    wrong, taken = selective_risk(confidence, correct, coverage)
    return share_metric("selective_risk", wrong, taken, "lower", part=f"coverage={coverage:.0%}")
