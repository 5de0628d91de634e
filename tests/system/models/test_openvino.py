"""The same ONNX file on OpenVINO: it answers as on ONNX Runtime, and is refused in words where it cannot."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.checks.running import InProcessRun, metric
from tests.checks.system_resilience.systems import picture_system
from tests.system import onnx_writer as onnx
from touchstone.checks.model_integrity.equivalence import equivalence
from touchstone.errors import ArtifactError, DescriptionError, UnavailableError
from touchstone.system.subject import Subject, open_system


def on_openvino(
    folder: Path, *, form: dict[str, Any] | None = None, content: bytes | None = None, **settings: Any
) -> Subject:
    """The pictures of `picture_system`; its own file, or `content`, is also deployed on OpenVINO."""
    subject = picture_system(folder, gap=0.6, **settings)
    description = yaml.safe_load((subject.root / "system.yaml").read_text(encoding="utf-8"))
    file = description["model"]["file"]
    if content is not None:
        file = "other.onnx"
        (subject.root / file).write_bytes(content)
    edge = {"name": "edge", "format": "onnx", "file": file, "runtime": "openvino"} | (form or {})
    description["model"]["deployed"] = [edge]
    (subject.root / "system.yaml").write_text(yaml.safe_dump(description), encoding="utf-8")
    return open_system(subject.root)


def edge(subject: Subject) -> Any:
    assert subject.description.model.deployed is not None
    return subject.deployed(subject.description.model.deployed[0])


def test_it_answers_as_the_other_runtime(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    subject = on_openvino(tmp_path)
    x = subject.data("test").inputs
    there, here = edge(subject).probabilities(x), subject.model().probabilities(x)
    assert np.abs(there - here).max() < 1e-5
    assert np.array_equal(edge(subject).probabilities(x), there)


def test_the_check_of_equivalence_measures_it(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    found = equivalence.function(on_openvino(tmp_path), equivalence.parameters(), InProcessRun())
    assert all(control.passed for control in found.controls)
    assert metric(found, "prediction_agreement", "form=edge").value == 1
    assert float(metric(found, "boundary_agreement", "form=edge").value) > 0.9


def test_a_graph_that_it_cannot_compute_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    nodes = [onnx.node("NoSuchOperator", ["x"], ["y"])]
    content = onnx.model(onnx.graph(nodes, [onnx.value("x", ["n", 3, 12, 10])], [onnx.value("y", ["n", 2])], []))
    with pytest.raises(ArtifactError, match="OpenVINO refuses it"):
        edge(on_openvino(tmp_path, content=content))


def test_without_openvino_it_is_not_tested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = on_openvino(tmp_path)
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(UnavailableError, match="OpenVINO, which is not installed") as caught:
        equivalence.function(subject, equivalence.parameters(), InProcessRun())
    assert "touchstone[openvino]" in caught.value.render("en")


def test_only_onnx_has_a_choice_of_runtimes(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match="runtime: does not belong to a form of format http"):
        on_openvino(tmp_path, form={"format": "http", "file": None, "endpoint": "http://h:1", "endpoint_model": "m"})
