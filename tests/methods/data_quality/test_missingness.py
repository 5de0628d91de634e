"""Comparison of groups: exact figures, and a level that holds whatever the groups have to do with one another."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.methods.data_quality.missingness import unevenness


def test_the_p_value_is_fishers() -> None:
    """Fisher 1935: with fixed margins the counts are hypergeometric; 9 of 12 against 3 of 12, both tails."""
    missing = np.array([[True]] * 9 + [[False]] * 3 + [[True]] * 3 + [[False]] * 9)
    group = np.array(["a"] * 12 + ["b"] * 12)
    first, second = unevenness(missing, ["milk"], {"cup": group}, 0.05)
    assert (first.value, first.missing, first.rows, first.missing_elsewhere, first.rows_elsewhere) == (
        "a",
        9,
        12,
        3,
        12,
    )
    assert first.p == pytest.approx(2 * sum(comb(12, k) ** 2 for k in range(9, 13)) / comb(24, 12))
    assert first.p == second.p
    assert not first.believed  # .039 is not half of the level, which two comparisons share


def test_a_column_that_one_site_never_records_is_found() -> None:
    site = np.array(["north"] * 40 + ["south"] * 60)
    missing = np.zeros((100, 2), dtype=bool)
    missing[:40, 1] = True
    believed = [each for each in unevenness(missing, ["a", "b"], {"site": site}, 0.05) if each.believed]
    assert {(each.column, each.value) for each in believed} == {("b", "north"), ("b", "south")}
    assert next(each for each in believed if each.value == "north").share == 1.0


def test_small_groups_and_whole_columns_are_left_out() -> None:
    site = np.array(["rare"] * 9 + ["other"] * 91)
    missing = np.zeros((100, 2), dtype=bool)
    missing[::2, 1] = True
    assert unevenness(missing, ["a", "b"], {"site": site}, 0.05) == []


def test_values_lost_by_lot_are_rarely_called_uneven() -> None:
    wrong = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        attributes = {name: generator.choice(["x", "y", "z"], 200) for name in ("one", "two")}
        missing = generator.random((200, 4)) < 0.2
        wrong += any(each.believed for each in unevenness(missing, list("abcd"), attributes, 0.05))
    assert wrong <= 16  # above 16 of 200 with probability .02 at the level of .05; Fisher's test stays well below it


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    generator = np.random.default_rng(seed)
    group, missing = generator.choice(["x", "y"], 60), generator.random((60, 2)) < 0.4
    order = generator.permutation(60)
    one = unevenness(missing, ["a", "b"], {"g": group}, 0.05)
    assert one == unevenness(missing[order], ["a", "b"], {"g": group[order]}, 0.05)
