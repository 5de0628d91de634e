"""Smooth disturbances and sensor faults on linear models of series, end to end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.checks.running import METHOD_CODE, InProcessRun, codes, metric
from tests.checks.system_resilience.systems import arrays, linear_picture_model
from tests.system.made import data_set, describe, make
from touchstone.checks.declaration import Measurement
from touchstone.checks.system_resilience.adversarial import adversarial
from touchstone.checks.system_resilience.declared_threat import AdversarialParameters
from touchstone.errors import DescriptionError
from touchstone.system.subject import Subject

LENGTH = 16


def series_system(
    folder: Path, weights: list[list[float]], gap: float, *, output: str = "logits", n: int = 40, **rest: Any
) -> Subject:
    """Series in [0, 1] with one channel per row of weights; the weighted sum of all readings decides by `gap`."""
    generator = np.random.default_rng(17)
    w = np.array(weights)
    y = generator.integers(2, size=n)
    x = 0.5 + generator.uniform(-0.2, 0.2, (n, *w.shape))
    x += ((2 * y - 1) * gap - ((x - 0.5) * w).sum(axis=(1, 2)))[:, None, None] * w / (w**2).sum()
    description = describe(
        shape=list(w.shape),
        kind="timeseries",
        output=output,
        format_="onnx",
        file="model.onnx",
        tensors={},
        data={"test": data_set("test.npz", "npz", features="x", target="y", synthetic=True)},
        low=0.0,
        high=1.0,
        **rest,
    )
    model = linear_picture_model(w, -0.5 * float(w.sum()), output=output)
    content = arrays(x.astype(np.float32), y.astype(np.int64))
    return make(folder, description, {"model.onnx": model, "test.npz": content})


def measured(subject: Subject) -> Measurement:
    result = adversarial.function(subject, AdversarialParameters(queries=150), InProcessRun())
    assert all(METHOD_CODE.fullmatch(metric.method) for metric in result.metrics)
    assert "series-attacks" in codes(result)
    return result


SLOW = [[1.0] * LENGTH] * 2
FAST = [[1.0, -1.0] * (LENGTH // 2)] * 2
"""Weights that a slow disturbance cancels against itself."""


@pytest.mark.parametrize("access", ["artefact", "probabilities", "labels"])
def test_a_smooth_disturbance_turns_what_hangs_on_the_level_and_not_what_hangs_on_jumps(
    tmp_path: Path, access: str
) -> None:
    """An element moves by a twentieth of its spread, about 0.01: 32 of them move a sum by about 0.3."""
    level = measured(series_system(tmp_path / "level", SLOW, 0.1, access=access))
    assert metric(level, "smooth_asr").value == 1
    jumps = measured(series_system(tmp_path / "jumps", FAST, 0.1, access=access))
    assert metric(jumps, "smooth_asr").value == 0
    for measurement in (level, jumps):
        assert all(control.passed for control in measurement.controls), measurement.controls


def test_a_faulty_sensor_turns_what_hangs_on_it(tmp_path: Path) -> None:
    """One channel at an end of its range moves the sum by about 8, and all of the others within the radius by less."""
    measurement = measured(series_system(tmp_path, SLOW, 2.0))
    assert metric(measurement, "sensor_fault_asr").value == 1
    assert metric(measurement, "smooth_asr").value == 0
    assert metric(measurement, "blackbox_asr").value == 0
    [note] = [note for note in measurement.warnings if note.code == "series-attacks"]
    assert "broke 40" in note.text.en


def as_csv(folder: Path, subject: Subject) -> Subject:
    """The same series, one column per reading."""
    data = subject.data("test")
    assert data.target is not None
    flat = data.inputs.reshape(len(data), -1)
    names = [f"r{index}" for index in range(flat.shape[1])]
    lines = [",".join([*names, "y"])]
    lines += [",".join([*(repr(float(v)) for v in row), str(y)]) for row, y in zip(flat, data.target, strict=True)]
    description = yaml.safe_load((subject.root / "system.yaml").read_text(encoding="utf-8"))
    description["model"]["input"]["columns"] = names
    description["data"]["test"] = data_set("test.csv", "csv", target="y", synthetic=True)
    model = (subject.root / "model.onnx").read_bytes()
    return make(folder, description, {"model.onnx": model, "test.csv": "\n".join(lines).encode()})


def test_series_come_from_csv_as_well(tmp_path: Path) -> None:
    subject = series_system(tmp_path / "npz", SLOW, 0.1, access="probabilities")
    same = as_csv(tmp_path / "csv", subject)
    np.testing.assert_array_equal(same.data("test").inputs, subject.data("test").inputs)
    assert measured(same).metrics == measured(subject).metrics


def test_columns_that_are_no_series_are_refused(tmp_path: Path) -> None:
    subject = series_system(tmp_path, SLOW, 0.1)
    description = yaml.safe_load((subject.root / "system.yaml").read_text(encoding="utf-8"))
    description["model"]["input"]["columns"] = ["a", "b"]
    with pytest.raises(DescriptionError, match="readings"):
        make(tmp_path, description, {})


def test_a_single_channel_has_faulty_readings_only(tmp_path: Path) -> None:
    measurement = measured(series_system(tmp_path, [[1.0] * LENGTH], 2.0))
    assert metric(measurement, "sensor_fault_asr").value == 0
    assert all(control.passed for control in measurement.controls), measurement.controls
