import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.tree._tree import Tree

from tests.system.made import describe, make
from touchstone.errors import ArtifactError
from touchstone.system.models.handle import Capability, ModelHandle
from touchstone.system.models.opening import open_model

GENERATOR = np.random.default_rng(3)
X = GENERATOR.normal(size=(200, 3)).astype(np.float32)
INDEX = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5).astype(int)
NAMES = np.array(["low", "middle", "high"])
LABELS = ["low", "middle", "high"]


def opened(folder: Path, data: bytes, **changes: Any) -> ModelHandle:
    settings = {"columns": ["a", "b", "c"], "labels": LABELS, "format_": "skops", "file": "m.skops", **changes}
    return open_model(make(folder, describe(**settings), {"m.skops": data}))


def fitted(estimator: Any, y: Any = INDEX) -> bytes:
    return bytes(skops.io.dumps(estimator.fit(X, y)))


def test_a_pipeline_answers_in_the_declared_order(tmp_path: Path) -> None:
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, NAMES[INDEX])
    model = opened(tmp_path, bytes(skops.io.dumps(pipeline)))
    assert list(pipeline.classes_) == ["high", "low", "middle"]
    assert np.allclose(model.probabilities(X), pipeline.predict_proba(X)[:, [1, 2, 0]], atol=1e-6)
    assert np.array_equal(NAMES[model.labels(X)], pipeline.predict(X))
    assert model.queries == 2 * len(X)
    assert model.capabilities == {Capability.LABELS, Capability.PROBABILITIES, Capability.ANY_INPUT}


def test_classes_may_be_indices(tmp_path: Path) -> None:
    forest = RandomForestClassifier(5, n_jobs=-1, random_state=0).fit(X, INDEX)
    model = opened(tmp_path, bytes(skops.io.dumps(forest)))
    assert np.allclose(model.probabilities(X), forest.predict_proba(X))


@pytest.mark.parametrize("two", [False, True])
def test_decision_functions_are_logits(tmp_path: Path, two: bool) -> None:
    y = (INDEX > 0).astype(int) if two else INDEX
    estimator = LogisticRegression().fit(X, y)
    labels = ["no", "yes"] if two else LABELS
    model = opened(tmp_path, bytes(skops.io.dumps(estimator)), output="logits", labels=labels)
    assert model.logits(X).shape == (len(X), len(labels))
    assert np.allclose(model.probabilities(X), estimator.predict_proba(X), atol=1e-6)


def test_labels_only(tmp_path: Path) -> None:
    model = opened(tmp_path, fitted(RidgeClassifier(), NAMES[INDEX]), output="labels")
    assert model.capabilities == {Capability.LABELS, Capability.ANY_INPUT}
    assert (model.labels(X) == INDEX).mean() > 0.6


def untrusted() -> bytes:
    pipeline = make_pipeline(FunctionTransformer(np.copy), LogisticRegression())
    pipeline.steps[0][1].func = opened  # a function of ours, which skops does not know
    return bytes(skops.io.dumps(pipeline))


def bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(5):
            with archive.open(f"{number}.npy", "w", force_zip64=True) as member:
                for _ in range(513):
                    member.write(bytes(1024**2))
    return buffer.getvalue()


def with_schema(schema: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("schema.json", schema)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "changes", "reason"),
    [
        (pickle.dumps({"a": 1}), {}, "not a readable skops file"),
        (b"PK\x03\x04 broken", {}, "not a readable skops file"),
        (with_schema("{}"), {}, "not a readable skops file"),
        (with_schema("[" * 100_000), {}, "not a readable skops file"),
        (untrusted(), {}, "not known to be safe: .*opened"),
        (fitted(LogisticRegression()), {"columns": ["a", "b"]}, "fitted on 3 features, the description declares 2"),
        (fitted(LogisticRegression()), {"labels": ["a", "b"]}, r"classes \[0, 1, 2\].*declares \['a', 'b'\]"),
        (fitted(RidgeClassifier()), {}, "RidgeClassifier has no predict_proba"),
        (fitted(LinearRegression()), {"output": "labels"}, "no fitted classifier"),
        (bytes(skops.io.dumps(LogisticRegression())), {}, "no fitted classifier"),
        (bytes(skops.io.dumps([1, 2, 3])), {}, "list has no predict_proba"),
    ],
)
def test_models_that_cannot_be_opened_say_why(
    tmp_path: Path, data: bytes, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ArtifactError, match=reason) as caught:
        opened(tmp_path, data, **changes)
    assert caught.value.where == "m.skops"


