"""A smoothed model answers by majority, always the same, whatever else is asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.checks.system_resilience.systems import picture_system
from touchstone.errors import DescriptionError, UnavailableError
from touchstone.system.models.handle import Capability, ModelHandle
from touchstone.system.models.smoothed import SmoothedModel
from touchstone.system.subject import Subject, open_system


def smoothed(folder: Path, **smoothing: float) -> Subject:
    subject = picture_system(folder, gap=0.2, shape=(1, 4, 4), n=40)
    description = yaml.safe_load((subject.root / "system.yaml").read_text(encoding="utf-8"))
    description["model"]["smoothing"] = smoothing
    (subject.root / "system.yaml").write_text(yaml.safe_dump(description), encoding="utf-8")
    return open_system(subject.root)


def test_declared_smoothing_is_what_answers(tmp_path: Path) -> None:
    subject = smoothed(tmp_path, sigma=0.5, samples=25)
    model = subject.model()
    assert isinstance(model, SmoothedModel)
    assert isinstance(model, ModelHandle)
    x = subject.data("test").inputs
    shares = model.probabilities(x)
    assert np.allclose(shares.sum(axis=1), 1.0)
    assert np.allclose(np.rint(shares * 25), shares * 25)
    assert ((shares > 0) & (shares < 1)).any()
    assert np.array_equal(model.labels(x), shares.argmax(axis=1))
    assert model.queries == 2 * len(x)
    assert model.inner.queries == 25 * model.queries


def test_answers_depend_on_seed_and_input_alone(tmp_path: Path) -> None:
    inner = picture_system(tmp_path, gap=0.02, shape=(1, 4, 4), n=40)
    x = inner.data("test").inputs
    first = SmoothedModel(inner.model(), 0.5, 15, 3)
    together = first.probabilities(x)
    assert np.array_equal(first.probabilities(x[::-1])[::-1], together)
    assert np.array_equal(np.concatenate([first.probabilities(row[None]) for row in x]), together)
    assert not np.array_equal(SmoothedModel(inner.model(), 0.5, 15, 4).probabilities(x), together)


def test_votes_follow_the_probability_that_cohen_gives(tmp_path: Path) -> None:
    """Under noise a linear model answers its own class with the normal probability of distance over sigma."""
    from scipy.stats import norm

    subject = picture_system(tmp_path, gap=0.2, shape=(1, 4, 4), n=12)
    x = subject.data("test").inputs
    share = SmoothedModel(subject.model(), 0.4, 4000, 0).probabilities(x).max(axis=1)
    side = np.ones((1, 4, 4))
    side[..., 2:] = -1
    distance = np.abs((x - 0.5).reshape(12, -1) @ side.ravel()) / 4.0
    assert share == pytest.approx(norm.cdf(distance / 0.4), abs=0.03)


def test_no_gradients_and_no_logits(tmp_path: Path) -> None:
    model = smoothed(tmp_path, sigma=0.1, samples=3).model()
    assert model.capabilities == {Capability.LABELS, Capability.PROBABILITIES, Capability.ANY_INPUT}
    x, y = np.zeros((1, 1, 4, 4), np.float32), np.zeros(1, np.int64)
    for ask in (
        lambda: model.logits(x),
        lambda: model.gradient(x, y, "margin"),
        model.differentiable,
    ):
        with pytest.raises(UnavailableError, match="smoothed"):
            ask()
    assert model.labels(x[:0]).shape == (0,)


def test_predictions_cannot_be_smoothed(tmp_path: Path) -> None:
    subject = smoothed(tmp_path, sigma=0.1, samples=3)
    description = yaml.safe_load((subject.root / "system.yaml").read_text(encoding="utf-8"))
    description["model"]["access"] = "predictions"
    (subject.root / "system.yaml").write_text(yaml.safe_dump(description), encoding="utf-8")
    with pytest.raises(DescriptionError, match="needs a model that can be asked"):
        open_system(subject.root)


@pytest.mark.parametrize("wrong", [{"sigma": 0.0, "samples": 3}, {"sigma": 0.1, "samples": 0}, {"sigma": 0.1}])
def test_smoothing_without_sense(tmp_path: Path, wrong: dict[str, float]) -> None:
    with pytest.raises(DescriptionError):
        smoothed(tmp_path, **wrong)
