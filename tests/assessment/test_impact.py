"""Which controls a change puts in question."""

from __future__ import annotations

import pytest

from touchstone.assessment.impact import impact_of
from touchstone.checks.registry import installed_checks
from touchstone.standard.catalog import load_standard

PROFILE = load_standard().profile("digital-healthcare")
CHECKS = installed_checks()


def test_a_new_model_puts_its_tests_in_question_and_not_those_of_monitoring() -> None:
    found = impact_of({"model"}, PROFILE, CHECKS)
    assert {"MI-01", "MI-09", "SR-01", "SR-02", "DS-08"} <= set(found)
    assert "SR-10" not in found
    order = [requirement.control for requirement in PROFILE.requirements]
    assert list(found) == sorted(found, key=order.index)


def test_nothing_depends_on_no_change_and_everything_measured_on_the_declaration() -> None:
    assert impact_of((), PROFILE, CHECKS) == ()
    measured = {each.control for each in PROFILE.requirements if each.checks}
    assert set(impact_of({"declaration"}, PROFILE, CHECKS)) == measured


def test_documents_put_in_question_what_they_attest() -> None:
    attested = {each.control for each in PROFILE.requirements if each.evidence}
    assert attested <= set(impact_of({"documents"}, PROFILE, CHECKS))


@pytest.mark.parametrize("part", ["components", "data.train"])
def test_a_check_that_is_not_installed_may_read_anything(part: str) -> None:
    fewer = {name: check for name, check in CHECKS.items() if name != "runtime.monitor"}
    assert "SR-10" not in impact_of({part}, PROFILE, CHECKS)
    assert "SR-10" in impact_of({part}, PROFILE, fewer)
