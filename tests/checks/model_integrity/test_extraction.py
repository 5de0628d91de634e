"""Copies of models that are easy, and that are impossible, to learn from labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checks.running import METHOD_CODE, InProcessRun, codes, metric
from tests.checks.system_resilience.systems import arrays
from tests.system.made import data_set, describe, make
from touchstone.canonical import parse_json
from touchstone.checks.declaration import Measurement
from touchstone.checks.model_integrity.extraction import ExtractionParameters, extraction
from touchstone.errors import DataError
from touchstone.system.subject import Subject


def system(folder: Path, estimator: Any, n: int = 400, **rest: Any) -> Subject:
    """A classifier that learnt the sign of the first column, or labels drawn by lot."""
    import skops.io

    generator = np.random.default_rng(0)
    x = generator.normal(size=(n, 4)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    description = describe(
        columns=list("abcd"),
        labels=["0", "1"],
        format_="skops",
        file="model.skops",
        data={"test": data_set("test.npz", "npz", features="x", target="y")},
        **rest,
    )
    files = {"model.skops": skops.io.dumps(estimator), "test.npz": arrays(x, y)}
    return make(folder, description, files)


def linear() -> Any:
    from sklearn.linear_model import LogisticRegression

    x = np.random.default_rng(1).normal(size=(500, 4))
    return LogisticRegression().fit(x, x[:, 0] > 0)


def measured(subject: Subject, run: InProcessRun | None = None, queries: int = 1000) -> Measurement:
    result = extraction.function(subject, ExtractionParameters(queries=queries), run or InProcessRun())
    assert all(METHOD_CODE.fullmatch(metric.method) for metric in result.metrics)
    assert [(control.kind, control.passed) for control in result.controls] == [("planted", True), ("null", True)]
    return result


@pytest.mark.parametrize("access", ["artefact", "labels"])
def test_a_linear_model_is_copied_from_labels(tmp_path: Path, access: str) -> None:
    subject = system(tmp_path, linear(), access=access)
    measurement = measured(subject)
    copied = metric(measurement, "surrogate_agreement")
    assert copied.low is not None
    assert float(copied.low) > 0.9
    assert copied.n == 200
    assert subject.queries == 1200
    assert "no-monitor" in codes(measurement)


def test_a_model_of_noise_is_not_copied(tmp_path: Path) -> None:
    """A neighbourhood too fine for the questions: classes change every few hundredths."""
    from sklearn.tree import DecisionTreeClassifier

    generator = np.random.default_rng(2)
    x = generator.normal(size=(20_000, 4))
    noise = DecisionTreeClassifier(random_state=0).fit(x, generator.integers(2, size=len(x)))
    copied = metric(measured(system(tmp_path, noise)), "surrogate_agreement")
    assert copied.high is not None
    assert float(copied.high) < 0.7


def test_more_questions_make_better_copies(tmp_path: Path) -> None:
    run = InProcessRun()
    measurement = measured(system(tmp_path, linear()), run)
    few = metric(measurement, "surrogate_agreement", "queries=10")
    assert few.value < metric(measurement, "surrogate_agreement").value
    report = parse_json(run.kept["extraction_report.json"], "extraction_report.json")
    assert [point["queries"] for point in report["curve"]] == [10, 30, 100, 300, 1000]


def test_too_few_samples_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least 100"):
        measured(system(tmp_path, linear(), n=90))


def test_the_same_run_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    runs = [InProcessRun(), InProcessRun()]
    first, second = (measured(system(tmp_path / str(i), linear()), run, 200) for i, run in enumerate(runs))
    assert first == second
    assert runs[0].kept == runs[1].kept
