"""Verification: every changed byte of every covered file is refused and the file is named."""

import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.evidence.made import (
    CARDS,
    CIRCUMSTANCES,
    ISSUED,
    JSON,
    PLAN,
    PROFILE,
    SYSTEM,
    Laboratory,
    assessment,
    observation,
)
from touchstone.canonical import digest_of
from touchstone.errors import EvidenceError
from touchstone.evidence.bundle import Bundle, BundleWriter
from touchstone.evidence.certificate import decide
from touchstone.evidence.layout import Role, StatementName
from touchstone.evidence.rederive import judged_again
from touchstone.evidence.statement import assessment_statement, plan_statement, statement
from touchstone.evidence.verification import Verification
from touchstone.evidence.verify import verify
from touchstone.records import Exhibit, Observation

LATER = ISSUED + timedelta(days=30)


@pytest.fixture
def out(good: Path, tmp_path: Path) -> Path:
    """A copy of the good output folder, to be spoilt."""
    return Path(shutil.copytree(good, tmp_path / "out"))


@pytest.fixture
def check(laboratory: Laboratory) -> Callable[..., Verification]:
    """Verification with the laboratory's keys."""

    def run(path: Path, *, at: datetime = LATER, with_log: bool = True, system: Path | None = None) -> Verification:
        log_key = laboratory.log_public if with_log else None
        return verify(path, key=laboratory.public, log_key=log_key, at=at, system=system)

    return run


Check = Callable[..., Verification]


def failed(verification: Verification) -> set[str | None]:
    """Files of the failed steps."""
    return {step.file for step in verification.steps if step.status == "failed"}


def test_a_good_folder_verifies(good: Path, check: Check) -> None:
    verification = check(good)
    assert verification.ok
    assert {step.id for step in verification.steps if step.status != "ok"} == {"registers", "status"}
    assert {step.status for step in verification.steps} == {"ok", "not-checked"}
    assert verification.kind == "certificate"
    assert verification.uncovered == ("report.en.html",)
    assert len(verification.proves) == 5
    assert any("withdrawn" in text.en for text in verification.does_not_prove)


def test_reasons_are_in_the_words_of_the_evidence_whatever_is_installed(good: Path, check: Check) -> None:
    (found,) = judged_again(Bundle.open(good / "evidence")).findings
    assert found.reason.text.en.startswith("Meets every limit: “right answers” is 0.95")
    assert found.reason.text.zh.startswith("满足全部限值：“正确答案占比”为 0.95")
    assert any(step.id == "judgement" and step.status == "ok" for step in check(good).steps)


def test_the_day_on_which_registers_end_is_no_day_of_today(good: Path, check: Check) -> None:
    (said,) = [step for step in check(good).steps if step.id == "registers"]
    assert said.status == "not-checked"
    assert said.text.en.startswith("what happened after 2026-10-31: the registers end on that day")
    assert said.text.zh.startswith("2026-10-31 之后的情况")


def test_the_result_is_plain_json_in_both_languages(good: Path, check: Check) -> None:
    value = check(good).to_json()
    assert value["ok"] is True
    assert {"steps", "proves", "does_not_prove", "uncovered", "kind"} <= set(value)
    assert all(step["text"]["en"] and step["text"]["zh"] for step in value["steps"])


def test_a_refusal_verifies_as_a_refusal(tmp_path: Path) -> None:
    laboratory = Laboratory.in_folder(tmp_path / "lab")
    out = laboratory.assess(tmp_path / "out", accuracy="0.5")
    verification = verify(out, key=laboratory.public, log_key=laboratory.log_public, at=LATER)
    assert verification.ok
    assert verification.kind == "refusal"
    assert (out / "refusal.dsse.json").exists()


def test_any_flipped_byte_is_refused_and_its_file_is_named(out: Path, check: Check) -> None:
    covered = sorted(path for path in out.rglob("*") if path.is_file() and path.suffix != ".html")
    choice = random.Random(20261123)  # noqa: S311 - which bytes, not a secret
    for file in covered:
        original = file.read_bytes()
        for _ in range(6):
            changed = bytearray(original)
            changed[choice.randrange(len(changed))] ^= 1 << choice.randrange(8)
            file.write_bytes(changed)
            verification = check(out)
            name = file.relative_to(out).as_posix()
            assert not verification.ok, name
            assert any(name in (found or "") for found in failed(verification)), (name, failed(verification))
        file.write_bytes(original)
    assert check(out).ok


def test_the_whole_manifest_is_covered_by_the_signature(out: Path, check: Check) -> None:
    (out / "evidence.zip").unlink()
    name = Bundle.open(out / "evidence").manifest_file.removeprefix(f"{out}/")
    manifest = out / name
    original = manifest.read_bytes()
    for position in range(0, len(original), 7):
        changed = bytearray(original)
        changed[position] ^= 1
        manifest.write_bytes(changed)
        assert name in failed(check(out / "evidence")), position


