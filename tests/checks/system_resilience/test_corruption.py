from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from tests.checks.running import METHOD_CODE, InProcessRun, metric
from tests.checks.system_resilience.systems import picture_system, table_system
from touchstone.checks.declaration import Measurement
from touchstone.checks.system_resilience.corruption import CorruptionParameters, corruption
from touchstone.errors import UnavailableError
from touchstone.methods.corruptions.image import PICTURE_FAMILIES
from touchstone.methods.corruptions.sensor import TABLE_FAMILIES
from touchstone.methods.corruptions.series import SERIES_FAMILIES
from touchstone.records import Condition, StoppingLimit
from touchstone.system.subject import Subject, open_system
from touchstone.text import Text

LIMITS = [
    StoppingLimit(metric="mean_relative_drop_s1_s3", op="<=", value=Decimal("0.15"), bound="upper"),
    StoppingLimit(metric="worst_family_relative_drop_s3", op="<=", value=Decimal("0.35"), bound="upper"),
]


CONDITIONS = {
    "night": Condition(title=Text("Night", "夜间"), faults={"image": (("night", 5), ("gaussian_noise", 3))}),
    "fog": Condition(title=Text("Fog", "雾"), faults={"image": (("fog", 2),)}),
    "drift": Condition(title=Text("Drift", "漂移"), faults={"tabular": (("ageing", 3),)}),
}


def measured(
    subject: Subject, run: InProcessRun | None = None, conditions: dict[str, Condition] | None = None
) -> Measurement:
    parameters = CorruptionParameters(conditions=conditions or {})
    result = corruption.function(subject, parameters, run or InProcessRun())
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


def test_a_standard_budget_measures_every_cell_on_every_sample(tmp_path: Path) -> None:
    measurement = measured(picture_system(tmp_path, gap=0.02, n=50), InProcessRun(budget="standard"))
    cells = [m for m in measurement.metrics if m.id == "relative_drop"]
    assert {m.n for m in cells} == {50}
    drops = [float(m.value) for m in cells]
    assert float(metric(measurement, "mean_relative_drop_s1_s3").value) == pytest.approx(sum(drops) / len(drops))


def test_a_quick_budget_estimates_the_same_mean_from_two_thirds_of_the_answers(tmp_path: Path) -> None:
    """One of severities 1 and 2 by lot for each sample: on the same 200 samples, means hardly differ."""
    subject = picture_system(tmp_path, gap=0.02, n=200)
    quick, standard = (measured(subject, InProcessRun(budget=budget)) for budget in ("quick", "standard"))
    first, second = (metric(quick, "relative_drop", f"fog/{severity}") for severity in (1, 2))
    assert first.n + second.n == 200
    assert 60 < first.n < 140
    name = "mean_relative_drop_s1_s3"
    assert float(metric(quick, name).value) == pytest.approx(float(metric(standard, name).value), abs=0.005)
    worst = [metric(each, "worst_family_relative_drop_s3") for each in (quick, standard)]
    assert worst[0] == worst[1], "the same families, samples and random numbers at every budget"


def test_the_worst_declared_condition_is_measured(tmp_path: Path) -> None:
    measurement = measured(picture_system(tmp_path, gap=0.02, n=60), conditions=CONDITIONS)
    night, fog = (metric(measurement, "relative_drop", f"condition={name}") for name in ("night", "fog"))
    worst = metric(measurement, "worst_condition_relative_drop")
    assert worst.value == max(night.value, fog.value) == night.value > 0
    assert worst.high is not None
    assert night.high is not None
    assert worst.high >= night.high
    assert not any(m.slice == "condition=drift" for m in measurement.metrics), "no fault of pictures"
    [note] = [note for note in measurement.warnings if note.code == "operating-domain"]
    assert note.text.en.startswith("conditions simulated: Night, Fog; not simulated on these inputs: Drift; ")
    assert "漂移" in note.text.zh


