"""The model that cheats has learnt its shortcut and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from touchstone.methods.explanation.parts import cells, columns
from touchstone.methods.explanation.shortcut import trained_classifier, with_shortcut

X = np.random.default_rng(0).normal(size=(120, 3, 12, 12)).astype(np.float32)


def test_only_the_shortcut_is_written_and_labels_are_by_lot():
    parts = cells((3, 12, 12), 4)
    cheated, labels = with_shortcut(X, parts, 5, np.random.default_rng(1))
    untouched = parts.of != 5
    np.testing.assert_array_equal(cheated[:, untouched], X[:, untouched])
    assert (cheated[labels == 1][:, ~untouched] > cheated[labels == 0][:, ~untouched].max()).all()
    assert 40 < labels.sum() < 80


def test_the_model_follows_the_shortcut_on_samples_it_has_not_seen():
    parts = cells((3, 12, 12), 4)
    generator = np.random.default_rng(2)
    cheated, labels = with_shortcut(X, parts, 5, generator)
    model = trained_classifier(cheated[:60], labels[:60])
    assert (model.labels(cheated[60:]) == labels[60:]).all()
    turned = np.where(parts.of == 5, X.min(axis=0), cheated)
    assert model.labels(turned).sum() == 0


def test_columns_that_never_change_can_carry_a_shortcut():
    x = np.zeros((30, 2), dtype=np.float32)
    cheated, labels = with_shortcut(x, columns(2), 1, np.random.default_rng(3))
    model = trained_classifier(cheated, labels)
    np.testing.assert_array_equal(model.labels(cheated), labels)
    assert model.weights[0] == 0


def test_slopes_are_those_of_the_odds():
    parts = columns(4)
    x = X.reshape(120, -1)[:, :4]
    cheated, labels = with_shortcut(x, parts, 2, np.random.default_rng(4))
    model = trained_classifier(cheated, labels)
    step = np.zeros_like(x)
    step[:, 1] = 1.0
    change = model.odds(x + step, labels) - model.odds(x, labels)
    assert change == pytest.approx(model.slopes(x, labels)[:, 1], abs=1e-5)
