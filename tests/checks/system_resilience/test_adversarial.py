import io
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.checks.running import METHOD_CODE, InProcessRun, codes, metric
from tests.checks.system_resilience.systems import picture_system, striped_system, table_system
from touchstone.canonical import parse_json
from touchstone.checks.declaration import Measurement
from touchstone.checks.system_resilience import inputs
from touchstone.checks.system_resilience.adversarial import adversarial
from touchstone.checks.system_resilience.declared_threat import AdversarialParameters
from touchstone.errors import ArtifactError, BudgetSpentError, UnavailableError
from touchstone.methods.attacks.threat_model import Samples
from touchstone.records import StoppingLimit
from touchstone.system.models.handle import ModelHandle
from touchstone.system.subject import Subject
from touchstone.text import Text

LIMIT = StoppingLimit(metric="blackbox_asr", op="<=", value=Decimal("0.30"), bound="upper")
QUICK = AdversarialParameters(queries=200)


def measured(
    subject: Subject, run: InProcessRun | None = None, parameters: AdversarialParameters = QUICK
) -> Measurement:
    result = adversarial.function(subject, parameters, run or InProcessRun())
    assert all(METHOD_CODE.fullmatch(metric.method) for metric in result.metrics)
    return result


@pytest.mark.parametrize("output", ["probabilities", "logits", "labels"])
def test_a_fragile_model_is_broken_and_a_robust_one_is_not(tmp_path: Path, output: str) -> None:
    """Distance to the boundary is half the gap; the radius is 4/255 = 0.0157."""
    fragile = measured(picture_system(tmp_path / "fragile", gap=0.012, output=output))
    assert metric(fragile, "blackbox_asr").value >= Decimal("0.9")
    robust = measured(picture_system(tmp_path / "robust", gap=0.06, output=output))
    assert metric(robust, "blackbox_asr").value == 0
    assert metric(robust, "robust_accuracy").value == 1
    for measurement in (fragile, robust):
        assert [control.kind for control in measurement.controls[:2]] == ["planted", "null"]
        assert all(control.passed for control in measurement.controls)


def test_sampling_stops_when_the_limit_is_settled_and_its_bounds_pay_for_the_looks(tmp_path: Path) -> None:
    subject = picture_system(tmp_path, gap=0.06)
    stopped = metric(measured(subject, InProcessRun(limits=[LIMIT])), "blackbox_asr")
    assert stopped.n == 25
    # Four looks (25, 50, 100, 120): 1 - (0.05 / 4) ** (1 / 25)
    assert float(stopped.high or 0) == pytest.approx(1 - 0.0125 ** (1 / 25))
    assert metric(measured(subject), "blackbox_asr").n == 120


def test_the_curve_pays_for_the_looks_as_well(tmp_path: Path) -> None:
    curve = metric(measured(picture_system(tmp_path, gap=0.06)), "attack_success_at_eps", "eps=4/255")
    assert curve.n == 25
    assert float(curve.high or 0) == pytest.approx(1 - 0.0125 ** (1 / 25))


def test_answers_of_one_and_zero_do_not_hide_the_boundary(tmp_path: Path) -> None:
    """Probabilities that saturate give a search no direction; the same model with soft scores is broken throughout."""
    soft = measured(picture_system(tmp_path / "soft", gap=0.012, n=40))
    hard = measured(picture_system(tmp_path / "hard", gap=0.012, n=40, sharpness=1e4))
    assert metric(hard, "blackbox_asr").value >= metric(soft, "blackbox_asr").value - Decimal("0.1")
    assert "scores-saturated" in [note.code for note in hard.warnings]
    assert "scores-saturated" not in [note.code for note in soft.warnings]
    robust = measured(picture_system(tmp_path / "robust", gap=0.06, n=40, sharpness=1e4))
    assert metric(robust, "blackbox_asr").value == 0


def test_the_curve_rises_with_the_radius(tmp_path: Path) -> None:
    measurement = measured(picture_system(tmp_path, gap=0.012))
    radii = ["eps=1/255", "eps=2/255", "eps=4/255", "eps=8/255"]
    curve = [metric(measurement, "attack_success_at_eps", radius).value for radius in radii]
    assert curve == sorted(curve)
    # The boundary is about 0.006 = 1.5/255 away.
    assert curve[0] == 0
    assert curve[3] == 1


