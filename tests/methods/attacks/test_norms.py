"""The same attacks in L2 and L1, on linear models whose distance to the boundary is known exactly."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.methods.attacks.linear import Linear, linear_case, seeds_for
from touchstone.methods.attacks.coordinate import coordinate_attack
from touchstone.methods.attacks.hop_skip_jump import hop_skip_jump
from touchstone.methods.attacks.ray_search import ray_search
from touchstone.methods.attacks.simba import simba
from touchstone.methods.attacks.square import square_attack
from touchstone.methods.attacks.threat_model import AttackResult, Norm, Samples, ThreatModel, towards, uniform_threat

ORDER: dict[Norm, float] = {"linf": np.inf, "l2": 2, "l1": 1}
Attack = Callable[[Linear, Samples, NDArray[np.int64], ThreatModel, int], AttackResult]
ATTACKS: dict[str, Attack] = {
    "square": lambda model, x, y, threat, q: square_attack(model.scores, x, y, threat, seeds_for(len(x)), queries=q),
    "coordinate": lambda model, x, y, threat, q: coordinate_attack(
        model.scores, x, y, threat, seeds_for(len(x)), queries=q
    ),
    "element": lambda model, x, y, threat, q: simba(model.scores, x, y, threat, seeds_for(len(x)), queries=q),
    "cosine": lambda model, x, y, threat, q: simba(
        model.scores, x, y, threat, seeds_for(len(x)), queries=q, basis="cosine"
    ),
    "ray": lambda model, x, y, threat, q: ray_search(model.labels, x, y, threat, 7, reach=50.0, queries=q),
    "hop": lambda model, x, y, threat, q: hop_skip_jump(
        model.labels, x, y, threat, seeds_for(len(x)), queries=q, pool=x, pool_y=y
    ).attack(x),
}


def lengths(delta: NDArray[np.float64], norm: Norm) -> NDArray[np.float64]:
    return np.linalg.norm(delta.reshape(len(delta), -1), ORDER[norm], axis=1)


def boundary(model: Linear, x: Samples, norm: Norm) -> NDArray[np.float64]:
    """Exact distance: |w·x + b| over the dual norm of w."""
    dual = {"linf": 1, "l2": 2, "l1": np.inf}[norm]
    return np.abs(model.value(x)) / np.linalg.norm(model.weights.ravel(), dual)


@pytest.mark.parametrize("norm", ["l2", "l1"])
@pytest.mark.parametrize("name", ATTACKS)
@settings(max_examples=20, deadline=None)
@given(shape=st.tuples(st.sampled_from([1, 3]), st.integers(1, 7), st.integers(1, 7)), radius=st.floats(0.01, 5))
def test_never_outside_the_ball_and_never_a_false_success(
    name: str, norm: Norm, shape: tuple[int, int, int], radius: float
) -> None:
    model, x, y = linear_case(shape, 5, 3)
    threat = uniform_threat(radius, 0.0, 1.0, norm)
    result = ATTACKS[name](model, x, y, threat, 60)
    assert (lengths(result.adversarial.astype(np.float64) - x, norm) <= radius * (1 + 1e-9)).all()
    assert ((result.adversarial >= 0) & (result.adversarial <= 1)).all()
    assert ((model.labels(result.adversarial) != y) == result.succeeded).all()
    assert not (result.succeeded & (boundary(model, x, norm) > radius * (1 + 1e-6))).any()
    assert (result.queries <= 60).all()


@pytest.mark.parametrize(
    ("name", "norm", "least"),
    [
        ("square", "l2", 0.8),
        ("square", "l1", 0.7),
        ("element", "l2", 0.9),
        ("cosine", "l2", 0.85),
        ("hop", "l2", 0.8),
        ("element", "l1", 0.8),
        ("ray", "l2", 0.7),
        ("coordinate", "l1", 0.9),
    ],
)
def test_the_search_finds_most_of_what_there_is(name: str, norm: Norm, least: float) -> None:
    _, x, _ = linear_case((1, 8, 8), 100, 2)
    slope = np.add.outer(np.linspace(-1, 1, 8), np.linspace(-0.5, 0.5, 8))[None]
    model = Linear(slope, -float(slope.sum()) / 2)
    radius = float(np.median(boundary(model, x, norm))) * 1.2
    result = ATTACKS[name](model, x, model.labels(x), uniform_threat(radius, -np.inf, np.inf, norm), 1000)
    assert result.succeeded.sum() >= least * (boundary(model, x, norm) < radius).sum()


@given(st.sampled_from(["linf", "l2", "l1"]), st.floats(1e-3, 300), st.integers(0, 2**32 - 1))
def test_drawn_in_points_are_legal_and_legal_points_stay(norm: Norm, radius: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    x = generator.uniform(0, 255, size=(4, 3, 5)).astype(np.float32)
    threat = ThreatModel(radius * generator.integers(0, 3, size=(3, 5)), np.asarray(0.0), np.asarray(255.0), norm)
    moved = generator.uniform(-50, 300, size=x.shape).astype(np.float32)
    drawn = threat.drawn_in(x, moved)
    assert threat.contains(x, drawn).all()
    assert (drawn[:, threat.epsilon == 0] == x[:, threat.epsilon == 0]).all()
    np.testing.assert_allclose(threat.drawn_in(x, drawn), drawn, rtol=1e-5, atol=1e-4)


def test_distance_is_in_radii_of_each_element_and_immutable_elements_are_out_of_reach() -> None:
    x = np.zeros((2, 3), dtype=np.float32)
    moved = np.array([[3.0, 8.0, 0.0], [0.0, 0.0, 0.1]], dtype=np.float32)
    weights = np.array([1.0, 2.0, 0.0])
    found = {norm: ThreatModel(weights, np.asarray(-9.0), np.asarray(9.0), norm).distance(x, moved) for norm in ORDER}
    assert {norm: value[0] for norm, value in found.items()} == {"linf": 4.0, "l2": 5.0, "l1": 7.0}
    assert all(np.isinf(value[1]) for value in found.values())


@given(st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_a_part_of_the_way_is_never_more_than_that(share: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    x, moved = generator.normal(scale=100, size=(2, 3, 4)).astype(np.float32)
    point = towards(x, moved, np.full(3, share))
    assert (np.abs(point.astype(np.float64) - x) <= share * np.abs(moved.astype(np.float64) - x) + 1e-30).all()
