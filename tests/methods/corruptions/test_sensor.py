import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.methods.corruptions.sensor import SENSOR_FAMILIES, Samples, corrupt_readings, sensors_of

every_family = pytest.mark.parametrize("family", SENSOR_FAMILIES)


def readings(n: int = 400, shape: tuple[int, ...] = (3,), seed: int = 0) -> Samples:
    return np.random.default_rng(seed).normal(10, 2, size=(n, *shape)).astype(np.float32)


def corrupted(family: str, x: Samples, severity: int, *, low: float = -np.inf, high: float = np.inf) -> Samples:
    sensors = sensors_of(x, np.ones(x.shape[1:], dtype=bool), np.random.default_rng(2))
    return corrupt_readings(family, x, sensors, severity, np.random.default_rng(1), low=low, high=high)


@every_family
@settings(max_examples=20, deadline=None)
@given(
    shape=st.sampled_from([(1,), (4,), (2, 7), (3, 2, 2)]),
    severity=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_shape_type_and_range_are_kept(family: str, shape: tuple[int, ...], severity: int, seed: int) -> None:
    x = np.clip(readings(30, shape, seed), 6, 14)
    out = corrupted(family, x, severity, low=6, high=14)
    assert out.shape == x.shape
    assert out.dtype == np.float32
    assert ((out >= 6) & (out <= 14)).all()


@every_family
def test_severity_zero_is_the_identity(family: str) -> None:
    np.testing.assert_array_equal(corrupted(family, readings(), 0), readings())


@every_family
def test_it_hurts_more_with_every_severity(family: str) -> None:
    x = readings()
    distance = [float(np.abs(corrupted(family, x, severity) - x).mean()) for severity in range(1, 6)]
    assert distance[0] > 0
    assert distance == sorted(distance)


@every_family
def test_columns_that_are_no_sensors_are_left_alone(family: str) -> None:
    x = readings()
    x[:, 1] = np.arange(len(x)) % 3
    sensors = sensors_of(x, np.array([True, False, True]), np.random.default_rng(2))
    # A range that the untouched column does not respect must not touch it either.
    out = corrupt_readings(family, x, sensors, 5, np.random.default_rng(1), low=5, high=15)
    np.testing.assert_array_equal(out[:, 1], x[:, 1])
    assert (out[:, [0, 2]] != x[:, [0, 2]]).any()


@pytest.mark.parametrize("family", ["bias_drift", "gain"])
def test_a_sensor_that_errs_errs_alike_in_every_batch(family: str) -> None:
    x = readings(40, (30,))
    sensors = sensors_of(x, np.ones(30, dtype=bool), np.random.default_rng(2))
    once = corrupt_readings(family, x, sensors, 3, np.random.default_rng(3), low=-np.inf, high=np.inf)
    parts = [
        corrupt_readings(family, part, sensors, 3, np.random.default_rng(seed), low=-np.inf, high=np.inf)
        for seed, part in enumerate(np.split(x, 4))
    ]
    np.testing.assert_array_equal(np.concatenate(parts), once)


def test_known_values() -> None:
    x = readings(20_000)
    spread = x.std(axis=0)
    assert (corrupted("noise", x, 3) - x).std(axis=0) == pytest.approx(0.2 * spread, rel=0.05)
    assert np.abs(corrupted("bias_drift", x, 4) - x).mean(axis=0) == pytest.approx(0.4 * spread, rel=1e-3)
    assert (corrupted("missing", x, 4) != x).mean() == pytest.approx(0.1, rel=0.1)
    moved = corrupted("spikes", x, 5) - x
    assert np.abs(moved[moved != 0]).mean() == pytest.approx(5 * spread.mean(), rel=0.02)
    steps = (corrupted("quantisation", x, 5) - np.median(x, axis=0)) / spread
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3)
