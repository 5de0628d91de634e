"""SARIF places what was found in files at their bytes, and never believes what a hostile check wrote."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evidence.projections.made import scan_findings, source
from touchstone.canonical import canonical_json
from touchstone.evidence.projections.sarif import sarif_log


def run(findings: bytes | None = None) -> dict[str, Any]:
    (only,) = json.loads(sarif_log(source(findings=findings)))["runs"]
    assert isinstance(only, dict)
    return only


def at(result: dict[str, Any]) -> dict[str, Any]:
    physical: dict[str, Any] = result["locations"][0]["physicalLocation"]
    return physical


def about_files(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [result for result in found["results"] if result["ruleId"].startswith("model.format_scan")]


def test_a_clean_file_passes_and_a_construct_fails_at_its_byte() -> None:
    clean, pickle, *_ = about_files(run())
    assert (clean["kind"], clean["level"]) == ("pass", "none")
    assert (pickle["kind"], pickle["level"]) == ("fail", "error")
    assert at(pickle)["region"] == {"byteOffset": 7, "byteLength": 1}
    assert at(pickle)["artifactLocation"]["uri"] == "model/pre%20processing.pkl"


def test_an_offset_inside_a_member_is_not_given_for_the_archive() -> None:
    member = about_files(run())[2]
    assert at(member)["region"]["byteOffset"] == 0
    assert member["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "model/bundle.zip!inner.pkl"
    assert "(byte 3)" in member["message"]["text"]


def test_a_file_that_was_not_understood_is_open_not_clean() -> None:
    assert [(each["ruleId"], each["kind"]) for each in about_files(run())[3:]] == [
        ("model.format_scan/file-not-understood", "open")
    ]


def test_hostile_text_becomes_neither_link_nor_placeholder() -> None:
    text = about_files(run())[1]["message"]["text"]
    assert "\\[click\\](http://x.example) {{0}}" in text


def test_controls_keep_their_verdict() -> None:
    kinds = {each["ruleId"]: (each["kind"], each["level"]) for each in run()["results"] if "-" in each["ruleId"][:3]}
    assert kinds == {
        "MI-01": ("fail", "error"),
        "EV-01": ("pass", "none"),
        "EV-02": ("open", "none"),
        "SR-01": ("review", "none"),
        "GA-01": ("review", "none"),
        "DS-08": ("notApplicable", "none"),
    }


def test_programs_find_the_ids_beside_sentences_that_people_read() -> None:
    scanned = next(each for each in run()["results"] if each["ruleId"] == "MI-01")
    assert scanned["properties"]["reason"] == "bound-misses-limit"
    assert scanned["properties"]["metrics"] == ["executable_constructs"]
    assert "“executable_constructs” is 2, above the limit of 0" in scanned["message"]["text"]


def test_rules_are_where_their_index_says() -> None:
    found = run()
    rules = found["tool"]["driver"]["rules"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in found["results"])
    assert len({rule["id"] for rule in rules}) == len(rules)


@pytest.mark.parametrize(
    "change",
    [
        {"path": "/etc/passwd"},
        {"path": "model/m.onnx\ud800"},
        {"sha256": "0" * 64},
        {"size": -1},
        {"size": True},
        {"findings": [{}]},
        {"findings": "none"},
        {"gaps": [{"en": "x"}]},
        {"extra": 1},
    ],
)
def test_what_is_not_the_scan_of_these_files_is_left_out_and_said_so(change: dict[str, Any]) -> None:
    findings = scan_findings()
    findings["files"][0] |= change
    found = run(json.dumps(findings).encode())
    assert about_files(found) == []
    assert found["artifacts"] == []
    (notification,) = found["invocations"][0]["toolExecutionNotifications"]
    assert notification["level"] == "error"


@given(st.binary(max_size=60))
def test_no_exhibit_makes_the_projection_fall_over(content: bytes) -> None:
    assert about_files(run(content)) == []


def test_fingerprints_follow_the_finding_not_the_run() -> None:
    first, second = run(), run(canonical_json(scan_findings() | {"files": scan_findings()["files"][1:]}))
    assert [each.get("partialFingerprints") for each in about_files(first)[1:]] == [
        each.get("partialFingerprints") for each in about_files(second)
    ]
