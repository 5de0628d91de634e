"""What collides has to be decided, what is due filed, and what nobody knows is a question, not a no."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.checks.governance.registered import registered
from tests.checks.running import InProcessRun, codes, metric
from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement, Parameters
from touchstone.checks.governance.obligations import obligations
from touchstone.errors import UnavailableError

FACTS = {
    "deploy.public_facing": True,
    "deploy.cii": False,
    "deploy.affects_individuals": False,
    "model.generative": False,
    "data.sensitive_personal": False,
    "data.exported": False,
    "data.important": "none",
    "data.faces_stored": "none",
    "org.network_products_in_china": False,
}
RECORD: dict[str, Any] = {
    "as_of": "2026-11-20",
    "facts": {"service.public_opinion": True, "org.central_state_body": False},
    "filings": [{"obligation": "cn/algorithm-filing", "owner": "P-1", "arose": "2026-09-01", "filed": "2026-09-14"}],
}
HERE = {"deployment": {"jurisdictions": ["CN"]}}


def measured(
    folder: Path, record: dict[str, Any] | None = None, facts: dict[str, Any] | None = None, **rest: Any
) -> tuple[Measurement, InProcessRun]:
    run = InProcessRun()
    subject = registered(folder, {"obligations": RECORD | (record or {})}, facts=FACTS | (facts or {}), **(HERE | rest))
    return obligations.function(subject, Parameters(), run), run


def counts(found: Measurement) -> tuple[int, int]:
    return int(metric(found, "undecided_conflicts").value), int(metric(found, "overdue_filings").value)


def test_a_record_in_order(tmp_path: Path) -> None:
    found, run = measured(tmp_path)
    assert counts(found) == (0, 0)
    assert codes(found) == ["confidence-of-the-law"]
    assert "not legal advice" in found.warnings[0].text.en
    assert all(control.passed for control in found.controls)
    assert len(found.controls) == 11
    report = json.loads(run.kept["obligation_report.json"])
    assert canonical_json(report) == run.kept["obligation_report.json"]
    applying = {row["id"]: row for row in report["applying"]}
    assert {"cn/algorithm-filing", "cn/keep-logs", "cn/incident-others"} <= set(applying)
    assert "cn/incident-critical-infrastructure" not in applying
    assert applying["cn/algorithm-filing"]["article"] == "Art. 24"
    assert applying["cn/algorithm-filing"]["stage"] == {"en": "operation", "zh": "运行"}


def test_a_fact_nobody_stated_leaves_its_obligations_open(tmp_path: Path) -> None:
    found, run = measured(tmp_path, {"facts": {"org.central_state_body": False}, "filings": []})
    assert counts(found) == (1, 0)
    assert codes(found)[0] == "obligation-undecided"
    assert "service.public_opinion: Can the service" in found.warnings[0].text.en
    (row,) = json.loads(run.kept["obligation_report.json"])["undecided"]
    assert (row["id"], row["questions"]) == ("cn/algorithm-filing", ["service.public_opinion"])


def filing(**changes: Any) -> dict[str, Any]:
    return {"filings": [RECORD["filings"][0] | changes]}


@pytest.mark.parametrize(
    ("changes", "overdue", "code"),
    [
        ({"filed": "2026-09-15"}, 0, None),
        ({"filed": "2026-09-16"}, 0, "filing-late"),
        ({"filed": None}, 1, "filing-overdue"),
        ({"filed": "2026-12-01"}, 1, "filing-overdue"),
        ({"filed": None, "arose": "2026-11-10"}, 0, None),
        ({"filed": None, "arose": "2026-11-10", "due": "2026-11-12"}, 1, "filing-overdue"),
        ({"due": "2026-09-14"}, 0, None),
        ({"due": "2026-09-13"}, 0, "filing-late"),
        ({"valid_until": "2026-11-19"}, 1, "filing-ended"),
        ({"valid_until": "2026-11-20"}, 0, None),
        ({"obligation": "cn/face-filing"}, 1, "filing-missing"),
    ],
)
def test_a_filing_has_ten_working_days(tmp_path: Path, changes: dict[str, Any], overdue: int, code: str | None) -> None:
    found, _ = measured(tmp_path, filing(**changes))
    assert counts(found) == (0, overdue)
    assert codes(found)[0] == (code or "confidence-of-the-law")


def test_holidays_give_more_time(tmp_path: Path) -> None:
    record = filing(filed="2026-09-16") | {"holidays": ["2026-09-03"]}
    assert codes(measured(tmp_path, record)[0]) == ["confidence-of-the-law"]


def test_a_duty_that_is_said_to_arise_later_is_named(tmp_path: Path) -> None:
    found, _ = measured(tmp_path, filing(filed=None, arose="2031-01-01"))
    assert counts(found) == (0, 0)
    assert "filing-to-come" in codes(found)


def test_the_newest_filing_counts(tmp_path: Path) -> None:
    old = RECORD["filings"][0] | {"arose": "2025-01-01", "filed": "2025-01-05", "valid_until": "2026-01-05"}
    assert counts(measured(tmp_path, {"filings": [RECORD["filings"][0], old]})[0]) == (0, 0)


def test_what_was_filed_hides_nothing_that_was_not(tmp_path: Path) -> None:
    changed = RECORD["filings"][0] | {"arose": "2026-08-01", "filed": None}
    found, _ = measured(tmp_path, {"filings": [*RECORD["filings"], changed]})
    assert (counts(found), codes(found)[0]) == ((0, 1), "filing-overdue")


def test_what_is_filed_every_year_is_filed_again(tmp_path: Path) -> None:
    yearly = {"obligation": "cn/important-data-risk-assessment", "owner": "P-1", "arose": "2024-01-01"}
    for filed, overdue in (("2025-11-20", 0), ("2025-11-19", 1)):
        record = {"filings": [*RECORD["filings"], yearly | {"filed": filed}]}
        found, _ = measured(tmp_path / filed, record, {"data.important": "declared"})
        assert counts(found) == (0, overdue)


def test_face_data_have_their_own_metric(tmp_path: Path) -> None:
    face = {"obligation": "cn/face-filing", "owner": "P-1", "arose": "2026-09-01", "filed": "2026-09-30"}
    record = {"filings": [*RECORD["filings"], face]}
    found, _ = measured(tmp_path, record, {"data.faces_stored": "from_100000"})
    assert metric(found, "face_filing_working_days").value == 21


VULNERABILITY = "conflict:give_undisclosed_vulnerability_abroad"


def test_what_must_and_must_not_go_abroad_is_decided_by_a_person(tmp_path: Path) -> None:
    both = {"deployment": {"jurisdictions": ["CN", "DE"]}}
    facts = {"org.network_products_in_china": True}
    stated = RECORD["facts"] | {"eu.digital_product": True, "eu.high_risk": False}
    found, _ = measured(tmp_path / "a", {"facts": stated}, facts, **both)
    assert counts(found) == (1, 0)
    assert codes(found)[0] == "conflict-undecided"
    decision = {
        "on": [VULNERABILITY],
        "owner": "P-2",
        "decided": "2026-10-01",
        "decision": "the ministry is asked first",
    }
    found, run = measured(tmp_path / "b", {"facts": stated, "decisions": [decision]}, facts, **both)
    assert counts(found) == (0, 0)
    (issue,) = json.loads(run.kept["obligation_report.json"])["issues"]
    assert (issue["id"], issue["owner"], issue["decision"]) == (VULNERABILITY, "p-2", "the ministry is asked first")
    later = decision | {"decided": "2026-12-01"}
    assert counts(measured(tmp_path / "c", {"facts": stated, "decisions": [later]}, facts, **both)[0]) == (1, 0)


def test_a_decision_about_nothing_is_named(tmp_path: Path) -> None:
    decision = {"on": [VULNERABILITY], "owner": "P-2", "decided": "2026-10-01", "decision": "x"}
    assert codes(measured(tmp_path, {"decisions": [decision]})[0])[0] == "decision-about-nothing"


def test_the_description_stands_against_the_register(tmp_path: Path) -> None:
    found, _ = measured(tmp_path, {"facts": RECORD["facts"] | {"deploy.cii": True}})
    assert counts(found) == (1, 0)
    assert codes(found)[0] == "contradicts-description"


@pytest.mark.parametrize(
    "facts", [{"service.public_opinion": "no"}, {"service.opinion": True}, {"incident.grade": "general"}]
)
def test_a_fact_that_cannot_be_used_is_named_and_counts_as_unknown(tmp_path: Path, facts: dict[str, Any]) -> None:
    stated = {"org.central_state_body": False} | facts
    found, _ = measured(tmp_path, {"facts": stated})
    assert "fact-not-understood" in codes(found)
    assert counts(found)[0] == 1


def test_a_demonstration_is_applied_by_name_and_says_so(tmp_path: Path) -> None:
    found, _ = measured(tmp_path / "a", {"packs": ["cn-automated-vehicles"]})
    assert codes(found)[-1] == "demonstration-data"
    assert counts(found)[0] > 10
    with pytest.raises(UnavailableError, match="no pack of law is called moon"):
        measured(tmp_path / "b", {"packs": ["moon"]})


@pytest.mark.parametrize(
    ("deployment", "said"), [({}, "not stated"), ({"jurisdictions": ["CN", "US"]}, "no pack of law for US")]
)
def test_where_nobody_knows_the_law_nothing_is_passed(tmp_path: Path, deployment: dict[str, Any], said: str) -> None:
    with pytest.raises(UnavailableError, match=said):
        measured(tmp_path, deployment=deployment)
