"""What a system that takes texts does to every check: some measure it as they are, the others say why not."""

import pytest

from tests.checks.running import InProcessRun, metric
from tests.checks.system_resilience.text_systems import text_system
from touchstone.assessment.intake import INTAKE
from touchstone.assessment.plan import make_plan
from touchstone.checks.data_security.membership_inference import membership_inference
from touchstone.checks.declaration import Check
from touchstone.checks.governance.group_fairness import group_metrics
from touchstone.checks.model_integrity.performance import performance
from touchstone.checks.registry import installed_checks
from touchstone.checks.system_resilience.calibration import calibration
from touchstone.standard.catalog import load_standard
from touchstone.system.subject import Subject

PROFILE = load_standard().profile("baseline")


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return text_system(tmp_path_factory.mktemp("system"), n=250)


@pytest.mark.parametrize(
    ("check", "name"),
    [
        (performance, "accuracy"),
        (group_metrics, "true_positive_rate_gap"),
        (calibration, "expected_calibration_error"),
        (membership_inference, "attack_auc"),
    ],
)
def test_checks_that_ask_the_model_as_it_is_take_texts(subject: Subject, check: Check, name: str) -> None:
    measured = check.function(subject, check.parameters(), InProcessRun())
    assert metric(measured, name).n > 0
    assert all(control.passed for control in measured.controls)


def test_training_texts_among_the_test_texts_are_found(subject: Subject) -> None:
    measured = membership_inference.function(subject, membership_inference.parameters(), InProcessRun())
    assert "test-rows-in-training-data" in {note.code for note in measured.warnings}


def test_the_intake_reads_texts(subject: Subject) -> None:
    assert INTAKE.function(subject, INTAKE.parameters(), InProcessRun()).metrics == ()


def test_the_plan_chooses_by_kind_of_input(subject: Subject) -> None:
    plan = {item.check.id: item for item in make_plan(subject, PROFILE, installed_checks(), "quick").items}
    assert plan["robust.text"].runs
    assert plan["robust.text"].parameters == {"edit_share": "0.2", "queries_per_text": 400, "beam": 2}
    refused = plan["robust.adversarial"].reason
    assert refused is not None
    assert refused.text.en == "Does not cover text inputs."
    for check in installed_checks().values():
        item = plan.get(check.id)
        if item is not None and check.needs.access is not None and "text" not in check.needs.inputs:
            assert not item.runs, check.id
