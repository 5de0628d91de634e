"""Documents read by people, from the signed review to the verdict and its verification."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.building import prediction_system
from tests.cli.program import run
from touchstone.api import assess, open_system, verify
from touchstone.assessment.conclusion import assessment_of
from touchstone.errors import EvidenceError, UserError
from touchstone.laboratory.recording import read_recorded
from touchstone.laboratory.rejudging import find_bundle, judge_again
from touchstone.laboratory.reviewing import asked_documents, read_reviews
from touchstone.records import Verdict
from touchstone.signatures.keys import generate, load_public_key, load_signing_key
from touchstone.standard.catalog import load_standard
from touchstone.standard.reviews import Review, SignedReview

CONTROL = "GA-01"


@pytest.fixture
def system(tmp_path: Path) -> Path:
    documents = [{"path": "raci.txt", "controls": [CONTROL], "title": "Who answers for what"}]
    facts = {"deploy.affects_individuals": False, "data.personal": False}
    (tmp_path / "system").mkdir()
    (tmp_path / "system" / "raci.txt").write_text("one owner")
    return prediction_system(tmp_path / "system", facts=facts, documents=documents)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    generate(tmp_path / "reviewer.key", None)
    return tmp_path / "reviewer.key"


def kinds() -> tuple[str, ...]:
    return load_standard().control(CONTROL).documents


def signing(system: Path, key: Path, output: Path, **changes: str) -> list[str]:
    given = {
        "judgement": "accepted",
        "reason": "One owner is named for every system.",
        "value": "systems_with_owner=1",
        "reviewer": "Li Wei",
        "organisation": "Example Laboratory",
        "expires": "2999-01-01",
        **changes,
    }
    options = [part for name, value in given.items() for part in (f"--{name}", value)]
    options += [part for kind in kinds() for part in ("--kind", kind)]
    fixed = [
        "review",
        "sign",
        str(system),
        "raci.txt",
        "--control",
        CONTROL,
        "--key",
        str(key),
        "--output",
        str(output),
    ]
    return fixed + options


def test_a_review_carries_a_control_from_paper_to_an_attested_pass(
    system: Path, key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reviews, out = tmp_path / "reviews", tmp_path / "out"
    assert run(capsys, *signing(system, key, reviews)).code == 0
    reviewer = key.with_name("reviewer.key.pub")
    with_reviews = ["--reviews", reviews, "--reviewer-key", reviewer]
    listed = run(capsys, "review", "list", system, "--profile", "baseline-quick", *with_reviews, "--format", "json")
    assert listed.code == 1
    states = {(row["control"], row["state"]) for row in json.loads(listed.out)}
    assert (CONTROL, "accepted") in states
    laboratory = tmp_path / "laboratory.key"
    generate(laboratory, None)
    outcome = assess(system, "baseline-quick", output=out, reviews=reviews, reviewer_keys=[reviewer], key=laboratory)
    by_control = {finding.control: finding for finding in outcome.assessment.findings}
    assert (by_control[CONTROL].verdict, by_control[CONTROL].reason.code) == (Verdict.PASS, "attested")
    assert outcome.assessment.coverage.attested == 1
    assert "Li Wei" in (out / "report.en.html").read_text(encoding="utf-8")
    assert verify(out, key=laboratory.with_name("laboratory.key.pub")).ok
    later = judge_again(find_bundle(out), on=date(3000, 1, 1))[1]
    assert {finding.control: finding for finding in later.findings}[CONTROL].verdict == Verdict.NOT_TESTED


def test_a_forged_reading_is_found_by_whoever_judges_again(system: Path, key: Path, tmp_path: Path) -> None:
    reviews, out = tmp_path / "reviews", tmp_path / "out"
    reviews.mkdir()
    subject = open_system(system)
    signed = SignedReview.of(review_of(subject.record("raci.txt").digest), load_signing_key(key, None))
    (reviews / "a.review.json").write_bytes(signed.to_bytes())
    assess(system, "baseline-quick", output=out, reviews=reviews, reviewer_keys=[key.with_name("reviewer.key.pub")])
    recorded = read_recorded(find_bundle(out))
    forged = signed.model_copy(update={"review": signed.review.model_copy(update={"reviewer": "Somebody Else"})})
    circumstances = recorded.circumstances.model_copy(update={"reviews": (forged,)})
    observations = list(recorded.observations.values())
    with pytest.raises(EvidenceError, match="not what its reviewer signed"):
        assessment_of(circumstances, recorded.profile, recorded.plan, observations, recorded.cards)


def review_of(digest: str, **changes: object) -> Review:
    given = {
        "document": digest,
        "title": "Who answers for what",
        "controls": [CONTROL],
        "kinds": list(kinds()),
        "judgement": "accepted",
        "reason": "One owner is named for every system.",
        "values": {"systems_with_owner": "1"},
        "reviewer": "Li Wei",
        "organisation": "Example Laboratory",
        "reviewed": "2026-01-01",
        "expires": None,
    }
    return Review.model_validate(given | changes)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"organisation": "Example Works"}, "supplier's judgement on its own document"),
        ({"value": "systems_with_owner=many"}, "METRIC=NUMBER"),
        ({"reason": "ok"}, "reason"),
        ({"expires": "2001-01-01"}, "expires before it was given"),
        ({"judgement": "fine"}, "judgement"),
        ({"control": "GA-99"}, "GA-99"),
        ({"kind": "minutes"}, "asks for no document of kind minutes"),
    ],
)
def test_a_review_that_cannot_count_is_refused_in_words(
    system: Path,
    key: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, str],
    complaint: str,
) -> None:
    refused = run(capsys, *signing(system, key, tmp_path / "reviews", **changes))
    assert refused.code == 2
    assert complaint in refused.err
    assert "Traceback" not in refused.err
    assert not (tmp_path / "reviews").exists()


def test_a_review_by_a_stranger_or_of_another_version_is_refused(system: Path, key: Path, tmp_path: Path) -> None:
    reviews = tmp_path / "reviews"
    reviews.mkdir()
    subject = open_system(system)
    signed = SignedReview.of(review_of(subject.record("raci.txt").digest), load_signing_key(key, None))
    (reviews / "a.review.json").write_bytes(signed.to_bytes())
    with pytest.raises(EvidenceError, match="none of the reviewers'"):
        read_reviews(reviews, [generate(tmp_path / "other.key", None)], subject)
    (system.parent / "raci.txt").write_text("two owners")
    with pytest.raises(EvidenceError, match="another version"):
        read_reviews(reviews, [load_public_key(key.with_name("reviewer.key.pub"))], open_system(system))
    with pytest.raises(UserError, match="no folder"):
        read_reviews(tmp_path / "absent", [], subject)


def test_the_list_leaves_out_what_does_not_apply(system: Path) -> None:
    subject, profile = open_system(system), load_standard().profile("baseline")
    listed = {row.control for row in asked_documents(profile, subject, [], date(2026, 6, 1))}
    assert "DS-08" not in listed  # no data are personal
    assert {"GA-01", "GA-03"} <= listed
    assert "DS-08" in {requirement.control for requirement in profile.requirements if requirement.evidence}


def test_the_list_tells_missing_from_unreviewed_and_expired(system: Path, key: Path) -> None:
    subject, profile = open_system(system), load_standard().profile("baseline-quick")

    def states(*reviews: SignedReview) -> dict[str, str]:
        rows = asked_documents(profile, subject, reviews, date(2026, 6, 1))
        return {row.control: row.state for row in rows}

    assert states()[CONTROL] == "unreviewed"
    assert states()["GA-03"] == "missing"
    old = review_of(subject.record("raci.txt").digest, expires="2026-02-01")
    assert states(SignedReview.of(old, load_signing_key(key, None)))[CONTROL] == "expired"


@given(position=st.integers(0, 10_000), value=st.integers(0, 255))
def test_no_changed_byte_of_a_signed_review_is_believed(position: int, value: int) -> None:
    data = bytearray(SIGNED)
    position %= len(data)
    changed = data[position] != value
    data[position] = value
    try:
        signed = SignedReview.from_bytes(bytes(data), "review")
        key = signed.signer("review")
    except UserError:
        assert changed
    else:
        original = SignedReview.from_bytes(SIGNED, "review")
        assert (signed.review, key) == (original.review, original.signer("review"))


SIGNED = (Path(__file__).parent / "signed.review.json").read_bytes()
