"""P-values of rows against vetted samples: as often small as they say, smaller for planted rows."""

from __future__ import annotations

import numpy as np
import pytest

from touchstone.methods.backdoor.rows.reference import SHRINKAGE, Vetted, row_scores


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
        small.append((row_scores(vetted, (x[48:], x[48:, :3]), y[48:]).p <= 0.1).mean())
    assert 0.075 < np.mean(small) < 0.125


def test_the_update_is_the_fit_with_the_row_among_the_vetted_samples():
    """What the rank-one update gives, computed the long way for one row and one layer."""
    generator = np.random.default_rng(2)
    x, y = classes_apart(generator, 21, 3)
    vetted, row, label = x[:20], x[20:], y[20:]
    spread = x.std(axis=0)
    everyone, labels = x / spread, y
    means = np.stack([everyone[labels == one].mean(axis=0) for one in range(4)])
    residuals = everyone - means[labels]
    precision = np.linalg.inv(residuals.T @ residuals + SHRINKAGE * 20 * np.eye(3))
    counts = np.bincount(labels)[labels]
    distance = ((residuals @ precision) * residuals).sum(axis=1) * counts / (counts - 1)
    p = (1 + (distance[:20] >= distance[20]).sum()) / 21
    assert row_scores(Vetted((vetted,), y[:20]), (row,), label).p[0] == pytest.approx(p)


def test_rows_of_another_place_are_strange():
    generator = np.random.default_rng(3)
    x, y = classes_apart(generator, 60, 5)
    rows, labels = classes_apart(generator, 40, 5)
    rows[:10, 4] += 8
    found = row_scores(Vetted((x,), y), (rows,), labels)
    assert found.p[:10].max() <= 1 / 61
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
