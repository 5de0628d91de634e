"""What a plan expects of a model, by its description alone."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.checks.system_resilience.systems import picture_system
from touchstone.assessment import plan
from touchstone.assessment.plan import make_plan
from touchstone.checks.registry import installed_check
from touchstone.records import PlanItem
from touchstone.standard.catalog import load_standard
from touchstone.system.models.handle import Capability
from touchstone.system.subject import Subject

PLANNED_ALONE = """
import sys
from pathlib import Path
from touchstone.assessment.plan import make_plan
from touchstone.checks.registry import installed_checks
from touchstone.standard.catalog import load_standard
from touchstone.system.subject import open_system

subject = open_system(Path(sys.argv[1]))
assert make_plan(subject, load_standard().profile("baseline"), installed_checks(), "quick").items
print(sorted({"torch", "onnxruntime", "sklearn"} & set(sys.modules)))
"""


def planned(subject: Subject) -> PlanItem:
    """The plan of a check that follows gradients."""
    check = installed_check("robust.adversarial")
    needs = replace(check.needs, capabilities=frozenset({Capability.GRADIENTS}))
    checks = {check.id: replace(check, needs=needs)}
    items = make_plan(subject, load_standard().profile("baseline"), checks, "quick").items
    return next(item for item in items if item.check.id == check.id)


@pytest.mark.parametrize(
    ("output", "access", "runs"),
    [
        ("logits", "artefact", True),
        ("probabilities", "artefact", True),
        ("labels", "artefact", False),
        ("logits", "probabilities", False),
    ],
)
def test_an_onnx_model_is_planned_as_a_white_box_where_it_can_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, access: str, runs: bool
) -> None:
    subject = picture_system(tmp_path, gap=0.1, n=10, output=output, access=access)
    monkeypatch.setattr(plan, "find_spec", lambda name: object())
    assert planned(subject).runs == runs
    monkeypatch.setattr(plan, "find_spec", lambda name: None)
    without = planned(subject)
    assert not without.runs
    assert without.reason is not None and without.reason.code == "capability-missing"


def test_a_plan_opens_no_runtime(tmp_path: Path) -> None:
    picture_system(tmp_path, gap=0.1, n=10, output="logits")
    done = subprocess.run(
        [sys.executable, "-c", PLANNED_ALONE, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr
