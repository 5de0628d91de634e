"""Bounds of a test that may stop early: they hold together, and pay for what the audit left out."""

import numpy as np
import pytest

from touchstone.methods.attacks.sequential import broken_bounds, looks_at, questions
from touchstone.statistics import proportion_bounds


@pytest.mark.parametrize(
    ("samples", "looks"),
    [(10, [10]), (25, [25]), (120, [25, 50, 100, 120]), (1000, [25, 50, 100, 200, 400, 700, 1000])],
)
def test_looks_end_where_the_samples_do(samples: int, looks: list[int]) -> None:
    assert looks_at(samples) == looks


def test_a_look_has_two_ways_to_answer_only_where_survivors_may_be_many() -> None:
    assert questions(3, 100) == 3
    assert questions(4, 101) == 8


def test_an_audit_of_all_leaves_the_exact_bounds() -> None:
    assert broken_bounds(3, 50, looks=4) == proportion_bounds(3, 50, looks=4)


def test_an_audit_of_a_part_costs_width_above_and_none_below() -> None:
    low, high = broken_bounds(3, 200, looks=4, part=60)
    assert low == proportion_bounds(3, 200, looks=4)[0]
    assert high > proportion_bounds(3, 200, looks=4)[1]
    assert broken_bounds(3, 200, looks=4, part=10)[1] > high


@pytest.mark.parametrize("audit_breaks", [0.01, 0.05, 0.2])
def test_the_bound_covers_what_an_audit_of_all_would_have_found(audit_breaks: float) -> None:
    """Quick attacks break 30 %; of the survivors a part of 60 is audited, of which none may break."""
    generator = np.random.default_rng(3)
    truth, wrong, runs = 0.3 + 0.7 * audit_breaks, 0, 2000
    for _ in range(runs):
        quick = int(generator.binomial(200, 0.3))
        if generator.binomial(60, audit_breaks) == 0:
            wrong += broken_bounds(quick, 200, looks=1, part=60)[1] < truth
    assert wrong / runs <= 0.05