def test_the_saved_examples_are_what_they_claim(tmp_path: Path) -> None:
    subject = picture_system(tmp_path, gap=0.012, n=40)
    run = InProcessRun()
    measurement = measured(subject, run)
    assert {exhibit.name for exhibit in measurement.exhibits} == set(run.kept)
    saved = np.load(io.BytesIO(run.kept["adversarial_examples.npz"]), allow_pickle=False)
    data = subject.data("test")
    np.testing.assert_array_equal(saved["original"], data.inputs[saved["row"]])
    assert (np.abs(saved["adversarial"].astype(np.float64) - saved["original"]) <= 4 / 255 + 1e-12).all()
    assert (saved["answer"] != saved["target"]).all()
    assert (subject.model().labels(saved["adversarial"]) == saved["answer"]).all()
    assert (subject.model().labels(saved["original"]) == saved["target"]).all()
    assert run.kept["adversarial_examples.png"].startswith(b"\x89PNG")
    threat = parse_json(run.kept["threat_model.json"], "threat_model.json")
    assert threat["radius"] == "4/255"
    report = parse_json(run.kept["attack_report.json"], "attack_report.json")
    assert len(report["samples"]) == 40
    assert sum(sample["broken_by_search"] for sample in report["samples"]) == round(
        metric(measurement, "blackbox_asr").value * metric(measurement, "blackbox_asr").n
    )
    assert len(report["broken"]) == len(saved["row"])
    for place, find in enumerate(report["broken"]):
        assert find["place_in_arrays"] == place
        assert (find["row"], find["label_after"]) == (saved["row"][place], saved["answer"][place])
        assert 0 < float(find["distance_in_radii"]) <= 1
        assert (find["knowledge"] == "gradient") or find["attack"] == "square x200"


def test_pictures_of_real_people_stay_out_of_the_evidence(tmp_path: Path) -> None:
    run = InProcessRun()
    measured(picture_system(tmp_path, gap=0.012, n=40, personal=True), run)
    assert sorted(run.kept) == ["attack_report.json", "threat_model.json"]


def test_the_same_run_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    runs = [InProcessRun(), InProcessRun()]
    first, second = (measured(picture_system(tmp_path / str(i), gap=0.012, n=40), run) for i, run in enumerate(runs))
    assert first == second
    assert runs[0].kept == runs[1].kept


@pytest.mark.parametrize(
    ("shape", "rest"),
    [((12, 10, 3), {"layout": "HWC"}), ((1, 7, 9), {}), ((12, 10, 1), {"layout": "HWC"})],
)
def test_every_layout_of_a_picture(tmp_path: Path, shape: tuple[int, ...], rest: dict[str, str]) -> None:
    measurement = measured(picture_system(tmp_path, gap=0.012, n=40, shape=shape, **rest))
    assert metric(measurement, "blackbox_asr").value >= Decimal("0.8")
    assert all(control.passed for control in measurement.controls)


def test_an_undeclared_range_is_taken_from_the_data_and_said(tmp_path: Path) -> None:
    measurement = measured(picture_system(tmp_path, gap=0.06, n=40, ranged=False))
    assert "range-not-declared" in [note.code for note in measurement.warnings]


def test_a_model_that_is_always_wrong_has_nothing_to_attack(tmp_path: Path) -> None:
    measurement = measured(picture_system(tmp_path, gap=0.06, n=40, truth="turned"))
    assert [m.id for m in measurement.metrics] == ["robust_accuracy"]
    assert metric(measurement, "robust_accuracy").value == 0
    assert "nothing-to-attack" in [note.code for note in measurement.warnings]


def test_a_constant_model_is_not_called_robust(tmp_path: Path) -> None:
    """Nothing breaks it, not even the unlimited attack: the planted control fails, and the result is not believed."""
    measurement = measured(picture_system(tmp_path, gap=0.06, n=60, truth="constant"))
    assert metric(measurement, "blackbox_asr").value == 0
    assert [control.passed for control in measurement.controls[:2]] == [False, True]


def test_a_table_moves_only_its_continuous_columns(tmp_path: Path) -> None:
    """Interquartile range 1, so the radius is 0.05: samples nearer than 0.05 · (1 + 1) to the boundary break."""
    subject = table_system(tmp_path, [0.0, 1.0, 1.0])
    measurement = measured(subject)
    data = subject.data("test").inputs
    reach = 0.05 * np.subtract(*np.quantile(data[:, 1:], [0.75, 0.25], axis=0)).sum()
    near = (np.abs(data[:, 1] + data[:, 2]) < reach).mean()
    assert float(metric(measurement, "blackbox_asr").value) == pytest.approx(near, abs=1e-9)
    [note] = [note for note in measurement.warnings if note.code == "perturbed-columns"]
    assert "c1, c2" in note.text.en
    assert "c0" not in note.text.en
    assert all(control.passed for control in measurement.controls)


def test_a_decision_by_an_immutable_column_cannot_be_turned(tmp_path: Path) -> None:
    measurement = measured(table_system(tmp_path, [2.0, 1e-9, 0.0]))
    assert metric(measurement, "blackbox_asr").value < Decimal("0.6")


def test_a_table_without_continuous_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="continuous"):
        measured(table_system(tmp_path, [1.0]))


