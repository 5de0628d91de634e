"""The backdoor screen: what it flags, what it refuses, and what it never says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.checks.model_integrity.backdoored import (  # noqa: E402
    LAYERS,
    backdoor,
    changed,
    references,
    system,
    with_references,
)
from tests.checks.running import InProcessRun, codes, metric  # noqa: E402
from touchstone.canonical import parse_json  # noqa: E402
from touchstone.checks.declaration import Measurement, Parameters  # noqa: E402
from touchstone.checks.model_integrity.backdoor_screen import backdoor_screen  # noqa: E402
from touchstone.errors import UnavailableError  # noqa: E402
from touchstone.standard.comparing import compare  # noqa: E402
from touchstone.system.subject import Subject  # noqa: E402

pytestmark = pytest.mark.torch

COUNT = 19


@dataclass
class Screened:
    subject: Subject
    measurement: Measurement
    run: InProcessRun


def screened(subject: Subject) -> Screened:
    run = InProcessRun()
    return Screened(subject, backdoor_screen.function(subject, Parameters(), run), run)


@pytest.fixture(scope="module")
def quick_training() -> Iterator[None]:
    """References that learn for as long as these pictures need."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("touchstone.training.references.SEEN", 2600)
        patch.setattr("touchstone.training.references.FLAWS", {})
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, quick_training: None) -> Path:
    del quick_training
    honest = system(tmp_path_factory.mktemp("made-for"), poisoned=False)
    return references(honest, tmp_path_factory.mktemp("references"), COUNT)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory, trained: Path) -> Screened:
    return screened(with_references(system(tmp_path_factory.mktemp("honest"), poisoned=False), trained))


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory, trained: Path) -> Screened:
    return screened(with_references(system(tmp_path_factory.mktemp("poisoned"), poisoned=True), trained))


def test_a_backdoor_is_flagged_against_matched_references(poisoned: Screened) -> None:
    p_value = metric(poisoned.measurement, "backdoor_p_value")
    assert (p_value.value, p_value.n) == (Decimal("0.05"), COUNT), "no reference is more suspicious"
    assert compare(">=", Decimal("0.0501"), "point", p_value) == "fail"
    assert "backdoor-flagged" in codes(poisoned.measurement)
    assert all(control.passed for control in poisoned.measurement.controls)


def test_a_flagged_model_comes_with_a_mark_that_works_on_held_out_pictures(poisoned: Screened) -> None:
    rate = metric(poisoned.measurement, "trigger_flip_rate", "target=south-west")
    assert rate.value > Decimal("0.8")
    assert rate.low is not None
    assert rate.low > Decimal("0.6")
    assert rate.n == 30, "ten held out of each class, less those of the target"
    assert metric(poisoned.measurement, "trigger_size", "target=south-west").value < Decimal("0.06")
    assert poisoned.run.kept["trigger.png"].startswith(b"\x89PNG")
    seen = parse_json(poisoned.run.kept["scores.json"], "scores.json")
    assert isinstance(seen, dict)
    assert seen["target"] == backdoor().goal.target
    [words] = [note.text.en for note in poisoned.measurement.warnings if note.code == "trigger-recovered"]
    assert "from 3 beginnings" in words


def test_an_honest_model_is_not_flagged_and_never_called_clean(honest: Screened) -> None:
    assert metric(honest.measurement, "backdoor_p_value").value > Decimal("0.05")
    assert {"backdoor-no-evidence", "backdoor-inconclusive"} & set(codes(honest.measurement))
    assert all(control.passed for control in honest.measurement.controls)
    words = [note.text for note in honest.measurement.warnings]
    assert not any("clean" in text.en.lower() for text in words)
    assert f"among {COUNT} matched references" in " ".join(text.en for text in words)


def test_the_seed_follows_from_the_model_alone(tmp_path: Path) -> None:
    subject = system(tmp_path, poisoned=False)
    first, second = (backdoor_screen.function(subject, Parameters(), InProcessRun(seed=seed)) for seed in "ab")
    assert first == second


def test_without_references_there_is_no_p_value(tmp_path: Path) -> None:
    measurement = screened(system(tmp_path, poisoned=True)).measurement
    assert not any(each.id == "backdoor_p_value" for each in measurement.metrics)
    assert "uncalibrated" in codes(measurement)
    assert metric(measurement, "anomaly_index").value > 0
    assert metric(measurement, "trigger_flip_rate", "target=south-west").value > Decimal("0.8")


@pytest.mark.parametrize("difference", ["architecture", "preprocessing"])
def test_references_of_another_system_are_refused(tmp_path: Path, trained: Path, difference: str) -> None:
    if difference == "architecture":
        other = system(tmp_path, poisoned=False)
        data = dict(np.load(other.root / "train.npz"))
        data["x"] = data["x"] + np.float32(0.001)
        np.savez(other.root / "train.npz", **data)
    else:
        other = changed(system(tmp_path, poisoned=False), normalisation={"mean": [0.45], "scale": [0.25]})
    measurement = screened(with_references(other, trained)).measurement
    assert not any(each.id == "backdoor_p_value" for each in measurement.metrics)
    [why] = [note.text.en for note in measurement.warnings if note.code == "uncalibrated"]
    assert "another architecture, preprocessing or training set" in why


def test_too_few_references_give_no_p_value(tmp_path: Path, quick_training: None) -> None:
    del quick_training
    subject = system(tmp_path / "system", poisoned=False)
    measurement = screened(with_references(subject, references(subject, tmp_path / "few", 2))).measurement
    [why] = [note.text.en for note in measurement.warnings if note.code == "uncalibrated"]
    assert "2 references are usable; 19 are needed" in why


def test_a_wrong_scale_is_refused_before_anything_is_screened(tmp_path: Path) -> None:
    subject = changed(system(tmp_path, poisoned=False), normalisation={"mean": [128.0], "scale": [0.25]})
    with pytest.raises(UnavailableError, match="vetted pictures correctly"):
        screened(subject)


def test_without_labelled_pictures_only_the_weak_search_is_run(tmp_path: Path) -> None:
    subject = system(tmp_path, poisoned=False)
    file = tmp_path / "system.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("target: y\n", "target: null\n"), encoding="utf-8")
    measurement = screened(changed(subject)).measurement
    assert codes(measurement) == ["no-vetted-data"]
    assert metric(measurement, "vetted_samples_per_class").value == 0
    assert 0 <= metric(measurement, "margin_p_value").value <= 1


def test_a_model_of_one_layer_cannot_be_cut(tmp_path: Path) -> None:
    from safetensors.numpy import save

    subject = system(tmp_path, poisoned=False)
    flat = {"5.weight": np.zeros((4, 144), np.float32), "5.bias": np.zeros(4, np.float32)}
    (tmp_path / "model.safetensors").write_bytes(save(flat))
    layers = [LAYERS[4], {**LAYERS[5], "inputs": 144}]
    with pytest.raises(UnavailableError, match="three layers"):
        screened(changed(subject, architecture=layers))
