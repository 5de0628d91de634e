import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.attacks.threat_model import (
    continuous_elements,
    interquartile_threat,
    margin,
    uniform_threat,
    unlimited_threat,
)

RANGES = st.sampled_from([(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (-np.inf, np.inf)])


@given(RANGES, st.floats(0, 300), st.integers(0, 2**32 - 1))
def test_the_box_holds_the_sample_and_stays_in_ball_and_range(
    legal: tuple[float, float], epsilon: float, seed: int
) -> None:
    low, high = legal
    x = np.random.default_rng(seed).uniform(max(low, -500), min(high, 500), size=(3, 2, 4)).astype(np.float32)
    threat = uniform_threat(epsilon, low, high)
    lower, upper = threat.box(x)
    assert lower.dtype == upper.dtype == np.float32
    assert (lower <= x).all()
    assert (x <= upper).all()
    assert threat.contains(x, lower).all()
    assert threat.contains(x, upper).all()
    for corner in (lower, upper):
        assert (np.abs(corner.astype(np.float64) - x) <= epsilon * (1 + 1e-12)).all()
        assert (corner >= low).all()
        assert (corner <= high).all()


@given(st.integers(0, 2**32 - 1))
def test_a_step_beyond_the_ball_is_noticed(seed: int) -> None:
    x = np.random.default_rng(seed).random((4, 5), dtype=np.float32)
    threat = uniform_threat(0.1, -np.inf, np.inf)
    _, upper = threat.box(x)
    beyond = upper.copy()
    beyond[2, 3] = np.nextafter(np.nextafter(upper[2, 3], np.float32(9)), np.float32(9))
    assert threat.contains(x, beyond).tolist() == [True, True, False, True]


def test_a_sample_outside_the_range_may_stay_but_not_go_further_out() -> None:
    x = np.array([[1.5]], dtype=np.float32)
    lower, upper = uniform_threat(1.0, 0.0, 1.0).box(x)
    assert (lower.item(), upper.item()) == (0.5, 1.5)


def test_whole_number_columns_are_immutable() -> None:
    background = np.array([[0.1, 0, 1, 40], [0.2, 1, 0, 50], [0.3, 1, 0, 61], [0.5, 0, 0, 70]], dtype=np.float32)
    assert continuous_elements(background).tolist() == [True, False, False, False]
    threat = interquartile_threat(background, 0.5, -np.inf, np.inf)
    # Quartiles of 0.1, 0.2, 0.3, 0.5 by linear interpolation: 0.175 and 0.35.
    np.testing.assert_allclose(threat.epsilon, [0.0875, 0, 0, 0], atol=1e-7)


def test_the_unlimited_attacker_may_use_every_legal_value() -> None:
    background = np.array([[0.0, 3.0], [1.0, 9.0]], dtype=np.float32)
    seen = unlimited_threat(background, -np.inf, np.inf)
    lower, upper = seen.box(background[:1])
    assert lower.tolist() == [[0.0, 3.0]]
    assert upper.tolist() == [[1.0, 9.0]]
    lower, upper = unlimited_threat(background, 0.0, 10.0).box(background[:1])
    assert lower.tolist() == [[0.0, 0.0]]
    assert upper.tolist() == [[10.0, 10.0]]


def test_the_margin_is_negative_once_another_class_leads() -> None:
    scores = np.array([[3.0, 1.0, 2.0], [3.0, 1.0, 2.0]])
    assert margin(scores, np.array([0, 2])).tolist() == [1.0, -1.0]
