"""The attacker that a description declares, and how what it did is told."""

from __future__ import annotations

import numpy as np

from tests.methods.attacks.tables import CREDIT, credit_rows
from touchstone.checks.system_resilience.tables import cheapest_changes, declared_constraints
from touchstone.system.description import ColumnConstraint, InputConstraints, InputSpecification, OneHotGroup

DECLARED = InputSpecification(
    kind="tabular",
    columns=list(CREDIT.names),
    constraints=InputConstraints(
        columns={
            "age": ColumnConstraint(kind="integer", low=18, high=100, may="rise", reach=30, cost=2, unit="years"),
            "income": ColumnConstraint(
                kind="continuous", low=0, high=100_000, step=100, reach=5000, cost=0.01, unit="CNY"
            ),
            "debt": ColumnConstraint(kind="continuous", low=0, high=100_000, reach=1000, cost=0.01, unit="CNY"),
        },
        one_hot=[OneHotGroup(name="occupation", columns=["clerk", "manager", "owner"], cost=5)],
        rules=["debt <= 0.5 * income"],
        budget=20,
    ),
)


def test_the_declared_attacker_is_the_one_that_attacks() -> None:
    constraints = declared_constraints(DECLARED, credit_rows(50))
    assert constraints is not None
    assert constraints.movable.tolist() == CREDIT.movable.tolist()
    x = credit_rows(200)
    generator = np.random.default_rng(1)
    wild = (x + generator.normal(size=x.shape) * [5, 300, 100, 0, 1, 1, 1]).astype(np.float32)
    np.testing.assert_array_equal(constraints.project(x, wild), CREDIT.project(x, wild))
    np.testing.assert_array_equal(constraints.price(x, wild), CREDIT.price(x, wild))
    assert constraints.units[:4] == ("years", "CNY", "CNY", "")


def test_where_nothing_limits_a_column_the_data_do() -> None:
    columns = {
        "age": ColumnConstraint(kind="integer"),
        "income": ColumnConstraint(kind="continuous", low=0),
        "sex": ColumnConstraint(kind="binary"),
    }
    free = DECLARED.model_copy(update={"constraints": InputConstraints(columns=columns)})
    rows = credit_rows(50)
    constraints = declared_constraints(free, rows)
    assert constraints is not None
    spread = (rows.max(axis=0) - rows.min(axis=0))[:2].tolist()
    assert constraints.reach.tolist() == [*spread, 0, 1, 0, 0, 0]
    assert constraints.step.tolist() == [1, 0, 0, 1, 0, 0, 0]
    assert np.isinf(constraints.budget)


def test_without_constraints_there_is_no_such_attacker() -> None:
    assert declared_constraints(InputSpecification(kind="tabular", columns=["a"]), credit_rows(2)) is None


def test_what_was_changed_in_words() -> None:
    x = np.repeat(credit_rows(1), 3, axis=0)
    changed = x.copy()
    changed[:, 1] += [1200, 300, 2000]
    changed[1, 4:6] = [0, 1]
    note = cheapest_changes(CREDIT, x, changed)
    assert "income + 300 CNY; occupation: clerk → manager at a cost of 8 (median 12)" in note.text.en
    assert "1 changes per row" in note.text.en
    assert "代价为 8" in note.text.zh
