"""Rules found on one half and proven on the other: planted weak spots, and none where none are."""

from __future__ import annotations

import numpy as np
import pytest

from touchstone.methods.slices import Rule, conditions_on, find_rules, prove
from touchstone.statistics import difference_bounds


def people(seed: int, n: int = 2000) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {
        "age": generator.uniform(18, 90, n).astype(np.float32),
        "income": generator.normal(0, 1, n).astype(np.float32),
        "visits": generator.integers(0, 5, n).astype(np.float32),
        "sex": np.where(generator.random(n) < 0.5, "F", "M"),
    }


def test_conditions_of_numbers_and_of_names() -> None:
    made = conditions_on({"age": np.arange(100.0), "sex": np.array(["F", "M"] * 50), "same": np.zeros(100)})
    assert "age ≤ 24" in made.words
    assert "age > 24" in made.words
    assert "24 < age ≤ 49" in made.words
    assert "sex = F" in made.words
    assert not any(word.startswith("same") for word in made.words)
    assert made.holds[made.words.index("age ≤ 24")].sum() == 25
    assert made.holds.any(axis=1).all()
    assert not made.holds.all(axis=1).any()


def test_a_planted_conjunction_is_found_and_proven() -> None:
    columns = people(1)
    generator = np.random.default_rng(2)
    weak = (columns["age"] > 60) & (columns["sex"] == "F")
    wrong = generator.random(2000) < np.where(weak, 0.5, 0.05)
    conditions = conditions_on(columns)
    rules = find_rules(conditions, wrong, np.arange(1000), least=20, most=5)
    slices = prove(conditions, rules, wrong, np.arange(1000, 2000))
    assert "age" in slices[0].words
    assert "sex = F" in slices[0].words
    assert slices[0].low > 0.15
    assert slices[0].low < slices[0].excess < slices[0].high


def test_proof_counts_by_hand() -> None:
    conditions = conditions_on({"sex": np.array(["F"] * 60 + ["M"] * 40)})
    wrong = np.r_[np.ones(30, bool), np.zeros(70, bool)]
    [women] = prove(conditions, [Rule((0,))], wrong, np.arange(100))
    assert (women.words, women.wrong, women.n, women.wrong_elsewhere, women.n_elsewhere) == ("sex = F", 30, 60, 0, 40)
    assert (women.low, women.high) == pytest.approx(difference_bounds(30, 60, 0, 40))


def test_nothing_is_found_without_errors_or_without_columns() -> None:
    columns = people(3)
    assert find_rules(conditions_on(columns), np.zeros(2000, bool), np.arange(1000), least=20, most=5) == ()
    assert find_rules(conditions_on({}), np.ones(3, bool), np.arange(3), least=1, most=5) == ()


def test_rules_are_short_large_enough_and_different() -> None:
    columns = people(4)
    wrong = np.random.default_rng(5).random(2000) < 0.2
    conditions = conditions_on(columns)
    rows = np.arange(1000)
    rules = find_rules(conditions, wrong, rows, least=30, most=8)
    masks = [conditions.holds[list(rule.conditions)].all(axis=0)[rows] for rule in rules]
    assert 1 < len(rules) <= 8
    assert all(mask.sum() >= 30 for mask in masks)
    assert all(1 <= len(rule.conditions) <= 3 for rule in rules)
    assert all(len(set(conditions.column[list(rule.conditions)])) == len(rule.conditions) for rule in rules)
    for place, mask in enumerate(masks):
        for other in masks[:place]:
            assert (mask & other).sum() / (mask | other).sum() <= 0.5


def test_rarely_proves_a_rule_where_errors_are_chance() -> None:
    wolf = 0
    for seed in range(60):
        columns = people(seed, 600)
        wrong = np.random.default_rng(1000 + seed).random(600) < 0.2
        conditions = conditions_on(columns)
        rules = find_rules(conditions, wrong, np.arange(300), least=20, most=8)
        wolf += any(each.low > 0 for each in prove(conditions, rules, wrong, np.arange(300, 600)))
    assert wolf <= 3
