"""AVID gets one report for every failed control, in its own vocabulary."""

from __future__ import annotations

import json

from tests.evidence.projections.made import source
from touchstone.evidence.projections.avid import reports
from touchstone.evidence.projections.source import named_information


def test_only_failures_are_reported() -> None:
    assert list(reports(source())) == ["MI-01"]
    assert reports(source(constructs="0")) == {}


def test_a_report_says_what_was_measured_and_where_it_belongs() -> None:
    records = source()
    report = json.loads(reports(records)["MI-01"])
    assert report["impact"]["avid"]["sep_view"] == ["S0201: Model Compromise"]
    assert report["impact"]["avid"]["risk_domain"] == ["Security"]
    assert report["metrics"] == [
        {
            "name": "executable_constructs",
            "detection_method": {"type": "Static Threshold", "name": "exact <= 0 count"},
            "results": {"outcome": "fail", "compared": "2", "limit": "0", "basis": "guidance"},
        }
    ]
    assert report["reported_date"] == "2026-11-23"
    made = records.observations["model.format_scan"]
    assert [each["url"] for each in report["references"]] == [named_information(made.own_digest())]


def test_a_made_up_system_is_called_made_up() -> None:
    assert "Made up" in json.loads(reports(source())["MI-01"])["description"]["value"]
