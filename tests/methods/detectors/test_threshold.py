"""The rate of false alarms holds exactly, whatever the scores are like."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.detectors.threshold import conformal_threshold


@given(n=st.integers(1, 60), tenths=st.integers(1, 9), seed=st.integers(0, 1000))
def test_of_exchangeable_scores_at_most_the_share_is_above(n: int, tenths: int, seed: int) -> None:
    """Every one of n + 1 scores is left out once: that is the exact chance, whatever the scores, ties included."""
    rate = tenths / 10
    scores = np.random.default_rng(seed).integers(0, 8, size=n + 1).astype(float)
    if np.ceil((n + 1) * (1 - rate) - 1e-9) > n:
        with pytest.raises(ValueError, match="too few"):
            conformal_threshold(scores[1:], rate)
        return
    alarms = sum(scores[out] > conformal_threshold(np.delete(scores, out), rate) for out in range(n + 1))
    assert alarms <= rate * (n + 1) + 1e-9


def test_without_ties_no_alarm_is_given_away() -> None:
    scores = np.arange(100.0)
    alarms = sum(scores[out] > conformal_threshold(np.delete(scores, out), 0.05) for out in range(100))
    assert alarms == 5
