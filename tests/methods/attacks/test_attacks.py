"""What holds for every attack, on models whose robustness is known exactly."""

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
from touchstone.methods.attacks.threat_model import (
    AttackResult,
    Classes,
    Samples,
    ThreatModel,
    uniform_threat,
)

Attack = Callable[[Linear, Samples, Classes, ThreatModel, NDArray[np.int64], int], AttackResult]


def square(
    model: Linear, x: Samples, y: Classes, threat: ThreatModel, seeds: NDArray[np.int64], queries: int
) -> AttackResult:
    return square_attack(model.scores, x, y, threat, seeds, queries=queries)


def coordinate(
    model: Linear, x: Samples, y: Classes, threat: ThreatModel, seeds: NDArray[np.int64], queries: int
) -> AttackResult:
    return coordinate_attack(model.scores, x, y, threat, seeds, queries=queries)


def ray(model: Linear, x: Samples, y: Classes, threat: ThreatModel, _: NDArray[np.int64], queries: int) -> AttackResult:
    return ray_search(model.labels, x, y, threat, 7, reach=50.0, queries=queries)


def hop(
    model: Linear, x: Samples, y: Classes, threat: ThreatModel, seeds: NDArray[np.int64], queries: int
) -> AttackResult:
    found = hop_skip_jump(model.labels, x, y, threat, seeds, queries=queries, pool=x[:0], pool_y=y[:0])
    return found.attack(x)


def element(
    model: Linear, x: Samples, y: Classes, threat: ThreatModel, seeds: NDArray[np.int64], queries: int
) -> AttackResult:
    return simba(model.scores, x, y, threat, seeds, queries=queries)


def cosine(
    model: Linear, x: Samples, y: Classes, threat: ThreatModel, seeds: NDArray[np.int64], queries: int
) -> AttackResult:
    return simba(model.scores, x, y, threat, seeds, queries=queries, basis="cosine")


ATTACKS: dict[str, Attack] = {
    "square": square,
    "coordinate": coordinate,
    "ray": ray,
    "hop": hop,
    "element": element,
    "cosine": cosine,
}
every_attack = pytest.mark.parametrize("name", ATTACKS)


@every_attack
@settings(max_examples=25, deadline=None)
@given(
    shape=st.tuples(st.sampled_from([1, 3]), st.integers(1, 9), st.integers(1, 9)),
    legal=st.sampled_from([(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)]),
    share=st.floats(0.001, 1.0),
    seed=st.integers(0, 2**32 - 1),
)
def test_never_outside_ball_range_or_budget_and_never_a_false_success(
    name: str, shape: tuple[int, int, int], legal: tuple[float, float], share: float, seed: int
) -> None:
    low, high = legal
    model, x, y = linear_case(shape, 6, seed, low=low, high=high)
    threat = uniform_threat(share * (high - low), low, high)
    result = ATTACKS[name](model, x, y, threat, seeds_for(6), 40)
    assert result.adversarial.dtype == np.float32
    assert (np.abs(result.adversarial.astype(np.float64) - x) <= share * (high - low) * (1 + 1e-12)).all()
    assert ((result.adversarial >= low) & (result.adversarial <= high)).all()
    assert ((model.labels(result.adversarial) != y) == result.succeeded).all()
    assert not (result.succeeded & ~model.breakable(x, threat)).any()
    assert (result.queries <= 40).all()


@pytest.mark.parametrize("name", ["coordinate"])
def test_succeeds_exactly_when_the_radius_exceeds_the_margin(name: str) -> None:
    model, x, y = linear_case((20,), 200, 1, low=-50.0, high=50.0)
    epsilon = float(np.median(model.distance(x)))
    threat = uniform_threat(epsilon, -np.inf, np.inf)
    result = ATTACKS[name](model, x, y, threat, seeds_for(200), 100)
    assert result.succeeded.tolist() == (model.distance(x) < epsilon).tolist()