class Patient:
    """A model that answers so many questions and no more, as a service with a query budget does."""

    def __init__(self, model: ModelHandle, budget: int) -> None:
        self.model, self.left = model, budget

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def labels(self, x: Samples) -> NDArray[np.int64]:
        self._take(len(x))
        return self.model.labels(x)

    def probabilities(self, x: Samples) -> NDArray[np.float64]:
        self._take(len(x))
        return self.model.probabilities(x)

    def _take(self, samples: int) -> None:
        if samples > self.left:
            raise BudgetSpentError(Text("the query budget is spent", "查询预算已用尽"))
        self.left -= samples


def with_budget(subject: Subject, budget: int) -> Subject:
    return replace(subject, _opened={"model": Patient(subject.model(), budget)})


@pytest.mark.parametrize("access", ["labels", "probabilities"])
@pytest.mark.parametrize("budget", [30, 300, 2_000])
def test_a_spent_budget_leaves_what_was_found_and_never_passes(tmp_path: Path, access: str, budget: int) -> None:
    for name, gap in (("fragile", 0.012), ("robust", 0.06)):
        system = with_budget(picture_system(tmp_path / name, gap=gap, n=60, access=access), budget)
        measurement = measured(system, InProcessRun(limits=[LIMIT]))
        black, robust = metric(measurement, "blackbox_asr"), metric(measurement, "robust_accuracy")
        assert "budget-spent" in codes(measurement)
        assert (black.high, robust.low) == (1, 0)
        assert not all(control.passed for control in measurement.controls)
        if name == "robust":
            assert black.value == 0
        elif budget == 2_000:
            assert black.value > 0
            assert (black.low or 0) > LIMIT.value or access == "labels"


def test_a_budget_that_leaves_nothing_for_the_controls_proves_nothing(tmp_path: Path) -> None:
    """25 samples with 200 questions each are attacked, and then it is over."""
    system = with_budget(picture_system(tmp_path, gap=0.06, n=60, access="probabilities"), 5_100)
    measurement = measured(system, InProcessRun(limits=[LIMIT]))
    assert metric(measurement, "blackbox_asr").n == 25
    assert "budget-spent" in codes(measurement)
    assert not measurement.controls[-1].passed


def test_a_budget_that_is_spent_before_the_first_answer_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(BudgetSpentError, match="spent"):
        measured(with_budget(picture_system(tmp_path, gap=0.012, n=40), 3))


@pytest.mark.parametrize("access", ["labels", "probabilities"])
def test_the_broken_are_the_same_however_they_are_divided_into_portions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, access: str
) -> None:
    broken = []
    for samples in (1, 16, 64, 256):
        monkeypatch.setattr(inputs, "MOST_ELEMENTS", samples * 3)
        run = InProcessRun()
        subject = table_system(tmp_path / str(samples), [0.5, 1.0, 1.0], n=100, access=access)
        measured(subject, run, AdversarialParameters(queries=40, interquartile_share=Decimal("0.4")))
        report = parse_json(run.kept["attack_report.json"], "attack_report.json")
        broken.append([sample["broken_by_search"] for sample in report["samples"]])
    assert broken[0] == broken[1] == broken[2] == broken[3]
    assert 0 < sum(broken[0]) < 100


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 255.0)])
@pytest.mark.parametrize("output", ["labels", "probabilities"])
def test_pictures_of_any_range(tmp_path: Path, low: float, high: float, output: str) -> None:
    for name, gap in (("fragile", 0.012), ("robust", 0.06)):
        subject = picture_system(tmp_path / f"{name}{output}", gap=gap, n=40, output=output, low=low, high=high)
        rate = metric(measured(subject), "blackbox_asr").value
        assert rate == 0 if name == "robust" else rate >= Decimal("0.8")


@pytest.mark.parametrize("classes", [2, 3, 4])
@pytest.mark.parametrize("output", ["labels", "logits"])
def test_few_classes_and_pictures_that_are_not_square(tmp_path: Path, classes: int, output: str) -> None:
    measurement = measured(striped_system(tmp_path, classes, output=output))
    assert metric(measurement, "blackbox_asr").value >= Decimal("0.8")
    assert all(control.passed for control in measurement.controls), measurement.controls


def test_a_graph_of_one_batch_size_is_attacked_as_well(tmp_path: Path) -> None:
    measurement = measured(striped_system(tmp_path, 3, output="labels", batch=7))
    assert metric(measurement, "blackbox_asr").value >= Decimal("0.8")


def test_answers_that_are_no_numbers_are_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="not finite"):
        measured(picture_system(tmp_path, gap=0.012, n=40, output="logits", sharpness=float("nan")))


def test_random_numbers_of_others_stay_as_they_are(tmp_path: Path) -> None:
    before = np.random.get_state()
    measured(picture_system(tmp_path, gap=0.012, n=30))
    after = np.random.get_state()
    assert repr(before) == repr(after)
