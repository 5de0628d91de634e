"""Weak spots of precomputed answers, through a real system folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.checks.precomputed import precomputed_system
from tests.checks.running import METHOD_CODE, InProcessRun, codes, metric
from touchstone.checks.declaration import Measurement
from touchstone.checks.model_integrity.weak_slices import WeakSliceParameters, weak_slices
from touchstone.errors import UnavailableError
from touchstone.system.subject import Subject


def system(folder: Path, *, weak: float, n: int = 1200, sites: bool = False) -> Subject:
    """Errors at 5 %, and at `weak` among old women."""
    generator = np.random.default_rng(3)
    sex, age = generator.choice(["F", "M"], n), generator.choice(["young", "old"], n)
    truth = generator.choice(["no", "yes"], n)
    wrong = generator.random(n) < np.where((sex == "F") & (age == "old"), weak, 0.05)
    answer = np.where(wrong, np.where(truth == "yes", "no", "yes"), truth)
    return precomputed_system(
        folder,
        truth=truth.tolist(),
        answers={"answer": answer.tolist()},
        sensitive=None if sites else {"sex": sex.tolist(), "age": age.tolist()},
        sites=(sex.tolist(), ["F", "M"]) if sites else None,
    )


def measured(subject: Subject, run: InProcessRun | None = None) -> Measurement:
    result = weak_slices.function(subject, WeakSliceParameters(), run or InProcessRun())
    assert all(METHOD_CODE.fullmatch(each.method) for each in result.metrics)
    return result


def test_a_weak_spot_that_no_attribute_shows_alone(tmp_path: Path) -> None:
    run = InProcessRun()
    result = measured(system(tmp_path, weak=0.5), run)
    worst = metric(result, "weak_slice_excess_error")
    named = metric(result, "weak_slice_excess_error", "sex = F & age = old")
    assert worst.value == named.value
    assert named.low is not None
    assert named.low > 0.2
    assert float(named.value) == pytest.approx(0.45, abs=0.1)
    assert [control.passed for control in result.controls] == [True, True]
    table = json.loads(run.kept["slices.json"])["slices"]
    assert table[0]["rule"] == "sex = F & age = old"
    assert table[0]["proven"] is True


def test_nothing_is_proven_where_errors_are_even(tmp_path: Path) -> None:
    result = measured(system(tmp_path, weak=0.05))
    assert {each.slice for each in result.metrics} <= {None}
    assert all(control.passed for control in result.controls)


def test_a_model_without_errors_has_no_weak_spot(tmp_path: Path) -> None:
    subject = precomputed_system(
        tmp_path,
        truth=["no", "yes"] * 200,
        answers={"answer": ["no", "yes"] * 200},
        sensitive={"sex": ["F"] * 200 + ["M"] * 200},
    )
    result = measured(subject)
    assert result.metrics == ()
    assert codes(result) == ["no-rules"]
    assert [control.passed for control in result.controls] == [True, True]


def test_sites_make_rules_as_well(tmp_path: Path) -> None:
    result = measured(system(tmp_path, weak=0.6, sites=True))
    assert "site = F" in {each.slice for each in result.metrics}


def test_too_little_to_divide_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="at least 200 rows"):
        measured(system(tmp_path, weak=0.5, n=150))


def test_nothing_to_divide_by_is_refused(tmp_path: Path) -> None:
    subject = precomputed_system(tmp_path, truth=["no", "yes"] * 200, answers={"answer": ["no", "yes"] * 200})
    with pytest.raises(UnavailableError, match="divides"):
        measured(subject)
