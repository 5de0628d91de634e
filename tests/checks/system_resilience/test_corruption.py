from decimal import Decimal
from pathlib import Path

import pytest

from tests.checks.running import METHOD_CODE, InProcessRun, metric
from tests.checks.system_resilience.systems import picture_system, table_system
from touchstone.checks.declaration import Measurement, Parameters
from touchstone.checks.system_resilience.corruption import corruption
from touchstone.errors import UnavailableError
from touchstone.methods.corruptions.image import PICTURE_FAMILIES
from touchstone.methods.corruptions.sensor import SENSOR_FAMILIES
from touchstone.records import StoppingLimit
from touchstone.system.subject import Subject

LIMITS = [
    StoppingLimit(metric="mean_relative_drop_s1_s3", op="<=", value=Decimal("0.15"), bound="upper"),
    StoppingLimit(metric="worst_family_relative_drop_s3", op="<=", value=Decimal("0.35"), bound="upper"),
]


def measured(subject: Subject, run: InProcessRun | None = None) -> Measurement:
    result = corruption.function(subject, Parameters(), run or InProcessRun())
    assert all(METHOD_CODE.fullmatch(metric.method) for metric in result.metrics)
    return result


def test_a_wide_margin_survives_what_a_narrow_one_does_not(tmp_path: Path) -> None:
    """Left against right by 0.6 outlasts everything; by 0.004, noise and dirt decide."""
    wide = measured(picture_system(tmp_path / "wide", gap=0.6, n=60))
    assert metric(wide, "worst_family_relative_drop_s3").value < Decimal("0.1")
    narrow = measured(picture_system(tmp_path / "narrow", gap=0.004, n=60))
    assert metric(narrow, "relative_drop", "dirty_lens/3").value > Decimal("0.3")
    assert metric(narrow, "mean_relative_drop_s1_s3").value > metric(wide, "mean_relative_drop_s1_s3").value
    for measurement in (wide, narrow):
        assert [control.kind for control in measurement.controls] == ["null", "planted"]
        assert all(control.passed for control in measurement.controls)


def test_every_family_and_severity_is_reported_and_the_worst_is_the_worst(tmp_path: Path) -> None:
    measurement = measured(picture_system(tmp_path, gap=0.02, n=50))
    parts = {m.slice for m in measurement.metrics if m.id == "relative_drop"}
    assert parts == {f"{family}/{severity}" for family in PICTURE_FAMILIES for severity in (1, 2, 3)}
    worst = metric(measurement, "worst_family_relative_drop_s3")
    severe = [metric(measurement, "relative_drop", f"{family}/3") for family in PICTURE_FAMILIES]
    assert worst.value == max(m.value for m in severe)
    assert worst.low is not None
    assert worst.high is not None
    assert worst.low < worst.value < worst.high
    # Fewer looks than one cannot be: the bound of the worst is no narrower than that of any family.
    assert worst.high >= max(m.high for m in severe if m.high is not None)
    cells = [m.value for m in measurement.metrics if m.id == "relative_drop"]
    assert metric(measurement, "mean_relative_drop_s1_s3").value == pytest.approx(sum(cells) / len(cells))


def test_a_full_budget_measures_the_whole_curve(tmp_path: Path) -> None:
    measurement = measured(picture_system(tmp_path, gap=0.02, n=30), InProcessRun(budget="full"))
    parts = {m.slice for m in measurement.metrics if m.id == "relative_drop"}
    assert parts == {f"{family}/{severity}" for family in PICTURE_FAMILIES for severity in range(1, 6)}


def test_sampling_stops_when_the_limits_are_settled(tmp_path: Path) -> None:
    subject = picture_system(tmp_path, gap=0.6, n=400)
    stopped = metric(measured(subject, InProcessRun(limits=LIMITS)), "mean_relative_drop_s1_s3")
    assert stopped.n < 200
    assert stopped.high is not None
    assert stopped.high <= Decimal("0.15")
    # Nothing lost of 200: bounds of every cell pay for the four looks (25, 50, 100, 200), as those of the mean do.
    cells = [m for m in measured(subject).metrics if m.id == "relative_drop"]
    assert {m.method for m in cells} == {"clopper-pearson/4-looks"}
    unhurt = next(m for m in cells if m.value == 0)
    assert float(unhurt.high or 0) == pytest.approx(1 - (0.05 / 4 / 2) ** (1 / 200), abs=1e-6)
    assert metric(measured(subject), "mean_relative_drop_s1_s3").n == 200


def test_the_same_run_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    runs = [InProcessRun(), InProcessRun()]
    first, second = (measured(picture_system(tmp_path / str(i), gap=0.05, n=30), run) for i, run in enumerate(runs))
    assert first == second
    assert runs[0].kept == runs[1].kept
    assert runs[0].kept["corruptions.png"].startswith(b"\x89PNG")


def test_pictures_of_real_people_stay_out_of_the_evidence(tmp_path: Path) -> None:
    assert measured(picture_system(tmp_path, gap=0.05, n=30, personal=True)).exhibits == ()


def test_channels_last_gives_the_same_numbers_as_channels_first(tmp_path: Path) -> None:
    """Deterministic families must not care about the order of the axes."""
    first = measured(picture_system(tmp_path / "a", gap=0.012, n=40, shape=(1, 12, 10)))
    last = measured(picture_system(tmp_path / "b", gap=0.012, n=40, shape=(12, 10, 1), layout="HWC"))
    assert [m.value for m in first.metrics] == [m.value for m in last.metrics]


def test_a_table_gets_the_faults_of_sensors(tmp_path: Path) -> None:
    measurement = measured(table_system(tmp_path, [0.0, 1.0, 1.0]))
    parts = {m.slice for m in measurement.metrics if m.id == "relative_drop"}
    assert parts == {f"{family}/{severity}" for family in SENSOR_FAMILIES for severity in (1, 2, 3)}
    assert metric(measurement, "relative_drop", "spikes/3").value > 0
    assert measurement.exhibits == ()
    assert all(control.passed for control in measurement.controls)


def test_a_table_without_continuous_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="continuous"):
        measured(table_system(tmp_path, [1.0]))


def test_a_model_that_is_always_wrong_cannot_drop(tmp_path: Path) -> None:
    measurement = measured(picture_system(tmp_path, gap=0.6, n=30, truth="turned"))
    assert measurement.metrics == ()
    assert "nothing-correct" in [note.code for note in measurement.warnings]


def test_a_constant_model_is_not_called_robust(tmp_path: Path) -> None:
    """Nothing changes its answer, not even inputs of another class: the planted control fails."""
    measurement = measured(picture_system(tmp_path, gap=0.6, n=60, truth="constant"))
    assert metric(measurement, "worst_family_relative_drop_s3").value == 0
    assert [control.passed for control in measurement.controls] == [True, False]
