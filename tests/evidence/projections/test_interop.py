"""Tools of the formats' own makers accept our documents, and refuse broken ones.

`TOUCHSTONE_INTEROP_DOCUMENTS` names a virtual environment with compliance-trestle, sarif-tools, avidtools,
in-toto-attestation and cyclonedx-python-lib[validation]; `TOUCHSTONE_SARIF_MULTITOOL` names the program of
Microsoft's `sarif-multitool`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.evidence.projections.made import source
from touchstone.evidence.projections import project_all

pytestmark = pytest.mark.interop

OSCAL = ("assessment-plan", "assessment-results", "plan-of-action-and-milestones")


@pytest.fixture(scope="module")
def documents() -> dict[str, bytes]:
    return project_all(source())


def program(name: str) -> str:
    folder = os.environ.get("TOUCHSTONE_INTEROP_DOCUMENTS")
    found = shutil.which(name, path=f"{folder}/bin" if folder else None)
    if found is None or folder is None:
        pytest.skip(f"{name} is not installed where TOUCHSTONE_INTEROP_DOCUMENTS says")
    return found


def run(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def python(code: str, content: bytes, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python of the tools' environment on a document named by its first argument."""
    (folder / "document.json").write_bytes(content)
    return run(program("python"), "-c", code, str(folder / "document.json"), folder=folder)


def broken(content: bytes, change: Callable[[Any], object]) -> bytes:
    document = json.loads(content)
    change(document)
    return json.dumps(document).encode()


def trestle(folder: Path, content: bytes, kind: str) -> bool:
    """Whether trestle imports a document, and validates what it imported."""
    trestle = program("trestle")
    work = folder / "trestle"
    work.mkdir()
    assert run(trestle, "init", folder=work).returncode == 0
    (folder / f"{kind}.json").write_bytes(content)
    imported = run(trestle, "import", "-f", str(folder / f"{kind}.json"), "-o", "ours", folder=work)
    if imported.returncode != 0:
        return False
    return run(trestle, "validate", "-t", kind, "-n", "ours", folder=work).returncode == 0


@pytest.mark.parametrize("kind", OSCAL)
def test_trestle_accepts_our_oscal(documents: dict[str, bytes], tmp_path: Path, kind: str) -> None:
    assert trestle(tmp_path, documents[f"projections/oscal/{kind}.json"], kind)


@pytest.mark.parametrize("kind", OSCAL)
def test_trestle_refuses_broken_oscal(documents: dict[str, bytes], tmp_path: Path, kind: str) -> None:
    content = broken(
        documents[f"projections/oscal/{kind}.json"], lambda document: document[kind]["metadata"].pop("last-modified")
    )
    assert not trestle(tmp_path, content, kind)


CYCLONEDX = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
text = open(sys.argv[1], encoding="utf-8").read()
version = SchemaVersion.V1_6 if '"specVersion":"1.6"' in text.replace(" ", "") else SchemaVersion.V1_7
sys.exit(JsonStrictValidator(version).validate_str(text) is not None)
"""


@pytest.mark.parametrize("version", ["1.6", "1.7"])
def test_cyclonedx_accepts_our_bill_of_materials_and_refuses_a_broken_one(
    documents: dict[str, bytes], tmp_path: Path, version: str
) -> None:
    content = documents[f"projections/cyclonedx/bom-{version}.cdx.json"]
    accepted = python(CYCLONEDX, content, tmp_path)
    assert accepted.returncode == 0, accepted.stderr

    def score_two(document: Any) -> None:
        document["declarations"]["attestations"][0]["map"][0]["conformance"]["score"] = 2

    assert python(CYCLONEDX, broken(content, score_two), tmp_path).returncode == 1


def multitool() -> str:
    found = os.environ.get("TOUCHSTONE_SARIF_MULTITOOL") or shutil.which("sarif-multitool")
    if found is None:
        pytest.skip("sarif-multitool is not installed; TOUCHSTONE_SARIF_MULTITOOL names it")
    return found


def multitool_errors(folder: Path, content: bytes) -> list[str]:
    """Rules of Microsoft's validator that find an error."""
    (folder / "ours.sarif").write_bytes(content)
    command = (multitool(), "validate", "ours.sarif", "--output", "validated.sarif", "--log", "ForceOverwrite")
    finished = run(*command, folder=folder)
    assert (folder / "validated.sarif").exists(), finished.stdout + finished.stderr
    (validated,) = json.loads((folder / "validated.sarif").read_text(encoding="utf-8-sig"))["runs"]
    return [result["ruleId"] for result in validated.get("results", []) if result.get("level") == "error"]


def test_microsofts_validator_accepts_our_sarif_and_refuses_a_broken_one(
    documents: dict[str, bytes], tmp_path: Path
) -> None:
    content = documents["projections/sarif/findings.sarif"]
    assert multitool_errors(tmp_path, content) == []

    def unknown_rule(document: Any) -> None:
        document["runs"][0]["results"][0]["ruleIndex"] = 99

    assert multitool_errors(tmp_path, broken(content, unknown_rule)) != []


def test_sarif_tools_count_what_we_found(documents: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "ours.sarif").write_bytes(documents["projections/sarif/findings.sarif"])
    finished = run(program("sarif"), "summary", "ours.sarif", folder=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert "error: 3" in finished.stdout


AVID = """
import sys
from avidtools.datamodels.report import Report
Report.model_validate_json(open(sys.argv[1], encoding="utf-8").read())
"""


def test_avidtools_accept_our_report_and_refuse_a_broken_one(documents: dict[str, bytes], tmp_path: Path) -> None:
    content = documents["projections/avid/MI-01.json"]
    accepted = python(AVID, content, tmp_path)
    assert accepted.returncode == 0, accepted.stderr

    def unknown_category(document: Any) -> None:
        document["impact"]["avid"]["sep_view"] = ["S9999: Nothing"]

    assert python(AVID, broken(content, unknown_category), tmp_path).returncode != 0


IN_TOTO = """
import json, sys
from google.protobuf.json_format import ParseDict
from in_toto_attestation.predicates.test_result.v0.test_result_pb2 import TestResult
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage
document = json.load(open(sys.argv[1], encoding="utf-8"))
message = ParseDict(document, StatementMessage())
statement = Statement([], message.predicate_type, document["predicate"])
statement.pb = message
statement.validate()
ParseDict(document["predicate"], TestResult())
"""


def test_the_classes_of_in_toto_accept_our_test_result_and_refuse_a_broken_one(
    documents: dict[str, bytes], tmp_path: Path
) -> None:
    content = documents["projections/in-toto/test-result.json"]
    accepted = python(IN_TOTO, content, tmp_path)
    assert accepted.returncode == 0, accepted.stderr
    unknown_field = broken(content, lambda document: document["predicate"].update(failed=["MI-01"]))
    assert python(IN_TOTO, unknown_field, tmp_path).returncode != 0
    no_digest = broken(content, lambda document: document["subject"][0].pop("digest"))
    assert python(IN_TOTO, no_digest, tmp_path).returncode != 0
