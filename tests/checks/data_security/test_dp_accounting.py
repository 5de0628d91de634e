"""`privacy.dp_accounting`: known budgets, claims that fall short, audits that can and cannot contradict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checks.running import InProcessRun, codes, metric
from tests.system.made import describe, make
from touchstone.canonical import parse_json
from touchstone.checks.data_security.canary_scores import read_canary_scores
from touchstone.checks.data_security.dp_accounting import dp_accounting
from touchstone.checks.declaration import Measurement
from touchstone.errors import DataError, UnavailableError

CLAIM = {
    "claimed_epsilon": 8.05,
    "delta": 1e-5,
    "noise_multiplier": 1.3,
    "clipping_norm": 1.0,
    "sampling_rate": 0.102,
    "steps": 300,
    "records": 1437,
    "sampling": "poisson",
}


def measured(folder: Path, files: dict[str, bytes] | None = None, **changed: Any) -> tuple[Measurement, InProcessRun]:
    description = describe(shape=[3, 2, 2], kind="image", format_="onnx", file="model.onnx")
    description["model"]["more_files"] = [name for name in files or {} if name.endswith(".py")]
    description["training"] = {"differential_privacy": {**CLAIM, **changed}}
    subject = make(folder, description, {"model.onnx": b"model", **(files or {})})
    assert subject.facts["training.dp_claimed"] is True
    run = InProcessRun()
    return dp_accounting.function(subject, dp_accounting.parameters(), run), run


def canaries(right: float, count: int = 1000) -> bytes:
    generator = np.random.default_rng(3)
    included = generator.random(count) < 0.5
    guessed = np.where(generator.random(count) < right, included, ~included)
    rows = [f"{int(i)},{s:.3f}" for i, s in zip(included, guessed + 0.1 * generator.random(count), strict=True)]
    return ("included,score\n" + "\n".join(rows) + "\n").encode()


def test_an_honest_claim_is_confirmed(tmp_path: Path) -> None:
    measurement, run = measured(tmp_path)
    assert float(metric(measurement, "epsilon").value) == pytest.approx(8.0404, rel=1e-3)
    assert float(metric(measurement, "delta_times_n").value) == pytest.approx(0.01437)
    assert metric(measurement, "claim_shortfall").value == 0
    assert codes(measurement) == ["epsilon-recomputed", "not-audited"]
    assert all(control.passed for control in measurement.controls)
    report = parse_json(run.kept["accountant_output.json"], "report")
    assert float(report["epsilon_low"]) < float(report["epsilon_high"]) < float(report["epsilon_renyi"])


def test_a_claim_that_falls_short_is_found(tmp_path: Path) -> None:
    measurement, _ = measured(tmp_path, claimed_epsilon=4.0)
    assert float(metric(measurement, "claim_shortfall").value) == pytest.approx(1.01, abs=0.01)


def test_shuffled_batches_are_accounted_without_amplification(tmp_path: Path) -> None:
    measurement, _ = measured(tmp_path, sampling="shuffled")
    assert float(metric(measurement, "epsilon").value) > 20
    assert float(metric(measurement, "claim_shortfall").value) > 1


def test_batches_by_weight_have_no_budget(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="weight"):
        measured(tmp_path, sampling="weighted")


def test_without_parameters_nothing_is_tested(tmp_path: Path) -> None:
    description = describe(shape=[3, 2, 2], kind="image", format_="onnx", file="model.onnx")
    subject = make(tmp_path, description, {"model.onnx": b"model"})
    assert "training.dp_claimed" not in subject.facts
    with pytest.raises(UnavailableError, match="not declared"):
        dp_accounting.function(subject, dp_accounting.parameters(), InProcessRun())


def test_an_audit_refutes_a_claim_below_what_leaks(tmp_path: Path) -> None:
    files = {"canaries.csv": canaries(1.0)}
    measurement, _ = measured(tmp_path, files, claimed_epsilon=2.0, noise_multiplier=4.0, canary_scores="canaries.csv")
    assert float(metric(measurement, "audited_epsilon_lower_bound_minus_claim").value) > 2.0
    assert "audit-ceiling" in codes(measurement)


def test_an_audit_says_when_it_could_not_have_contradicted(tmp_path: Path) -> None:
    files = {"canaries.csv": canaries(1.0)}
    measurement, _ = measured(tmp_path, files, canary_scores="canaries.csv")
    assert metric(measurement, "audited_epsilon_lower_bound_minus_claim").value < 0
    assert "audit-cannot-contradict" in codes(measurement)


def test_guesses_by_chance_show_nothing(tmp_path: Path) -> None:
    files = {"canaries.csv": canaries(0.5)}
    measurement, _ = measured(tmp_path, files, canary_scores="canaries.csv")
    assert float(metric(measurement, "audited_epsilon_lower_bound_minus_claim").value) < -7.5


def test_a_script_that_draws_by_weight_is_remarked(tmp_path: Path) -> None:
    files = {"train.py": b"from torch.utils.data import *\nsampler = WeightedRandomSampler(w, 10)\n"}
    measurement, _ = measured(tmp_path, files)
    [note] = [note for note in measurement.warnings if note.code == "weighted-sampler"]
    assert "train.py, line 2" in note.text.en


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"score\n1\n",
        b"included,score\n2,0.5\n",
        b"included,score\n1,nan\n",
        b"included,score\n1\n",
        b"included,score\n1,high\n",
        b"\xff\xfe",
        b"included,score\n1,0.5\n",
    ],
)
def test_a_file_that_is_no_table_of_canaries_is_refused(content: bytes) -> None:
    with pytest.raises(DataError, match="canaries"):
        read_canary_scores(content, "canaries.csv")
