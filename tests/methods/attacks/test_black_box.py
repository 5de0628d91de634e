"""The ladder: cheap attacks first, only survivors go on, and nothing counts that does not hold."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.methods.attacks.linear import linear_case, seeds_for
from touchstone.errors import BudgetSpentError
from touchstone.methods.attacks.black_box import black_box_ladder, steps_of
from touchstone.methods.attacks.threat_model import Norm, Samples, uniform_threat
from touchstone.text import Text


@pytest.mark.parametrize(
    ("norm", "scored", "picture", "names"),
    [
        ("linf", True, True, ["square x1000"]),
        ("l2", True, True, ["simba x250", "square x750"]),
        ("linf", True, False, ["simba x500", "coordinate x500"]),
        ("linf", False, True, ["ray x750", "hop-skip-jump x250"]),
        ("l1", False, False, ["ray x250", "hop-skip-jump x750"]),
    ],
)
def test_the_steps_suit_answers_input_and_norm(norm: Norm, scored: bool, picture: bool, names: list[str]) -> None:
    assert [step.name for step in steps_of(1000, scored=scored, picture=picture, norm=norm)] == names


@pytest.mark.parametrize("queries", [0, 1, 10, 333])
def test_the_steps_divide_all_the_questions(queries: int) -> None:
    for norm in ("linf", "l2"):
        for scored, picture in ((True, True), (True, False), (False, True)):
            steps = steps_of(queries, scored=scored, picture=picture, norm=norm)
            assert sum(step.queries for step in steps) == queries


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("scored", [True, False])
def test_survivors_go_on_and_every_find_holds(norm: Norm, scored: bool) -> None:
    model, x, y = linear_case((1, 6, 6), 40, 1)
    dual = 1 if norm == "linf" else 2
    exact = np.abs(model.value(x)) / np.linalg.norm(model.weights.ravel(), dual)
    radius = float(np.median(exact)) * 1.3
    threat = uniform_threat(radius, -np.inf, np.inf, norm)
    result = black_box_ladder(
        x,
        y,
        threat,
        seeds_for(40),
        queries=600,
        labels=model.labels,
        scores=model.scores if scored else None,
        pool=x,
        pool_y=y,
        picture=True,
    )
    found = result.attack.succeeded
    assert not (found & (exact > radius * (1 + 1e-6))).any()
    assert found.sum() >= 0.7 * (exact < radius).sum()
    assert threat.contains(x, result.attack.adversarial).all()
    assert ((model.labels(result.attack.adversarial) != y) == found).all()
    assert [name != "" for name in result.by] == found.tolist()
    assert sum(cost.broken for cost in result.costs.values()) == found.sum()
    attacked = [cost.attacked for cost in result.costs.values()]
    assert attacked == sorted(attacked, reverse=True)
    assert attacked[0] == 40
    assert sum(cost.queries for cost in result.costs.values()) == result.attack.queries.sum()
    assert (result.nearest[found] <= 1).all()
    assert (result.nearest >= exact / radius * (1 - 1e-6)).all()
    assert result.stopped is None
    assert result.unconfirmed == result.unrepeated == 0


def test_a_find_that_a_fresh_question_does_not_confirm_does_not_count() -> None:
    _, x, y = linear_case((1, 4, 4), 5, 2)
    coin = np.random.default_rng(3)

    def random(batch: Samples) -> NDArray[np.int64]:
        """Answers questions of many points at random, and those of few as it should."""
        return coin.integers(0, 2, len(batch)) if len(batch) > 5 else np.resize(y, len(batch))

    result = black_box_ladder(x, y, uniform_threat(0.5, 0.0, 1.0), seeds_for(5), queries=300, labels=random)
    assert result.unconfirmed > 0
    assert result.attack.succeeded.sum() < 5


def test_the_end_of_the_budget_ends_the_ladder_and_is_told() -> None:
    model, x, y = linear_case((1, 6, 6), 20, 4)
    asked = 0

    def labels(batch: Samples) -> NDArray[np.int64]:
        nonlocal asked
        if asked + len(batch) > 1500:
            raise BudgetSpentError(Text("the query budget is spent", "查询预算已用尽"))
        asked += len(batch)
        return model.labels(batch)

    threat = uniform_threat(0.6, 0.0, 1.0, "l2")
    result = black_box_ladder(x, y, threat, seeds_for(20), queries=160, labels=labels, pool=x, pool_y=y)
    assert result.stopped is not None
    assert "spent" in str(result.stopped)
    assert list(result.costs) == ["ray x40", "hop-skip-jump x120"]
    assert 0 < result.attack.succeeded.sum() < 20
    assert ((model.labels(result.attack.adversarial) != y) == result.attack.succeeded).all()


def test_nothing_to_attack_is_nothing_asked() -> None:
    _, x, y = linear_case((1, 4, 4), 3, 5)

    def never(batch: Samples) -> NDArray[np.int64]:
        raise AssertionError

    result = black_box_ladder(x[:0], y[:0], uniform_threat(0.1, 0.0, 1.0), seeds_for(0), queries=600, labels=never)
    assert result.attack.succeeded.shape == (0,)
    assert result.costs == {}


def test_radius_zero_breaks_nothing() -> None:
    model, x, y = linear_case((1, 4, 4), 3, 5)
    for norm in ("linf", "l2"):
        threat = uniform_threat(0.0, 0.0, 1.0, norm)
        assert not black_box_ladder(x, y, threat, seeds_for(3), queries=600, labels=model.labels).attack.succeeded.any()
