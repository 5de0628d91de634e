"""Smooth disturbances and sensor faults, on linear models whose worst case is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.methods.attacks.linear import Linear, linear_case, seeds_for
from touchstone.methods.attacks.threat_model import AttackResult, Classes, Samples, uniform_threat
from touchstone.methods.attacks.time_series import (
    SensorFaults,
    SmoothThreat,
    sensor_fault_attack,
    smooth_attack,
    smooth_gradient_attack,
)

seeds = st.integers(0, 2**32 - 1)


def smooth_threat(amplitude: float, variation: float, low: float = 0.0, high: float = 1.0) -> SmoothThreat:
    return SmoothThreat(uniform_threat(amplitude, low, high), np.asarray(variation))


def by_search(model: Linear, x: Samples, y: Classes, smooth: SmoothThreat) -> AttackResult:
    return smooth_attack(model.scores, x, y, smooth, seeds_for(len(x)), queries=200)


def by_gradient(model: Linear, x: Samples, y: Classes, smooth: SmoothThreat) -> AttackResult:
    def gradient(batch: Samples, classes: Classes) -> Samples:
        away = np.where(classes == 1, -1.0, 1.0).reshape(-1, *[1] * (batch.ndim - 1))
        return (away * model.weights).astype(np.float32)

    return smooth_gradient_attack(model.scores, gradient, x, y, smooth, iterations=20)


both = pytest.mark.parametrize("attack", [by_search, by_gradient])
Attack = Callable[[Linear, Samples, Classes, SmoothThreat], AttackResult]


@settings(max_examples=60, deadline=None)
@given(
    seed=seeds,
    shape=st.sampled_from([(1, 2), (3, 40), (24,)]),
    amplitude=st.floats(0.001, 0.5),
    variation=st.floats(0, 3),
    offset=st.sampled_from([0.0, 1000.0]),
)
def test_what_is_projected_is_legal_and_stays_as_it_is(
    seed: int, shape: tuple[int, ...], amplitude: float, variation: float, offset: float
) -> None:
    generator = np.random.default_rng(seed)
    x = (offset + generator.random((4, *shape))).astype(np.float32)
    smooth = smooth_threat(amplitude, variation, offset, offset + 1.0)
    candidate = (x + generator.normal(size=x.shape)).astype(np.float32)
    legal = smooth.project(x, candidate)
    assert smooth.contains(x, legal).all()
    np.testing.assert_array_equal(smooth.project(x, legal), legal)
    assert smooth.contains(x, x).all()


def test_a_jump_is_noticed() -> None:
    x = np.full((1, 1, 10), 0.5, dtype=np.float32)
    bias, jump, zigzag = x + np.float32(0.1), x.copy(), x.copy()
    jump[..., 5:] += np.float32(0.1)
    zigzag[..., ::2] += np.float32(0.1)
    smooth = smooth_threat(0.11, 0.11)
    made = np.concatenate([bias, jump, zigzag])
    assert smooth.contains(np.repeat(x, 3, axis=0), made).tolist() == [True, True, False]
    assert not smooth.scaled(0.5).contains(x, jump).any()


@both
def test_finds_what_slow_disturbances_break(attack: Attack) -> None:
    """Weights that change sign once: the worst disturbance is a step there, of variation twice the amplitude."""
    generator = np.random.default_rng(2)
    x = generator.uniform(0.3, 0.7, size=(80, 2, 30)).astype(np.float32)
    weights = np.stack([np.linspace(-1, 1, 30), np.full(30, 0.5)])
    model = Linear(weights, -float(weights.sum()) * 0.5)
    y = model.labels(x)
    epsilon = float(np.median(model.distance(x)))
    there_is = model.distance(x) < 0.999 * epsilon
    result = attack(model, x, y, smooth_threat(epsilon, 2.2 * epsilon))
    assert not (result.succeeded & ~(model.distance(x) < epsilon * 1.001)).any()
    assert result.succeeded.sum() >= 0.8 * there_is.sum()
    # Without any variation only the bias is left.
    bias = np.abs(model.value(x)) < epsilon * np.abs(weights.sum(axis=1)).sum()
    none = attack(model, x, y, smooth_threat(epsilon, 0.0))
    assert not (none.succeeded & ~bias).any()


@both
@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_every_success_is_legal_and_true(attack: Attack, seed: int) -> None:
    model, x, y = linear_case((2, 12), 6, seed)
    smooth = smooth_threat(0.2, 0.3)
    result = attack(model, x, y, smooth)
    assert smooth.contains(x, result.adversarial).all()
    np.testing.assert_array_equal(model.labels(result.adversarial) != y, result.succeeded)


def faults(*, readings: int = 0, channels: int = 0) -> SensorFaults:
    return SensorFaults(np.asarray(0.0), np.asarray(1.0), readings=readings, channels=channels)


def worst(model: Linear, x: Samples, limits: SensorFaults) -> NDArray[np.bool_]:
    """Whether the faults that cost most break the answer: each reading at the end that its weight asks for."""
    away = np.where(model.labels(x) == 1, -1.0, 1.0).reshape(-1, 1, 1)
    end = np.where(away * model.weights > 0, 1.0, 0.0)
    gain = np.abs(model.weights * (end - x))
    if limits.channels:
        most = np.sort(gain.sum(axis=-1), axis=1)[:, -limits.channels :].sum(axis=1)
    else:
        most = np.sort(gain.reshape(len(x), -1), axis=1)[:, -limits.readings :].sum(axis=1)
    broken: NDArray[np.bool_] = most > np.abs(model.value(x)) + 1e-6
    return broken


@pytest.mark.parametrize(("limits", "least"), [(faults(channels=1), 0.75), (faults(readings=3), 0.75)])
def test_finds_most_of_what_faults_break(limits: SensorFaults, least: float) -> None:
    model, _, _ = linear_case((4, 15), 1, 5)
    model = Linear(model.weights, model.bias + 2.0)
    x = np.random.default_rng(5).uniform(0, 1, size=(80, 4, 15)).astype(np.float32)
    y = model.labels(x)
    there_is = worst(model, x, limits)
    assert 15 < there_is.sum() < 80
    result = sensor_fault_attack(model.scores, x, y, limits, seeds_for(80), queries=400)
    assert not (result.succeeded & ~there_is).any()
    assert result.succeeded.sum() >= least * there_is.sum()
    assert limits.contains(x, result.adversarial).all()
    assert (model.labels(result.adversarial[result.succeeded]) != y[result.succeeded]).all()


def test_what_faults_may_change() -> None:
    x = np.full((1, 3, 5), 0.5, dtype=np.float32)
    one, two, beyond = x.copy(), x.copy(), x.copy()
    one[0, 1] = 0.9
    two[0, 1], two[0, 2, 3] = 0.9, 0.1
    beyond[0, 1] = 1.1
    assert faults(channels=1).contains(x, one).all()
    assert not faults(channels=1).contains(x, two).any()
    assert faults(channels=1, readings=1).contains(x, two).all()
    assert not faults(readings=5).contains(x, two).any()
    assert faults(readings=6).contains(x, two).all()
    assert not faults(channels=1).contains(x, beyond).any()
    assert faults().contains(x, x).all()


@pytest.mark.parametrize("limits", [faults(channels=2), faults(readings=4), faults(channels=1, readings=2)])
def test_a_series_fares_the_same_alone_and_in_company(limits: SensorFaults) -> None:
    model, x, y = linear_case((3, 10), 8, 6)
    together = sensor_fault_attack(model.scores, x, y, limits, seeds_for(8), queries=60)
    assert limits.contains(x, together.adversarial).all()
    for row in range(8):
        one = slice(row, row + 1)
        alone = sensor_fault_attack(model.scores, x[one], y[one], limits, seeds_for(8)[one], queries=60)
        np.testing.assert_array_equal(alone.adversarial[0], together.adversarial[row])


def test_no_faults_break_nothing() -> None:
    model, x, y = linear_case((3, 10), 8, 7)
    assert not sensor_fault_attack(model.scores, x, y, faults(), seeds_for(8), queries=20).succeeded.any()
    constant = Linear(np.zeros((3, 10)), -1.0)
    none = np.zeros(8, dtype=np.int64)
    everything = faults(channels=3, readings=5)
    assert not sensor_fault_attack(constant.scores, x, none, everything, seeds_for(8), queries=20).succeeded.any()
    assert not by_gradient(constant, x, none, smooth_threat(1.0, 9.0)).succeeded.any()