def test_the_whole_certificate_and_its_receipt_count(out: Path, check: Check) -> None:
    for name in ("certificate.dsse.json", "receipts/certificate.tlog-proof"):
        original = (out / name).read_bytes()
        for position in range(0, len(original), 7):
            changed = bytearray(original)
            changed[position] ^= 1
            (out / name).write_bytes(changed)
            assert name in failed(check(out / "certificate.dsse.json")), (name, position)
        (out / name).write_bytes(original)


def test_a_changed_blob_is_named_for_people(out: Path, check: Check) -> None:
    bundle = Bundle.open(out / "evidence")
    blob = out / "evidence" / bundle.entry("observation/accuracy.json").blob
    blob.write_bytes(blob.read_bytes().replace(b"0.95", b"0.99"))
    (step,) = [step for step in check(out).steps if step.status == "failed"]
    assert step.file == f"evidence/{bundle.entry('observation/accuracy.json').blob}"
    assert step.names == ("observation/accuracy.json",)
    assert "was changed" in step.text.en
    assert "已被改动" in step.text.zh


@pytest.mark.parametrize(
    "name",
    [
        "plan.dsse.json",
        "assessment.dsse.json",
        "certificate.dsse.json",
        "receipts/plan.tlog-proof",
        "receipts/assessment.tlog-proof",
        "receipts/certificate.tlog-proof",
        "checkpoint",
        "evidence/index.json",
    ],
)
def test_a_missing_file_is_named(out: Path, check: Check, name: str) -> None:
    (out / name).unlink()
    assert name in failed(check(out))


def test_missing_evidence_is_named(out: Path, check: Check) -> None:
    shutil.rmtree(out / "evidence")
    (out / "evidence.zip").unlink()
    assert failed(check(out)) == {"evidence"}


def test_the_keys_decide(good: Path, tmp_path: Path) -> None:
    other = Laboratory.in_folder(tmp_path)
    swapped = verify(good, key=other.public, log_key=other.log_public, at=LATER)
    assert {"plan.dsse.json", "certificate.dsse.json", "checkpoint"} <= failed(swapped)
    assert swapped.proves == ()


def test_files_that_no_signature_covers_are_listed(out: Path, check: Check) -> None:
    (out / "receipts" / "other.json").write_text("{}")
    (out / "deep" / "er").mkdir(parents=True)
    (out / "deep" / "er" / "note.txt").touch()
    verification = check(out)
    assert verification.ok
    assert verification.uncovered == ("deep/er/note.txt", "receipts/other.json", "report.en.html")


def test_a_copy_of_the_assessment_that_says_otherwise_is_refused(out: Path, check: Check) -> None:
    (out / "assessment.json").write_bytes(assessment("0.99").to_bytes())
    assert failed(check(out)) == {"assessment.json"}


def test_validity_has_a_beginning_and_an_end(good: Path, check: Check) -> None:
    for at, phrase in (
        (ISSUED - timedelta(seconds=1), "not valid before"),
        (datetime(2027, 11, 23, 9, 0, tzinfo=UTC), "expired"),
    ):
        (step,) = [step for step in check(good, at=at).steps if step.status == "failed"]
        assert step.id == "validity"
        assert phrase in step.text.en
    assert check(good, at=ISSUED).ok
    assert check(good, at=datetime(2027, 11, 23, 8, 59, 59, tzinfo=UTC)).ok
    with pytest.raises(ValueError, match="time zone"):
        check(good, at=datetime(2027, 1, 1))


def test_without_the_log_key_the_log_is_not_checked(good: Path, check: Check) -> None:
    verification = check(good, with_log=False)
    assert verification.ok
    assert not verification.passed("log")
    assert not any("log" in text.en for text in verification.proves)
    assert any("log" in text.en for text in verification.does_not_prove)


def test_without_any_log_nothing_is_said_about_it(out: Path, check: Check) -> None:
    shutil.rmtree(out / "receipts")
    (out / "checkpoint").unlink()
    assert check(out, with_log=False).ok
    assert "checkpoint" in failed(check(out))


def test_a_certificate_alone(good: Path, check: Check, tmp_path: Path) -> None:
    verification = check(good / "certificate.dsse.json")
    assert verification.ok
    assert verification.kind == "certificate"
    assert not verification.passed("evidence")
    assert verification.passed("log")
    shutil.copy(good / "certificate.dsse.json", tmp_path / "certificate.dsse.json")
    assert check(tmp_path / "certificate.dsse.json", with_log=False).ok
    assert failed(check(tmp_path / "certificate.dsse.json")) == {"receipts/certificate.tlog-proof"}


