"""OSCAL documents say what the findings say, and everything they refer to is there."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evidence.projections.made import SYSTEM, source
from touchstone.canonical import digest_of_json
from touchstone.evidence.projections import Source, project_all
from touchstone.evidence.projections.oscal.elements import prop
from touchstone.evidence.projections.oscal.milestones import plan_of_action
from touchstone.evidence.projections.oscal.plan import assessment_plan
from touchstone.evidence.projections.oscal.references import broken_references
from touchstone.evidence.projections.oscal.results import assessment_results
from touchstone.evidence.projections.source import named_information


@pytest.fixture(scope="module")
def records() -> Source:
    return source()


@pytest.fixture(scope="module")
def results(records: Source) -> dict[str, Any]:
    (result,) = json.loads(assessment_results(records, "plan.json"))["assessment-results"]["results"]
    assert isinstance(result, dict)
    return result


def props(element: dict[str, Any]) -> dict[str, str]:
    return {prop["name"]: prop["value"] for prop in element["props"]}


def test_every_reference_of_every_document_leads_somewhere(records: Source) -> None:
    for name, content in project_all(records).items():
        if "oscal" in name:
            assert broken_references(json.loads(content)) == ()


def test_each_applicable_control_has_a_finding_and_only_a_pass_is_satisfied(results: dict[str, Any]) -> None:
    status = {each["target"]["target-id"]: each["target"]["status"] for each in results["findings"]}
    assert status == {
        "MI-01": {"state": "not-satisfied", "reason": "fail"},
        "EV-01": {"state": "satisfied", "reason": "pass"},
        "EV-02": {"state": "not-satisfied", "reason": "other"},
        "SR-01": {"state": "not-satisfied", "reason": "other"},
        "GA-01": {"state": "not-satisfied", "reason": "other"},
    }
    assert {props(each)["verdict"] for each in results["findings"]} == {
        "pass",
        "fail",
        "inconclusive",
        "error",
        "not-tested",
    }


def test_controls_that_do_not_apply_are_excluded_by_name(results: dict[str, Any]) -> None:
    (selection,) = results["reviewed-controls"]["control-selections"]
    assert selection["exclude-controls"] == [{"control-id": "DS-08"}]
    assert {"control-id": "DS-08"} not in selection["include-controls"]


def test_only_a_failure_is_a_risk_with_threats_and_a_remedy(results: dict[str, Any]) -> None:
    (risk,) = results["risks"]
    assert risk["title"].startswith("MI-01")
    assert [threat["id"] for threat in risk["threat-ids"]] == [
        "https://atlas.mitre.org/techniques/AML.T0011.000",
        "https://cwe.mitre.org/data/definitions/502.html",
    ]
    assert risk["remediations"][0]["lifecycle"] == "recommendation"


def test_an_observation_names_its_evidence_by_digest(records: Source, results: dict[str, Any]) -> None:
    document = json.loads(assessment_results(records, "plan.json"))["assessment-results"]
    resources = {each["uuid"]: each for each in document["back-matter"]["resources"]}
    scan = next(each for each in results["observations"] if each["title"].startswith("model.format_scan"))
    made = records.observations["model.format_scan"]
    expected = [made.own_digest(), made.exhibits[0].digest]
    assert [props(each)["sha256"] for each in scan["relevant-evidence"]] == [
        digest.removeprefix("sha256:") for digest in expected
    ]
    for evidence, digest in zip(scan["relevant-evidence"], expected, strict=True):
        (link,) = resources[evidence["href"].removeprefix("#")]["rlinks"]
        assert link["href"] == named_information(digest)
        assert link["hashes"] == [{"algorithm": "SHA-256", "value": digest.removeprefix("sha256:")}]


def test_times_are_those_of_the_checks(records: Source, results: dict[str, Any]) -> None:
    assert (results["start"], results["end"]) == ("2026-11-23T08:00:00.250Z", "2026-11-23T08:00:01.750Z")
    plan = json.loads(assessment_plan(records))["assessment-plan"]
    assert plan["metadata"]["last-modified"] == results["start"]


def test_the_plan_knows_nothing_of_the_results(records: Source) -> None:
    plan = json.loads(assessment_plan(records))["assessment-plan"]
    titles = [each["title"] for each in plan["back-matter"]["resources"]]
    assert titles == ["system.json", "profile.json", "plan.json"]


def test_the_plan_lists_what_could_not_run_and_why(records: Source) -> None:
    plan = json.loads(assessment_plan(records))["assessment-plan"]
    idle = [each for each in plan["local-definitions"]["activities"] if props(each)["runs"] == "false"]
    assert [each["remarks"] for each in idle] == ["nothing personal / 无个人数据"]
    assert len(plan["tasks"]) == 3


def test_what_stands_open_becomes_an_item(records: Source) -> None:
    document = json.loads(plan_of_action(records))["plan-of-action-and-milestones"]
    assert [item["title"].split()[0] for item in document["poam-items"]] == ["MI-01", "EV-02", "SR-01", "GA-01"]
    assert document["system-id"]["id"] == SYSTEM


def test_values_stay_on_one_line_whatever_the_description_says(records: Source) -> None:
    text = assessment_results(records, "plan.json").decode()
    assert '"name":"supplier","ns":"urn:touchstone:oscal","value":"Example Works GmbH"' in text


@given(st.text(max_size=20))
def test_a_property_keeps_to_the_grammar_of_oscal(value: str) -> None:
    assert re.fullmatch(r"\S(.*\S)?", prop("name", value)["value"])


def test_names_follow_from_the_content(records: Source) -> None:
    document = json.loads(assessment_results(records, "plan.json"))["assessment-results"]
    other = json.loads(assessment_results(source(constructs="3"), "plan.json"))["assessment-results"]
    assert uuid.UUID(document["uuid"]).version == 5
    assert document["uuid"] != other["uuid"]
    assert document["results"][0]["observations"][0]["uuid"] != other["results"][0]["observations"][0]["uuid"]
    assert digest_of_json(document) != digest_of_json(other)


def test_without_a_check_that_ran_there_is_no_date_and_no_document() -> None:
    names = project_all(source(executions={}))
    assert not any("oscal" in name for name in names)
    with pytest.raises(ValueError, match="no check ran"):
        assessment_plan(source(executions={}))
