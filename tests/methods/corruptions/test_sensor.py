import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.methods.corruptions.draws import SampleDraws
from touchstone.methods.corruptions.sensor import (
    TABLE_FAMILIES,
    UNIT_FACTORS,
    Samples,
    Sensors,
    corrupt_readings,
    sensors_of,
)

every_family = pytest.mark.parametrize("family", TABLE_FAMILIES)
every_sensor_family = pytest.mark.parametrize("family", sorted(set(TABLE_FAMILIES) - {"wrong_category"}))


def readings(n: int = 400, shape: tuple[int, ...] = (3,), seed: int = 0) -> Samples:
    return np.random.default_rng(seed).normal(10, 2, size=(n, *shape)).astype(np.float32)


def with_categories(x: Samples) -> Samples:
    """The first column holds codes 0 to 4."""
    coded = x.copy()
    coded.reshape(len(x), -1)[:, 0] = np.arange(len(x)) % 5
    return coded


def learnt(x: Samples) -> Sensors:
    return sensors_of(x, (x != np.rint(x)).any(axis=0), np.random.default_rng(2))


def corrupted(family: str, x: Samples, severity: int, *, low: float = -np.inf, high: float = np.inf) -> Samples:
    draws = SampleDraws(1, range(len(x)))
    return corrupt_readings(TABLE_FAMILIES, family, x, learnt(x), severity, draws, low=low, high=high)


@every_family
@settings(max_examples=20, deadline=None)
@given(
    shape=st.sampled_from([(1,), (4,), (2, 7), (3, 2, 2)]),
    severity=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_shape_type_and_range_are_kept(family: str, shape: tuple[int, ...], severity: int, seed: int) -> None:
    x = with_categories(np.clip(readings(30, (*shape[:-1], shape[-1] + 1), seed), 6, 14))
    before = x.copy()
    out = corrupted(family, x, severity, low=0, high=14)
    assert out.shape == x.shape
    assert out.dtype == np.float32
    assert ((out >= 0) & (out <= 14)).all()
    np.testing.assert_array_equal(x, before)


@every_family
def test_severity_zero_is_the_identity(family: str) -> None:
    np.testing.assert_array_equal(corrupted(family, readings(), 0), readings())


@every_family
def test_it_hurts_more_with_every_severity(family: str) -> None:
    x = with_categories(readings())
    distance = [float(np.abs(corrupted(family, x, severity) - x).mean()) for severity in range(1, 6)]
    assert distance[0] > 0
    assert distance == sorted(distance)


@every_family
def test_what_happens_to_a_row_does_not_depend_on_its_batch(family: str) -> None:
    x = with_categories(readings(60, (6,)))
    sensors = learnt(x)
    alone = [
        corrupt_readings(
            TABLE_FAMILIES, family, x[row : row + 1], sensors, 4, SampleDraws(1, [row]), low=-np.inf, high=np.inf
        )
        for row in range(60)
    ]
    np.testing.assert_array_equal(corrupted(family, x, 4), np.concatenate(alone))


@every_sensor_family
def test_columns_that_are_no_sensors_are_left_alone(family: str) -> None:
    x = with_categories(readings())
    # A range that the untouched column does not respect must not touch it either.
    out = corrupted(family, x, 5, low=5, high=15)
    np.testing.assert_array_equal(out[:, 0], x[:, 0])
    assert (out[:, 1:] != x[:, 1:]).any()


def test_a_wrong_category_is_one_that_occurs_and_touches_nothing_else() -> None:
    x = with_categories(readings(2000))
    out = corrupted("wrong_category", x, 5)
    np.testing.assert_array_equal(out[:, 1:], x[:, 1:])
    assert set(np.unique(out[:, 0])) == set(range(5))
    # Half of the rows are struck, and a fifth of the categories drawn are the right ones.
    assert (out[:, 0] != x[:, 0]).mean() == pytest.approx(0.5 * 0.8, abs=0.04)
    np.testing.assert_array_equal(corrupted("wrong_category", readings(), 5), readings())


def test_swapped_values_stay_in_their_row() -> None:
    x = readings(1000, (4,))
    out = corrupted("swapped_columns", x, 5)
    np.testing.assert_array_equal(np.sort(out, axis=1), np.sort(x, axis=1))
    assert (out != x).any(axis=1).mean() == pytest.approx(0.5, abs=0.05)
    np.testing.assert_array_equal(corrupted("swapped_columns", x[:, :1], 5), x[:, :1])


def test_a_wrong_unit_is_one_that_exists() -> None:
    x = readings(2000)
    factor = (corrupted("unit_error", x, 5) / x)[corrupted("unit_error", x, 5) != x]
    assert np.abs(factor[:, None] - np.array(UNIT_FACTORS)).min(axis=1).max() < 1e-4
    assert len(factor) / x.size == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize("family", ["bias_drift", "gain", "saturation"])
def test_a_sensor_that_errs_errs_alike_in_every_sample(family: str) -> None:
    x = np.repeat(readings(1, (30,)), 40, axis=0)
    sensors = learnt(readings(40, (30,)))
    out = corrupt_readings(TABLE_FAMILIES, family, x, sensors, 3, SampleDraws(0, range(40)), low=-np.inf, high=np.inf)
    np.testing.assert_array_equal(out, np.repeat(out[:1], 40, axis=0))


def test_known_values() -> None:
    x = readings(20_000)
    spread = x.std(axis=0)
    assert (corrupted("noise", x, 3) - x).std(axis=0) == pytest.approx(0.2 * spread, rel=0.05)
    assert np.abs(corrupted("bias_drift", x, 4) - x).mean(axis=0) == pytest.approx(0.4 * spread, rel=1e-3)
    assert np.abs(corrupted("ageing", x, 4) - x).mean(axis=0) == pytest.approx(0.4 * spread, rel=0.02)
    assert (corrupted("missing", x, 4) != x).mean() == pytest.approx(0.1, rel=0.1)
    moved = corrupted("spikes", x, 5) - x
    assert np.abs(moved[moved != 0]).mean() == pytest.approx(5 * spread.mean(), rel=0.02)
    steps = (corrupted("quantisation", x, 5) - np.median(x, axis=0)) / spread
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3)
    reach = np.abs(corrupted("saturation", x, 5) - np.median(x, axis=0)).max(axis=0)
    assert reach == pytest.approx(0.5 * spread, rel=1e-3)
