"""Attacks on tables whose robustness under constraints is known by trying everything."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.methods.attacks.linear import Linear, seeds_for
from tests.methods.attacks.tables import CREDIT, credit_rows, random_constraints
from touchstone.errors import BudgetSpentError
from touchstone.methods.attacks.tabular_constraints import TabularConstraints
from touchstone.methods.attacks.tabular_search import cheapened, tabular_attack, tabular_boundary, tabular_search
from touchstone.methods.attacks.threat_model import AttackResult, Classes, Samples
from touchstone.text import Text

Attack = Callable[[Linear, Samples, Classes, TabularConstraints, int], AttackResult]


def by_scores(model: Linear, x: Samples, y: Classes, constraints: TabularConstraints, queries: int) -> AttackResult:
    return tabular_search(model.scores, x, y, constraints, seeds_for(len(x)), queries=queries)


def by_labels(model: Linear, x: Samples, y: Classes, constraints: TabularConstraints, queries: int) -> AttackResult:
    return tabular_boundary(model.labels, x, y, constraints, seeds_for(len(x)), queries=queries)


both = pytest.mark.parametrize("attack", [by_scores, by_labels])

GRANTS = Linear(np.array([0.02, 0.0005, -0.0006, 0.3, -0.4, 0.5, 0.2]), -2.2)
"""Who gets credit: more with age, income and a manager's post, less with debt."""


@both
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_every_success_is_legal_and_true_and_within_the_questions(attack: Attack, seed: int) -> None:
    constraints, x, generator = random_constraints(seed)
    weights = generator.normal(size=x.shape[1])
    model = Linear(weights, -float(np.median(x @ weights)))
    y = model.labels(x)
    result = attack(model, x, y, constraints, 30)
    assert constraints.contains(x, result.adversarial).all()
    np.testing.assert_array_equal(model.labels(result.adversarial) != y, result.succeeded)
    np.testing.assert_array_equal(result.adversarial[~result.succeeded], x[~result.succeeded])
    assert (result.queries <= 30).all()


def breakable(model: Linear, x: Samples, constraints: TabularConstraints) -> NDArray[np.bool_]:
    """By trying every legal row of a table with a coarse grid."""
    y, broken = model.labels(x), np.zeros(len(x), dtype=bool)
    lower, upper = constraints.box(x)
    for row in range(len(x)):
        columns = [
            np.arange(lower[row, column], upper[row, column] + 0.5) if constraints.step[column] else x[row : row + 1, 3]
            for column in range(4)
        ]
        tried = np.array(
            [[*values, *category] for values in itertools.product(*columns) for category in np.eye(3)], dtype=np.float32
        )
        own = np.broadcast_to(x[row], tried.shape)
        legal = tried[constraints.contains(own, tried)]
        broken[row] = (model.labels(legal) != y[row]).any()
    return broken


def coarse_table(n: int) -> tuple[Linear, Samples, Classes, TabularConstraints]:
    """Four columns of whole numbers, one of them immutable, a category, two rules and a budget."""
    generator = np.random.default_rng(4)
    x = np.zeros((n, 7), dtype=np.float32)
    x[:, :4] = generator.integers(0, 8, (n, 4))
    x[np.arange(n), 4 + generator.integers(0, 3, n)] = 1
    constraints = replace(
        CREDIT,
        reach=np.array([4.0, 4, 4, 0, 0, 0, 0]),
        low=np.zeros(7),
        high=np.array([9.0, 9, 9, 9, 1, 1, 1]),
        step=np.array([1.0, 1, 1, 0, 0, 0, 0]),
        cost=np.array([2.0, 1, 1, 0, 0, 0, 0]),
        budget=6.0,
    )
    model = Linear(np.array([0.5, 0.3, -0.6, 0.1, -0.7, 0.6, 0.1]), -0.9)
    return model, x, model.labels(x), constraints


@pytest.mark.parametrize(("attack", "least"), [(by_scores, 0.95), (by_labels, 0.9)])
def test_finds_nearly_everything_there_is(attack: Attack, least: float) -> None:
    model, x, y, constraints = coarse_table(80)
    there_is = breakable(model, x, constraints)
    assert 25 < there_is.sum() < 75
    found = attack(model, x, y, constraints, 250).succeeded
    assert not (found & ~there_is).any()
    assert found.sum() >= least * there_is.sum()