def test_the_declared_operating_domain_narrows_what_is_measured_and_says_so(tmp_path: Path) -> None:
    picture_system(tmp_path, gap=0.02, n=40)
    with (tmp_path / "system.yaml").open("a", encoding="utf-8") as file:
        file.write("\noperating_domain: [fog]\n")
    run = InProcessRun()
    measurement = measured(open_system(tmp_path), run, CONDITIONS)
    assert metric(measurement, "worst_condition_relative_drop").value == (
        metric(measurement, "relative_drop", "condition=fog").value
    )
    assert not any(m.slice == "condition=night" for m in measurement.metrics)
    assert "outside the declared operating domain: Night, Drift" in measurement.warnings[-1].text.en
    assert run.kept["conditions.png"].startswith(b"\x89PNG")


def test_without_conditions_there_is_no_worst_of_them(tmp_path: Path) -> None:
    measurement = measured(picture_system(tmp_path, gap=0.02, n=30))
    assert not any(m.id == "worst_condition_relative_drop" for m in measurement.metrics)
    assert all(note.code != "operating-domain" for note in measurement.warnings)


def test_a_condition_of_unknown_families_is_refused(tmp_path: Path) -> None:
    strange = {"hail": Condition(title=Text("Hail", "冰雹"), faults={"image": (("hail", 3),)})}
    with pytest.raises(UnavailableError, match="hail"):
        measured(picture_system(tmp_path, gap=0.02, n=30), conditions=strange)


def test_the_size_of_portions_does_not_change_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = picture_system(tmp_path, gap=0.012, n=40)
    whole = measured(subject, conditions=CONDITIONS)
    monkeypatch.setattr("touchstone.checks.system_resilience.inputs.MOST_ELEMENTS", 7 * 3 * 12 * 10)
    assert measured(subject, conditions=CONDITIONS).metrics == whole.metrics


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
    unhurt = next(m for m in cells if m.value == 0 and m.n == 200)
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
    measurement = measured(table_system(tmp_path, [0.0, 1.0, 1.0]), conditions=CONDITIONS)
    parts = {m.slice for m in measurement.metrics if m.id == "relative_drop"}
    cells = {f"{family}/{severity}" for family in TABLE_FAMILIES for severity in (1, 2, 3)}
    assert parts == cells | {"condition=drift"}
    assert metric(measurement, "relative_drop", "spikes/3").value > 0
    assert measurement.exhibits == ()
    assert all(control.passed for control in measurement.controls)


def test_a_table_without_categories_is_not_tested_for_mistaking_them(tmp_path: Path) -> None:
    subject = table_system(tmp_path, [0.0, 1.0, 1.0])
    with np.load(tmp_path / "test.npz") as data:
        x, y = data["x"], data["y"]
    x[:, 0] += np.random.default_rng(0).uniform(0.1, 0.9, len(x))
    np.savez(tmp_path / "test.npz", x=x, y=y)
    slices = {m.slice for m in measured(open_system(subject.root)).metrics}
    assert "swapped_columns/3" in slices
    assert "wrong_category/3" not in slices


def test_a_table_with_one_sensor_has_nothing_to_swap(tmp_path: Path) -> None:
    slices = {m.slice for m in measured(table_system(tmp_path, [1.0, 1.0])).metrics}
    assert "wrong_category/3" in slices
    assert "swapped_columns/3" not in slices


def test_a_series_gets_faults_along_time(tmp_path: Path) -> None:
    picture_system(tmp_path, gap=0.1, n=40, shape=(1, 2, 24))
    description = (tmp_path / "system.yaml").read_text(encoding="utf-8")
    (tmp_path / "system.yaml").write_text(description.replace("kind: image", "kind: timeseries"), encoding="utf-8")
    slices = {m.slice for m in measured(open_system(tmp_path)).metrics if m.id == "relative_drop"}
    assert slices == {f"{family}/{severity}" for family in SERIES_FAMILIES for severity in (1, 2, 3)}


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
