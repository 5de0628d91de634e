from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.system.made import data_set, describe, make
from touchstone.errors import UnavailableError
from touchstone.system.models.handle import Capability, ModelHandle
from touchstone.system.subject import Subject

TABLE = b"a,t,answer,p0,p1\n1,no,yes,0.25,0.75\n2,yes,yes,0.5,0.5\n3,no,no,0.9,0.1\n"


def subject(folder: Path, predictions: list[str], **changes: Any) -> Subject:
    test = data_set("t.csv", "csv", target="t", predictions=predictions)
    settings = {"columns": ["a"], "access": "predictions", "data": {"test": test}, **changes}
    return make(folder, describe(**settings), {"t.csv": TABLE})


def test_labels_are_looked_up(tmp_path: Path) -> None:
    opened = subject(tmp_path, ["answer"], output="labels")
    model, inputs = opened.model(), opened.data("test").inputs
    assert isinstance(model, ModelHandle)
    assert model.labels(inputs).tolist() == [1, 1, 0]
    assert model.capabilities == {Capability.LABELS}
    assert model.queries == 3
    with pytest.raises(UnavailableError, match="probabilities"):
        model.probabilities(inputs)


def test_probabilities_are_looked_up(tmp_path: Path) -> None:
    opened = subject(tmp_path, ["p0", "p1"])
    model, inputs = opened.model(), opened.data("test").inputs
    assert model.probabilities(inputs).tolist() == [[0.25, 0.75], [0.5, 0.5], [0.9, 0.1]]
    assert model.labels(inputs).tolist() == [1, 0, 0]
    assert model.capabilities == {Capability.LABELS, Capability.PROBABILITIES}
    with pytest.raises(UnavailableError):
        model.logits(inputs)
    with pytest.raises(UnavailableError):
        model.gradient(inputs, np.zeros(3, dtype=np.int64), "margin")
    with pytest.raises(UnavailableError):
        model.differentiable()


@pytest.mark.parametrize("change", ["order", "part", "value"])
def test_other_inputs_are_not_answered(tmp_path: Path, change: str) -> None:
    opened = subject(tmp_path, ["answer"], output="labels")
    inputs = opened.data("test").inputs
    other = {"order": inputs[::-1], "part": inputs[:2], "value": inputs + np.float32(1e-6)}[change]
    with pytest.raises(UnavailableError, match="any-input"):
        opened.model().labels(other)


def test_without_predictions_there_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no precomputed predictions"):
        subject(tmp_path, [], format_="onnx", file="t.csv").model()


def test_access_to_predictions_opens_no_model_file(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"would be refused if it were opened")
    opened = subject(tmp_path, ["answer"], output="labels", format_="onnx", file="m.onnx")
    assert opened.model().capabilities == {Capability.LABELS}
