"""Distances of tree ensembles, against an oracle that tries one point in every cell of all thresholds."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from touchstone.methods.attacks.leaf_box import leaf_box_attack
from touchstone.methods.attacks.threat_model import Classes, Samples
from touchstone.methods.attacks.tree_distance import (
    BoxAnswer,
    TreeDistance,
    answers_in_boxes,
    tree_distances,
    veritas_installed,
)
from touchstone.methods.attacks.tree_ensembles import (
    LEAF,
    Norm,
    TreeEnsemble,
    UnknownEnsembleError,
    distance,
    read_ensemble,
)

MODELS: dict[str, Any] = {
    "tree": DecisionTreeClassifier(max_depth=5, random_state=0),
    "forest": RandomForestClassifier(6, max_depth=3, random_state=0),
    "extra": ExtraTreesClassifier(6, max_depth=3, random_state=0),
    "boosting": GradientBoostingClassifier(n_estimators=4, max_depth=2, random_state=0),
    "histogram": HistGradientBoostingClassifier(max_iter=4, max_leaf_nodes=4, min_samples_leaf=5, random_state=0),
}
every_model = pytest.mark.parametrize("name", MODELS)
both_numbers = pytest.mark.parametrize("classes", [2, 3])


class Fitted:
    """A small model of three columns, its trees, and samples."""

    def __init__(self, name: str, classes: int, seed: int = 0) -> None:
        generator = np.random.default_rng(seed)
        self.x = generator.normal(size=(200, 3)).astype(np.float32)
        score = self.x @ generator.normal(size=3) + 0.8 * np.sin(3 * self.x[:, 0])
        y = np.digitize(score, np.quantile(score, np.arange(1, classes) / classes))
        self.model = MODELS[name].fit(self.x, y)
        self.ensemble = read_ensemble(self.model)
        self.y = self.labels(self.x)

    def labels(self, x: Samples) -> Classes:
        return np.asarray(self.model.predict_proba(x).argmax(axis=1))

    def distances(self, n: int, *, exact: bool) -> list[TreeDistance]:
        return tree_distances(self.ensemble, self.labels, self.x[:n], self.y[:n], self.x, exact=exact)


def oracle(fitted: Fitted, x: NDArray[np.float32], y: int, norm: Norm) -> float:
    """The nearest point of every cell that the thresholds of all trees cut, asked one by one."""
    ensemble, sides = fitted.ensemble, []
    for column in range(len(x)):
        edges = np.unique(ensemble.threshold[ensemble.feature == column])
        low = np.concatenate([[-np.inf], np.nextafter(edges, np.float32(np.inf))]).astype(np.float32)
        high = np.concatenate([edges, [np.inf]]).astype(np.float32)
        sides.append(np.clip(x[column], low, high))
    points = np.array(list(itertools.product(*sides)), dtype=np.float32)
    other = points[fitted.labels(points) != y]
    return float(distance(x, other, norm).min()) if len(other) else np.inf


@every_model
@both_numbers
def test_the_ensemble_answers_as_the_model_does(name: str, classes: int) -> None:
    fitted = Fitted(name, classes)
    raw = getattr(fitted.model, "decision_function", fitted.model.predict_proba)(fitted.x)
    scores = fitted.ensemble.scores(fitted.x)
    np.testing.assert_allclose(scores[:, 1] if raw.ndim == 1 else scores, raw, atol=1e-12)


@every_model
def test_a_cell_has_one_answer_and_its_neighbours_are_beyond_its_sides(name: str) -> None:
    fitted = Fitted(name, 3)
    low, high = fitted.ensemble.cells(fitted.x)
    assert ((low <= fitted.x) & (fitted.x <= high)).all()
    leaves = fitted.ensemble.leaves(fitted.x)
    for side, beyond in ((low, -np.inf), (high, np.inf)):
        for column in range(3):
            on, over = fitted.x.copy(), fitted.x.copy()
            finite = np.isfinite(side[:, column])
            on[finite, column] = side[finite, column]
            over[finite, column] = np.nextafter(side[finite, column], np.float32(beyond))
            np.testing.assert_array_equal(fitted.ensemble.leaves(on), leaves)
            assert (fitted.ensemble.leaves(over) != leaves).any(axis=1)[finite].all()


@every_model
@both_numbers
def test_the_bounds_hold_the_distance_of_the_oracle(name: str, classes: int) -> None:
    fitted = Fitted(name, classes)
    found = fitted.distances(12, exact=False)
    true = [oracle(fitted, x, y, "linf") for x, y in zip(fitted.x[:12], fitted.y[:12], strict=True)]
    for bounds, right in zip(found, true, strict=True):
        assert bounds.lower <= right <= bounds.upper
    # A single tree leaves nothing open, and small ensembles little.
    met = [bounds.exact for bounds in found]
    assert all(met) if name == "tree" else sum(met) >= 4


@every_model
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_leaf_box_attack_finds_points_that_the_model_answers_otherwise(name: str, norm: Norm) -> None:
    fitted = Fitted(name, 3)
    x, y = fitted.x[:15], fitted.y[:15]
    adversarial, far = leaf_box_attack(fitted.ensemble, x, y, fitted.x, norm)
    assert (fitted.labels(adversarial) != y).all()
    np.testing.assert_allclose(distance(x, adversarial, norm), far)
    true = np.array([oracle(fitted, row, label, norm) for row, label in zip(x, y, strict=True)])
    assert (far >= true - 1e-12).all()
    assert np.median(far / true) < 1.1


def test_without_another_answer_there_is_no_distance() -> None:
    fitted = Fitted("forest", 2)
    same = fitted.x[fitted.y == fitted.y[0]]
    (bounds,) = tree_distances(fitted.ensemble, fitted.labels, same[:1], fitted.y[:1], same, exact=False)
    assert np.isinf(bounds.upper)
    np.testing.assert_array_equal(bounds.adversarial, same[0])


def test_a_model_that_disagrees_with_its_trees_is_not_broken_by_them() -> None:
    fitted = Fitted("forest", 2)
    constant = np.zeros(len(fitted.x), dtype=np.int64)

    def stubborn(x: Samples) -> Classes:
        return constant[: len(x)]

    rows = np.flatnonzero(fitted.y == 0)[:3]
    found = tree_distances(fitted.ensemble, stubborn, fitted.x[rows], fitted.y[rows], fitted.x, exact=False)
    assert all(np.isinf(bounds.upper) for bounds in found)


def test_what_is_not_made_of_trees_is_refused() -> None:
    fitted = Fitted("boosting", 2)
    with pytest.raises(UnknownEnsembleError, match="LogisticRegression"):
        read_ensemble(LogisticRegression().fit(fitted.x, fitted.y))
    mixed = GradientBoostingClassifier(n_estimators=2, init=LogisticRegression()).fit(fitted.x, fitted.y)
    with pytest.raises(UnknownEnsembleError, match="another kind"):
        read_ensemble(mixed)


def test_a_threshold_between_two_numbers_splits_as_the_model_does() -> None:
    """0.1 is no 32-bit number: inputs just above and below must part where scikit-learn parts them."""
    edges = np.array([0.1, np.pi, 1e-50, 1 / 3])
    for edge in edges:
        here = np.float32(edge)
        near = np.array([np.nextafter(here, np.float32(-9)), here, np.nextafter(here, np.float32(9))])[:, None]
        fitted = DecisionTreeClassifier().fit(np.array([[-5.0], [5.0]]), [0, 1])
        state = fitted.tree_.__getstate__()
        state["nodes"]["threshold"][0] = edge
        fitted.tree_.__setstate__(state)
        ensemble: TreeEnsemble = read_ensemble(fitted)
        assert (ensemble.feature == LEAF).sum() == 2
        np.testing.assert_array_equal(ensemble.labels(near), fitted.predict(near))


needs_veritas = pytest.mark.skipif(not veritas_installed(), reason="needs the extra `trees`")


@needs_veritas
@every_model
@both_numbers
def test_exact_distances_are_those_of_the_oracle(name: str, classes: int) -> None:
    fitted = Fitted(name, classes)
    found = fitted.distances(20, exact=True)
    true = [oracle(fitted, x, y, "linf") for x, y in zip(fitted.x[:20], fitted.y[:20], strict=True)]
    assert [bounds.lower for bounds in found] == true
    assert [bounds.upper for bounds in found] == true
    for bounds, x, y in zip(found, fitted.x, fitted.y, strict=False):
        assert fitted.labels(bounds.adversarial[None])[0] != y
        assert float(distance(x, bounds.adversarial, "linf")) == bounds.upper


@needs_veritas
@pytest.mark.parametrize("name", ["forest", "boosting"])
def test_exact_distances_on_real_data(name: str) -> None:
    data, target = load_breast_cancer(return_X_y=True)
    x = ((data - data.min(axis=0)) / np.ptp(data, axis=0)).astype(np.float32)
    size = {"n_estimators": 20, "max_depth": 4}
    model = MODELS[name].__class__(**size, random_state=0).fit(x[::2], target[::2])

    def labels(rows: Samples) -> Classes:
        return np.asarray(model.predict(rows))

    rows = x[1:41:2]
    found = tree_distances(read_ensemble(model), labels, rows, labels(rows), x[::2])
    assert len(found) == 20
    assert all(bounds.exact for bounds in found)


def in_boxes(fitted: Fitted, n: int, reach: NDArray[np.float32], *, exact: bool) -> list[BoxAnswer]:
    x = fitted.x[:n]
    return answers_in_boxes(fitted.ensemble, fitted.labels, x, fitted.y[:n], (x - reach, x + reach), exact=exact)


def box_oracle(fitted: Fitted, x: NDArray[np.float32], y: int, reach: NDArray[np.float32]) -> bool:
    """Whether any cell that the box touches has another answer, asked one by one."""
    sides = []
    for column in range(len(x)):
        edges = np.unique(fitted.ensemble.threshold[fitted.ensemble.feature == column])
        low, high = x[column] - reach[column], x[column] + reach[column]
        after = np.nextafter(edges, np.float32(np.inf))
        sides.append(np.concatenate([[low], after[(after > low) & (after <= high)]]))
    points = np.array(list(itertools.product(*sides)), dtype=np.float32)
    return bool((fitted.labels(points) != y).any())


@every_model
@both_numbers
def test_a_box_is_certified_or_broken_as_the_oracle_says(name: str, classes: int) -> None:
    """Each column has a reach of its own; the second may not move."""
    fitted, reach = Fitted(name, classes), np.array([0.3, 0.0, 0.15], dtype=np.float32)
    for exact in (False, True):
        answers = in_boxes(fitted, 25, reach, exact=exact)
        truth = [box_oracle(fitted, x, int(y), reach) for x, y in zip(fitted.x, fitted.y, strict=True)][:25]
        for row, (answer, turned) in enumerate(zip(answers, truth, strict=True)):
            assert not (answer.certified and turned)
            if answer.adversarial is not None:
                assert (np.abs(answer.adversarial - fitted.x[row]) <= reach).all()
                assert fitted.labels(answer.adversarial[None])[0] != fitted.y[row]
            if exact and veritas_installed():
                assert answer.certified == (not turned)
        assert any(answer.certified for answer in answers)
        assert any(answer.adversarial is not None for answer in answers)


@needs_veritas
def test_without_steps_the_question_stays_open() -> None:
    fitted, reach = Fitted("forest", 3), np.full(3, 0.12, dtype=np.float32)
    x = fitted.x[:60]
    boxes = x - reach, x + reach
    none, enough = (
        answers_in_boxes(fitted.ensemble, fitted.labels, x, fitted.y[:60], boxes, steps=steps) for steps in (0, 1000)
    )
    assert [answer.certified for answer in enough] == [answer.adversarial is None for answer in enough]
    left_open = [not answer.certified and answer.adversarial is None for answer in none]
    assert any(left_open)
