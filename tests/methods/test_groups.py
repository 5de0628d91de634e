"""Groups numbered, tests believed together, and thresholds for groups."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.groups import FEW, crossed, membership
from touchstone.methods.multiplicity import holm
from touchstone.methods.thresholds_by_group import equal_opportunity_thresholds


@given(st.lists(st.text("abcΩ中0 ", max_size=4), max_size=60))
def test_values_are_numbered_in_order(values: list[str]) -> None:
    numbered = membership(np.array(values, dtype=np.str_))
    assert list(numbered.names) == sorted(set(np.array(values, dtype=np.str_).tolist()))
    assert [numbered.names[number] for number in numbered.of] == np.array(values, dtype=np.str_).tolist()


def test_many_values_are_numbered_as_few_are() -> None:
    values = np.array([f"v{number:03}" for number in np.random.default_rng(1).integers(0, 3 * FEW, 2000)])
    numbered = membership(values)
    assert len(numbered.names) > FEW
    assert (np.array(numbered.names)[numbered.of] == values).all()


def test_combinations_in_order_of_the_first_attribute() -> None:
    sex, age = membership(np.array(["m", "f", "m"])), membership(np.array(["old", "new", "new"]))
    code, names = crossed([sex, age])
    assert [names[number] for number in code] == [("m", "old"), ("f", "new"), ("m", "new")]
    assert names == (("f", "new"), ("f", "old"), ("m", "new"), ("m", "old"))


def test_holm_by_hand() -> None:
    """Thresholds 0.0125, 0.0167, 0.025, 0.05: the third fails, and with it the fourth, which alone would pass."""
    believed = holm(np.array([0.04, 0.01, 0.03, 0.015]), 0.05)
    assert believed.tolist() == [False, True, False, True]
    assert holm(np.zeros(0), 0.05).tolist() == []


def test_holm_rarely_believes_a_true_null() -> None:
    generator = np.random.default_rng(2)
    wrong = sum(holm(generator.random(20), 0.05).any() for _ in range(2000))
    assert 60 <= wrong <= 140


def test_thresholds_bring_every_group_to_the_rate_of_all() -> None:
    generator = np.random.default_rng(3)
    positive = generator.random(4000) < 0.4
    group = np.where(generator.random(4000) < 0.3, "b", "a")
    score = positive + generator.normal(0, 0.5, 4000) - 0.6 * (group == "b")
    selected = score >= 0.5
    found = equal_opportunity_thresholds(score, selected, positive, membership(group), least=30)
    rate = selected[positive].mean()
    assert [each.name for each in found] == ["a", "b"]
    assert found[0].threshold > 0.5 > found[1].threshold
    for each in found:
        assert 0 <= each.true_positive_rate - rate <= 1 / each.positives + 1e-9
    assert found[1].accuracy_after > found[1].accuracy_before
    assert equal_opportunity_thresholds(score, selected, positive, membership(group), least=4000) == ()
