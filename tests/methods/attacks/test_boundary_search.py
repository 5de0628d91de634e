"""Polishing: any change of answer, from whatever attack, is brought nearer and never lost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.methods.attacks.linear import Linear, linear_case, seeds_for
from touchstone.methods.attacks.boundary_search import BoundarySearch, polish
from touchstone.methods.attacks.threat_model import Norm, Samples, ThreatModel, uniform_threat


def mirrored(model: Linear, x: Samples) -> Samples:
    """Points well beyond the boundary, on the shortest way."""
    size = (model.weights**2).sum()
    return (x - 4 * model.value(x).reshape(-1, *[1] * (x.ndim - 1)) * model.weights / size).astype(np.float32)


@pytest.mark.parametrize("norm", ["l2", "l1"])
def test_on_the_shortest_way_the_exact_distance_is_found(norm: Norm) -> None:
    model, x, y = linear_case((1, 4, 4), 20, 1)
    threat = uniform_threat(1.0, -np.inf, np.inf, norm)
    found = polish(model.labels, x, y, mirrored(model, x), threat, seeds_for(20), queries=400)
    exact = np.abs(model.value(x)) / np.linalg.norm(model.weights.ravel(), 2 if norm == "l2" else np.inf)
    assert (found.distance >= exact * (1 - 1e-6)).all()
    assert float(np.median(found.distance / exact)) < (1.01 if norm == "l2" else 2.0)


def test_what_the_change_does_not_need_is_left_out() -> None:
    """Only the first of forty elements matters."""

    def labels(batch: Samples) -> NDArray[np.int64]:
        return (batch[:, 0] > 0.5).astype(np.int64)

    generator = np.random.default_rng(2)
    x = generator.random((8, 40), dtype=np.float32)
    x[:, 0] = 0.3
    moved = generator.random((8, 40), dtype=np.float32)
    moved[:, 0] = 0.9
    threat = uniform_threat(0.25, 0.0, 1.0, "l2")
    found = polish(labels, x, labels(x), moved, threat, seeds_for(8), queries=300)
    assert found.succeeded.all()
    assert (found.points[:, 1:] == x[:, 1:]).all(axis=1).mean() >= 0.75
    assert float(np.median(found.distance)) == pytest.approx(0.2 / 0.25, rel=0.01)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["linf", "l2", "l1"]),
    st.integers(1, 60),
    st.integers(0, 2**32 - 1),
)
def test_never_further_never_false_never_over_budget(norm: Norm, queries: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    model, x, y = linear_case((1, 3, 5), 6, seed)
    epsilon = generator.uniform(0.1, 1.0, (1, 3, 5)) * (generator.random((1, 3, 5)) < 0.8)
    threat = ThreatModel(epsilon, np.asarray(0.0), np.asarray(1.0), norm)
    moved = np.where(epsilon > 0, generator.random(x.shape, dtype=np.float32), x)
    changed = model.labels(moved) != y
    found = polish(model.labels, x, y, moved, threat, seeds_for(6), queries=queries)
    assert (found.queries <= queries).all()
    assert (np.isfinite(found.distance) == changed).all()
    assert (found.distance[changed] <= threat.distance(x, moved)[changed]).all()
    assert ((model.labels(found.points) != y) == changed).all()
    assert (found.points[:, epsilon == 0] == x[:, epsilon == 0]).all()
    assert (found.succeeded <= threat.contains(x, found.points)).all()


def test_questions_beyond_the_budget_count_as_unchanged() -> None:
    model, x, y = linear_case((1, 4, 4), 3, 3)
    search = BoundarySearch(model.labels, x, y, uniform_threat(1.0, -9.0, 9.0), seeds_for(3), queries=2)
    changed = search.ask(np.arange(3), np.repeat(mirrored(model, x)[:, None], 4, axis=1))
    assert changed.tolist() == [[True, True, False, False]] * 3
    assert search.left(np.arange(3)).tolist() == [0, 0, 0]
    assert not search.open(np.arange(3)).size
