"""`privacy.reconstruction`: models that know their data by heart give attributes and canaries away, others do not."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from tests.checks.running import METHOD_CODE, InProcessRun, codes, metric
from tests.checks.system_resilience.text_systems import text_system
from tests.system.made import data_set, describe, make
from touchstone.canonical import parse_json
from touchstone.checks.data_security.reconstruction import reconstruction
from touchstone.checks.declaration import Measurement
from touchstone.errors import DataError, UnavailableError
from touchstone.system.subject import Subject, open_system

Rows = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.str_]]


def drawn(n: int, generator: np.random.Generator) -> Rows:
    """Three columns, the last one sex, and a label that depends on the first; a third is turned."""
    x = generator.normal(size=(n, 3)).astype(np.float32)
    x[:, 2] = 5 * (generator.random(n) < 0.5)
    y = ((x[:, 0] > 0.5) ^ (generator.random(n) < 0.33)).astype(np.int64)
    return x, y, np.where(x[:, 2] > 0, "F", "M")


def table(x: NDArray[np.float32], y: NDArray[np.int64], said: NDArray[Any], last: str = "gender") -> bytes:
    rows = [f"a,b,sex,truth,{last}"]
    rows += [
        ",".join([*map(repr, map(float, row)), str(label), str(s)]) for row, label, s in zip(x, y, said, strict=True)
    ]
    return ("\n".join(rows) + "\n").encode()


def system(
    folder: Path,
    *,
    memorising: bool,
    n: int = 1000,
    declared: tuple[str, ...] = ("gender",),
    elsewhere: bool = False,
    ledger: tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]] | None = None,
    learnt: bool = True,
    handed_in: bool = True,
    **rest: Any,
) -> Subject:
    """A model that answers like the nearest row it learnt, or a tree with one cut; `elsewhere`: it learnt others."""
    import skops.io
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.tree import DecisionTreeClassifier

    generator = np.random.default_rng(4)
    train, test = drawn(n, generator), drawn(n, generator)
    x, y, _ = drawn(n, generator) if elsewhere else train
    files: dict[str, bytes] = {"train.csv": table(*train), "test.csv": table(*test)}
    if ledger is not None:
        rows, wrong, included = ledger
        inside = included == 1
        known = np.concatenate([train[0], rows[inside]]), np.concatenate([train[1], wrong[inside]])
        x, y = known if learnt else (x, y)
        if handed_in:
            files["train.csv"] = table(*known, np.where(known[0][:, 2] > 0, "F", "M"))
        files["canaries.csv"] = table(rows, wrong, included, "included")
    model = (
        KNeighborsClassifier(1, algorithm="brute")
        if memorising
        else DecisionTreeClassifier(max_depth=1, random_state=0)
    )
    model.fit(x, y)
    sets = {
        role: data_set(f"{role}.csv", "csv", target="truth", sensitive=list(declared)) for role in ("train", "test")
    }
    description = describe(
        columns=["a", "b", "sex"], labels=["0", "1"], format_="skops", file="model.skops", data=sets, **rest
    )
    if ledger is not None:
        description["training"] = {"canaries": {"path": "canaries.csv", "format": "csv", "target": "truth"}}
    return make(folder, description, {"model.skops": skops.io.dumps(model), **files})


def canaries(n: int) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Rows that are clearly of one class, under the label of the other, every second trained on."""
    generator = np.random.default_rng(9)
    x = generator.normal(size=(n, 3)).astype(np.float32)
    x[:, 0] += 0.5 * np.sign(x[:, 0] - 0.5)
    x[:, 2] = 5 * (generator.random(n) < 0.5)
    return x, (x[:, 0] < 0.5).astype(np.int64), np.arange(n) % 2


def measured(subject: Subject, run: InProcessRun | None = None) -> Measurement:
    result = reconstruction.function(subject, reconstruction.parameters(), run or InProcessRun())
    assert all(METHOD_CODE.fullmatch(metric.method) for metric in result.metrics)
    assert all(control.passed for control in result.controls)
    return result


@pytest.mark.parametrize("access", ["artefact", "labels"])
def test_a_memorising_model_gives_an_attribute_of_its_members_away(tmp_path: Path, access: str) -> None:
    measurement = measured(system(tmp_path, memorising=True, access=access))
    decided = metric(measurement, "attribute_advantage")
    assert decided.low is not None
    assert decided.low > Decimal("0.05")
    inside, outside = (metric(measurement, "attribute_gain", f"gender, {side}") for side in ("members", "non-members"))
    assert inside.value > outside.value
    assert decided.value == metric(measurement, "attribute_advantage", "gender").value
    assert 200 < decided.n < 300


