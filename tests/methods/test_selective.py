"""Risk against coverage: by hand, under ties, and bounds that cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.methods.selective import (
    area_under_risk_coverage,
    area_under_risk_coverage_bounds,
    selective_risk,
)


def test_by_hand() -> None:
    """Risks after one to four samples: 0, 1/2, 1/3, 1/2."""
    confidence, correct = np.array([0.6, 0.9, 0.7, 0.8]), np.array([False, True, True, False])
    assert area_under_risk_coverage(confidence, correct) == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert selective_risk(confidence, correct, 0.5) == (1, 2)
    assert selective_risk(confidence, correct, 1.0) == (2, 4)


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_equal_confidence_gives_the_error_rate(right: list[bool]) -> None:
    correct = np.array(right)
    assert area_under_risk_coverage(np.full(len(right), 0.7), correct) == pytest.approx(1 - correct.mean())
    assert selective_risk(np.full(len(right), 0.7), correct, 0.1) == (int((~correct).sum()), len(right))


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 60))
def test_between_zero_and_one_and_inside_its_bounds(seed: int, n: int) -> None:
    generator = np.random.default_rng(seed)
    confidence, correct = generator.random(n).round(1), generator.random(n) < 0.7
    low, high = area_under_risk_coverage_bounds(confidence, correct)
    assert 0 <= low <= area_under_risk_coverage(confidence, correct) <= high <= 1


def test_bounds_cover_for_errors_that_follow_confidence() -> None:
    generator = np.random.default_rng(8)
    confidence = generator.uniform(0.5, 1, 200)
    truth = np.mean([area_under_risk_coverage(confidence, generator.random(200) < confidence) for _ in range(4000)])
    held = np.array(
        [
            (low <= truth, truth <= high)
            for low, high in (
                area_under_risk_coverage_bounds(confidence, generator.random(200) < confidence) for _ in range(150)
            )
        ]
    ).mean(axis=0)
    assert (held >= 0.93).all()
