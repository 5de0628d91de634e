"""One sensor in an attacker's hand: what it can turn, what it cannot, and whether the system notices."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checks.running import METHOD_CODE, InProcessRun, codes, metric
from tests.checks.system_resilience.systems import arrays, linear_picture_model, table_system
from tests.system.made import data_set, describe, make
from touchstone.checks.declaration import Measurement
from touchstone.checks.system_resilience.physical import PhysicalParameters, physical
from touchstone.errors import UnavailableError
from touchstone.methods.attacks.spoofing import SPOOFS
from touchstone.records import StoppingLimit
from touchstone.system.subject import Subject


def measured(subject: Subject, run: InProcessRun | None = None) -> Measurement:
    result = physical.function(subject, PhysicalParameters(), run or InProcessRun())
    assert all(METHOD_CODE.fullmatch(metric.method) for metric in result.metrics)
    return result


def series_system(folder: Path, weights: list[float], *, n: int = 80, **rest: Any) -> Subject:
    """Series of one channel per weight, each at a level of its own; class 1 where the weighted levels are positive."""
    generator = np.random.default_rng(3)
    y = generator.integers(2, size=n)
    level = np.where(y == 1, 1.0, -1.0)[:, None, None]
    x = (level + generator.normal(0, 0.2, (n, len(weights), 16))).astype(np.float32)
    w = np.repeat(np.array(weights)[:, None], 16, axis=1)
    description = describe(
        shape=[len(weights), 16],
        kind="timeseries",
        output="logits",
        format_="onnx",
        file="model.onnx",
        tensors={},
        data={"test": data_set("test.npz", "npz", features="x", target="y", synthetic=True)},
        **rest,
    )
    model = linear_picture_model(w, 0.0, output="logits")
    return make(folder, description, {"model.onnx": model, "test.npz": arrays(x, y.astype(np.int64))})


def test_a_series_that_hangs_on_one_sensor_falls_and_a_vote_of_three_stands(tmp_path: Path) -> None:
    alone = measured(series_system(tmp_path / "one", [1.0, 0.0, 0.0]))
    vote = measured(series_system(tmp_path / "three", [1.0, 1.0, 1.0]))
    assert metric(alone, "spoof_asr").value == 1
    assert metric(vote, "spoof_asr").value < Decimal("0.1")
    for measurement in (alone, vote):
        assert {m.slice for m in measurement.metrics} == {None, *SPOOFS}
        assert [control.kind for control in measurement.controls] == ["null", "planted"]
        assert all(control.passed for control in measurement.controls), measurement.controls
        assert "no-abstention" in codes(measurement)


def test_of_a_single_channel_a_stretch_is_held(tmp_path: Path) -> None:
    measurement = measured(series_system(tmp_path, [1.0]))
    assert metric(measurement, "spoof_asr").value == 0
    assert all(control.passed for control in measurement.controls)


def test_a_table_is_attacked_column_by_column(tmp_path: Path) -> None:
    run = InProcessRun()
    measurement = measured(table_system(tmp_path, [0.0, 5.0, 0.1]), run)
    assert metric(measurement, "spoof_asr", "mirrored").value > Decimal("0.9")
    assert metric(measurement, "spoof_asr", "scaled").value < Decimal("0.1")
    stored = np.load(io.BytesIO(run.kept["spoofed_readings.npz"]), allow_pickle=False)
    assert (stored["answer"] != stored["target"]).all()


def test_sampling_stops_when_the_limit_is_settled(tmp_path: Path) -> None:
    limit = StoppingLimit(metric="spoof_asr", op="<=", value=Decimal("0.2"), bound="upper")
    measurement = measured(series_system(tmp_path, [1.0, 0.0]), InProcessRun(limits=[limit]))
    assert metric(measurement, "spoof_asr").n == 25


def test_to_abstain_is_detection_and_no_success(tmp_path: Path) -> None:
    measurement = measured(series_system(tmp_path, [1.0, 0.0], labels=["normal", "Reject"]))
    assert metric(measurement, "spoof_asr", "mirrored").value < 1
    # One of two sensors is drawn by lot; only the first of them matters, and only class 0 is turned to the other.
    assert Decimal("0.05") < metric(measurement, "spoof_detection_rate", "mirrored").value < 1
    assert "no-abstention" not in codes(measurement)


def test_the_same_run_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    runs = [InProcessRun(), InProcessRun()]
    first, second = (measured(series_system(tmp_path / str(i), [1.0, 0.5]), run) for i, run in enumerate(runs))
    assert first == second
    assert runs[0].kept == runs[1].kept


def test_a_table_without_continuous_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="continuous"):
        measured(table_system(tmp_path, [1.0]))