def test_a_model_that_did_not_memorise_can_be_cleared(tmp_path: Path) -> None:
    """Three thousand persons on either side bound the advantage below the limit."""
    decided = metric(measured(system(tmp_path, memorising=False, n=3000)), "attribute_advantage")
    assert decided.high is not None
    assert decided.high < Decimal("0.05")


def test_a_memoriser_of_other_people_gives_nothing_away(tmp_path: Path) -> None:
    decided = metric(measured(system(tmp_path, memorising=True, elsewhere=True)), "attribute_advantage")
    assert decided.low is not None
    assert decided.low <= 0


def test_where_nothing_is_declared_columns_are_told_by_their_names(tmp_path: Path) -> None:
    run = InProcessRun()
    measurement = measured(system(tmp_path, memorising=True, declared=()), run)
    assert metric(measurement, "attribute_advantage", "sex").value > 0
    [listed] = parse_json(run.kept["reconstruction_report.json"], "report")["attributes"]
    assert (listed["attribute"], listed["values"], listed["is_input"]) == ("sex", ["0", "5"], True)
    assert sum(listed["members"].values()) == sum(listed["non_members"].values()) == 491  # equally many of each value


def test_a_rare_value_does_not_take_its_attribute_out(tmp_path: Path) -> None:
    """A few rows with a value of their own must not keep all others from being looked at, nor clear the model."""
    subject = system(tmp_path, memorising=True, n=4000)
    for role in ("train", "test"):
        path = tmp_path / f"{role}.csv"
        head, *rows = path.read_text().splitlines()
        rows[:60] = [row.rpartition(",")[0] + ",unknown" for row in rows[:60]]
        rows[60:70] = [row.rpartition(",")[0] + ",other" for row in rows[60:70]]
        path.write_text("\n".join([head, *rows]) + "\n")
    run = InProcessRun()
    measurement = measured(open_system(subject.root), run)
    decided = metric(measurement, "attribute_advantage", "gender")
    assert decided.high is not None
    assert decided.high > Decimal("0.05")
    [listed] = [
        each
        for each in parse_json(run.kept["reconstruction_report.json"], "report")["attributes"]
        if each["attribute"] == "gender"
    ]
    assert (listed["values"], listed["left_out"]) == (["F", "M", "unknown"], 1)
    [left_out] = [note.text.en for note in measurement.warnings if note.code == "values-left-out"]
    assert left_out.endswith("outside: other")


def test_declaring_a_harmless_attribute_hides_no_other(tmp_path: Path) -> None:
    measurement = measured(system(tmp_path, memorising=True, declared=("truth",)))
    assert metric(measurement, "attribute_advantage", "sex").value > 0
    together = measured(system(tmp_path / "both", memorising=True))
    assert [each.slice for each in together.metrics if each.id == "attribute_advantage"] == ["gender", None]


def test_test_data_without_labels_are_no_crash(tmp_path: Path) -> None:
    subject = system(tmp_path, memorising=True)
    path = subject.root / "system.yaml"
    description = yaml.safe_load(path.read_text())
    del description["data"]["test"]["target"]
    path.write_text(yaml.safe_dump(description))
    assert {"no-non-members", "no-canaries"} <= set(codes(measured(open_system(subject.root))))


def test_rows_with_their_own_labels_are_no_canaries(tmp_path: Path) -> None:
    """Whoever lists thousands of ordinary rows as canaries shows nothing about memory."""
    rows, wrong, included = canaries(8_000)
    rate = metric(
        measured(system(tmp_path, memorising=False, ledger=(rows, 1 - wrong, included))), "canary_extraction_rate"
    )
    assert rate.low == 0
    assert rate.high == 1


def test_canaries_of_our_own_show_how_the_model_is_trained(tmp_path: Path) -> None:
    by_heart = metric(measured(system(tmp_path / "a", memorising=True)), "canary_extraction_rate")
    assert by_heart.low is not None
    assert by_heart.low > Decimal("0.2")
    rules = metric(measured(system(tmp_path / "b", memorising=False)), "canary_extraction_rate")
    assert rules.low == 0
    assert rules.n == by_heart.n == 100


def test_the_supplier_s_canaries_are_read_off_a_memoriser(tmp_path: Path) -> None:
    measurement = measured(system(tmp_path, memorising=True, ledger=canaries(200)))
    rate = metric(measurement, "canary_extraction_rate")
    assert rate.n == 100
    assert rate.low is not None
    assert rate.low > Decimal("0.2")
    assert "ledger-contradicted" not in codes(measurement)
    [used] = [note.text.en for note in measurement.warnings if note.code == "canaries-used"]
    assert used.startswith("canaries of the supplier's ledger; 100 of 100 trained on get their label")


