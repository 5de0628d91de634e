from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.checks.running import METHOD_CODE, InProcessRun, codes, metric
from tests.checks.system_resilience.text_systems import text_system
from tests.system.made import data_set, describe, make
from touchstone.canonical import parse_json
from touchstone.checks.data_security.membership_inference import MembershipParameters, membership_inference
from touchstone.checks.declaration import Measurement
from touchstone.errors import DataError
from touchstone.system.subject import Subject


def table(x: NDArray[np.float32], y: NDArray[np.int64], sex: NDArray[np.str_]) -> bytes:
    rows = ["a,b,c,d,truth,sex"]
    rows += [",".join([*map(repr, map(float, row)), str(label), s]) for row, label, s in zip(x, y, sex, strict=True)]
    return ("\n".join(rows) + "\n").encode()


def declared(path: str) -> dict[str, Any]:
    return data_set(path, "csv", target="truth", sensitive=["sex"])


def system(folder: Path, *, memorising: bool, n: int = 400, overlap: int = 0, **rest: Any) -> Subject:
    """A task with a third of its labels turned, and a tree that either memorised the training data or has depth 1."""
    import skops.io
    from sklearn.tree import DecisionTreeClassifier

    generator = np.random.default_rng(4)

    def draw() -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.str_]]:
        x = generator.normal(size=(n, 4)).astype(np.float32)
        y = ((x[:, 0] > 0) ^ (generator.random(n) < 0.33)).astype(np.int64)
        return x, y, np.where(np.arange(n) % 4 == 0, "F", "M")

    train, test = draw(), draw()
    test[0][:overlap] = train[0][:overlap]
    tree = DecisionTreeClassifier(max_depth=None if memorising else 1, random_state=0).fit(*train[:2])
    description = describe(
        columns=["a", "b", "c", "d"],
        labels=["0", "1"],
        format_="skops",
        file="model.skops",
        data={"train": declared("train.csv"), "test": declared("test.csv")},
        **rest,
    )
    return make(
        folder,
        description,
        {"model.skops": skops.io.dumps(tree), "train.csv": table(*train), "test.csv": table(*test)},
    )


def measured(subject: Subject, run: InProcessRun | None = None, **parameters: int) -> Measurement:
    result = membership_inference.function(subject, MembershipParameters(**parameters), run or InProcessRun())
    assert all(METHOD_CODE.fullmatch(metric.method) for metric in result.metrics)
    return result


@pytest.mark.parametrize("access", ["artefact", "labels"])
def test_a_memorising_model_is_exposed(tmp_path: Path, access: str) -> None:
    """Members are all right, others about 57 %: AUC (1 + 0.43) / 2 = 0.71 from labels alone."""
    measurement = measured(system(tmp_path, memorising=True, access=access))
    exposed = metric(measurement, "attack_auc")
    assert float(exposed.value) == pytest.approx(0.71, abs=0.06)
    assert exposed.low is not None
    assert exposed.low > Decimal("0.6")
    assert exposed.n == 200
    assert [(control.kind, control.passed) for control in measurement.controls] == [("planted", True), ("null", True)]
    [used] = [note.text.en for note in measurement.warnings if note.code == "attack-used"]
    assert ("labels only" in used) == (access == "labels")


def test_a_model_that_did_not_memorise_is_not(tmp_path: Path) -> None:
    measurement = measured(system(tmp_path, memorising=False))
    assert float(metric(measurement, "attack_auc").value) == pytest.approx(0.5, abs=0.05)
    assert all(control.passed for control in measurement.controls)


def test_groups_are_attacked_by_themselves(tmp_path: Path) -> None:
    measurement = measured(system(tmp_path, memorising=True))
    groups = [metric(measurement, "attack_auc", part) for part in ("sex=F", "sex=M")]
    worst = metric(measurement, "worst_subgroup_auc")
    assert worst.value == max(group.value for group in groups)
    assert worst.high == max(group.high for group in groups if group.high is not None)
    assert worst.low is not None
    assert worst.low < max(group.low for group in groups if group.low is not None)
    assert all(30 < group.n < 170 for group in groups)