@pytest.mark.parametrize("name", ["plan", "assessment"])
def test_other_statements_alone(good: Path, check: Check, name: str) -> None:
    verification = check(good / f"{name}.dsse.json")
    assert verification.ok
    assert verification.kind == name


@pytest.mark.parametrize("name", ["evidence", "evidence.zip"])
def test_a_bundle_with_its_signed_assessment_beside_it(good: Path, check: Check, name: str) -> None:
    verification = check(good / name)
    assert verification.ok
    assert verification.kind == "evidence"
    assert verification.passed("judgement")


def test_a_bundle_alone_only_agrees_with_itself(good: Path, check: Check, tmp_path: Path) -> None:
    shutil.copy(good / "evidence.zip", tmp_path / "evidence.zip")
    verification = check(tmp_path / "evidence.zip")
    assert not verification.ok
    assert failed(verification) == {"assessment.dsse.json"}


def test_a_bundle_and_its_zip_must_be_the_same(out: Path, check: Check, laboratory: Laboratory, tmp_path: Path) -> None:
    other = laboratory.assess(tmp_path / "other", started="another time", zipped=True)
    shutil.copy(other / "evidence.zip", out / "evidence.zip")
    assert failed(check(out)) == {Bundle.open(other / "evidence.zip", "evidence.zip").manifest_file}


def test_a_link_in_place_of_a_statement_is_refused(out: Path, check: Check) -> None:
    (out / "plan.dsse.json").rename(out / "elsewhere.json")
    (out / "plan.dsse.json").symlink_to("elsewhere.json")
    assert "plan.dsse.json" in failed(check(out))


def test_receipts_must_be_those_of_their_statements(out: Path, check: Check) -> None:
    receipts = out / "receipts"
    plan, assessed = (receipts / "plan.tlog-proof").read_bytes(), (receipts / "assessment.tlog-proof").read_bytes()
    (receipts / "plan.tlog-proof").write_bytes(assessed)
    (receipts / "assessment.tlog-proof").write_bytes(plan)
    assert failed(check(out)) == {"receipts/plan.tlog-proof", "receipts/assessment.tlog-proof"}


def test_an_older_checkpoint_does_not_fit_the_receipts(tmp_path: Path) -> None:
    laboratory = Laboratory.in_folder(tmp_path / "lab")
    out = laboratory.assess(tmp_path / "out")
    later = laboratory.assess(tmp_path / "later", accuracy="0.5")
    shutil.copy(later / "checkpoint", out / "checkpoint")
    verification = verify(out, key=laboratory.public, log_key=laboratory.log_public, at=LATER)
    assert "receipts/plan.tlog-proof" in failed(verification)


def test_a_plan_logged_after_the_results_is_refused(tmp_path: Path) -> None:
    laboratory = Laboratory.in_folder(tmp_path / "lab")
    made = laboratory.assess(tmp_path / "made")
    names = (StatementName.ASSESSMENT, StatementName.PLAN, StatementName.CERTIFICATE)
    late = replace(Laboratory.in_folder(tmp_path / "late"), key=laboratory.key)
    late.record(made, {name: (made / name.file).read_bytes() for name in names})
    verification = verify(made, key=laboratory.public, log_key=late.log_public, at=LATER)
    assert [step.id for step in verification.steps if step.status == "failed"] == ["order"]


def test_other_attempts_by_the_same_signer_show_in_the_log(tmp_path: Path) -> None:
    laboratory = Laboratory.in_folder(tmp_path / "lab")
    out = laboratory.assess(tmp_path / "out")

    def history(log: Path) -> list[tuple[str, str]]:
        found = verify(out, key=laboratory.public, log_key=laboratory.log_public, at=LATER, log_folder=log).steps
        return [(step.status, step.text.en) for step in found if step.id == "history"]

    assert history(laboratory.folder / "log") == [("ok", "holds no other statement by the same signer")]
    laboratory.assess(tmp_path / "again", accuracy="0.5")
    ((status, text),) = history(laboratory.folder / "log")
    assert status == "not-checked"
    assert "holds 5 statements by the same signer, 2 of which are not here" in text
    Laboratory.in_folder(tmp_path / "other")
    ((status, text),) = history(tmp_path / "other" / "log")
    assert (status, text) == ("failed", "is not the log that this evidence is in, or took something back")


TRUE = observation("0.95")
LIES = {
    "worse than concluded": observation("0.5"),
    "of another system": TRUE.model_copy(update={"system": digest_of(b"another system")}),
    "without its exhibit": TRUE.model_copy(
        update={"exhibits": (Exhibit(name="rows", media_type="text/csv", digest=digest_of(b"rows"), size=4),)}
    ),
}


