"""The decision: what it says, when it ends, and that it is the only one that follows."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evidence.made import ISSUED, PROFILE, assessment
from touchstone.canonical import digest_of
from touchstone.errors import EvidenceError
from touchstone.evidence.certificate import Certificate, Refusal, decide, has_own_number, instant
from touchstone.evidence.statement import Statement

ENVELOPE, MANIFEST = digest_of(b"envelope"), digest_of(b"manifest")


def decided(accuracy: str, *, issued: datetime = ISSUED, holder: str = "Holder", months: int = 12) -> Statement:
    profile = PROFILE.model_copy(update={"certificate_months": months})
    made = assessment(accuracy)
    identity = made.profile.model_copy(update={"digest": profile.own_digest()})
    return decide(
        made.model_copy(update={"profile": identity}),
        profile,
        assessment_envelope=ENVELOPE,
        evidence=MANIFEST,
        holder=holder,
        issuer="Lab",
        issued=issued,
    )


def certificate(*, issued: datetime = ISSUED, holder: str = "Holder", months: int = 12) -> Certificate:
    statement = decided("0.95", issued=issued, holder=holder, months=months)
    return Certificate.from_json(statement.predicate, "certificate")


def test_a_passed_assessment_gives_a_certificate() -> None:
    statement = decided("0.95")
    assert statement.predicate_type == "urn:touchstone:predicate:certificate:v1"
    found = Certificate.from_json(statement.predicate, "certificate")
    decision = found.decision
    assert has_own_number(found)
    assert statement.subject_digest == decision.system.digest
    assert (decision.basis.assessment, decision.basis.evidence) == (ENVELOPE, MANIFEST)
    assert [(item.control, item.verdict.value) for item in decision.scope] == [("EV-01", "pass")]
    assert decision.outside_scope == ("EV-99",)
    assert [(limit.control, limit.metric) for limit in decision.pilot_limits] == [("EV-01", "accuracy")]
    assert decision.coverage.tested == 1


def test_its_words_claim_no_more_than_the_test() -> None:
    text = certificate().decision.text
    assert "was tested against profile Test profile (test-profile), edition 2026-11." in text.en
    assert "测试档案" in text.zh
    assert "2026-11 版测评" in text.zh
    assert "made up" in text.en  # the example system is synthetic, and every text says so
    assert "虚构" in text.zh
    assert not {"compliant", "secure", "safe"} & set(text.en.split())


@pytest.mark.parametrize(("accuracy", "verdict"), [("0.5", "fail"), ("0.9", "inconclusive")])
def test_anything_else_gives_a_refusal_with_the_obstacles(accuracy: str, verdict: str) -> None:
    statement = decided(accuracy)
    assert statement.predicate_type == "urn:touchstone:predicate:refusal:v1"
    refusal = Refusal.from_json(statement.predicate, "refusal")
    assert has_own_number(refusal)
    (obstacle,) = refusal.obstacles
    assert (obstacle.control, obstacle.verdict.value) == ("EV-01", verdict)
    assert obstacle.reason.text.en
    assert obstacle.reason.text.zh


def test_the_number_follows_from_the_content() -> None:
    assert certificate().id == certificate().id
    assert certificate().id != certificate(holder="Somebody else").id
    forged = certificate().model_copy(update={"id": "TC-0000000000000000"})
    assert not has_own_number(forged)


@pytest.mark.parametrize(
    ("issued", "months", "end"),
    [
        ("2026-11-23T09:00:00Z", 12, "2027-11-23T09:00:00Z"),
        ("2027-01-31T00:00:00Z", 1, "2027-02-28T00:00:00Z"),
        ("2028-01-31T00:00:00Z", 1, "2028-02-29T00:00:00Z"),
        ("2028-02-29T00:00:00Z", 12, "2029-02-28T00:00:00Z"),
        ("2026-12-15T00:00:00Z", 1, "2027-01-15T00:00:00Z"),
        ("2026-11-30T23:59:59Z", 13, "2027-12-30T23:59:59Z"),
    ],
)
def test_validity_counts_calendar_months(issued: str, months: int, end: str) -> None:
    validity = certificate(issued=instant(issued), months=months).validity
    assert (validity.not_before, validity.not_after) == (issued, end)


@settings(deadline=None)
@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.integers(1, 60))
def test_a_certificate_always_ends_later_than_it_begins(issued: datetime, months: int) -> None:
    validity = certificate(issued=issued.replace(tzinfo=UTC), months=months).validity
    days = (instant(validity.not_after) - instant(validity.not_before)).days
    assert 28 * months <= days <= 31 * months


def test_times_are_stated_in_utc() -> None:
    china = datetime(2026, 11, 23, 17, 0, tzinfo=timezone(timedelta(hours=8)))
    assert certificate(issued=china).decision.issued == "2026-11-23T09:00:00Z"
    with pytest.raises(ValueError, match="no time zone"):
        certificate(issued=datetime(2026, 11, 23))


def test_the_profile_must_be_the_one_of_the_assessment() -> None:
    other = PROFILE.model_copy(update={"edition": "2099-01"})
    with pytest.raises(ValueError, match="another profile"):
        decide(
            assessment(),
            other,
            assessment_envelope=ENVELOPE,
            evidence=MANIFEST,
            holder="Holder",
            issuer="Lab",
            issued=ISSUED,
        )


def test_a_refusal_cannot_be_read_as_a_certificate() -> None:
    with pytest.raises(EvidenceError, match="is not a valid Certificate"):
        Certificate.from_json(decided("0.5").predicate, "refusal.dsse.json")
