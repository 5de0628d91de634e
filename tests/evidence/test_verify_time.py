"""Verifying timestamps and Sigstore bundles in an output folder."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests.evidence.made import Laboratory
from tests.evidence.stamping import STAMPED, Stamping
from touchstone.evidence.timestamp import OWN_POLICY, Authority
from touchstone.evidence.trust import Party, PartyRole, Trusted
from touchstone.evidence.verification import Verification
from touchstone.evidence.verify import verify

AT = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def stamping(tmp_path_factory: pytest.TempPathFactory) -> Stamping:
    return Stamping.in_folder(tmp_path_factory.mktemp("tsa"))


@pytest.fixture(scope="module")
def stamped(laboratory: Laboratory, stamping: Stamping, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = laboratory.assess(tmp_path_factory.mktemp("stamped") / "out")
    assert len(stamping.complete(laboratory, out)) == 3
    return out


@pytest.fixture
def out(stamped: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stamped, tmp_path / "out"))


def check(out: Path, laboratory: Laboratory, *authorities: Authority, with_log: bool = True) -> Verification:
    parties = tuple(
        Party(
            name=authority.name,
            roles=(PartyRole.TIMESTAMPING,),
            key=b"".join(one.public_bytes(Encoding.PEM) for one in authority.certificates).decode(),
        )
        for authority in authorities
    )
    log_key = laboratory.log_public if with_log else None
    return verify(out, key=laboratory.public, log_key=log_key, trusted=Trusted(parties), at=AT)


def failed(verification: Verification) -> set[str | None]:
    return {step.file for step in verification.steps if step.status == "failed"}


def test_a_trusted_authority_tells_when(out: Path, laboratory: Laboratory, stamping: Stamping) -> None:
    verification = check(out, laboratory, stamping.pinned)
    assert verification.ok
    assert verification.passed("time")
    assert verification.passed("sigstore")
    assert verification.uncovered == ("report.en.html",)
    said = [step.text.en for step in verification.steps if step.file == "receipts/certificate.tsr"]
    assert said == [f"existed on {STAMPED.isoformat()}, says CN=Example authority"]


def test_one_of_several_authorities_is_enough(
    out: Path, laboratory: Laboratory, stamping: Stamping, tmp_path: Path
) -> None:
    other = Stamping.in_folder(tmp_path / "other").pinned
    assert check(out, laboratory, stamping.pinned, other).passed("time")
    assert check(out, laboratory, other, stamping.pinned).passed("time")
    assert failed(check(out, laboratory, other)) == {
        f"receipts/{name}.tsr" for name in ("plan", "assessment", "certificate")
    }


def test_without_an_authority_nothing_is_said_about_time(out: Path, laboratory: Laboratory) -> None:
    verification = check(out, laboratory)
    assert verification.ok
    assert not verification.passed("time")
    assert "receipts/plan.tsr" in verification.uncovered


def test_without_the_log_key_the_bundles_are_not_checked(out: Path, laboratory: Laboratory) -> None:
    verification = check(out, laboratory, with_log=False)
    assert not verification.passed("sigstore")
    assert "receipts/plan.sigstore.json" in verification.uncovered


def test_a_laboratory_s_own_clock_counts_for_nothing(
    laboratory: Laboratory, stamping: Stamping, tmp_path: Path
) -> None:
    out = laboratory.assess(tmp_path / "out")
    stamping.complete(laboratory, out, policy=OWN_POLICY)
    verification = check(out, laboratory, stamping.pinned)
    assert verification.ok
    assert not verification.passed("time")
    assert any(step.id == "own-time" and "counts for nothing" in step.text.en for step in verification.steps)


@pytest.mark.parametrize("file", ["certificate.tsr", "certificate.sigstore.json"])
def test_no_byte_can_change(out: Path, laboratory: Laboratory, stamping: Stamping, file: str) -> None:
    path = out / "receipts" / file
    original = path.read_bytes()
    for position in range(0, len(original), 61):
        changed = bytearray(original)
        changed[position] ^= 1
        path.write_bytes(changed)
        assert f"receipts/{file}" in failed(check(out, laboratory, stamping.pinned)), position


def test_timestamps_cannot_be_exchanged(out: Path, laboratory: Laboratory, stamping: Stamping) -> None:
    receipts = out / "receipts"
    shutil.copy(receipts / "plan.tsr", receipts / "certificate.tsr")
    found = check(out, laboratory, stamping.pinned)
    assert failed(found) == {"receipts/certificate.tsr", "receipts/certificate.sigstore.json"}