@pytest.mark.slow
def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="unpacks to more than 2 GiB"):
        opened(tmp_path, bomb())


def test_columns_in_another_order_are_refused(tmp_path: Path) -> None:
    estimator = LogisticRegression().fit(X, INDEX)
    estimator.feature_names_in_ = np.array(["a", "c", "b"], dtype=object)
    with pytest.raises(ArtifactError, match="fitted with column 'c' in place 2, the description has 'b' there"):
        opened(tmp_path, bytes(skops.io.dumps(estimator)))


ENSEMBLES = [
    RandomForestClassifier(4, random_state=0),
    GradientBoostingClassifier(n_estimators=3, random_state=0),
    HistGradientBoostingClassifier(max_iter=3),
    AdaBoostClassifier(n_estimators=3, random_state=0),
    BaggingClassifier(n_estimators=3, max_features=0.7, random_state=0),
    CalibratedClassifierCV(DecisionTreeClassifier(max_depth=3, random_state=0), cv=2),
    make_pipeline(PolynomialFeatures(2), DecisionTreeClassifier(random_state=0)),
    MLPClassifier((4,), max_iter=5, random_state=0),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("estimator", ENSEMBLES, ids=lambda estimator: type(estimator).__name__)
def test_common_classifiers_answer(tmp_path: Path, estimator: Any) -> None:
    model = opened(tmp_path, fitted(estimator))
    assert np.allclose(model.probabilities(X), estimator.predict_proba(X), atol=1e-5)


def forged_tree(field: str, value: int) -> Tree:
    """A fitted tree whose root points where nothing is."""
    grown = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, INDEX).tree_
    state = grown.__getstate__()
    state["nodes"] = state["nodes"].copy()
    state["nodes"][field][0] = value
    constructor, arguments, _ = grown.__reduce__()
    forged = constructor(*arguments)
    forged.__setstate__(state)
    return forged


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("left_child", 100_000, "points outside itself"),
        ("right_child", 0, "points outside itself"),
        ("left_child", -2, "points outside itself"),
        ("feature", 3, "a feature that is not there"),
        ("feature", -100, "a feature that is not there"),
    ],
)
def test_forged_trees_never_run(tmp_path: Path, field: str, value: int, reason: str) -> None:
    forest = RandomForestClassifier(2, random_state=0).fit(X, INDEX)
    forest.estimators_[1].tree_ = forged_tree(field, value)
    with pytest.raises(ArtifactError, match=reason):
        opened(tmp_path, bytes(skops.io.dumps(forest)))


def test_a_tree_wider_than_its_forest_never_runs(tmp_path: Path) -> None:
    """The tree's own owner claims ten features, but the forest hands it inputs of three without another check."""
    forest = RandomForestClassifier(2, random_state=0).fit(X, INDEX)
    forest.estimators_[0].tree_ = forged_tree("feature", 9)
    forest.estimators_[0].n_features_in_ = 10
    with pytest.raises(ArtifactError, match="a feature that is not there"):
        opened(tmp_path, bytes(skops.io.dumps(forest)))


@pytest.mark.parametrize(("field", "value"), [("left", 10**6), ("feature_idx", 3), ("is_categorical", 1)])
def test_forged_boosted_trees_never_run(tmp_path: Path, field: str, value: int) -> None:
    boosted = HistGradientBoostingClassifier(max_iter=2).fit(X, INDEX)
    boosted._predictors[0][0].nodes[field][0] = value
    with pytest.raises(ArtifactError, match="not safe to run"):
        opened(tmp_path, bytes(skops.io.dumps(boosted)))
