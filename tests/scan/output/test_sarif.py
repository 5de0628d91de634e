"""SARIF places findings at their bytes, keeps what is allowed as suppressed, and says what was not read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scan.made import digest, every_kind, file, finding, result
from touchstone.scan.findings import ScanResult
from touchstone.scan.output.sarif import to_sarif


def run(scanned: ScanResult | None = None, folder: str = "") -> dict[str, Any]:
    (only,) = json.loads(to_sarif(scanned or every_kind(), "en", folder))["runs"]
    assert isinstance(only, dict)
    return only


def test_a_finding_lies_at_its_bytes() -> None:
    evil = run()["results"][0]
    place = evil["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 1, "byteOffset": 7, "byteLength": 3}
    assert place["artifactLocation"] == {"uri": "models/%3Cb%3Eevil.pkl", "index": 2}
    assert (evil["kind"], evil["level"], evil["ruleId"]) == ("fail", "error", "link/leads-out")


def test_an_offset_in_a_member_is_not_given_for_the_archive() -> None:
    inner = run()["results"][1]["locations"][0]
    assert inner["physicalLocation"]["region"] == {"startLine": 1, "byteOffset": 0, "byteLength": 100}
    assert inner["logicalLocations"][0]["fullyQualifiedName"] == "models/<b>evil.pkl!inner/data.pkl"
    assert inner["properties"] == {"byteOffsetInMember": 3, "byteLengthInMember": 3}


def test_information_fails_nothing() -> None:
    assert (run()["results"][2]["kind"], run()["results"][2]["level"]) == ("informational", "none")


def test_what_is_allowed_is_suppressed_with_its_reason() -> None:
    (suppressed,) = [each for each in run()["results"] if "suppressions" in each]
    assert suppressed["suppressions"] == [
        {
            "kind": "external",
            "status": "accepted",
            "justification": "reviewed <by> us (A. Person)",
            "properties": {"expires": "2027-01-31"},
        }
    ]


def test_what_was_not_understood_is_a_notification() -> None:
    notifications = run()["invocations"][0]["toolExecutionNotifications"]
    assert [(each["level"], each.get("descriptor", {}).get("id")) for each in notifications] == [
        ("warning", "gap/format"),
        ("warning", "gap/limit"),
        ("note", "gap/format"),
        ("warning", None),
    ]
    assert notifications[1]["message"]["text"] == "models/<b>evil.pkl!second: no reader for format psd."


def test_every_file_is_listed_with_its_digest() -> None:
    artifacts = run()["artifacts"]
    assert [each["hashes"]["sha-256"] for each in artifacts] == [digest(each.path) for each in every_kind().files]
    assert all("index" not in each["location"] for each in artifacts)


def test_a_rule_says_how_bad_it_is_and_what_to_do() -> None:
    (rule,) = run()["tool"]["driver"]["rules"]
    assert rule["properties"]["security-severity"] == "5.5"
    assert "external/cwe/cwe-59" in rule["properties"]["tags"]
    assert rule["help"]["markdown"].startswith(rule["help"]["text"])
    assert all(each["ruleIndex"] == 0 for each in run()["results"])


def test_hostile_text_becomes_neither_link_nor_placeholder() -> None:
    text = run()["results"][0]["message"]["text"]
    assert text == "os.system('id'): Runs a command \\[of\\](https://example.org) {{the}} system."


def test_paths_are_those_in_the_repository() -> None:
    artifact = run(folder="my models/")["artifacts"][0]
    assert artifact["location"]["uri"] == "my%20models/clean%20%26%20neat.safetensors"


def test_fingerprints_follow_the_finding_not_the_run() -> None:
    alone = run(result(file("models/review.pkl", findings=every_kind().files[4].findings)))["results"][0]
    (before,) = [each for each in run()["results"] if "review" in json.dumps(each["locations"])]
    assert alone["partialFingerprints"] == before["partialFingerprints"]
    moved = run(result(file("models/review.pkl", findings=(finding("models/review.pkl", offset=8),))))["results"][0]
    assert moved["partialFingerprints"] != before["partialFingerprints"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_same_result_gives_the_same_bytes(language: Any) -> None:
    assert to_sarif(every_kind(), language) == to_sarif(every_kind(), language)
    assert to_sarif(result(), language)