@pytest.mark.parametrize(
    ("name", "least"), [("square", 0.9), ("ray", 0.9), ("hop", 0.9), ("element", 0.9), ("cosine", 0.9)]
)
def test_the_search_finds_most_of_what_there_is(name: str, least: float) -> None:
    """Smooth weights, as in pictures; half of the samples can be broken."""
    _, x, _ = linear_case((1, 8, 8), 200, 2)
    slope = np.add.outer(np.linspace(-1, 1, 8), np.linspace(-0.5, 0.5, 8))[None]
    model = Linear(slope, -float(slope.sum()) / 2)
    y = model.labels(x)
    threat = uniform_threat(float(np.median(model.distance(x))), -np.inf, np.inf)
    result = ATTACKS[name](model, x, y, threat, seeds_for(200), 1000)
    assert result.succeeded.sum() >= least * model.breakable(x, threat).sum()


@every_attack
def test_a_sample_fares_the_same_alone_and_in_company(name: str) -> None:
    model, x, y = linear_case((1, 6, 6), 12, 3)
    threat = uniform_threat(0.03, 0.0, 1.0)
    seeds = seeds_for(12)
    together = ATTACKS[name](model, x, y, threat, seeds, 200)
    assert 0 < together.succeeded.sum() < 12
    for row in range(12):
        alone = ATTACKS[name](model, x[row : row + 1], y[row : row + 1], threat, seeds[row : row + 1], 200)
        np.testing.assert_array_equal(alone.adversarial[0], together.adversarial[row])
        assert alone.queries[0] == together.queries[row]


@every_attack
def test_runs_repeat(name: str) -> None:
    model, x, y = linear_case((1, 6, 6), 12, 4)
    threat = uniform_threat(0.03, 0.0, 1.0)
    first, second = (ATTACKS[name](model, x, y, threat, seeds_for(12), 150) for _ in range(2))
    np.testing.assert_array_equal(first.adversarial, second.adversarial)
    np.testing.assert_array_equal(first.queries, second.queries)


@every_attack
def test_an_immutable_element_is_left_alone(name: str) -> None:
    model, x, y = linear_case((1, 4, 4), 30, 5)
    epsilon = np.full((1, 4, 4), 0.2)
    epsilon[0, :, 2] = 0.0
    result = ATTACKS[name](model, x, y, ThreatModel(epsilon, np.asarray(0.0), np.asarray(1.0)), seeds_for(30), 200)
    assert result.succeeded.any()
    np.testing.assert_array_equal(result.adversarial[:, 0, :, 2], x[:, 0, :, 2])


@every_attack
def test_the_whole_range_breaks_everything_and_radius_zero_nothing(name: str) -> None:
    model, x, y = linear_case((1, 6, 6), 40, 6)
    assert ATTACKS[name](model, x, y, uniform_threat(1.0, 0.0, 1.0), seeds_for(40), 200).succeeded.all()
    assert not ATTACKS[name](model, x, y, uniform_threat(0.0, 0.0, 1.0), seeds_for(40), 20).succeeded.any()


@every_attack
def test_a_constant_model_is_never_broken(name: str) -> None:
    model, x, _ = linear_case((1, 4, 4), 5, 7)
    constant = Linear(np.zeros_like(model.weights), -1.0)
    y = np.zeros(5, dtype=np.int64)
    assert not ATTACKS[name](constant, x, y, uniform_threat(1.0, 0.0, 1.0), seeds_for(5), 60).succeeded.any()


def test_broken_samples_leave_the_batch_at_once() -> None:
    model, x, y = linear_case((1, 6, 6), 40, 8)
    asked: list[int] = []

    def counted(batch: Samples) -> NDArray[np.float64]:
        asked.append(len(batch))
        return model.scores(batch)

    result = square_attack(counted, x, y, uniform_threat(0.05, 0.0, 1.0), seeds_for(40), queries=100)
    assert sum(asked) == result.queries.sum()
    assert asked == sorted(asked, reverse=True)
    assert asked[-1] < 40
