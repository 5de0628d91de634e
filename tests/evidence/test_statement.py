"""What signed statements say: the published schemas describe them, and nothing untested is left unsaid."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.evidence.made import CHECK, ISSUED, PROFILE, Laboratory, assessment, observation
from touchstone.canonical import digest_of
from touchstone.errors import EvidenceError
from touchstone.evidence.certificate import decide
from touchstone.evidence.envelope import Envelope
from touchstone.evidence.layout import StatementName
from touchstone.evidence.recognition import recognise
from touchstone.evidence.replication import compare, replication_statement
from touchstone.evidence.statement import AssessmentPredicate, Statement, assessment_statement
from touchstone.laboratory.certifying import change_status, write_snapshot
from touchstone.records import Finding, Metric, Note, Verdict
from touchstone.signatures.keys import generate
from touchstone.text import Text

SCHEMAS = Path(__file__).parents[2] / "docs" / "reference" / "predicates"
DIGEST = digest_of(b"something")


@pytest.fixture(scope="module")
def statements(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Statement]:
    """One of every kind, by the name in its predicate type."""
    folder = tmp_path_factory.mktemp("statements")
    laboratory = Laboratory.in_folder(folder / "lab")
    passed = laboratory.assess(folder / "passed")
    refused = laboratory.assess(folder / "refused", accuracy="0.5")
    files = [passed / name.file for name in StatementName if (passed / name.file).exists()]
    files.append(refused / StatementName.REFUSAL.file)
    files.append(change_status(passed, "suspend", laboratory.key, reason="incident", effective=ISSUED))
    files.append(
        write_snapshot(
            [passed],
            folder / "snapshot",
            laboratory.key,
            issuer="Lab",
            as_of=ISSUED,
            valid_for=timedelta(days=7),
        )
    )
    found = [Envelope.from_bytes(file.read_bytes(), file.name).statement(file.name) for file in files]
    found.append(
        recognise(
            "Lab B",
            generate(folder / "other", None),
            recogniser="Regulator",
            profiles=("p",),
            levels=("AL1",),
            issued=ISSUED,
            until=ISSUED + timedelta(days=1),
        )
    )
    observed = {CHECK.id: observation("0.95")}
    found.append(
        replication_statement(
            laboratory="Lab B",
            envelope=DIGEST,
            evidence=DIGEST,
            finished=ISSUED,
            tool="touchstone test",
            first=(assessment(), observed),
            second=(assessment(), observed),
        )
    )
    return {statement.predicate_type.split(":")[3]: statement for statement in found}


@pytest.mark.parametrize(
    "name", ["plan", "assessment", "certificate", "refusal", "status", "status-list", "recognition", "replication"]
)
def test_every_statement_fits_its_published_schema_and_no_other(name: str, statements: dict[str, Statement]) -> None:
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    validator = Draft202012Validator(schema)
    assert schema["$id"] == statements[name].predicate_type
    validator.check_schema(schema)
    assert [error.message for error in validator.iter_errors(statements[name].predicate)] == []
    others: dict[str, Any] = {other: each.predicate for other, each in statements.items() if other != name}
    assert len(others) == 7
    assert [other for other, predicate in others.items() if validator.is_valid(predicate)] == []


def test_what_was_not_tested_is_always_stated() -> None:
    tested = assessment()
    untested = Finding(
        control="EV-02",
        verdict=Verdict.NOT_TESTED,
        required=True,
        gate=False,
        severity="low",
        reason=Note(code="no-test-yet", text=Text("no test", "无测试")),
    )
    with_gap = tested.model_copy(update={"findings": (*tested.findings, untested)})
    for made, expected in ((tested, []), (with_gap, ["EV-02"])):
        statement = assessment_statement(made, evidence=DIGEST, reproducible=DIGEST)
        stated = AssessmentPredicate.from_json(statement.predicate, "statement").not_tested
        assert [item.control for item in stated] == expected
    without = {key: value for key, value in statement.predicate.items() if key != "notTested"}
    with pytest.raises(EvidenceError, match="notTested"):
        AssessmentPredicate.from_json(without, "statement")


def test_a_certificate_says_how_fresh_its_status_must_be() -> None:
    made = assessment()
    statement = decide(
        made, PROFILE, assessment_envelope=DIGEST, evidence=DIGEST, holder="H", issuer="I", issued=ISSUED
    )
    assert statement.predicate["status"] == {"maxAgeSeconds": 604800}


@pytest.mark.parametrize(
    ("value", "low", "high", "agreement"),
    [
        ("0.95", "0.94", "0.96", "identical"),
        ("0.9500001", "0.94", "0.96", "within-tolerance"),
        ("0.96", "0.95", "0.97", "overlapping-intervals"),
        ("0.98", "0.96", "0.99", "overlapping-intervals"),  # the intervals touch
        ("0.98", "0.97", "0.99", "not-reproduced"),
        ("0.96", None, None, "not-reproduced"),
    ],
)
def test_how_two_measurements_agree(value: str, low: str | None, high: str | None, agreement: str) -> None:
    first = observation("0.95")
    metric = Metric.model_validate(
        {"id": "accuracy", "unit": "share", "value": value, "low": low, "high": high, "n": 1000, "better": "higher"}
    )
    second = first.model_copy(update={"metrics": (metric,)})
    (result,) = compare({CHECK.id: first}, {CHECK.id: second})
    assert result.agreement == agreement


def test_what_only_one_laboratory_measured_is_not_reproduced() -> None:
    (result,) = compare({CHECK.id: observation("0.95")}, {})
    assert (result.agreement, result.replicated) == ("not-reproduced", None)
