"""Legal rows: what is legal, what becomes of rows that are not, and what a change costs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.methods.attacks.tables import CREDIT, credit_rows, random_constraints
from touchstone.methods.attacks.tabular_constraints import TabularConstraints
from touchstone.methods.attacks.threat_model import Samples

seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=150, deadline=None)
@given(seed=seeds, wild=st.sampled_from([0.5, 5.0, 1e6]))
def test_what_is_projected_is_legal_and_stays_as_it_is(seed: int, wild: float) -> None:
    constraints, x, generator = random_constraints(seed)
    candidate = (x + wild * generator.normal(size=x.shape)).astype(np.float32)
    legal = constraints.project(x, candidate)
    assert legal.dtype == np.float32
    assert constraints.contains(x, legal).all()
    np.testing.assert_array_equal(constraints.project(x, legal), legal)
    assert (constraints.price(x, legal) <= constraints.budget).all()
    inside = constraints.contains(x, candidate)
    np.testing.assert_array_equal(legal[inside], candidate[inside])


@settings(max_examples=50, deadline=None)
@given(seed=seeds)
def test_the_row_itself_is_legal_whatever_it_breaks(seed: int) -> None:
    constraints, x, _ = random_constraints(seed)
    assert constraints.contains(x, x).all()
    np.testing.assert_array_equal(constraints.project(x, x), x)
    np.testing.assert_array_equal(constraints.price(x, x), 0)


@settings(max_examples=50, deadline=None)
@given(seed=seeds)
def test_a_row_fares_the_same_alone_and_in_company(seed: int) -> None:
    constraints, x, generator = random_constraints(seed)
    candidate = (x + generator.normal(size=x.shape)).astype(np.float32)
    together = constraints.project(x, candidate)
    alone = [constraints.project(x[row : row + 1], candidate[row : row + 1])[0] for row in range(len(x))]
    np.testing.assert_array_equal(together, np.stack(alone))


@settings(max_examples=50, deadline=None)
@given(seed=seeds)
def test_numbers_that_are_none_do_no_harm(seed: int) -> None:
    constraints, x, generator = random_constraints(seed)
    candidate = x.copy()
    candidate[generator.random(x.shape) < 0.5] = generator.choice([np.nan, np.inf, -np.inf])
    assert constraints.contains(x, constraints.project(x, candidate)).all()


def changed(**values: float) -> tuple[Samples, Samples]:
    """A row of the credit table, and the same with some values changed."""
    x = credit_rows(1)
    row = x.copy()
    for name, value in values.items():
        row[0, CREDIT.names.index(name)] = value
    return x, row


@pytest.mark.parametrize(
    ("values", "legal"),
    [
        ({}, True),
        ({"income": 3100.0}, True),
        ({"income": 3150.0}, False),  # no multiple of 100
        ({"income": 9000.0}, False),  # out of reach
        ({"age": 41.0}, True),
        ({"age": 39.0}, False),  # nobody gets younger
        ({"debt": 1600.0}, False),  # debt <= 0.5 * income
        ({"debt": 1600.0, "income": 3200.0}, True),
        ({"sex": 1.0}, False),  # immutable
        ({"clerk": 0.0, "manager": 1.0}, True),
        ({"manager": 1.0}, False),  # two occupations
        ({"clerk": 0.5, "manager": 0.5}, False),
        ({"income": 5000.0}, True),  # 20, the whole budget
        ({"income": 5000.0, "clerk": 0.0, "manager": 1.0}, False),  # 25
    ],
)
def test_what_is_legal(values: dict[str, float], legal: bool) -> None:
    x, row = changed(**values)
    assert CREDIT.contains(x, row).tolist() == [legal]


def test_a_rule_is_mended_by_the_columns_that_have_room() -> None:
    x, row = changed(debt=2000.0)
    (mended,) = CREDIT.project(x, row)
    debt, income = mended[CREDIT.names.index("debt")], mended[CREDIT.names.index("income")]
    assert x[0, CREDIT.names.index("debt")] < debt <= 0.5 * income


def test_too_dear_is_drawn_back_to_the_budget() -> None:
    x, row = changed(income=5000.0, age=50.0)
    (cheaper,) = CREDIT.project(x, row)
    assert 0.8 * CREDIT.budget < CREDIT.price(x, cheaper[None])[0] <= CREDIT.budget


def test_changes_in_words() -> None:
    x, row = changed(income=4200.0, clerk=0.0, manager=1.0)
    said = [str(change) for change in CREDIT.changes(x[0], row[0])]
    assert said == ["income + 1,200 CNY", "occupation: clerk → manager"]
    assert CREDIT.price(x, row).tolist() == [17.0]
    _, less = changed(debt=900.5)
    assert [str(change) for change in CREDIT.changes(x[0], less[0])] == ["debt − 99.5 CNY"]


def test_a_broken_rule_may_stay_but_not_get_worse() -> None:
    x, row = changed(debt=1800.0)
    worse, better = row.copy(), row.copy()
    worse[0, 2], better[0, 2] = 1801.0, 1700.0
    assert CREDIT.contains(row, row).all()
    assert not CREDIT.contains(row, worse).any()
    assert CREDIT.contains(row, better).all()
    assert not CREDIT.contains(x, row).any()


def test_the_scaled_attacker() -> None:
    x, row = changed(income=4200.0)
    assert not CREDIT.scaled(0.5).contains(x, row).any()
    np.testing.assert_array_equal(CREDIT.scaled(0).project(x, row), x)
    assert isinstance(CREDIT.scaled(2.0), TabularConstraints)
    _, far = changed(income=90_000.0)
    assert CREDIT.loosened().contains(x, far).all()
