"""Shadow models of the nearest kind that can be trained: each knows its own half."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checks.system_resilience.systems import arrays
from tests.system.made import data_set, describe, make
from touchstone.errors import UnavailableError
from touchstone.methods.inference.answers import paired_halves
from touchstone.system.subject import Subject
from touchstone.training.shadows import Kind, Lesson, Shadows, scaled, train_again, train_shadows

N, WIDTH = 240, 6


def lesson() -> Lesson:
    """A third of the labels is drawn by lot, so that only memory gets them right."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(N, WIDTH)).astype(np.float32)
    y = np.where(generator.random(N) < 0.33, generator.integers(2, size=N), x[:, 0] > 0).astype(np.int64)
    return Lesson(x, y, paired_halves(N, 4, generator))


def system(folder: Path, model: bytes, format_: str, **rest: Any) -> Subject:
    taught = lesson()
    half = N // 2
    description = describe(
        columns=list("abcdef"),
        labels=["0", "1"],
        format_=format_,
        file=f"model.{format_}",
        data={role: data_set(f"{role}.npz", "npz", features="x", target="y") for role in ("train", "test")},
        **rest,
    )
    files = {
        f"model.{format_}": model,
        "train.npz": arrays(taught.x[:half], taught.y[:half]),
        "test.npz": arrays(taught.x[half:], taught.y[half:]),
    }
    return make(folder, description, files)


def skops_system(folder: Path, estimator: Any, **rest: Any) -> Subject:
    import skops.io

    taught = lesson()
    return system(folder, skops.io.dumps(estimator.fit(taught.x, taught.y)), "skops", **rest)


def trained(subject: Subject, kind: Kind) -> Shadows:
    """The shadows, after a look at whether they know what they were trained on better than what they were not."""
    shadows = train_shadows(subject, lesson(), np.random.default_rng(1))
    assert shadows.kind == kind
    known = shadows.references.trained
    assert np.isfinite(shadows.references.log_odds).all()
    assert shadows.references.log_odds[known].mean() > shadows.references.log_odds[~known].mean() + 0.2
    return shadows


def test_estimators_are_cloned_with_their_settings(tmp_path: Path) -> None:
    from sklearn.tree import DecisionTreeClassifier

    shadows = trained(skops_system(tmp_path, DecisionTreeClassifier(random_state=0)), "estimator")
    assert (shadows.references.log_odds[shadows.references.trained] > 0).all()


def test_the_seed_of_a_clone_comes_from_the_run(tmp_path: Path) -> None:
    from sklearn.ensemble import RandomForestClassifier

    subject = skops_system(tmp_path, RandomForestClassifier(n_estimators=5, random_state=None))
    first, second = (trained(subject, "estimator").references.log_odds for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_what_is_not_shown_is_stood_in_for_by_small_networks(tmp_path: Path) -> None:
    from sklearn.tree import DecisionTreeClassifier

    trained(skops_system(tmp_path, DecisionTreeClassifier(), access="labels"), "small-network")


def test_an_estimator_that_cannot_be_fitted_again_is_stood_in_for(tmp_path: Path) -> None:
    """A setting that no fit accepts, made after the fit."""
    import skops.io
    from sklearn.linear_model import LogisticRegression

    taught = lesson()
    estimator = LogisticRegression().fit(taught.x, taught.y).set_params(C=-1.0)
    trained(system(tmp_path, skops.io.dumps(estimator), "skops"), "small-network")


def test_models_of_the_system_s_own_kind_answer_with_probabilities(tmp_path: Path) -> None:
    from sklearn.tree import DecisionTreeClassifier

    subject = skops_system(tmp_path, DecisionTreeClassifier(random_state=0))
    kind, answers = train_again(subject, lesson(), np.random.default_rng(1))
    assert kind == "estimator"
    assert [each.shape for each in answers] == [(N, 2)] * 4
    for each, known in zip(answers, lesson().trained, strict=True):
        assert (each.argmax(axis=1) == lesson().y)[known].all()


def test_nothing_stands_in_for_the_system_s_own_kind(tmp_path: Path) -> None:
    from sklearn.tree import DecisionTreeClassifier

    with pytest.raises(UnavailableError, match="nothing like this model"):
        train_again(
            skops_system(tmp_path, DecisionTreeClassifier(), access="labels"), lesson(), np.random.default_rng(1)
        )


def test_inputs_are_scaled_and_thinned() -> None:
    rows = scaled(np.random.default_rng(0).normal(5, 3, size=(50, 3, 40, 40)).astype(np.float32))
    assert rows.shape == (50, 960)
    np.testing.assert_allclose([rows.mean(), rows.std()], [0, 1], atol=1e-4)
    assert np.isfinite(scaled(np.ones((5, 2), dtype=np.float32))).all()


@pytest.mark.torch
def test_networks_learn_again_from_their_architecture(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from safetensors.numpy import save

    layers = [
        {"kind": "linear", "name": "in", "inputs": WIDTH, "outputs": 64},
        {"kind": "relu"},
        {"kind": "linear", "name": "out", "inputs": 64, "outputs": 2},
    ]
    weights = {"in.weight": (64, WIDTH), "in.bias": (64,), "out.weight": (2, 64), "out.bias": (2,)}
    tensors = {name: np.zeros(shape, np.float32) for name, shape in weights.items()}
    subject = system(tmp_path, save(tensors), "safetensors", architecture=layers, output="logits")
    trained(subject, "network")
