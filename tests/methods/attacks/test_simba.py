"""SimBA: several directions in one round, at the price of asking about them one by one."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.methods.attacks.linear import linear_case, seeds_for
from touchstone.errors import BudgetSpentError
from touchstone.methods.attacks import simba as module
from touchstone.methods.attacks.simba import simba
from touchstone.methods.attacks.threat_model import Samples, uniform_threat
from touchstone.text import Text


def test_a_round_asks_for_everybody_at_once() -> None:
    model, x, y = linear_case((1, 8, 8), 10, 1)
    sizes: list[int] = []

    def scores(batch: Samples) -> NDArray[np.float64]:
        sizes.append(len(batch))
        return model.scores(batch)

    threat = uniform_threat(0.001, 0.0, 1.0, "l2")
    result = simba(scores, x, y, threat, seeds_for(10), queries=1000)
    assert sum(sizes) == result.queries.sum()
    assert result.queries.max() == 1000
    assert len(sizes) <= 1000 / 10


def test_both_ways_of_every_direction_are_asked_about_before_any_twice() -> None:
    """A model that only one element, one way, leads away from."""
    x = np.full((1, 40), 0.5, dtype=np.float32)

    def scores(batch: Samples) -> NDArray[np.float64]:
        return np.stack([np.zeros(len(batch)), np.where(batch[:, 17] < 0.4, 1.0, -1.0)], axis=1)

    y = np.zeros(1, dtype=np.int64)
    for seed in range(5):
        result = simba(scores, x, y, uniform_threat(0.2, 0.0, 1.0), np.array([seed]), queries=1 + 2 * 40)
        assert result.succeeded.all()
        assert result.adversarial[0, 17] < 0.4


def test_portions_change_nothing_and_the_end_of_the_budget_keeps_what_was_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, x, y = linear_case((1, 6, 6), 12, 2)
    threat = uniform_threat(0.4, 0.0, 1.0, "l2")
    whole = simba(model.scores, x, y, threat, seeds_for(12), queries=400)
    monkeypatch.setattr(module, "HELD_AT_ONCE", 5 * 36 * 32)
    parts = simba(model.scores, x, y, threat, seeds_for(12), queries=400)
    np.testing.assert_array_equal(whole.adversarial, parts.adversarial)
    asked = 0

    def scores(batch: Samples) -> NDArray[np.float64]:
        nonlocal asked
        if asked + len(batch) > 1500:
            raise BudgetSpentError(Text("spent", "用尽"))
        asked += len(batch)
        return model.scores(batch)

    cut = simba(scores, x, y, threat, seeds_for(12), queries=400)
    assert cut.queries.sum() == asked <= 1500
    assert 0 < cut.succeeded.sum() <= whole.succeeded.sum()
    assert ((model.labels(cut.adversarial) != y) == cut.succeeded).all()
