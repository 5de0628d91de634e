"""Systems that know, and do not know, what lies outside their domain."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from tests.checks.running import METHOD_CODE, InProcessRun, codes, metric
from tests.checks.system_resilience.systems import picture_system, table_system
from tests.system.made import data_set, make
from touchstone.checks.declaration import Measurement, Parameters
from touchstone.checks.system_resilience.out_of_distribution import out_of_distribution
from touchstone.errors import UnavailableError
from touchstone.records import StoppingLimit
from touchstone.system.subject import Subject

LIMIT = StoppingLimit(metric="ood_auroc", op=">=", value=Decimal("0.85"), bound="lower")


def measured(subject: Subject, run: InProcessRun | None = None) -> Measurement:
    result = out_of_distribution.function(subject, Parameters(), run or InProcessRun())
    assert all(METHOD_CODE.fullmatch(each.method) for each in result.metrics)
    return result


def test_a_picture_model_that_is_sure_of_proper_pictures_only(tmp_path: Path) -> None:
    result = measured(picture_system(tmp_path, gap=0.4, sharpness=0.1, output="logits", n=400))
    overall = metric(result, "ood_auroc")
    assert overall.low is not None
    assert overall.high is not None
    assert overall.low > 0.9
    families = {each.slice for each in result.metrics if each.slice and "/" not in each.slice}
    assert families == {"uniform_noise", "matched_noise", "flat", "shuffled_patches", "drowned_in_noise"}
    assert overall.value == min(metric(result, "ood_auroc", family).value for family in families)
    assert metric(result, "ood_auroc", "flat/energy").n == 200
    assert [control.passed for control in result.controls] == [True, True]


def test_a_linear_table_model_is_surest_far_away(tmp_path: Path) -> None:
    result = measured(table_system(tmp_path, [0.2, 1.0, -2.0, 0.5], n=400))
    overall = metric(result, "ood_auroc")
    assert overall.high is not None
    assert overall.high < 0.5
    assert metric(result, "ood_auroc", "far").value < 0.3
    assert [control.passed for control in result.controls] == [True, True]


def test_families_among_the_proper_inputs_are_named_and_not_counted(tmp_path: Path) -> None:
    result = measured(table_system(tmp_path, [0.2, 1.0, -2.0, 0.5], n=400))
    assert codes(result) == ["not-outside"]
    assert "mirrored" in result.warnings[0].text.en
    assert "mirrored" not in {each.slice for each in result.metrics}


def test_stops_as_soon_as_the_limit_is_settled(tmp_path: Path) -> None:
    subject = table_system(tmp_path, [0.2, 1.0, -2.0, 0.5], n=400)
    assert metric(measured(subject, InProcessRun(limits=[LIMIT])), "ood_auroc").n == 50
    assert metric(measured(subject), "ood_auroc").n == 200


def test_pictures_with_the_channels_last(tmp_path: Path) -> None:
    subject = picture_system(tmp_path, gap=0.4, shape=(12, 10, 3), layout="HWC", sharpness=0.1)
    assert metric(measured(subject), "ood_auroc").value > Decimal("0.9")


def test_null_control_rarely_cries_wolf(tmp_path: Path) -> None:
    subject = table_system(tmp_path, [0.2, 1.0, -2.0, 0.5], n=120)
    assert all(measured(subject, InProcessRun(seed=str(seed))).controls[0].passed for seed in range(10))


def test_too_few_samples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="fewer than four"):
        measured(table_system(tmp_path, [0.2, 1.0], n=3))


def test_same_seed_same_numbers(tmp_path: Path) -> None:
    subject = table_system(tmp_path, [0.2, 1.0, -2.0, 0.5], n=120)
    assert measured(subject) == measured(subject)


def test_what_the_applicant_calls_outside_is_a_family_of_its_own(tmp_path: Path) -> None:
    """Bright and dark pictures turned by a quarter have no side that is brighter: the model cannot be sure of them."""
    inside = picture_system(tmp_path / "one", gap=0.4, sharpness=0.1, n=400, shape=(3, 10, 10))
    turned = inside.data("test").inputs[:60].transpose(0, 1, 3, 2)
    subject = with_outside(inside, tmp_path / "two", turned)
    result = measured(subject)
    declared = metric(result, "ood_auroc", "declared")
    assert declared.n == 60
    assert declared.value > Decimal("0.95")
    assert [control.passed for control in result.controls] == [True, True]


def test_proper_inputs_declared_as_outside_are_taken_at_their_word(tmp_path: Path) -> None:
    """No distance decides about what was declared: answers to it that are as sure as to proper inputs count."""
    inside = picture_system(tmp_path / "one", gap=0.4, sharpness=0.1, n=400, shape=(3, 10, 10))
    result = measured(with_outside(inside, tmp_path / "two", inside.data("test").inputs))
    overall = metric(result, "ood_auroc")
    assert overall == metric(result, "ood_auroc", "declared").model_copy(update={"slice": None, "high": overall.high})
    assert Decimal("0.4") < overall.value < Decimal("0.6")


def with_outside(subject: Subject, folder: Path, pictures: NDArray[np.float32]) -> Subject:
    """The same system with a data set from outside its domain."""
    description = yaml.safe_load((subject.root / "system.yaml").read_text(encoding="utf-8"))
    description["data"]["outside"] = data_set("outside.npz", "npz", features="x")
    files = {record.path: subject.read(record.path) for record in subject.files}
    buffer = io.BytesIO()
    np.savez(buffer, x=pictures)
    return make(folder, description, {**files, "outside.npz": buffer.getvalue()})
