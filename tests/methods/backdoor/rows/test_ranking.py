"""Orders of rows where nothing is vetted."""

from __future__ import annotations

import numpy as np
import pytest

from touchstone.methods.backdoor.rows.ranking import (
    mean_rank,
    neighbour_disagreement,
    smaller_cluster,
    spectral_whitening,
)
from touchstone.statistics import auc


@pytest.fixture(scope="module")
def planted():
    """Three classes of 100 rows, 15 of which lie elsewhere in the first."""
    generator = np.random.default_rng(1)
    labels = np.arange(300) % 3
    features = generator.normal(size=(300, 20)) + 3 * np.eye(3, 20)[labels]
    rows = np.flatnonzero(labels == 0)[:15]
    features[rows] += 5 * np.eye(20)[10]
    return features, labels, np.isin(np.arange(300), rows)


@pytest.mark.parametrize("score", [spectral_whitening, smaller_cluster])
def test_rows_that_lie_elsewhere_in_their_class_come_first(planted, score):
    features, labels, rows = planted
    found = score(features, labels)
    assert auc(found[rows], found[~rows]) > 0.85


def test_neighbours_disagree_with_rows_of_another_class():
    generator = np.random.default_rng(2)
    labels = np.arange(200) % 2
    x = generator.normal(size=(200, 6)) + 6 * labels[:, None]
    wrong = np.arange(200) < 10
    found = neighbour_disagreement(x, np.where(wrong, 1 - labels, labels))
    assert auc(found[wrong], found[~wrong]) > 0.99


def test_several_orders_are_one():
    assert mean_rank(np.array([1.0, 2.0, 3.0]), np.array([10.0, 30.0, 20.0])).argmin() == 0
