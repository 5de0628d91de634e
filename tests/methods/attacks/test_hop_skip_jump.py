"""HopSkipJump: how near it comes, what it asks, and where it stops."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.methods.attacks.linear import Linear, linear_case, seeds_for
from touchstone.errors import BudgetSpentError
from touchstone.methods.attacks import hop_skip_jump as module
from touchstone.methods.attacks.boundary_search import BoundaryResult
from touchstone.methods.attacks.hop_skip_jump import hop_skip_jump
from touchstone.methods.attacks.threat_model import Norm, Samples, ThreatModel, uniform_threat
from touchstone.text import Text


class Counted:
    """A model that notes the size of every call."""

    def __init__(self, model: Linear) -> None:
        self.model = model
        self.sizes: list[int] = []

    def labels(self, x: Samples) -> NDArray[np.int64]:
        self.sizes.append(len(x))
        return self.model.labels(x)


def attacked(model: Linear | Counted, x: Samples, threat: ThreatModel, queries: int, stop: float) -> BoundaryResult:
    y = model.labels(x)
    if isinstance(model, Counted):
        model.sizes.clear()
    seeds = seeds_for(len(x))
    return hop_skip_jump(model.labels, x, y, threat, seeds, queries=queries, pool=x, pool_y=y, stop=stop)


@pytest.mark.parametrize(("norm", "dual"), [("l2", 2), ("linf", 1)])
def test_it_comes_near_the_exact_distance(norm: Norm, dual: int) -> None:
    model, x, _ = linear_case((1, 6, 6), 30, 4, low=-50.0, high=50.0)
    exact = np.abs(model.value(x)) / np.linalg.norm(model.weights.ravel(), dual)
    found = attacked(model, x, uniform_threat(1.0, -np.inf, np.inf, norm), 3000, 0.0)
    assert (found.distance >= exact * (1 - 1e-6)).all()
    assert float(np.median(found.distance / exact)) < 1.1
    assert (model.labels(found.points) != model.labels(x)).all()


def test_more_questions_never_lead_further_away() -> None:
    model, x, _ = linear_case((1, 6, 6), 20, 5)
    threat = uniform_threat(1.0, 0.0, 1.0, "l2")
    medians = [float(np.median(attacked(model, x, threat, queries, 0.0).distance)) for queries in (100, 500, 3000)]
    assert medians == sorted(medians, reverse=True)


def test_one_call_asks_for_everybody_and_nobody_exceeds_the_budget() -> None:
    model, x, _ = linear_case((1, 8, 8), 12, 6)
    counted = Counted(model)
    found = attacked(counted, x, uniform_threat(1.0, 0.0, 1.0, "l2"), 2400, 0.0)
    assert found.calls == len(counted.sizes)
    assert sum(counted.sizes) == found.queries.sum()
    assert (found.queries <= 2400).all()
    assert found.calls <= 80
    assert (found.rounds <= found.calls).all()


def test_it_stops_once_the_boundary_is_inside_the_ball() -> None:
    model, x, _ = linear_case((1, 8, 8), 30, 7)
    exact = np.abs(model.value(x)) / np.linalg.norm(model.weights)
    threat = uniform_threat(float(np.median(exact)) * 1.5, 0.0, 1.0, "l2")
    found = attacked(model, x, threat, 2400, 1.0)
    reachable = exact < 1.2 * np.median(exact)
    assert found.succeeded[reachable].all()
    assert threat.contains(x, found.points)[found.succeeded].all()
    assert found.queries[found.succeeded].mean() < 0.4 * 2400
    assert not found.succeeded[exact > 1.5 * np.median(exact)].any()


def test_real_samples_help_where_noise_is_never_of_another_class() -> None:
    """The other class is a small corner that no noise meets."""

    def labels(x: Samples) -> NDArray[np.int64]:
        return (x.reshape(len(x), -1) > 0.9).all(axis=1).astype(np.int64)

    x = np.full((5, 30), 0.5, dtype=np.float32)
    y, threat = labels(x), uniform_threat(0.45, 0.0, 1.0)
    pool = np.full((2, 30), 0.95, dtype=np.float32)
    alone = hop_skip_jump(labels, x, y, threat, seeds_for(5), queries=300, pool=pool[:0], pool_y=y[:0])
    helped = hop_skip_jump(labels, x, y, threat, seeds_for(5), queries=300, pool=pool, pool_y=labels(pool))
    assert not alone.succeeded.any()
    assert np.isinf(alone.distance).all()
    assert (alone.points == x).all()
    assert (alone.queries < 100).all()
    assert helped.succeeded.all()


def test_what_is_found_survives_the_end_of_the_budget() -> None:
    model, x, y = linear_case((1, 6, 6), 10, 8)
    asked = 0

    def labels(batch: Samples) -> NDArray[np.int64]:
        nonlocal asked
        if asked + len(batch) > 3000:
            raise BudgetSpentError(Text("spent", "用尽"))
        asked += len(batch)
        return model.labels(batch)

    threat = uniform_threat(1.0, 0.0, 1.0, "l2")
    found = hop_skip_jump(labels, x, y, threat, seeds_for(10), queries=10_000, pool=x, pool_y=y, stop=0.0)
    assert asked == found.queries.sum() <= 3000
    assert np.isfinite(found.distance).all()
    assert (model.labels(found.points) != y).all()


def test_samples_in_several_portions_fare_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model, x, _ = linear_case((1, 6, 6), 9, 9)
    threat = uniform_threat(0.4, 0.0, 1.0, "l2")
    whole = attacked(model, x, threat, 800, 1.0)
    monkeypatch.setattr(module, "HELD_AT_ONCE", 4 * 36 * module.MOST_DRAWS)
    parts = attacked(model, x, threat, 800, 1.0)
    np.testing.assert_array_equal(whole.points, parts.points)
    np.testing.assert_array_equal(whole.queries, parts.queries)
    assert parts.calls > whole.calls


def test_samples_that_need_fewer_draws_than_others_wait_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an estimate holds at once is limited; a sample with little left has none in the last portions."""
    monkeypatch.setattr(module, "DRAWN_AT_ONCE", 36 * 24)
    model, x, _ = linear_case((1, 6, 6), 40, 9)
    found = attacked(model, x, uniform_threat(0.02, 0.0, 1.0), 600, 1.0)
    assert (found.queries <= 600).all()
    assert np.isfinite(found.distance).all()
