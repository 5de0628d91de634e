from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.checks.running import METHOD_CODE, InProcessRun, codes, metric
from tests.checks.system_resilience.systems import linear_picture_model, picture_system
from touchstone.canonical import parse_json
from touchstone.checks.declaration import Measurement, Parameters
from touchstone.checks.model_integrity.equivalence import equivalence
from touchstone.checks.model_integrity.model_files import model_files
from touchstone.errors import DescriptionError, UnavailableError
from touchstone.statistics import proportion_bounds
from touchstone.system.subject import Subject, open_system

SHAPE = (3, 12, 10)


def side() -> np.ndarray[Any, np.dtype[np.float64]]:
    weights = np.ones(SHAPE)
    weights[:, :, SHAPE[2] // 2 :] = -1
    return weights


def with_forms(folder: Path, forms: list[dict[str, Any]], files: dict[str, bytes], **settings: Any) -> Subject:
    """The pictures of `picture_system`, with deployed forms beside the model."""
    subject = picture_system(folder, gap=0.6, output="logits", **settings)
    for name, content in files.items():
        (subject.root / name).write_bytes(content)
    description = yaml.safe_load((subject.root / "system.yaml").read_text(encoding="utf-8"))
    description["model"]["deployed"] = forms
    (subject.root / "system.yaml").write_text(yaml.safe_dump(description), encoding="utf-8")
    return open_system(subject.root)


def form(name: str, **rest: Any) -> dict[str, Any]:
    return {"name": name, "format": "onnx", "file": f"{name}.onnx", **rest}


def measured(subject: Subject, run: InProcessRun | None = None) -> Measurement:
    result = equivalence.function(subject, Parameters(), run or InProcessRun())
    assert all(METHOD_CODE.fullmatch(found.method) for found in result.metrics)
    assert all(control.passed for control in result.controls), result.controls
    return result


def test_another_form_of_the_same_model_agrees_everywhere(tmp_path: Path) -> None:
    bias = -0.5 * float(side().sum())
    softmax = linear_picture_model(side(), bias, output="probabilities")
    subject = with_forms(tmp_path, [form("served", output="probabilities")], {"served.onnx": softmax})
    found = measured(subject)
    for name in ("prediction_agreement", "boundary_agreement"):
        assert metric(found, name, "form=served").value == 1
    low = metric(found, "prediction_agreement").low
    assert float(low or 0) == pytest.approx(proportion_bounds(120, 120)[0])
    assert metric(found, "metric_drop").value == 0
    assert not codes(found)


def test_the_worst_form_decides_and_its_rows_are_named(tmp_path: Path) -> None:
    """The broken form answers class 1 always: it agrees exactly where the model says 1, and loses all of class 0."""
    bias = -0.5 * float(side().sum())
    files = {
        "good.onnx": linear_picture_model(side(), bias, output="logits"),
        "broken.onnx": linear_picture_model(side(), 1e6, output="logits"),
    }
    run = InProcessRun()
    subject = with_forms(tmp_path, [form("good"), form("broken")], files)
    found = measured(subject, run)
    test = subject.data("test")
    assert test.target is not None
    ones = float((test.target == 1).mean())
    assert float(metric(found, "prediction_agreement").value) == pytest.approx(ones)
    assert float(metric(found, "metric_drop").value) == pytest.approx(1 - ones)
    assert metric(found, "prediction_agreement", "form=good").value == 1
    listed = parse_json(run.kept["equivalence.json"], "equivalence.json")["differing_rows"]
    assert listed["good"] == []
    assert listed["broken"] == np.flatnonzero(test.target == 0)[:100].tolist()


def test_a_shift_too_small_for_the_test_samples_shows_at_undecided_points(tmp_path: Path) -> None:
    """A bias a hundredth of the margin off changes no test sample, and the answer at most boundary points."""
    bias = -0.5 * float(side().sum())
    shifted = linear_picture_model(side(), bias + 0.5, output="logits")
    found = measured(with_forms(tmp_path, [form("shifted")], {"shifted.onnx": shifted}))
    assert metric(found, "prediction_agreement").value == 1
    assert metric(found, "boundary_agreement", "form=shifted").value < Decimal("0.8")


def test_wrong_weights_lose_agreement(tmp_path: Path) -> None:
    """The left half is lost, and the right half is pulled the same way: what is left is noise."""
    pruned = -np.ones(SHAPE)
    files = {"pruned.onnx": linear_picture_model(pruned, -0.5 * float(pruned.sum()), output="logits")}
    found = measured(with_forms(tmp_path, [form("pruned")], files))
    assert (metric(found, "prediction_agreement").high or 0) < Decimal("0.99")


def test_a_model_that_says_one_thing_has_no_boundary(tmp_path: Path) -> None:
    constant = linear_picture_model(side(), -1e6, output="logits")
    subject = with_forms(tmp_path, [form("same")], {"same.onnx": constant}, truth="constant")
    found = equivalence.function(subject, Parameters(), InProcessRun())
    assert "one-answer" in codes(found)
    assert [control.passed for control in found.controls] == [True, False]
    assert metric(found, "prediction_agreement").value == 1


def test_without_a_form_nothing_is_compared(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no deployed form"):
        equivalence.function(picture_system(tmp_path, gap=0.6), Parameters(), InProcessRun())


def test_forms_are_files_of_the_model_and_facts_of_the_system(tmp_path: Path) -> None:
    subject = with_forms(tmp_path, [form("edge")], {"edge.onnx": linear_picture_model(side(), 0.0, output="logits")})
    assert [record.path for record in model_files(subject)] == ["edge.onnx", "model.onnx"]
    assert subject.facts["model.converted_for_deployment"] is True


@pytest.mark.parametrize(
    ("forms", "complaint"),
    [
        ([{"name": "edge", "format": "onnx"}], "model.deployed[0].file"),
        ([{"name": "edge", "format": "http", "endpoint": "ftp://x"}], "model.deployed[0].endpoint"),
        ([form("edge"), form("edge")], "model.deployed[0].name"),
        ([{"name": "edge", "format": "safetensors", "file": "a"}], "model.deployed[0].architecture"),
        ([form("edge", endpoint="http://127.0.0.1:1")], "model.deployed[0].endpoint"),
        ([{"name": "edge", "format": "predictions"}], "model.deployed[0].format"),
    ],
)
def test_a_form_that_cannot_be_opened_is_refused_in_words(
    tmp_path: Path, forms: list[dict[str, Any]], complaint: str
) -> None:
    with pytest.raises(DescriptionError) as refused:
        with_forms(tmp_path, forms, {"edge.onnx": b""})
    assert complaint in str(refused.value)
