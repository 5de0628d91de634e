"""Copies of training data among the test data are found; likeness that chance explains is not held against anybody."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checks.running import METHOD_CODE, InProcessRun, codes, metric
from tests.checks.system_resilience.systems import arrays
from tests.checks.system_resilience.text_systems import words
from tests.system import onnx_writer as onnx
from tests.system.made import data_set, describe, make
from touchstone.checks.declaration import Measurement, Parameters
from touchstone.checks.evaluation.contamination import contamination
from touchstone.checks.evaluation.planted_copies import near_copies
from touchstone.system.subject import Subject


def numbers(folder: Path, test: Any, train: Any, **form: Any) -> Subject:
    """A system with these inputs; the model is never opened."""
    declared = {role: data_set(f"{role}.npz", "npz", features="x", target="y") for role in ("test", "train")}
    if "shape" not in form:
        form["columns"] = [f"c{index}" for index in range(test.shape[1])]
    files = {
        f"{role}.npz": arrays(x.astype(np.float32), np.arange(len(x)) % 2)
        for role, x in (("test", test), ("train", train))
    }
    model = onnx.linear_classifier(np.zeros((4, 2), np.float32), np.zeros(2, np.float32))
    description = describe(format_="onnx", file="model.onnx", data=declared, **form)
    return make(folder, description, {"model.onnx": model, **files})


def texts(folder: Path, test: list[str], train: list[str]) -> Subject:
    import skops.io

    def lines(part: list[str]) -> bytes:
        rows = ({"text": text, "label": index % 2} for index, text in enumerate(part))
        return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()

    role = {role: data_set(f"{role}.jsonl", "jsonl", features="text", target="label") for role in ("test", "train")}
    model = bytes(skops.io.dumps(words().fit(["one", "two"], [0, 1])))
    description = describe(kind="text", format_="skops", file="model.skops", data=role)
    return make(folder, description, {"model.skops": model, "test.jsonl": lines(test), "train.jsonl": lines(train)})


def measured(subject: Subject, run: InProcessRun | None = None) -> Measurement:
    result = contamination.function(subject, Parameters(), run or InProcessRun())
    assert all(METHOD_CODE.fullmatch(metric.method) for metric in result.metrics)
    assert [control.kind for control in result.controls] == ["null", "planted"]
    return result


def scenes(generator: np.random.Generator, n: int) -> Any:
    """Smooth pictures of two classes, drawn from two templates with position, size and brightness of their own."""
    grid = np.linspace(0, 1, 24)
    centre, width = generator.uniform(0.3, 0.7, (n, 2)), generator.uniform(0.1, 0.3, n)
    distance = np.hypot(grid[:, None] - centre[:, :1, None], grid[None, :] - centre[:, 1:, None])
    blob = np.exp(-((distance / width[:, None, None]) ** 2))
    lit = generator.uniform(0.3, 0.6, (n, 1, 1)) + 0.4 * blob + generator.normal(0, 0.03, blob.shape)
    return np.clip(lit, 0, 1)[:, None].astype(np.float32)


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(5)


def test_independent_tables_have_no_copies_and_planted_ones_are_named(tmp_path: Path, generator: Any) -> None:
    test, train = generator.normal(size=(200, 8)), generator.normal(size=(500, 8))
    clean = measured(numbers(tmp_path / "clean", test, train))
    share = metric(clean, "near_duplicate_share")
    assert (share.value, share.low, share.high) == (Decimal(0),) * 3
    assert share.method == "census"
    assert all(control.passed for control in clean.controls)
    test[10:14] = train[100:104]
    test[20:24] = train[200:204] * (1 + 1e-4)
    run = InProcessRun()
    leaking = measured(numbers(tmp_path / "leaking", test, train), run)
    assert float(metric(leaking, "near_duplicate_share").value) == pytest.approx(8 / 200)
    assert all(control.passed for control in leaking.controls)
    listed = list(csv.DictReader(io.StringIO(run.kept["copies.csv"].decode())))
    assert [(int(row["test_row"]), int(row["train_row"]), row["kind"]) for row in listed] == [
        *((10 + i, 100 + i, "equal") for i in range(4)),
        *((20 + i, 200 + i, "near") for i in range(4)),
    ]


def test_forms_with_few_boxes_come_back_alike_by_themselves(tmp_path: Path, generator: Any) -> None:
    """64 different rows: nearly every test row has an equal, none of them shows anything, and the control says so."""
    measurement = measured(numbers(tmp_path, generator.integers(0, 2, (200, 6)), generator.integers(0, 2, (500, 6))))
    assert metric(measurement, "near_duplicate_share").value == 0
    assert "equal-by-chance" in codes(measurement)
    assert [control.passed for control in measurement.controls] == [True, False]


def test_pictures_of_one_template_are_strangers_and_changed_copies_are_not(tmp_path: Path, generator: Any) -> None:
    form: dict[str, Any] = {"kind": "image", "shape": [1, 24, 24], "low": 0.0, "high": 1.0}
    test, train = scenes(generator, 200), scenes(generator, 400)
    clean = measured(numbers(tmp_path / "clean", test, train, **form))
    assert metric(clean, "near_duplicate_share").value == 0
    assert all(control.passed for control in clean.controls)
    subject = numbers(tmp_path / "form", test, train, **form)
    test[:5] = np.clip(near_copies(train[:5], subject.description.model.input, generator), 0, 1)
    test[5:10] = train[5:10, :, :, ::-1]
    run = InProcessRun()
    leaking = measured(numbers(tmp_path / "leaking", test, train, **form), run)
    assert float(metric(leaking, "near_duplicate_share").value) == pytest.approx(10 / 200)
    kinds = [row["kind"] for row in csv.DictReader(io.StringIO(run.kept["copies.csv"].decode()))]
    assert kinds == ["near"] * 5 + ["mirrored"] * 5


def test_texts_with_a_word_changed_are_copies_and_letters_of_one_form_are_not(tmp_path: Path, generator: Any) -> None:
    syllables = [f"{a}{b}{c}" for a in "bdgkmnprst" for b in "aeiou" for c in "lnrstx"]

    def letters(n: int) -> list[str]:
        told = [" ".join(generator.choice(syllables, 14)) for _ in range(n)]
        return [f"Dear customer service, please note: {each}. Kind regards" for each in told]

    test, train = letters(80), letters(160)
    clean = measured(texts(tmp_path / "clean", test, train))
    assert metric(clean, "near_duplicate_share").value == 0
    assert all(control.passed for control in clean.controls)
    test[3] = train[7].replace("Kind", "Best").upper()
    test[4] = train[8]
    test[5] = train[9] = "我们于昨日收到您关于设备温度异常的来信，工程师将于明日上门检查，请保持设备通电。"
    leaking = measured(texts(tmp_path / "leaking", test, train))
    assert float(metric(leaking, "near_duplicate_share").value) == pytest.approx(3 / 80)


def test_rows_repeated_within_a_set_are_counted_by_set(tmp_path: Path, generator: Any) -> None:
    test, train = generator.normal(size=(50, 5)), generator.normal(size=(100, 5))
    train[10:30] = train[0]
    measurement = measured(numbers(tmp_path, test, train))
    assert metric(measurement, "repeated_row_share", "test").value == 0
    assert float(metric(measurement, "repeated_row_share", "train").value) == pytest.approx(0.2)


def test_the_same_run_twice_gives_the_same_bytes(tmp_path: Path, generator: Any) -> None:
    subject = numbers(tmp_path, generator.normal(size=(60, 4)), generator.normal(size=(90, 4)))
    runs = [InProcessRun(), InProcessRun()]
    assert measured(subject, runs[0]) == measured(subject, runs[1])
    assert runs[0].kept == runs[1].kept
