"""The life of a certificate: what may follow what, that changes are chained, and how fresh a snapshot must be."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evidence.made import ISSUED, Laboratory, assessment
from tests.evidence.test_certificate import certificate
from touchstone.canonical import digest_of
from touchstone.errors import EvidenceError
from touchstone.evidence.certificate import Certificate, ScopeItem
from touchstone.evidence.status import Action, CertificateLife, StatusList, snapshot
from touchstone.evidence.trust import Trusted
from touchstone.evidence.verification import Step, Verification
from touchstone.evidence.verify import verify
from touchstone.laboratory.certifying import change_status, read_issued, write_snapshot
from touchstone.records import Verdict

CONTROLS = ("A-1", "A-2", "A-3")
ENVELOPE = digest_of(b"certificate")
LATER = ISSUED + timedelta(days=30)
WEEK = timedelta(days=7)


def issued_with(controls: tuple[str, ...] = CONTROLS) -> Certificate:
    plain = certificate()
    scope = tuple(ScopeItem(control=control, verdict=Verdict.PASS, required=True) for control in controls)
    return plain.model_copy(update={"decision": plain.decision.model_copy(update={"scope": scope})})


def begun() -> CertificateLife:
    return CertificateLife.begin(issued_with(), ENVELOPE)


steps = st.lists(
    st.tuples(
        st.sampled_from(["suspend", "reinstate", "reduce", "withdraw", "supersede"]),
        st.sets(st.sampled_from([*CONTROLS, "Z-9"])),
        st.integers(-1, 3),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(steps)
def test_whatever_is_tried_the_life_of_a_certificate_keeps_its_rules(
    tried: list[tuple[Action, set[str], int]],
) -> None:
    life, when = begun(), ISSUED
    for action, controls, days in tried:
        effective = when + timedelta(days=days)
        try:
            change = life.change(
                action,
                reason="because",
                effective=effective,
                removed=controls,
                superseded_by=digest_of(b"next") if action == "supersede" else None,
            )
        except EvidenceError:
            continue
        after = life.after(change, digest_of(change.to_bytes()))
        assert life.standing not in ("withdrawn", "superseded")  # nothing follows an end
        assert set(after.scope) <= set(life.scope)  # scope only shrinks
        assert after.scope
        assert (after.scope == life.scope) == (action != "reduce")
        assert after.since >= life.since
        assert action != "reinstate" or life.standing == "suspended"
        assert change.previous == life.last
        assert change.position == life.changes + 1
        life, when = after, effective


def test_changes_cannot_be_left_out_reordered_or_altered() -> None:
    first = begun().change("suspend", reason="incident", effective=ISSUED)
    suspended = begun().after(first, digest_of(b"first"))
    second = suspended.change("reinstate", reason="mended", effective=LATER)
    assert suspended.after(second, digest_of(b"second")).standing == "good"
    for wrong in (
        second.model_copy(update={"previous": ENVELOPE}),
        second.model_copy(update={"standing": "withdrawn"}),
        second.model_copy(update={"position": 1}),
        second.model_copy(update={"certificate_id": "TC-other"}),
    ):
        with pytest.raises(EvidenceError, match="does not follow"):
            suspended.after(wrong, digest_of(b"second"))
    with pytest.raises(EvidenceError, match="cannot be changed"):
        begun().after(second, digest_of(b"second"))


def test_a_snapshot_lists_good_and_other_certificates() -> None:
    good, bad = issued_with(), issued_with(("A-1",))
    withdrawn = begun().after(begun().change("withdraw", reason="fraud", effective=LATER), digest_of(b"x"))
    statement = snapshot(
        [(digest_of(b"good"), good, begun()), (digest_of(b"bad"), bad, withdrawn)],
        issuer="Lab",
        as_of=LATER,
        valid_for=WEEK,
        log=("log.example.org", 7, bytes(32)),
    )
    listed = StatusList.from_json(statement.predicate, "snapshot")
    assert (listed.log_origin, listed.log_size, listed.next_update) == ("log.example.org", 7, "2026-12-30T09:00:00Z")
    assert [line.certificate for line in listed.good] == [digest_of(b"good").removeprefix("sha256:")]
    (line,) = listed.non_good
    assert (line.standing, line.reason, line.since) == ("withdrawn", "fraud", "2026-12-23T09:00:00Z")
    assert listed.find(digest_of(b"unknown")) is None
    with pytest.raises(EvidenceError, match="given twice"):
        snapshot([(ENVELOPE, good, begun()), (ENVELOPE, good, begun())], issuer="Lab", as_of=LATER, valid_for=WEEK)


@pytest.fixture
def laboratory(tmp_path: Path) -> Laboratory:
    return Laboratory.in_folder(tmp_path / "laboratory")


@pytest.fixture
def out(laboratory: Laboratory, tmp_path: Path) -> Path:
    return laboratory.assess(tmp_path / "out")


def taken(laboratory: Laboratory, *folders: Path, as_of: datetime = LATER) -> Path:
    return write_snapshot(
        folders,
        folders[0].parent / "snapshot.dsse.json",
        laboratory.key,
        issuer="Lab",
        as_of=as_of,
        valid_for=WEEK,
        log=laboratory.folder / "log",
    )


def checked(
    laboratory: Laboratory, out: Path, *, status: Path | None = None, at: datetime = LATER, max_age: int | None = None
) -> Verification:
    return verify(
        out,
        key=laboratory.public,
        at=at,
        status=status,
        max_age=None if max_age is None else timedelta(days=max_age),
    )


def about_status(verification: Verification) -> list[Step]:
    return [step for step in verification.steps if step.id == "status"]


def test_without_a_snapshot_the_status_is_not_known_and_that_is_said(laboratory: Laboratory, out: Path) -> None:
    verification = checked(laboratory, out)
    (step,) = about_status(verification)
    assert (verification.exit_code, step.status) == (0, "not-checked")
    assert "not known" in step.text.en
    assert any("withdrawn" in text.en for text in verification.does_not_prove)


def test_good_as_of_a_time_until_it_is_stale(laboratory: Laboratory, out: Path) -> None:
    status = taken(laboratory, out)
    fresh = checked(laboratory, out, status=status, at=LATER + timedelta(days=2))
    assert (fresh.exit_code, about_status(fresh)[0].text.en) == (0, "status good as of 2026-12-23T09:00:00Z")
    assert any("stood by" in text.en for text in fresh.proves)
    for at, max_age in ((LATER + timedelta(days=8), None), (LATER + timedelta(days=2), 1)):
        stale = checked(laboratory, out, status=status, at=at, max_age=max_age)
        assert (stale.exit_code, stale.ok, stale.sound) == (3, False, True)
    future = checked(laboratory, out, status=status, at=LATER - timedelta(days=1))
    assert future.exit_code == 1


@pytest.mark.parametrize(("action", "word"), [("suspend", "suspended"), ("withdraw", "withdrawn")])
def test_a_change_is_seen_beside_the_certificate_and_in_the_snapshot(
    laboratory: Laboratory, out: Path, tmp_path: Path, action: Action, word: str
) -> None:
    change_status(out, action, laboratory.key, reason="a trigger was found", effective=LATER)
    verification = checked(laboratory, out)
    assert verification.exit_code == 1
    step = about_status(verification)[0]
    assert step.text.en == f"the certificate is {word} since 2026-12-23T09:00:00Z: a trigger was found"
    status = taken(laboratory, out)
    for file in (out / "status").iterdir():
        file.unlink()  # whoever holds the folder hides the change
    assert checked(laboratory, out).exit_code == 0
    hidden = checked(laboratory, out, status=status)
    assert hidden.exit_code == 1
    assert "a trigger was found" in about_status(hidden)[0].text.en
    before = checked(laboratory, out, status=status, at=LATER - timedelta(minutes=1))
    assert before.exit_code == 0  # it was good then


def test_suspended_and_reinstated_is_good_again(laboratory: Laboratory, out: Path) -> None:
    change_status(out, "suspend", laboratory.key, reason="incident", effective=ISSUED)
    change_status(out, "reinstate", laboratory.key, reason="mended", effective=LATER)
    assert checked(laboratory, out, status=taken(laboratory, out)).exit_code == 0
    (out / "status" / "0001.dsse.json").write_bytes((out / "status" / "0002.dsse.json").read_bytes())
    assert checked(laboratory, out).exit_code == 1
    with pytest.raises(EvidenceError):
        read_issued(out, laboratory.public)


def test_a_withdrawn_certificate_never_comes_back(laboratory: Laboratory, out: Path) -> None:
    change_status(out, "withdraw", laboratory.key, reason="fraud", effective=ISSUED)
    with pytest.raises(EvidenceError, match="is withdrawn: it cannot be changed by 'reinstate'"):
        change_status(out, "reinstate", laboratory.key, reason="please", effective=LATER)
    assert len(list((out / "status").iterdir())) == 1


def test_superseded_by_a_newer_certificate(laboratory: Laboratory, out: Path, tmp_path: Path) -> None:
    newer = laboratory.assess(tmp_path / "newer", started="later", accuracy="0.96")
    change_status(out, "supersede", laboratory.key, reason="new version", effective=LATER, superseded_by=newer)
    status = taken(laboratory, out, newer)
    assert checked(laboratory, out, status=status).exit_code == 1
    assert checked(laboratory, newer, status=status).exit_code == 0


def test_the_scope_cannot_be_emptied(laboratory: Laboratory, out: Path) -> None:
    with pytest.raises(EvidenceError, match="some, but not all"):
        change_status(out, "reduce", laboratory.key, reason="less", effective=LATER, removed=["EV-01"])
    assert assessment().findings[0].control == "EV-01"


def test_nobody_else_may_change_or_list_a_certificate(laboratory: Laboratory, out: Path, tmp_path: Path) -> None:
    stranger = Laboratory.in_folder(tmp_path / "stranger")
    with pytest.raises(EvidenceError, match="signed by another key"):
        change_status(out, "withdraw", stranger.key, reason="rivalry", effective=LATER)
    theirs = taken(stranger, stranger.assess(tmp_path / "theirs"))
    assert checked(laboratory, out, status=theirs).exit_code == 1
    both = verify(out, key=laboratory.public, at=LATER, status=theirs, trusted=stranger_trusted(stranger))
    assert both.exit_code == 1  # trusted, but not the issuer of this certificate


def stranger_trusted(stranger: Laboratory) -> Trusted:
    return Trusted.of_keys(stranger.public)


def test_a_snapshot_that_does_not_mention_the_certificate_says_nothing(
    laboratory: Laboratory, out: Path, tmp_path: Path
) -> None:
    other = laboratory.assess(tmp_path / "other", accuracy="0.97")
    verification = checked(laboratory, out, status=taken(laboratory, other))
    assert [step.status for step in about_status(verification)] == ["not-checked"]


def test_any_flipped_byte_of_change_or_snapshot_is_refused(laboratory: Laboratory, out: Path) -> None:
    change_status(out, "suspend", laboratory.key, reason="incident", effective=ISSUED)
    change_status(out, "reinstate", laboratory.key, reason="mended", effective=ISSUED)
    status = taken(laboratory, out)
    for file in (out / "status" / "0001.dsse.json", out / "status" / "0002.dsse.json", status):
        original = file.read_bytes()
        for position in range(0, len(original), 37):
            changed = bytearray(original)
            changed[position] ^= 1
            file.write_bytes(changed)
            assert checked(laboratory, out, status=status).exit_code == 1, (file.name, position)
        file.write_bytes(original)
    assert checked(laboratory, out, status=status).exit_code == 0


def test_times_of_changes_are_utc(laboratory: Laboratory, out: Path) -> None:
    change_status(out, "suspend", laboratory.key, reason="incident", effective=datetime(2027, 1, 1, tzinfo=UTC))
    assert read_issued(out, laboratory.public).changes[0].effective == "2027-01-01T00:00:00Z"
