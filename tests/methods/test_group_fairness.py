"""Published and hand-computed tables, and coverage counted over all tables."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, fisher_exact

from touchstone.methods.group_fairness import (
    Comparison,
    Group,
    Share,
    differs,
    groups_by_attribute,
    rate_gap,
    rate_ratio,
    worst,
)
from touchstone.methods.groups import membership

shares = st.integers(1, 200).flatmap(lambda n: st.builds(Share, st.integers(0, n), st.just(n)))
several_shares = st.lists(shares, min_size=2, max_size=5)


def _people(table: dict[str, tuple[int, int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Decisions, truths and group names for (true negative, false positive, false negative, true positive) counts."""
    rows = [
        (decision, truth, name)
        for name, counts in table.items()
        for (decision, truth), count in zip(
            [(False, False), (True, False), (False, True), (True, True)], counts, strict=True
        )
        for _ in range(count)
    ]
    selected, positive, names = zip(*rows, strict=True)
    return np.array(selected), np.array(positive), np.array(names)


def test_compas_as_published() -> None:
    """Larson, Mattu, Kirchner and Angwin 2016, 'How We Analyzed the COMPAS Recidivism Algorithm', two-way tables."""
    selected, positive, race = _people({"African-American": (990, 805, 532, 1369), "Caucasian": (1139, 349, 461, 505)})
    black, white = groups_by_attribute(selected, positive, {"race": membership(race)})[("race",)]
    assert (black.name, white.name) == ("race=African-American", "race=Caucasian")
    assert black.share("false_positive_rate").value == pytest.approx(0.4485, abs=5e-5)
    assert white.share("false_positive_rate").value == pytest.approx(0.2345, abs=5e-5)
    assert 1 - black.share("true_positive_rate").value == pytest.approx(0.2799, abs=5e-5)
    assert 1 - white.share("true_positive_rate").value == pytest.approx(0.4772, abs=5e-5)
    gap = rate_gap([group.share("false_positive_rate") for group in (black, white)], family=2)
    assert gap.value == pytest.approx(805 / 1795 - 349 / 1488)
    assert 0.15 < gap.low < gap.value < gap.high < 0.26


def test_compas_violent_as_published() -> None:
    """The same source, violent recidivism: rates and predictive values as printed, to the last digit."""
    selected, positive, race = _people({"African-American": (1692, 1043, 170, 273), "Caucasian": (1679, 380, 129, 77)})
    black, white = groups_by_attribute(selected, positive, {"race": membership(race)})[("race",)]
    assert round(100 * black.share("false_positive_rate").value, 2) == 38.14
    assert round(100 * white.share("false_positive_rate").value, 2) == 18.46
    assert round(100 * (1 - black.share("true_positive_rate").value), 2) == 38.37
    assert round(100 * (1 - white.share("true_positive_rate").value), 2) == 62.62
    values = [
        round(group.share(rate).value, 2)
        for group in (black, white)
        for rate in ("positive_predictive_value", "negative_predictive_value")
    ]
    assert values == [0.21, 0.91, 0.17, 0.93]
    assert white.share("withheld_share_of_errors") == Share(129, 509)
    assert white.share("accuracy") == Share(1756, 2265)


@given(st.integers(0, 12), st.integers(0, 9), st.integers(0, 10), st.integers(0, 8))
def test_a_group_against_the_rest_as_fisher_has_it(a: int, b: int, c: int, d: int) -> None:
    if not a + b or not c + d:
        return
    pair = [Group(name, a0 + b0, a0, 0, 0) for name, a0, b0 in (("g=a", a, b), ("g=b", c, d))]
    one_sided = min(fisher_exact([[a, b], [c, d]], alternative=side)[1] for side in ("less", "greater"))
    assert differs(pair, "selection_rate") == pytest.approx([min(1, 2 * one_sided)] * 2)


def test_four_fifths_by_hand() -> None:
    """240 of 400 against 60 of 200 selected: 60 % and 30 %."""
    ratio = rate_ratio([Share(240, 400), Share(60, 200)], family=2)
    assert ratio.value == pytest.approx(0.5)
    assert ratio.n == 600
    assert ratio.low < 0.5 < ratio.high < 0.8


