import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.methods.corruptions.draws import SampleDraws
from touchstone.methods.corruptions.sensor import Samples, corrupt_readings, sensors_of
from touchstone.methods.corruptions.series import SERIES_FAMILIES

every_family = pytest.mark.parametrize("family", SERIES_FAMILIES)


def waves(n: int = 200, channels: int = 2, length: int = 64, seed: int = 0) -> Samples:
    """Slow waves of random phase, with a trend, so that a shift in time is seen."""
    generator = np.random.default_rng(seed)
    time = np.arange(length) / length
    phase = generator.uniform(0, 2 * np.pi, size=(n, channels, 1))
    return (np.sin(2 * np.pi * 2 * time + phase) + 3 * time + 5).astype(np.float32)


def corrupted(family: str, x: Samples, severity: int, *, low: float = -np.inf, high: float = np.inf) -> Samples:
    sensors = sensors_of(waves(200, *x.shape[1:]), np.ones(x.shape[1:], dtype=bool), np.random.default_rng(2))
    draws = SampleDraws(1, range(len(x)))
    return corrupt_readings(SERIES_FAMILIES, family, x, sensors, severity, draws, low=low, high=high)


@every_family
@settings(max_examples=15, deadline=None)
@given(channels=st.integers(1, 3), length=st.integers(1, 40), severity=st.integers(1, 5), seed=st.integers(0, 99))
def test_shape_type_and_range_are_kept(family: str, channels: int, length: int, severity: int, seed: int) -> None:
    x = np.clip(waves(9, channels, length, seed), 4, 8)
    out = corrupted(family, x, severity, low=4, high=8)
    assert out.shape == x.shape
    assert out.dtype == np.float32
    assert ((out >= 4) & (out <= 8)).all()


@every_family
def test_a_series_without_channels_is_a_series_too(family: str) -> None:
    x = waves(40)[:, 0]
    sensors = sensors_of(x, np.ones(x.shape[1:], dtype=bool), np.random.default_rng(2))
    draws = SampleDraws(1, range(40))
    out = corrupt_readings(SERIES_FAMILIES, family, x, sensors, 5, draws, low=-np.inf, high=np.inf)
    assert out.shape == x.shape
    assert (out != x).any()


@every_family
def test_it_hurts_more_with_every_severity(family: str) -> None:
    x = waves()
    np.testing.assert_array_equal(corrupted(family, x, 0), x)
    distance = [float(np.abs(corrupted(family, x, severity) - x).mean()) for severity in range(1, 6)]
    assert distance[0] > 0
    assert distance == sorted(distance)


@every_family
def test_what_happens_to_a_series_does_not_depend_on_its_batch(family: str) -> None:
    x = waves(12)
    sensors = sensors_of(x, np.ones(x.shape[1:], dtype=bool), np.random.default_rng(2))

    def spoilt(rows: range) -> Samples:
        draws = SampleDraws(1, rows)
        return corrupt_readings(SERIES_FAMILIES, family, x[rows], sensors, 3, draws, low=-np.inf, high=np.inf)

    np.testing.assert_array_equal(spoilt(range(12)), np.concatenate([spoilt(range(row, row + 1)) for row in range(12)]))


def test_time_moves_for_all_channels_at_once() -> None:
    """On a ramp, the value tells the time that was read."""
    ramp = np.broadcast_to(np.arange(100, dtype=np.float32), (50, 3, 100)).copy()
    moved = corrupted("time_shift", ramp, 3)[..., 20:80] - ramp[..., 20:80]
    np.testing.assert_allclose(np.abs(moved), 10, atol=1e-3)
    assert {-10, 10} == set(np.rint(moved).ravel())
    np.testing.assert_allclose(moved, np.broadcast_to(moved[:, :1, :1], moved.shape), atol=1e-3)
    warped = corrupted("time_warp", ramp, 3) - ramp
    np.testing.assert_allclose(warped[..., [0, -1]], 0, atol=1e-3)
    np.testing.assert_allclose(np.abs(warped).max(axis=-1), 0.1 * 99, rtol=0.01)
    assert (np.diff(corrupted("time_warp", ramp, 5), axis=-1) > 0).all(), "time never runs backwards"


@pytest.mark.parametrize("family", ["dropout_window", "frozen_window"])
def test_a_window_is_one_stretch_of_the_declared_length(family: str) -> None:
    x = waves(100, 2, 200)
    changed = (corrupted(family, x, 3) != x).any(axis=1)
    for row in changed:
        places = np.flatnonzero(row)
        assert places[-1] - places[0] + 1 <= 0.1 * 200 + 1
    assert changed.sum(axis=1).mean() == pytest.approx(0.1 * 200, rel=0.15)


def test_a_frozen_window_repeats_the_reading_before_it() -> None:
    x = waves(20, 1, 100)
    out = corrupted("frozen_window", x, 4)
    for before, after in zip(x[:, 0], out[:, 0], strict=True):
        first = np.flatnonzero(before != after)[0]
        assert after[first] == before[max(first - 1, 0)]


def test_a_drift_grows_along_time() -> None:
    x = waves(10, 2, 50)
    drift = np.abs(corrupted("drift_along_time", x, 4) - x).mean(axis=(0, 1))
    assert drift[0] == 0
    assert drift[-1] > 3 * drift[12]
