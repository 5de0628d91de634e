"""The whole course: a new system that can be assessed at once, and a report that tells the truth about it."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.hardening.systems import weak_system, weak_table
from touchstone.assessment.plan import _expected_capabilities
from touchstone.errors import DataError, UnavailableError, UserError
from touchstone.hardening.instructions import Instructions, Recipe
from touchstone.system.subject import Subject, open_system

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from touchstone.hardening.harden import Hardened, harden  # noqa: E402 - torch is optional

EXAMPLES = Path(__file__).parents[2] / "examples"


class Silent:
    """Takes notes."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.epochs = 0

    def stage(self, stage: str) -> None:
        self.stages.append(stage)

    def epoch(self, _epoch: object, _most: int) -> None:
        self.epochs += 1


def hardened(subject: Subject, folder: Path, **changes: Any) -> Hardened:
    settings: dict[str, Any] = {
        "recipe": Recipe.ADVERSARIAL_TRAINING,
        "norm": "linf",
        "eps": Fraction(1, 20),
        "epochs": 60,
        "seed": 3,
    }
    return harden(subject, Instructions(**settings | changes), folder, Silent())


@pytest.mark.parametrize("form", ["safetensors", "onnx"])
def test_training_makes_a_new_system_that_withstands_more(tmp_path: Path, form: str) -> None:
    subject = weak_system(tmp_path / "old", form=form)
    made = hardened(subject, tmp_path / "new")
    report = made.report
    assert report.clean.before.count == report.clean.before.n == 60
    assert report.robust.after.count > report.robust.before.count
    assert report.robust.direction == "up"
    assert report.before == subject.digest
    again = open_system(tmp_path / "new")
    assert again.digest == report.after != subject.digest
    declared = again.description.model
    assert declared.derived is not None
    assert (declared.derived.system, declared.derived.recipe) == (subject.digest, "adversarial-training")
    assert declared.derived.parameters["eps"] == "1/20"
    assert declared.claims == {}
    assert again.description.system.version == "1+adversarial-training"
    x, y = again.data("test").inputs, again.data("test").target
    assert (again.model().labels(x) == y).mean() == report.clean.after.count / 60
    assert report.proof is None or report.proof.after.count <= report.robust.after.count
    assert (report.proof is not None) == (form == "safetensors")
    for language, said in (("en", "more robust"), ("zh", "鲁棒性提升")):
        page = (tmp_path / "new" / f"hardening.{language}.html").read_text(encoding="utf-8")
        assert said in page
        assert report.after in page
    kept = json.loads((tmp_path / "new" / "hardening.json").read_text(encoding="utf-8"))
    assert kept["robust"]["gained"] == report.robust.gained


def test_the_same_seed_gives_the_same_system(tmp_path: Path) -> None:
    subject = weak_system(tmp_path / "old")
    digests = [hardened(subject, tmp_path / name, epochs=8).subject.digest for name in ("a", "b")]
    assert digests[0] == digests[1]


def test_what_gains_nothing_says_so(tmp_path: Path) -> None:
    report = hardened(weak_system(tmp_path / "old"), tmp_path / "new", eps=Fraction(1, 2), epochs=1).report
    assert report.robust.after.count == 0
    said = " ".join(text.en for text in report.conclusions)
    assert "No gain in robustness is shown" in said
    assert "no gain shown" in (tmp_path / "new" / "hardening.en.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("fine_tuning", [True, False])
def test_smoothing_makes_a_system_that_answers_by_majority(tmp_path: Path, fine_tuning: bool) -> None:
    subject = weak_system(tmp_path / "old", form="onnx")
    made = hardened(
        subject,
        tmp_path / "new",
        recipe=Recipe.SMOOTHING,
        norm="l2",
        eps=Fraction(1, 5),
        sigma=Fraction(1, 4),
        votes=16,
        epochs=20,
        fine_tuning=fine_tuning,
    )
    smoothing = made.subject.description.model.smoothing
    assert smoothing is not None
    assert (smoothing.sigma, smoothing.samples) == (0.25, 16)
    for system in (subject, made.subject):
        assert _expected_capabilities(system) == system.model().capabilities
    report = made.report
    assert report.effort_after.passes == 16
    assert (report.training is not None) == fine_tuning
    assert report.proof is not None
    assert report.proof.method == "smoothing"
    assert any("through noise" in attack for attack in report.attacks_after)
    same = made.subject.read(str(made.subject.description.model.file)) == subject.read("model.onnx")
    assert same == (not fine_tuning)
    if not fine_tuning:  # noise alone does not change a linear model's boundary
        assert abs(report.robust.after.count - report.robust.before.count) <= 20
        assert report.proof.before == report.proof.after
    with pytest.raises(UnavailableError, match="smoothed already"):
        hardened(made.subject, tmp_path / "newer", recipe=Recipe.SMOOTHING, norm="l2")


def test_a_table_is_trained_within_the_spread_of_its_columns(tmp_path: Path) -> None:
    subject = weak_table(tmp_path / "old")
    report = hardened(subject, tmp_path / "new", eps=Fraction(1), epochs=60).report
    assert report.robust.after.count > report.robust.before.count
    assert any("coordinates" in attack for attack in report.attacks_after)
    with pytest.raises(UnavailableError, match="inputs of one unit"):
        hardened(subject, tmp_path / "smooth", recipe=Recipe.SMOOTHING, norm="l2")


def test_a_hardened_system_is_assessed_like_any_other(tmp_path: Path) -> None:
    from touchstone.api import assess
    from touchstone.evidence.bundle import Bundle
    from touchstone.laboratory.recording import read_recorded

    made = hardened(
        weak_system(tmp_path / "old"), tmp_path / "new", recipe=Recipe.SMOOTHING, norm="l2", votes=4, epochs=2
    )
    assess(made.folder, output=tmp_path / "out", only=["model.performance"])
    observation = read_recorded(Bundle.open(tmp_path / "out" / "evidence")).observations["model.performance"]
    assert observation.status == "measured"
    found = {metric.id: float(metric.value) for metric in observation.metrics}
    assert found["accuracy"] == pytest.approx(made.report.clean.after.count / 60, abs=1e-6)


def test_nothing_is_written_when_the_recipe_does_not_fit(tmp_path: Path) -> None:
    subject = weak_system(tmp_path / "old", access="labels")
    with pytest.raises(UnavailableError, match="does not give gradients"):
        hardened(subject, tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "new" / "note").write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match="holds something already"):
        hardened(subject, tmp_path / "new")
    with pytest.raises(UnavailableError, match="needs labelled data"):
        hardened(weak_system(tmp_path / "unlabelled", labelled=False), tmp_path / "other")


def test_a_model_that_cannot_be_trained_is_refused_before_it_is_attacked(tmp_path: Path) -> None:
    watcher, subject = Silent(), open_system(EXAMPLES / "healthcare")
    wanted = Instructions(recipe=Recipe.ADVERSARIAL_TRAINING, norm="linf", eps=Fraction(1, 20), epochs=1, seed=3)
    with pytest.raises(UnavailableError, match="cannot be trained further"):
        harden(subject, wanted, tmp_path / "new", watcher)
    assert watcher.stages == []


def test_a_handful_of_training_samples_is_refused(tmp_path: Path) -> None:
    subject = weak_system(tmp_path / "old")
    with np.load(subject.root / "train.npz") as stored:
        x, y = stored["x"][:20], stored["y"][:20]
    np.savez(subject.root / "train.npz", x=x, y=y)
    with pytest.raises(DataError, match="50 are needed"):
        hardened(open_system(subject.root), tmp_path / "new")
