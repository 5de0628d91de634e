"""The declared attacker on a table, on a linear model whose worst legal change is known."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from tests.checks.running import InProcessRun
from tests.checks.system_resilience.systems import table_system
from touchstone.checks.system_resilience.adversarial import adversarial
from touchstone.checks.system_resilience.attacker import Attacker
from touchstone.checks.system_resilience.constrained import Constrained, constrained_attack
from touchstone.checks.system_resilience.declared_threat import AdversarialParameters
from touchstone.checks.system_resilience.tables import declared_constraints
from touchstone.system.description import ColumnConstraint, InputConstraints
from touchstone.system.subject import Subject

WEIGHTS = [0.3, 1.0, -0.5, 0.2]
PARAMETERS = AdversarialParameters(queries=150)
FREE = ColumnConstraint(kind="continuous", low=-1, high=1, cost=1, unit="mm")


def system(folder: Path, constraints: InputConstraints, **rest: str) -> Subject:
    subject = table_system(folder, WEIGHTS, n=120, **rest)
    model = subject.description.model
    declared = model.input.model_copy(update={"constraints": constraints})
    description = subject.description.model_copy(update={"model": model.model_copy(update={"input": declared})})
    return replace(subject, description=description, _opened={})


def attacked(subject: Subject) -> tuple[Attacker, Constrained]:
    run = InProcessRun()
    attacker = Attacker(subject, PARAMETERS, run)
    attacker.attack_up_to(100)
    constraints = declared_constraints(subject.description.model.input, subject.data("test").inputs)
    assert constraints is not None
    return attacker, constrained_attack(attacker, constraints, run, 1)


@pytest.mark.parametrize("access", ["artefact", "labels"])
def test_the_share_that_a_budget_breaks(tmp_path: Path, access: str) -> None:
    """Moving column 1 turns most per unit: a row breaks when its value is below the budget, up to the legal range."""
    declared = InputConstraints(columns={"c1": FREE, "c2": FREE}, budget=0.5)
    attacker, found = attacked(system(tmp_path, declared, access=access))
    x = attacker.samples_at(attacker.attacked)
    value = np.abs(x @ np.array(WEIGHTS))
    certain, possible = (value < 0.35).mean(), (value < 0.5).mean()
    (rate,) = found.metrics
    assert rate.n == 100
    assert 0.8 * certain <= float(rate.value) <= possible
    assert all(control.passed for control in found.controls)
    (note,) = found.warnings
    assert "mm at a cost of" in note.text.en


def test_what_cannot_be_changed_breaks_nothing_and_the_search_is_still_proved(tmp_path: Path) -> None:
    dear = InputConstraints(columns={"c0": ColumnConstraint(kind="binary", cost=9)}, budget=1)
    _, found = attacked(system(tmp_path, dear))
    (rate,) = found.metrics
    assert rate.value == 0
    assert [control.passed for control in found.controls] == [True, True]
    assert found.warnings == ()


def test_the_check_measures_it_where_it_is_declared(tmp_path: Path) -> None:
    declared = system(tmp_path / "declared", InputConstraints(columns={"c1": FREE}, budget=0.5))
    measured = adversarial.function(declared, PARAMETERS, InProcessRun())
    (rate,) = [metric for metric in measured.metrics if metric.id == "constrained_asr"]
    assert rate.value > Decimal("0.2")
    assert all(control.passed for control in measured.controls)
    assert any(note.code == "cheapest-change" for note in measured.warnings)
    plain = adversarial.function(table_system(tmp_path / "plain", WEIGHTS), PARAMETERS, InProcessRun())
    assert not [metric for metric in plain.metrics if metric.id == "constrained_asr"]


def categorical(folder: Path, constraints: InputConstraints, weights: list[float], **rest: str) -> Subject:
    """The first column holds whole numbers only, and there is no other."""
    subject = table_system(folder, weights, n=60, **rest)
    model = subject.description.model
    declared = model.input.model_copy(update={"constraints": constraints})
    description = subject.description.model_copy(update={"model": model.model_copy(update={"input": declared})})
    return replace(subject, description=description, _opened={})


@pytest.mark.parametrize("access", ["artefact", "labels"])
def test_a_table_without_continuous_columns_is_attacked_as_declared(tmp_path: Path, access: str) -> None:
    """Class 1 where the only column is one: who may change it turns every answer, and who may only raise it half."""
    free = InputConstraints(columns={"c0": ColumnConstraint(kind="binary", cost=1)})
    measured = adversarial.function(
        categorical(tmp_path / "free", free, [1.0], access=access), PARAMETERS, InProcessRun()
    )
    assert [(metric.id, metric.value) for metric in measured.metrics] == [("constrained_asr", 1)]
    assert all(control.passed for control in measured.controls), measured.controls
    assert "free-attack-left-out" in [note.code for note in measured.warnings]
    subject = categorical(
        tmp_path / "rising", InputConstraints(columns={"c0": ColumnConstraint(kind="binary", may="rise")}), [1.0]
    )
    measured = adversarial.function(subject, PARAMETERS, InProcessRun())
    share = (subject.data("test").inputs[:, 0] == 0).mean()
    assert float(measured.metrics[0].value) == pytest.approx(share)
