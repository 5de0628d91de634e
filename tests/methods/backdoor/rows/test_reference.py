"""P-values of rows against vetted samples: as often small as they say, smaller for planted rows."""

from __future__ import annotations

import numpy as np
import pytest

from touchstone.methods.backdoor.rows.reference import SHRINKAGE, Vetted, fit, row_scores, strangeness


def classes_apart(generator: np.random.Generator, n: int, width: int, classes: int = 4):
    labels = np.arange(n) % classes
    return generator.normal(size=(n, width)) + 5 * np.eye(classes, width)[labels], labels


@pytest.mark.parametrize("width", [3, 60])
def test_honest_rows_have_small_p_values_as_often_as_they_say(width):
    """Twelve vetted samples of a class in 60 dimensions too, where a fit to them alone would be surprised by all."""
    generator = np.random.default_rng(1)
    small = []
    for _ in range(120):
        x, y = classes_apart(generator, 48 + 40, width)
        vetted = Vetted((x[:48], x[:48, :3]), y[:48])
        small.append((row_scores(vetted, (x[48:], x[48:, :3]), y[48:], shift=0.0).p <= 0.1).mean())
    assert 0.07 < np.mean(small) <= 0.1


def test_a_sample_left_out_is_one_that_was_never_there():
    """What the rank-one update gives, computed the long way for every sample."""
    x, y = classes_apart(np.random.default_rng(2), 21, 3)
    spread = x.std(axis=0)
    left_out = fit(x, y, 4, spread).distances_left_out(y)
    for row in range(len(x)):
        kept = np.arange(len(x)) != row
        others, labels = x[kept] / spread, y[kept]
        means = np.stack([others[labels == one].mean(axis=0) for one in range(4)])
        residuals = others - means[labels]
        # the covariance keeps its divisor and its shrinkage, or a sample left out would be measured with another unit
        precision = np.linalg.inv(residuals.T @ residuals / len(x) + SHRINKAGE * np.eye(3))
        away = x[row] / spread - means
        n = np.bincount(y, minlength=4) - (np.arange(4) == y[row])
        assert left_out[row] == pytest.approx(((away @ precision) * away).sum(axis=1) * n / (n + 1))


def test_the_nearer_another_class_the_stranger():
    distances = np.array([[1.0, 9.0], [1.0, 4.0], [2.0, 9.0]])
    found = strangeness(distances, np.zeros(3, dtype=np.int64))
    assert found[0] < found[1]
    assert found[0] < found[2]
    assert strangeness(distances[:, :1], np.zeros(3, dtype=np.int64)).argmax() == 2


def test_a_wide_class_is_not_strange_for_being_wide():
    generator = np.random.default_rng(5)
    shares = []
    for _ in range(40):
        x, y = classes_apart(generator, 400, 12)
        x[y == 0] = 5 * np.eye(12)[0] + 1.5 * (x[y == 0] - 5 * np.eye(12)[0])
        p = row_scores(Vetted((x[:80],), y[:80]), (x[80:],), y[80:], shift=0.0).p
        shares.append([(p[y[80:] == one] <= 0.05).mean() for one in range(4)])
    assert np.mean(shares, axis=0)[0] < 0.15


def test_rows_may_lie_a_little_farther_out_than_vetted_samples():
    generator = np.random.default_rng(6)
    x, y = classes_apart(generator, 200, 20)
    vetted, rows = Vetted((x[:80],), y[:80]), 5 * np.eye(4, 20)[y[80:]] + 1.05 * (x[80:] - 5 * np.eye(4, 20)[y[80:]])
    strict = row_scores(vetted, (rows,), y[80:], shift=0.0).p
    tolerant = row_scores(vetted, (rows,), y[80:]).p
    assert (tolerant >= strict).all()
    assert (tolerant <= 0.1).mean() < (strict <= 0.1).mean()


def test_rows_of_another_place_are_strange():
    generator = np.random.default_rng(3)
    x, y = classes_apart(generator, 60, 5)
    rows, labels = classes_apart(generator, 40, 5)
    rows[:10, 4] += 8
    found = row_scores(Vetted((x,), y), (rows,), labels)
    assert found.p[:10].max() <= 3 / 61
    assert found.score[:10].min() > found.score[10:].max()


def test_a_label_without_two_vetted_samples_is_not_judged():
    generator = np.random.default_rng(4)
    x, y = classes_apart(generator, 20, 3)
    found = row_scores(Vetted((x[y != 2],), y[y != 2]), (x,), y)
    assert (found.p[y == 2] == 1).all()
    assert np.isneginf(found.score[y == 2]).all()
    assert (found.p[y != 2] < 1).any()


def test_layers_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="as many samples as labels"):
        Vetted((np.zeros((3, 2)),), np.zeros(4, dtype=np.int64))
    vetted = Vetted((np.zeros((4, 2)),), np.zeros(4, dtype=np.int64))
    with pytest.raises(ValueError, match="the layers of the vetted samples"):
        row_scores(vetted, (), np.zeros(3, dtype=np.int64))
