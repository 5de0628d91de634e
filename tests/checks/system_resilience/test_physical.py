"""Stickers on pictures: what must be broken is, what cannot be is not, and what is stored can be placed again."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checks.running import METHOD_CODE, InProcessRun, codes, metric
from tests.checks.system_resilience.systems import picture_system, white_picture_system
from touchstone.canonical import parse_json
from touchstone.checks.declaration import Measurement
from touchstone.checks.system_resilience.inputs import Layout
from touchstone.checks.system_resilience.physical import PhysicalParameters, physical
from touchstone.errors import UnavailableError
from touchstone.methods.attacks.patch.judging import answers_in_views
from touchstone.methods.attacks.patch.placement import Surface
from touchstone.methods.attacks.patch.views import Pictures, Stickers
from touchstone.records import StoppingLimit
from touchstone.standard.catalog import load_standard
from touchstone.system.subject import Subject

LIMIT = StoppingLimit(metric="patch_asr", op="<=", value=Decimal("0.2"), bound="upper")


def scored_system(folder: Path, **settings: Any) -> Subject:
    """The system of :func:`picture_system`, without its gradients: what is tested here does not hang on PyTorch."""
    return picture_system(folder, **({"access": "probabilities"} | settings))


def measured(subject: Subject, run: InProcessRun | None = None, **parameters: Any) -> Measurement:
    chosen = PhysicalParameters.model_validate({"transforms_min": 11, **parameters})
    result = physical.function(subject, chosen, run or InProcessRun())
    assert all(METHOD_CODE.fullmatch(metric.method) for metric in result.metrics)
    return result


def test_a_patch_breaks_what_is_fragile_and_nothing_that_it_cannot_reach(tmp_path: Path) -> None:
    """Six pixels of three colours move the score by 9 at most; the margin is 180 times the gap."""
    fragile = measured(scored_system(tmp_path / "fragile", gap=0.02, n=60))
    robust = measured(scored_system(tmp_path / "robust", gap=0.6, n=60))
    assert metric(fragile, "patch_asr").value == 1
    assert metric(robust, "patch_asr").value == 0
    for measurement in (fragile, robust):
        assert [control.kind for control in measurement.controls] == ["null", "planted"]
        assert all(control.passed for control in measurement.controls), measurement.controls
        assert {"simulated", "no-abstention"} <= set(codes(measurement))


def test_the_worst_kind_is_the_headline_and_every_kind_is_named(tmp_path: Path) -> None:
    measurement = measured(scored_system(tmp_path, gap=0.03, n=60))
    kinds = {m.slice: m for m in measurement.metrics if m.id == "patch_asr"}
    assert set(kinds) == {None, "texture", "bars", "search", "universal"}
    worst = kinds[None]
    assert worst.value == max(m.value for part, m in kinds.items() if part)
    assert worst.high == max(m.high for part, m in kinds.items() if part and m.high is not None)
    assert worst.method == "clopper-pearson/2-looks/worst-of-4"
    assert {m.slice for m in measurement.metrics if m.id == "patch_view_rate"} == set(kinds) - {None}
    assert {m.slice for m in measurement.metrics if m.id == "occlusion_drop"} == {
        None, "grey", "black", "random", "same-place",
    }  # fmt: skip
    for kind, found in kinds.items():
        assert metric(measurement, "patch_beyond_occlusion", kind).value <= found.value


def test_what_plain_stickers_do_is_no_merit_of_the_patch(tmp_path: Path) -> None:
    """A patch of half the picture turns nearly everything; so does plain black, wherever it happens to stick."""
    subject = scored_system(tmp_path, gap=0.004, n=60)
    measurement = measured(subject, area_share_max="0.5")
    assert metric(measurement, "patch_asr").value > Decimal("0.9")
    assert metric(measurement, "occlusion_drop", "black").value > Decimal("0.3")
    assert metric(measurement, "patch_beyond_occlusion").value < Decimal("0.7")


@pytest.mark.torch
def test_where_there_are_gradients_they_are_followed(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    measurement = measured(white_picture_system(tmp_path, gap=0.04, n=40), area_share_max="0.2")
    assert metric(measurement, "patch_asr", "gradient").value > Decimal("0.9")
    assert metric(measurement, "patch_asr", "universal").n == 30
    assert all(control.passed for control in measurement.controls), measurement.controls


def test_labels_are_enough_for_textures(tmp_path: Path) -> None:
    measurement = measured(scored_system(tmp_path, gap=0.02, n=60, output="labels", access="labels"))
    assert {m.slice for m in measurement.metrics if m.id == "patch_asr"} == {None, "texture", "bars", "universal"}
    assert metric(measurement, "patch_asr", "texture").value > Decimal("0.9")
    assert "labels-only" in codes(measurement)


def test_sampling_stops_when_the_limit_is_settled(tmp_path: Path) -> None:
    for name, gap in (("fragile", 0.02), ("robust", 0.6)):
        measurement = measured(scored_system(tmp_path / name, gap=gap, n=100), InProcessRun(limits=[LIMIT]))
        assert metric(measurement, "patch_asr").n == 25


def test_universal_patches_are_made_on_pictures_that_are_not_attacked(tmp_path: Path) -> None:
    run = InProcessRun()
    measurement = measured(scored_system(tmp_path, gap=0.02, n=40), run)
    assert metric(measurement, "patch_asr").n == 30


def test_the_same_run_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    runs = [InProcessRun(), InProcessRun()]
    first, second = (measured(scored_system(tmp_path / str(i), gap=0.03, n=30), run) for i, run in enumerate(runs))
    assert first == second
    assert runs[0].kept == runs[1].kept
    assert runs[0].kept["patches.png"].startswith(b"\x89PNG")


@pytest.mark.parametrize("layout", ["CHW", "HWC"])
def test_a_stranger_places_the_stored_patches_again(tmp_path: Path, layout: str) -> None:
    shape = (3, 12, 10) if layout == "CHW" else (12, 10, 3)
    subject, run = scored_system(tmp_path, gap=0.03, n=30, shape=shape, layout=layout), InProcessRun()
    measurement = measured(subject, run)
    report = parse_json(run.kept["physical_report.json"], "physical_report.json")
    arrays = np.load(io.BytesIO(run.kept["patches.npz"]), allow_pickle=False)
    data, model = subject.data("test"), subject.model()
    axes = Layout(subject.description.model.input, data.inputs.shape[1:])
    pictures = Pictures(axes.channels_first(data.inputs[arrays["row"]]), arrays["target"], 0.0, 1.0)
    count = len(arrays["row"])
    for kind in ("texture", "bars", "search", "universal"):
        patches = arrays[f"{kind}_patches"]
        stickers = Stickers(patches[np.arange(count) % len(patches)], arrays.get(f"{kind}_poses"))
        surface = Surface(float(report["kinds"][kind]["area_share"]), float(report["kinds"][kind]["aspect"]))
        answers = answers_in_views(
            lambda x: model.labels(axes.original(x)),
            pictures,
            surface,
            stickers,
            arrays["draws"],
            np.arange(count)[:, None],
        )
        assert (answers == arrays[f"{kind}_answers"]).all()
        broken = (2 * (answers != arrays["target"][:, None]).sum(axis=1) > answers.shape[1]).mean()
        assert float(metric(measurement, "patch_asr", kind).value) == pytest.approx(broken)


def test_pictures_of_real_people_stay_out_of_the_evidence(tmp_path: Path) -> None:
    run = InProcessRun()
    measured(scored_system(tmp_path, gap=0.03, n=30, personal=True), run)
    assert set(run.kept) == {"physical_report.json", "patches.npz"}
    stored = np.load(io.BytesIO(run.kept["patches.npz"]), allow_pickle=False)
    assert set(stored) == {"universal_patches"}


def test_a_constant_model_is_not_called_robust(tmp_path: Path) -> None:
    measurement = measured(scored_system(tmp_path, gap=0.6, n=40, truth="constant"))
    assert metric(measurement, "patch_asr").value == 0
    assert [control.passed for control in measurement.controls] == [True, False]


def test_a_model_that_is_always_wrong_leaves_nothing_to_attack(tmp_path: Path) -> None:
    measurement = measured(scored_system(tmp_path, gap=0.6, n=30, truth="turned"))
    assert measurement.metrics == ()
    assert "nothing-to-attack" in codes(measurement)


def test_to_abstain_is_detection_and_no_success(tmp_path: Path) -> None:
    """Class 1 means that the system abstains: only pictures of that class can be turned to another answer."""
    run = InProcessRun()
    measurement = measured(scored_system(tmp_path, gap=0.02, n=60, labels=["dark", "Unknown"]), run)
    assert "no-abstention" not in codes(measurement)
    targets = np.load(io.BytesIO(run.kept["patches.npz"]))["target"]
    assert float(metric(measurement, "patch_asr", "search").value) == pytest.approx(targets.mean())
    detected = {m.slice: m for m in measurement.metrics if m.id == "spoof_detection_rate"}
    assert detected[None].value == min(m.value for part, m in detected.items() if part)
    assert 0 < max(m.value for m in detected.values()) < 1
    assert {m.better for m in detected.values()} == {"higher"}


def test_pictures_too_small_for_a_sticker_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="too little"):
        measured(scored_system(tmp_path, gap=0.02, n=30, shape=(1, 6, 4)))


def test_an_undeclared_range_is_said(tmp_path: Path) -> None:
    assert "range-not-declared" in codes(measured(scored_system(tmp_path, gap=0.02, n=30, ranged=False)))


def test_what_the_control_limits_is_measured_in_the_same_unit_and_sense() -> None:
    (requirement,) = [
        each for each in load_standard().profile("smart-city-traffic").requirements if each.control == "SR-03"
    ]
    declared = {each.id: each for each in physical.metrics}
    assert {limit.metric for limit in requirement.limits} == {"patch_asr", "spoof_asr", "spoof_detection_rate"}
    for limit in requirement.limits:
        found = declared[limit.metric]
        assert (found.unit, found.better) == (limit.unit, "lower" if limit.op == "<=" else "higher")
    prescribed = {name: value for limit in requirement.limits for name, value in limit.params.items()}
    assert PhysicalParameters.model_validate(prescribed) == PhysicalParameters()
