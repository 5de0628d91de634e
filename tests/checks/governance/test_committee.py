"""Votes count only for those who had one, and a decision only for the system it was about."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.checks.governance.registered import STATE, registered
from tests.checks.running import InProcessRun, codes, metric
from touchstone.checks.declaration import Measurement, Parameters
from touchstone.checks.governance.committee import committee
from touchstone.errors import DescriptionError, UnavailableError

DISCIPLINES = ["technical", "technical", "ethics", "law", "domain", "domain", "other", "law"]
MEMBERS: list[dict[str, Any]] = [
    {
        "person": f"P-{number}",
        "employer": "University" if number < 3 else "House",
        "discipline": discipline,
        "since": "2026-01-01",
    }
    for number, discipline in enumerate(DISCIPLINES, start=1)
]
COMMITTEE = {"as_of": "2026-11-20", "organisation": "House", "in_service_since": "2026-06-15", "members": MEMBERS}
DECISION = {
    "id": "D-1",
    "at": "2026-06-01T10:00:00+08:00",
    "state": STATE,
    "requested_by": "P-90",
    "present": [f"P-{number}" for number in range(1, 7)],
    "votes": [{"person": f"P-{number}", "vote": "for"} for number in range(1, 7)],
    "outcome": "approved",
}


def measured(folder: Path, members: Any = COMMITTEE, *decisions: Any) -> Measurement:
    run = InProcessRun()
    registers = {"committee": members, "committee-decisions": list(decisions or [DECISION])}
    found = committee.function(registered(folder, registers), Parameters(), run)
    assert json.loads(run.kept["decisions.json"])["as_of"] >= "2026-11-20"
    return found


def changed(entry: dict[str, Any], **values: Any) -> dict[str, Any]:
    return copy.deepcopy(entry) | values


def value(found: Measurement, name: str) -> float:
    return float(metric(found, name).value)


def test_a_committee_in_order(tmp_path: Path) -> None:
    found = measured(tmp_path)
    assert value(found, "members") == 8
    assert value(found, "present_for_decision") == 6
    assert value(found, "absent_categories") == 0
    assert value(found, "approval_share_of_present") == 1
    assert value(found, "months_since_follow_up") == pytest.approx(5 + 19 / 30)
    assert codes(found) == []
    assert all(control.passed for control in found.controls)
    assert [control.kind for control in found.controls].count("planted") == 12


@pytest.mark.parametrize(
    ("change", "code", "present", "share"),
    [
        ({"recused": ["p-6"]}, "vote-not-counted", 5, 1),
        ({"requested_by": "Ｐ-6"}, "vote-not-counted", 5, 1),
        ({"involved": ["P-5", "P-6"]}, "vote-not-counted", 4, 1),
        ({"present": ["P-1", "P-3", "P-4"]}, "vote-not-counted", 3, 1),
        ({"votes": [{"person": "P-1", "vote": "for"}] * 2}, "outcome-against-votes", 6, 0),
        ({"votes": [{"person": f"P-{n}", "vote": "for"} for n in (1, 2, 3)]}, "outcome-against-votes", 6, 0.5),
        ({"votes": [{"person": f"P-{n}", "vote": "for"} for n in (1, 2, 3, 4)]}, None, 6, 2 / 3),
        ({"votes": [{"person": "P-1", "vote": "against"}]}, "dissent-without-reason", 6, 0),
        ({"outcome": "refused"}, None, 6, 0),
        ({"conditions": [{"what": "a test", "due": "2026-07-01"}]}, "condition-not-met", 6, 0),
        ({"conditions": [{"what": "a test", "due": "2026-07-01", "met": "2026-06-20"}]}, None, 6, 1),
        ({"conditions": [{"what": "a test", "due": "2027-07-01"}]}, None, 6, 1),
    ],
)
def test_what_a_decision_comes_to(
    tmp_path: Path, change: dict[str, Any], code: str | None, present: int, share: float
) -> None:
    found = measured(tmp_path, COMMITTEE, changed(DECISION, **change))
    assert code in codes(found) if code else codes(found) == []
    assert value(found, "present_for_decision") == present
    assert value(found, "approval_share_of_present") == pytest.approx(share, abs=1e-8)


def test_employees_of_the_supplier_have_no_say_unless_the_committee_is_the_suppliers(tmp_path: Path) -> None:
    paid = [member | ({"employer": "NOBODY"} if member["person"] == "P-6" else {}) for member in MEMBERS]
    assert value(measured(tmp_path / "a", changed(COMMITTEE, members=paid)), "present_for_decision") == 5
    own = changed(COMMITTEE, members=paid, organisation="nobody")
    assert value(measured(tmp_path / "b", own), "present_for_decision") == 6


def test_those_whose_term_is_over_or_who_only_advise_are_no_members(tmp_path: Path) -> None:
    changes: dict[str, dict[str, Any]] = {
        "P-7": {"until": "2026-02-01"},
        "P-8": {"adviser": True},
        "P-6": {"since": "2026-08-01"},
    }
    members = [member | changes.get(str(member["person"]), {}) for member in MEMBERS]
    found = measured(tmp_path, changed(COMMITTEE, members=members))
    assert value(found, "members") == 5
    assert "P-6 had no vote" in str(found.warnings[0].text).replace("p-6", "P-6")


def test_a_decision_about_another_state_is_none(tmp_path: Path) -> None:
    for number, state in enumerate(
        [
            {"version": "0", "files": STATE["files"]},
            {"version": "1"},
            {"version": "1", "files": {"model.onnx": "sha256:" + "0" * 64}},
        ]
    ):
        found = measured(tmp_path / str(number), COMMITTEE, changed(DECISION, state=state))
        assert codes(found) == ["decision-on-another-state", "no-decision-on-this-state"]
        assert value(found, "present_for_decision") == value(found, "approval_share_of_present") == 0
        assert value(found, "absent_categories") == 4


def test_service_must_not_begin_before_the_decision(tmp_path: Path) -> None:
    found = measured(tmp_path, changed(COMMITTEE, in_service_since="2026-05-01"))
    assert codes(found) == ["in-service-before-decision"]
    assert value(found, "approval_share_of_present") == 0


def test_the_record_of_releases_says_when_service_began(tmp_path: Path) -> None:
    silent = {name: value for name, value in COMMITTEE.items() if name != "in_service_since"}
    release = {"version": "1", "released": "2026-05-01T00:00:00Z", "model": "sha256:" + "0" * 64}
    registers = {"committee": silent, "committee-decisions": [DECISION], "releases": [release]}
    found = committee.function(registered(tmp_path, registers), Parameters(), InProcessRun())
    assert codes(found) == ["in-service-before-decision"]
    assert value(found, "approval_share_of_present") == 0


def test_a_condition_that_is_met_in_days_to_come_is_not_met(tmp_path: Path) -> None:
    condition = {"what": "a test", "due": "2026-07-01", "met": "2031-01-01"}
    found = measured(tmp_path, COMMITTEE, changed(DECISION, conditions=[condition]))
    assert codes(found) == ["condition-not-met"]
    assert value(found, "approval_share_of_present") == 0


def test_a_term_that_is_over_speaks_for_no_discipline(tmp_path: Path) -> None:
    lawyers = ("P-4", "P-8")
    members = [member for member in MEMBERS if member["person"] not in lawyers]
    once = {"person": "P-3", "employer": "House", "discipline": "law", "since": "2020-01-01", "until": "2021-12-31"}
    assert value(measured(tmp_path, changed(COMMITTEE, members=[*members, once])), "absent_categories") == 1


def test_nobody_has_two_terms_at_once(tmp_path: Path) -> None:
    twice = changed(COMMITTEE, members=[*MEMBERS, MEMBERS[2] | {"discipline": "law", "since": "2026-03-01"}])
    with pytest.raises(DescriptionError, match="p-3 has two terms on 2026-03-01"):
        measured(tmp_path, twice)


@pytest.mark.parametrize("same", ["p-6", "Ｐ－6", "P\u20106", "P\u2011\u200b6", " P-6 "])
def test_one_person_in_any_spelling(tmp_path: Path, same: str) -> None:
    assert value(measured(tmp_path, COMMITTEE, changed(DECISION, recused=[same])), "present_for_decision") == 5


@pytest.mark.parametrize("other", ["\u0420-6", "P-\u0a6c", "\u200b", "P\u00e9"])
def test_letters_that_look_alike_make_no_second_person(tmp_path: Path, other: str) -> None:
    with pytest.raises(DescriptionError, match="is no reference to a person") as caught:
        measured(tmp_path, COMMITTEE, changed(DECISION, recused=[other]))
    assert "不是人员代号" in caught.value.render("zh")


def test_the_worst_decision_and_the_last_word_decide(tmp_path: Path) -> None:
    refused = changed(DECISION, id="D-0", at="2026-05-01T10:00:00Z", outcome="refused", votes=[])
    assert value(measured(tmp_path / "a", COMMITTEE, refused, DECISION), "approval_share_of_present") == 1
    later = changed(DECISION, id="D-2", at="2026-11-01T10:00:00Z", present=["P-1", "P-3", "P-4"])
    found = measured(tmp_path / "b", COMMITTEE, later, DECISION)
    assert value(found, "present_for_decision") == 3
    assert value(found, "months_since_follow_up") < 1
    withdrawn = changed(DECISION, id="D-3", at="2026-11-02T10:00:00Z", outcome="refused")
    assert value(measured(tmp_path / "c", COMMITTEE, DECISION, withdrawn), "approval_share_of_present") == 0


def test_other_registers_show_that_time_went_on(tmp_path: Path) -> None:
    registers = {"committee": COMMITTEE, "committee-decisions": [DECISION], "disclosure": DISCLOSURE}
    found = committee.function(registered(tmp_path, registers), Parameters(), InProcessRun())
    assert value(found, "months_since_follow_up") == 13


DISCLOSURE = {"as_of": "2027-07-01", "intake": "https://example.org", "policy": "https://example.org/policy"}


def test_without_the_registers_nothing_is_measured(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as caught:
        committee.function(registered(tmp_path, {"committee": COMMITTEE}), Parameters(), InProcessRun())
    assert "committee-decisions" in caught.value.render("en")
