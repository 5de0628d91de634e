"""`touchstone checks affected`: what a change puts in question, for people and for programs."""

from __future__ import annotations

import json

import pytest

from tests.cli.program import run


def test_it_lists_the_checks_that_read_a_part(capsys: pytest.CaptureFixture[str]) -> None:
    listed = run(capsys, "checks", "affected", "components").out.split()
    assert "supply.aibom" in listed
    assert "model.performance" not in listed


def test_with_a_profile_it_lists_controls_too(capsys: pytest.CaptureFixture[str]) -> None:
    shown = run(capsys, "checks", "affected", "model", "--profile", "digital-healthcare", "--format", "json")
    found = json.loads(shown.out)
    assert "model.performance" in found["checks"]
    assert {"MI-09", "SR-01"} <= set(found["controls"])
    assert "SR-10" not in found["controls"]


@pytest.mark.parametrize("part", ["models", "data.validation", "registers.", "registers.flow"])
def test_what_is_no_part_is_refused(capsys: pytest.CaptureFixture[str], part: str) -> None:
    refused = run(capsys, "checks", "affected", "model", part)
    assert (refused.code, f"{part} is no part of a system" in refused.err) == (2, True)
