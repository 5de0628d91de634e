"""Trees in the adversarial check: broken by reading them, proven by reading them, and nothing in between."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from tests.checks.running import InProcessRun, codes, metric
from tests.checks.system_resilience.systems import arrays
from tests.system.made import data_set, describe, make
from touchstone.canonical import parse_json
from touchstone.checks.declaration import Measurement
from touchstone.checks.system_resilience.adversarial import adversarial
from touchstone.checks.system_resilience.declared_threat import AdversarialParameters
from touchstone.methods.attacks.tree_distance import veritas_installed
from touchstone.system.subject import Subject

FEW = 10
"""Questions that the search may ask: so few that it misses most, and the trees have to be read."""


def forest_system(
    folder: Path, model: Any = None, *, n: int = 40, labels: tuple[str, ...] = ("no", "yes"), **rest: Any
) -> Subject:
    generator = np.random.default_rng(2)
    x = generator.normal(size=(300, 4)).astype(np.float32)
    y = (x[:, 0] + 0.5 * np.sin(3 * x[:, 1]) > 0).astype(np.int64)
    named = np.array(["no", "yes"])[y]
    model = model or RandomForestClassifier(12, max_depth=5, random_state=0)
    model.fit(x, named)
    target = np.array([labels.index(name) for name in named], dtype=np.int64)
    description = describe(
        columns=["a", "b", "c", "d"],
        labels=list(labels),
        format_="skops",
        file="model.skops",
        data={"test": data_set("test.npz", "npz", features="x", target="y")},
        **rest,
    )
    test = arrays(x[:n], target[:n])
    return make(folder, description, {"model.skops": skops.io.dumps(model), "test.npz": test})


def measured(subject: Subject, run: InProcessRun | None = None) -> Measurement:
    parameters = AdversarialParameters(queries=FEW, interquartile_share=Decimal("0.2"))
    return adversarial.function(subject, parameters, run or InProcessRun())


def test_trees_break_what_the_search_missed_and_prove_the_rest(tmp_path: Path) -> None:
    run = InProcessRun()
    subject = forest_system(tmp_path)
    measurement = measured(subject, run)
    certified, robust = metric(measurement, "certified_accuracy"), metric(measurement, "robust_accuracy")
    assert certified.n == robust.n == 40
    assert certified.value <= robust.value < 1 - metric(measurement, "blackbox_asr").value
    assert certified.method.endswith("/trees")
    proofs = measurement.controls[-2:]
    assert all(control.passed for control in proofs), proofs
    if veritas_installed():
        assert certified.value == robust.value
        assert "exact-trees" in codes(measurement)
    report = parse_json(run.kept["attack_report.json"], "attack_report.json")
    by_trees = [find for find in report["broken"] if find["knowledge"] == "trees"]
    assert by_trees
    saved = np.load(io.BytesIO(run.kept["adversarial_examples.npz"]), allow_pickle=False)
    assert (subject.model().labels(saved["adversarial"]) == saved["answer"]).all()
    assert (saved["answer"] != saved["target"]).all()
    assert all(float(find["distance_in_radii"]) <= 1 for find in by_trees)


def test_classes_in_another_order_are_no_obstacle(tmp_path: Path) -> None:
    first = measured(forest_system(tmp_path / "a"))
    second = measured(forest_system(tmp_path / "b", labels=("yes", "no")))
    for name in ("certified_accuracy", "robust_accuracy"):
        assert metric(first, name).value == metric(second, name).value


def test_a_black_box_is_not_read(tmp_path: Path) -> None:
    measurement = measured(forest_system(tmp_path, access="probabilities"))
    assert "certified_accuracy" not in [each.id for each in measurement.metrics]
    assert "no-certificate" not in codes(measurement)


@pytest.mark.parametrize(
    ("model", "rest", "why"),
    [
        (LogisticRegression(), {}, "LogisticRegression is no tree ensemble"),
        (None, {"normalisation": {"mean": [0.0], "scale": [2.0]}}, "inputs are normalised first"),
    ],
)
def test_what_is_not_read_is_said_with_the_reason(tmp_path: Path, model: Any, rest: Any, why: str) -> None:
    measurement = measured(forest_system(tmp_path, model, **rest))
    [note] = [each for each in measurement.warnings if each.code == "no-certificate"]
    assert why in note.text.en
