"""Tools of the formats' own makers accept what a scan writes, and refuse it broken.

`TOUCHSTONE_INTEROP_DOCUMENTS` names a virtual environment with cyclonedx-python-lib[validation];
`TOUCHSTONE_SARIF_MULTITOOL` names the program of Microsoft's `sarif-multitool`, which knows GitHub's rules as well.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.evidence.projections.test_interop import CYCLONEDX, broken, multitool, python, run
from tests.scan.made import every_kind, result
from tests.scan.output.documents import hub_folder
from touchstone.scan.findings import ScanResult
from touchstone.scan.output.cyclonedx import to_cyclonedx
from touchstone.scan.output.sarif import to_sarif

pytestmark = pytest.mark.interop

RESULTS = [every_kind(), result(*hub_folder())]


def errors(folder: Path, content: bytes) -> list[str]:
    """Rules of the standard and of GitHub code scanning that a log breaks."""
    (folder / "ours.sarif").write_bytes(content)
    command = (multitool(), "validate", "ours.sarif", "--output", "validated.sarif", "--log", "ForceOverwrite")
    finished = run(*command, "--rule-kind", "Sarif;Ghas", folder=folder)
    assert (folder / "validated.sarif").exists(), finished.stdout + finished.stderr
    (validated,) = json.loads((folder / "validated.sarif").read_text(encoding="utf-8-sig"))["runs"]
    return [each["ruleId"] for each in validated.get("results", []) if each.get("level") == "error"]


@pytest.mark.parametrize("scanned", RESULTS)
def test_github_code_scanning_would_accept_our_log(tmp_path: Path, scanned: ScanResult) -> None:
    assert errors(tmp_path, to_sarif(scanned, "en")) == []


def test_a_log_without_help_would_be_refused(tmp_path: Path) -> None:
    def no_help(document: Any) -> None:
        del document["runs"][0]["tool"]["driver"]["rules"][0]["help"]

    assert errors(tmp_path, broken(to_sarif(every_kind(), "en"), no_help)) != []


@pytest.mark.parametrize("scanned", RESULTS)
def test_cyclonedx_accepts_our_bill_of_materials(tmp_path: Path, scanned: ScanResult) -> None:
    accepted = python(CYCLONEDX, to_cyclonedx(scanned, "zh"), tmp_path)
    assert accepted.returncode == 0, accepted.stderr


def test_cyclonedx_refuses_a_broken_one(tmp_path: Path) -> None:
    def no_type(document: Any) -> None:
        del document["components"][0]["type"]

    content = broken(to_cyclonedx(result(*hub_folder()), "en"), no_type)
    assert python(CYCLONEDX, content, tmp_path).returncode == 1