def test_enough_canaries_without_a_hit_meet_the_limit(tmp_path: Path) -> None:
    rate = metric(
        measured(system(tmp_path, memorising=False, ledger=canaries(8_000), learnt=False)), "canary_extraction_rate"
    )
    assert rate.value == 0
    assert rate.high is not None
    assert rate.high <= Decimal("0.001")


def test_canaries_that_the_training_data_do_not_hold_are_not_believed(tmp_path: Path) -> None:
    measurement = measured(system(tmp_path, memorising=True, ledger=canaries(200), handed_in=False))
    assert not [each for each in measurement.metrics if each.id == "canary_extraction_rate"]
    [note] = [note.text.en for note in measurement.warnings if note.code == "no-canaries"]
    assert "0 canaries that the training data hold and 100 that they do not hold" in note


def test_a_canary_that_counts_several_times_is_refused(tmp_path: Path) -> None:
    one = canaries(40)
    twice = tuple(np.concatenate([each, each]) for each in one)
    with pytest.raises(DataError, match="more than once"):
        measured(system(tmp_path, memorising=False, ledger=(twice[0], twice[1], twice[2])))


def test_a_ledger_that_does_not_say_which_were_trained_on_is_refused(tmp_path: Path) -> None:
    rows, planted, included = canaries(200)
    with pytest.raises(DataError, match="more than 0 and 1"):
        measured(system(tmp_path, memorising=False, ledger=(rows, planted, 2 * included)))


def test_a_model_that_cannot_be_trained_here_and_no_attribute_leave_nothing_to_measure(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no sensitive attribute to guess and no canary to read") as caught:
        measured(text_system(tmp_path, n=250, access="probabilities"))
    assert caught.value.remedy is not None
    assert "training.canaries" in caught.value.remedy.en


def test_groups_too_small_are_named(tmp_path: Path) -> None:
    assert "too-few-persons" in codes(measured(system(tmp_path, memorising=False, declared=("b",))))


def test_the_same_run_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    runs = [InProcessRun(), InProcessRun()]
    first, second = (measured(system(tmp_path / str(i), memorising=True, n=600), run) for i, run in enumerate(runs))
    assert first == second
    assert runs[0].kept == runs[1].kept


def network_system(folder: Path, *, personal: bool = False) -> Subject:
    """Small pictures, of two classes and two districts, and a linear network with gradients."""
    from safetensors.numpy import save

    generator = np.random.default_rng(6)
    side = np.repeat([1.0, -1.0], 32)
    files: dict[str, bytes] = {"model.safetensors": save({"out.weight": np.stack([-side, side]).astype(np.float32)})}
    sets: dict[str, Any] = {}
    for role in ("train", "test"):
        y = generator.integers(2, size=600)
        bright = 0.5 + 0.2 * np.where(y == 1, 1, -1)[:, None] * side + 0.1 * generator.normal(size=(600, 64))
        x = np.clip(bright, 0, 1).reshape(-1, 1, 8, 8).astype(np.float32)
        buffer = io.BytesIO()
        np.savez(buffer, x=x, y=y, district=np.where(generator.random(600) < 0.5, "north", "south"))
        files[f"{role}.npz"] = buffer.getvalue()
        sets[role] = data_set(f"{role}.npz", "npz", features="x", target="y", sensitive=["district"])
    layers = [{"kind": "flatten"}, {"kind": "linear", "name": "out", "inputs": 64, "outputs": 2}]
    description = describe(
        kind="image",
        shape=[1, 8, 8],
        labels=["dark", "bright"],
        output="logits",
        format_="safetensors",
        file="model.safetensors",
        architecture=layers,
        low=0.0,
        high=1.0,
        data=sets,
    )
    description["facts"] = {"data.personal": personal}
    return make(folder, description, files)


@pytest.mark.torch
def test_classes_of_a_network_are_drawn_and_no_limit_speaks_of_its_stand_ins(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    run = InProcessRun()
    measurement = measured(network_system(tmp_path), run)
    assert {part.slice for part in measurement.metrics if part.id == "canary_extraction_rate"} == {"same architecture"}
    assert "inversion-shown" in codes(measurement)
    assert run.kept["inverted_classes.png"].startswith(b"\x89PNG")
    inverted = parse_json(run.kept["reconstruction_report.json"], "report")["inversion"]
    assert inverted["classes"] == [0, 1]
    assert float(inverted["p_value"]) > 0.05
    outsiders = metric(measurement, "attribute_advantage")
    assert outsiders.low is not None
    assert outsiders.low <= 0


@pytest.mark.torch
def test_what_may_show_a_real_person_is_compared_and_not_kept(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    run = InProcessRun()
    assert "inversion-shown" in codes(measured(network_system(tmp_path, personal=True), run))
    assert list(run.kept) == ["reconstruction_report.json"]