@pytest.mark.parametrize("observed", LIES.values(), ids=LIES)
def test_evidence_signed_as_it_should_not_be(
    laboratory: Laboratory, tmp_path: Path, check: Check, observed: Observation
) -> None:
    """A dishonest tester with the right key: the chain is intact, but the verdict is not the one that follows."""
    folder = tmp_path / "forged"
    wished = assessment("0.95")
    with BundleWriter(folder / "evidence") as bundle:
        bundle.add("profile.json", JSON, PROFILE.to_bytes(), role=Role.PROFILE)
        bundle.add("plan.json", JSON, PLAN.to_bytes(), role=Role.PLAN)
        bundle.add("circumstances.json", JSON, CIRCUMSTANCES.to_bytes(), role=Role.CIRCUMSTANCES)
        bundle.add("checks.json", JSON, CARDS, role=Role.CHECKS)
        bundle.add("observation/accuracy.json", JSON, observed.to_bytes(), role=Role.OBSERVATION)
        bundle.add("assessment.json", JSON, wished.to_bytes(), role=Role.ASSESSMENT)
    opened = Bundle.open(folder / "evidence")
    evidence, reproducible = opened.manifest_digest, opened.manifest.reproducible
    laboratory.issue(folder, StatementName.PLAN, plan_statement("risk-model", PLAN))
    assessed = laboratory.issue(
        folder, StatementName.ASSESSMENT, assessment_statement(wished, evidence=evidence, reproducible=reproducible)
    )
    decision = decide(
        wished,
        PROFILE,
        assessment_envelope=digest_of(assessed),
        evidence=evidence,
        holder="Example",
        issuer="Example Lab",
        issued=ISSUED,
    )
    laboratory.issue(folder, StatementName.CERTIFICATE, decision)
    verification = check(folder, with_log=False)
    assert [step.id for step in verification.steps if step.status == "failed"] == ["judgement"]


def test_a_certificate_that_does_not_follow_is_refused(laboratory: Laboratory, out: Path, check: Check) -> None:
    signed = decide(
        assessment("0.99"),
        PROFILE,
        assessment_envelope=digest_of((out / "assessment.dsse.json").read_bytes()),
        evidence=Bundle.open(out / "evidence").manifest_digest,
        holder="Example",
        issuer="Example Lab",
        issued=ISSUED,
    )
    longer = signed.to_json()
    longer["predicate"]["validity"]["notAfter"] = "2099-01-01T00:00:00Z"
    forged = statement("risk-model", SYSTEM, signed.predicate_type, longer["predicate"])
    laboratory.issue(out, StatementName.CERTIFICATE, forged)
    assert "certificate.dsse.json" in failed(check(out, with_log=False))


def test_statements_cannot_take_each_others_place(out: Path, check: Check) -> None:
    shutil.copy(out / "plan.dsse.json", out / "certificate.dsse.json")
    assert "certificate.dsse.json" in failed(check(out, with_log=False))


def test_a_certificate_and_a_refusal_cannot_both_be_true(out: Path, check: Check) -> None:
    shutil.copy(out / "certificate.dsse.json", out / "refusal.dsse.json")
    assert "refusal.dsse.json" in failed(check(out))


def test_a_signed_statement_of_an_unknown_kind(laboratory: Laboratory, tmp_path: Path, check: Check) -> None:
    laboratory.issue(tmp_path, StatementName.PLAN, statement("x", SYSTEM, "urn:other", {}))
    assert failed(check(tmp_path / "plan.dsse.json", with_log=False)) == {"plan.dsse.json"}


def test_what_is_no_evidence_is_a_clear_error(tmp_path: Path, check: Check) -> None:
    with pytest.raises(EvidenceError, match="holds no evidence"):
        check(tmp_path)
    with pytest.raises(EvidenceError, match=r"nowhere\.zip: does not exist"):
        check(tmp_path / "nowhere.zip")
    (tmp_path / "letter.json").write_text("hello")
    assert failed(check(tmp_path / "letter.json")) == {"letter.json"}


def test_a_system_is_compared_by_its_digest(good: Path, check: Check, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"weights")
    (tmp_path / "system.yaml").write_text(SYSTEM_YAML)
    verification = check(good, system=tmp_path)
    (step,) = [step for step in verification.steps if step.status == "failed"]
    assert step.id == "system"
    assert SYSTEM in step.text.en


SYSTEM_YAML = """
schema: touchstone.system/v1
system:
  name: other
  version: "1"
  supplier: {name: Example}
  intended_use: tests
  sector: other
model:
  format: onnx
  access: artefact
  file: model.bin
  input: {kind: tabular, columns: [a]}
  output: {kind: probabilities, labels: [no, yes]}
"""
