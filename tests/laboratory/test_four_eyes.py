"""Three people, three keys: the separation of roles from the signed review to the verified certificate or refusal."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.building import prediction_system
from touchstone.api import assess, open_system, verify
from touchstone.laboratory.assessing import Outcome
from touchstone.records import Finding, Verdict
from touchstone.signatures.keys import generate, load_signing_key
from touchstone.standard.catalog import load_standard
from touchstone.standard.reviews import Review, SignedReview

CONTROL = "EM-06"


@pytest.fixture
def system(tmp_path: Path) -> Path:
    folder = tmp_path / "system"
    folder.mkdir()
    (folder / "people.txt").write_text("who may test what, and who advised whom")
    documents = [{"path": "people.txt", "controls": [CONTROL], "title": "People of the laboratory"}]
    return prediction_system(folder, documents=documents)


def key(tmp_path: Path, name: str) -> Path:
    path = tmp_path / f"{name}.pem"
    if not path.exists():
        generate(path, None)
    return path


def reviewed(system: Path, reviewer: Path, folder: Path, conflicts: int) -> Path:
    """A folder with one review of the document, signed by `reviewer`."""
    review = Review(
        document=open_system(system).record("people.txt").digest,
        title="People of the laboratory",
        controls=(CONTROL,),
        kinds=load_standard().control(CONTROL).documents,
        judgement="accepted",
        reason="Everyone declared; the competence of each is shown.",
        values={"unresolved_conflicts": conflicts},
        reviewer="Li Wei",
        organisation="Example Laboratory",
        reviewed=date(2026, 1, 1),
    )
    folder.mkdir()
    signed = SignedReview.of(review, load_signing_key(reviewer, None))
    (folder / "people.review.json").write_bytes(signed.to_bytes())
    return folder


def assessed(
    system: Path, tmp_path: Path, reviewer: Path, *, conflicts: int = 0, decider: Path | None = None
) -> Outcome:
    return assess(
        system,
        "baseline",
        output=tmp_path / "out",
        only=[CONTROL],
        key=key(tmp_path, "tester"),
        decision_key=decider,
        reviews=reviewed(system, reviewer, tmp_path / "reviews", conflicts),
        reviewer_keys=[Path(f"{reviewer}.pub")],
    )


def separation(outcome: Outcome) -> Finding:
    return next(finding for finding in outcome.assessment.findings if finding.control == CONTROL)


def test_three_keys_without_conflict_pass(system: Path, tmp_path: Path) -> None:
    decider = key(tmp_path, "decider")
    outcome = assessed(system, tmp_path, key(tmp_path, "reviewer"), decider=decider)
    assert separation(outcome).verdict is Verdict.PASS, separation(outcome).reason
    trusted = [Path(f"{key(tmp_path, name)}.pub") for name in ("tester", "decider")]
    assert verify(outcome.folder, key=trusted).ok
    assert not verify(outcome.folder, key=trusted[:1]).ok


@pytest.mark.parametrize(
    ("reviewer", "decider", "conflicts"),
    [("tester", "decider", 0), ("reviewer", "tester", 0), ("reviewer", "decider", 1)],
)
def test_a_role_too_many_or_a_conflict_fails(
    system: Path, tmp_path: Path, reviewer: str, decider: str, conflicts: int
) -> None:
    outcome = assessed(system, tmp_path, key(tmp_path, reviewer), conflicts=conflicts, decider=key(tmp_path, decider))
    assert separation(outcome).verdict is Verdict.FAIL