@both
def test_a_sample_fares_the_same_alone_and_in_company_and_again(attack: Attack) -> None:
    x = credit_rows(12)
    y = GRANTS.labels(x)
    together, again = (attack(GRANTS, x, y, CREDIT, 40) for _ in range(2))
    assert 0 < together.succeeded.sum() < 12
    np.testing.assert_array_equal(together.adversarial, again.adversarial)
    seeds = seeds_for(12)
    for row in range(12):
        one = slice(row, row + 1)
        if attack is by_scores:
            alone = tabular_search(GRANTS.scores, x[one], y[one], CREDIT, seeds[one], queries=40)
        else:
            alone = tabular_boundary(GRANTS.labels, x[one], y[one], CREDIT, seeds[one], queries=40)
        np.testing.assert_array_equal(alone.adversarial[0], together.adversarial[row])
        assert alone.queries[0] == together.queries[row]


@both
def test_nothing_to_change_breaks_nothing(attack: Attack) -> None:
    x = credit_rows(20)
    y = GRANTS.labels(x)
    assert not attack(GRANTS, x, y, CREDIT.scaled(0), 40).succeeded.any()
    assert not attack(Linear(np.zeros(7), -1.0), x, np.zeros(20, dtype=np.int64), CREDIT, 40).succeeded.any()
    assert attack(
        GRANTS, x, y, replace(CREDIT.loosened(), rise=np.ones(7) > 0, fall=np.ones(7) > 0), 200
    ).succeeded.all()


def test_broken_rows_leave_the_batch_at_once() -> None:
    x = credit_rows(40)
    asked: list[int] = []

    def counted(batch: Samples) -> NDArray[np.float64]:
        asked.append(len(batch))
        return GRANTS.scores(batch)

    result = tabular_search(counted, x, GRANTS.labels(x), CREDIT, seeds_for(40), queries=100)
    assert sum(asked) == result.queries.sum()
    assert asked[0] == 40
    assert asked[-1] < 40


def test_what_was_found_becomes_cheaper() -> None:
    x = credit_rows(60)
    y = GRANTS.labels(x)
    found = tabular_search(GRANTS.scores, x, y, CREDIT, seeds_for(60), queries=200)
    less = cheapened(GRANTS.labels, x, y, found, CREDIT, seeds_for(60), queries=100)
    won = found.succeeded
    assert won.sum() > 10
    np.testing.assert_array_equal(less.succeeded, won)
    assert CREDIT.contains(x, less.adversarial).all()
    assert (GRANTS.labels(less.adversarial[won]) != y[won]).all()
    before, after = CREDIT.price(x, found.adversarial), CREDIT.price(x, less.adversarial)
    assert (after <= before).all()
    assert after[won].mean() < 0.8 * before[won].mean()
    assert (less.queries <= found.queries + 100).all()


@pytest.mark.parametrize("scored", [True, False])
def test_only_what_another_forward_pass_confirms_is_a_success(scored: bool) -> None:
    x = credit_rows(40)
    y = GRANTS.labels(x)
    answers = iter(range(10_000))

    def fickle(batch: Samples) -> Classes:
        """Lies about every other batch."""
        labels = GRANTS.labels(batch)
        return labels if next(answers) % 2 else 1 - labels

    scores = GRANTS.scores if scored else None
    result = tabular_attack(scores, fickle, x, y, CREDIT, seeds_for(40), queries=40, references=x)
    honest = tabular_attack(scores, GRANTS.labels, x, y, CREDIT, seeds_for(40), queries=40, references=x, cheaper=30)
    assert honest.succeeded.any()
    assert (GRANTS.labels(honest.adversarial[honest.succeeded]) != y[honest.succeeded]).all()
    assert CREDIT.contains(x, result.adversarial).all()
    assert result.queries.max() <= (80 if scored else 40)


@pytest.mark.parametrize("scored", [True, False])
def test_when_the_model_may_be_asked_no_more_what_was_found_stands(scored: bool) -> None:
    x = credit_rows(40)
    y = GRANTS.labels(x)
    left = [500]

    def spend(batch: Samples) -> None:
        left[0] -= len(batch)
        if left[0] < 0:
            raise BudgetSpentError(Text("asked too much", "查询过多"))

    def scores(batch: Samples) -> NDArray[np.float64]:
        spend(batch)
        return GRANTS.scores(batch)

    def labels(batch: Samples) -> Classes:
        spend(batch)
        return GRANTS.labels(batch)

    result = tabular_attack(scores if scored else None, labels, x, y, CREDIT, seeds_for(40), queries=400)
    won = result.succeeded
    assert 0 < won.sum() < 40
    assert (GRANTS.labels(result.adversarial[won]) != y[won]).all()
    assert result.queries.sum() <= 500
