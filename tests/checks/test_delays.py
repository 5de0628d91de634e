"""Times and shares bounded by order statistics say the same thing in two ways."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.checks.delays import NEVER, delay_metric
from touchstone.checks.least_samples import too_few, undecided_below
from touchstone.checks.shares import share_metric
from touchstone.statistics import proportion_bounds
from touchstone.text import Text

delays = st.lists(st.one_of(st.integers(0, 20).map(float), st.just(NEVER)), min_size=1, max_size=400)


@settings(deadline=None)
@given(delays, st.sampled_from([0.5, 0.9, 0.99]), st.integers(0, 20))
def test_a_time_is_bounded_exactly_where_the_share_within_it_is(
    delays: list[float], quantile: float, limit: int
) -> None:
    found = delay_metric("t", "seconds", delays, quantile)
    within = sum(delay <= limit for delay in delays)
    shown = proportion_bounds(within, len(delays))[0] >= quantile
    assert shown == (found is not None and found.high is not None and found.high <= limit)


@pytest.mark.parametrize(("n", "bounded"), [(298, False), (299, True)])
def test_the_longest_of_299_bounds_the_99th_percentile(n: int, bounded: bool) -> None:
    found = delay_metric("t", "seconds", [1.0] * n, 0.99)
    assert found is not None
    assert (found.high is not None) == bounded


def test_what_mostly_never_comes_has_no_time() -> None:
    assert delay_metric("t", "seconds", [], 0.5) is None
    assert delay_metric("t", "seconds", [1.0, NEVER, NEVER], 0.5) is None
    found = delay_metric("t", "seconds", [1.0, 1.0, math.inf], 0.5)
    assert found is not None
    assert found.high is None


def test_too_few_samples_prove_nothing_good() -> None:
    good = share_metric("s", 20, 20, "higher")
    assert undecided_below(20, 20, good) == good
    assert undecided_below(21, 20, good).low is None
    assert undecided_below(21, 20, good).high == 1
    assert undecided_below(21, 20, share_metric("s", 0, 20, "lower")).high is None
    assert too_few(20, 20, Text("trials", "试验")) == ()
    assert "at least 21" in too_few(21, 20, Text("trials", "试验"))[0].text.en