def test_a_group_too_small_to_say_anything_about_is_named(tmp_path: Path) -> None:
    measurement = measured(system(tmp_path, memorising=True, n=100))
    [note] = [note for note in measurement.warnings if note.code == "groups-too-small"]
    assert "sex=F" in note.text.en
    assert metric(measurement, "worst_subgroup_auc").value == metric(measurement, "attack_auc", "sex=M").value


def test_the_low_false_positive_rate_needs_enough_strangers(tmp_path: Path) -> None:
    subject = system(tmp_path, memorising=True, n=2000)
    few = measured(subject)
    assert "too-few-for-low-false-positive-rate" in codes(few)
    assert not [m for m in few.metrics if m.id == "tpr_at_fpr_0_001"]
    enough = measured(subject, n_nonmembers_min=1000)
    assert "too-few-for-low-false-positive-rate" not in codes(enough)
    # The memoriser is just as sure about strangers: hardly anybody can be accused without accusing most.
    assert metric(enough, "tpr_at_fpr_0_001").value < Decimal("0.02")


def test_test_rows_that_were_trained_on_do_not_count_as_strangers(tmp_path: Path) -> None:
    measurement = measured(system(tmp_path, memorising=True, overlap=150))
    assert "test-rows-in-training-data" in codes(measurement)
    assert metric(measurement, "attack_auc").n == 125


def test_too_little_data_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least 20"):
        measured(system(tmp_path, memorising=True, n=30, overlap=20))


def test_the_same_run_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    runs = [InProcessRun(), InProcessRun()]
    first, second = (measured(system(tmp_path / str(i), memorising=True), run) for i, run in enumerate(runs))
    assert first == second
    assert runs[0].kept == runs[1].kept
    report = parse_json(runs[0].kept["membership_report.json"], "membership_report.json")
    assert report["roc"][-1] == {"members_accused": 200, "non_members_accused": 200}


def test_members_that_are_hard_to_know_give_themselves_away(tmp_path: Path) -> None:
    """That members are right gives 0.71 alone; clones show which of them nobody could have been right about."""
    measurement = measured(system(tmp_path, memorising=True, n=2000))
    exposed, few = metric(measurement, "attack_auc"), metric(measurement, "tpr_at_fpr_0_01")
    assert exposed.value > Decimal("0.73")
    assert few.value > Decimal("0.01")
    assert few.n == 1000


def test_a_model_that_did_not_memorise_can_be_cleared(tmp_path: Path) -> None:
    cleared = metric(measured(system(tmp_path, memorising=False, n=2000)), "attack_auc")
    assert cleared.high is not None
    assert cleared.high < Decimal("0.6")


@pytest.mark.parametrize(("access", "kind"), [("artefact", "clones of the estimator"), ("probabilities", "small net")])
def test_the_kind_of_references_follows_what_is_shown(tmp_path: Path, access: str, kind: str) -> None:
    measurement = measured(system(tmp_path, memorising=True, access=access))
    [note] = [note for note in measurement.warnings if note.code == "references-used"]
    assert kind in note.text.en


def test_with_more_than_a_quick_look_labels_alone_are_walked_around(tmp_path: Path) -> None:
    """Distances are asked for where they may help; which attack is scored is chosen on the other half."""
    subject = system(tmp_path, memorising=True, n=200, access="labels")
    measurement = measured(subject, InProcessRun(budget="standard"))
    assert subject.queries > 200 * 30
    assert metric(measurement, "attack_auc").value > Decimal("0.6")
    assert [control.passed for control in measurement.controls] == [True, True]


def test_without_references_nothing_is_bounded_from_above(tmp_path: Path) -> None:
    measurement = measured(text_system(tmp_path, n=250, access="probabilities"))
    assert "no-references" in codes(measurement)
    seen = metric(measurement, "attack_auc")
    assert seen.high == 1
    assert seen.low is not None
    assert seen.low < seen.value < 1
