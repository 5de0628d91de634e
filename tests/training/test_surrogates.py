import numpy as np
import pytest

from touchstone.training.surrogates import copy_of


def agreement(x: np.ndarray, labels: np.ndarray, classes: int) -> tuple[str, float]:
    """Of a copy that learnt the first half, on the second."""
    half = len(x) // 2
    kind, copy = copy_of(x[:half], labels[:half], classes, np.random.default_rng(0))
    return kind, float((copy(x[half:]) == labels[half:]).mean())


def test_whatever_the_boundary_some_kind_of_copy_follows_it() -> None:
    x = np.random.default_rng(1).normal(size=(2000, 4)).astype(np.float32)
    straight = (x @ np.array([1.0, -2.0, 0.5, 0.1]) > 0).astype(np.int64)
    corners = ((x[:, 0] > 0) ^ (x[:, 1] > 0)).astype(np.int64)
    assert agreement(x, straight, 2)[1] > 0.95
    kind, share = agreement(x, corners, 2)
    assert kind != "linear"
    assert share > 0.9


def test_answers_by_lot_cannot_be_copied() -> None:
    generator = np.random.default_rng(2)
    x = generator.normal(size=(2000, 4)).astype(np.float32)
    assert agreement(x, generator.integers(2, size=2000), 2)[1] == pytest.approx(0.5, abs=0.06)


def test_a_model_with_one_answer_is_copied_at_once() -> None:
    x = np.random.default_rng(3).normal(size=(40, 2)).astype(np.float32)
    assert agreement(x, np.full(40, 2), 3)[1] == 1.0


def test_the_same_generator_gives_the_same_copy() -> None:
    generator = np.random.default_rng(4)
    x = generator.normal(size=(300, 3)).astype(np.float32)
    labels = generator.integers(3, size=300)
    first, second = (copy_of(x, labels, 3, np.random.default_rng(5))[1](x) for _ in range(2))
    np.testing.assert_array_equal(first, second)