def test_bounds_in_closed_form_when_nobody_is_selected() -> None:
    """Clopper-Pearson for zero of n: 1 - error ** (1 / n). The bad side takes half of 5 % for any number of groups."""
    upper = 1 - 0.025 ** (1 / 50)
    for groups in (2, 5):
        gap = rate_gap([Share(0, 50)] * groups, family=groups)
        assert (gap.value, gap.low, gap.high) == (0.0, 0.0, pytest.approx(upper))
    ratio = rate_ratio([Share(0, 50), Share(0, 50)], family=2)
    assert (ratio.value, ratio.low, ratio.high) == (1.0, 0.0, 1.0)


def test_optimistic_bound_shares_its_error_among_all_bounds_of_all_groups() -> None:
    """Clopper-Pearson for none and all of fifty: both bounds of six groups take a twelfth of 5 % each."""
    reached = (0.05 / 12) ** (1 / 50)
    assert rate_gap([Share(50, 50), Share(0, 50)], family=6).low == pytest.approx(reached - (1 - reached))
    assert rate_ratio([Share(50, 50), Share(0, 50)], family=6).high == pytest.approx((1 - reached) / reached)


def test_groups_of_attributes_and_of_their_pairs() -> None:
    groups = groups_by_attribute(
        selected=np.array([True, False, True, True]),
        positive=np.array([True, True, False, True]),
        attributes={
            "sex": membership(np.array(["F", "F", "M", "F"])),
            "age": membership(np.array(["60+", "<60", "<60", "60+"])),
        },
    )
    assert list(groups) == [("age",), ("sex",), ("age", "sex")]
    assert groups[("sex",)] == (
        Group("sex=F", samples=3, selected=2, positives=3, selected_positives=2),
        Group("sex=M", samples=1, selected=1, positives=0, selected_positives=0),
    )
    assert [group.name for group in groups[("age", "sex")]] == ["age=60+ & sex=F", "age=<60 & sex=F", "age=<60 & sex=M"]
    assert groups[("sex",)][1].share("false_positive_rate") == Share(1, 1)


@pytest.mark.parametrize("rates", [(0.5, 0.5, 0.5), (0.9, 0.5, 0.2), (0.05, 0.1, 0.1), (1.0, 0.95, 0.3)])
def test_bounds_cover(rates: tuple[float, ...]) -> None:
    sizes = (6, 9, 5)
    truth_gap, truth_ratio = max(rates) - min(rates), min(rates) / max(rates)
    held = {"gap low": 0.0, "gap high": 0.0, "ratio low": 0.0, "ratio high": 0.0}
    for counts in itertools.product(*(range(n + 1) for n in sizes)):
        probability = math.prod(binom.pmf(k, n, rate) for k, n, rate in zip(counts, sizes, rates, strict=True))
        drawn = [Share(k, n) for k, n in zip(counts, sizes, strict=True)]
        gap, ratio = rate_gap(drawn, family=3), rate_ratio(drawn, family=3)
        held["gap low"] += probability * (gap.low <= truth_gap + 1e-12)
        held["gap high"] += probability * (truth_gap <= gap.high + 1e-12)
        held["ratio low"] += probability * (ratio.low <= truth_ratio + 1e-12)
        held["ratio high"] += probability * (truth_ratio <= ratio.high + 1e-12)
    assert min(held.values()) >= 0.95 - 1e-9, held


@given(several_shares)
@settings(deadline=None)
def test_bounds_enclose_and_widen(drawn: list[Share]) -> None:
    for compare in (rate_gap, rate_ratio):
        narrow = compare(drawn, family=len(drawn))
        assert 0 <= narrow.low <= narrow.value + 1e-12
        assert narrow.value <= narrow.high + 1e-12
        assert narrow.high <= 1 + 1e-12
        surer = compare(drawn, confidence=0.99, family=len(drawn))
        assert surer.low <= narrow.low
        assert narrow.high <= surer.high


@given(several_shares, shares)
@settings(deadline=None)
def test_one_more_group_never_hides_a_gap(drawn: list[Share], another: Share) -> None:
    assert rate_gap([*drawn, another], family=9).value >= rate_gap(drawn, family=9).value
    assert rate_gap([*drawn, another], family=9).high >= rate_gap(drawn, family=9).high
    assert rate_ratio([*drawn, another], family=9).low <= rate_ratio(drawn, family=9).low


def test_worst_is_the_larger_gap_and_the_smaller_ratio() -> None:
    mild, bad = Comparison(0.1, 0.0, 0.3, 90), Comparison(0.2, 0.1, 0.25, 50)
    assert worst([mild, bad], "lower") == Comparison(0.2, 0.1, 0.3, 50)
    assert worst([mild, bad], "higher") == Comparison(0.1, 0.0, 0.25, 50)
