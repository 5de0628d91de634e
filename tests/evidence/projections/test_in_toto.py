"""The in-toto predicates have the fields their specifications require."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.evidence import made
from tests.evidence.projections.made import SYSTEM, source
from touchstone.canonical import digest_of
from touchstone.evidence import projections
from touchstone.evidence.certificate import Certificate, decide


def certificate(issuer: str) -> Certificate:
    decided = decide(
        made.assessment(),
        made.PROFILE,
        assessment_envelope=digest_of(b"envelope"),
        evidence=digest_of(b"evidence"),
        holder="Example",
        issuer=issuer,
        issued=datetime(2026, 11, 23, tzinfo=UTC),
    )
    return Certificate.from_json(decided.predicate, "certificate")


def test_a_test_result_lists_every_control_that_was_a_test() -> None:
    statement = projections.test_result(source().assessment)
    assert (statement.predicate_type, statement.subject_digest) == (projections.TEST_RESULT, SYSTEM)
    assert statement.predicate["result"] == "FAILED"
    assert {name: statement.predicate[name] for name in ("passedTests", "warnedTests", "failedTests")} == {
        "passedTests": ["EV-01"],
        "warnedTests": ["EV-02", "GA-01"],
        "failedTests": ["MI-01", "SR-01"],
    }
    assert all("digest" in each for each in statement.predicate["configuration"])


def test_a_verification_result_names_its_policies_in_the_verifier() -> None:
    statement = projections.simple_verification_result(certificate("https://lab.example"))
    assert statement.predicate_type == projections.SIMPLE_VERIFICATION_RESULT
    assert set(statement.predicate) == {"verifier", "timeCreated", "properties"}
    verifier = statement.predicate["verifier"]
    assert verifier["id"] == "https://lab.example"
    (policy,) = verifier["policies"]
    assert policy["digest"] == {"sha256": made.PROFILE.own_digest().removeprefix("sha256:")}
    assert statement.predicate["properties"] == ["TOUCHSTONE_EV-01"]


def test_a_verifier_is_always_a_uri() -> None:
    statement = projections.simple_verification_result(certificate("Example Lab 试金石"))
    assert statement.predicate["verifier"]["id"].startswith("urn:touchstone:issuer:Example%20Lab%20%E8")
