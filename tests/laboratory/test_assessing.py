import json
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.building import prediction_system
from touchstone.api import assess, open_system, verify
from touchstone.assessment.engine import Event, Finished, Started
from touchstone.errors import StandardError, UserError
from touchstone.evidence.bundle import Bundle
from touchstone.evidence.envelope import Envelope
from touchstone.evidence.leaf import leaf_of
from touchstone.evidence.timestamp import Authority, stamp_of, stamped_bytes
from touchstone.laboratory.issuing import renew_receipts
from touchstone.laboratory.rejudging import find_bundle, judge_again
from touchstone.laboratory.timestamp_authority import TimestampAuthority
from touchstone.laboratory.timestamping import OwnAuthority
from touchstone.records import Plan, Verdict
from touchstone.signatures.keys import generate, generate_log_key, load_log_signing_key, load_public_key
from touchstone.standard.catalog import load_standard
from touchstone.tlog.log import Log


class Counting:
    """Watches and counts."""

    def __init__(self) -> None:
        self.recalled = 0
        self.started: list[str] = []
        self.finished: list[str] = []

    def planned(self, plan: Plan, recalled: int) -> None:
        self.recalled = recalled

    def happened(self, event: Event) -> None:
        if isinstance(event, Started):
            self.started.append(event.item.check.id)
        if isinstance(event, Finished):
            self.finished.append(event.item.check.id)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Path:
    facts = {"deploy.affects_individuals": True, "data.personal": False}
    return prediction_system(tmp_path_factory.mktemp("system"), rows=600, facts=facts)


@pytest.fixture
def laboratory(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Key, log key and log of a laboratory."""
    key = tmp_path / "key.pem"
    generate(key, None)
    log_key = tmp_path / "log.pem"
    generate_log_key(log_key, None)
    Log.create(tmp_path / "log", "test.example", load_log_signing_key(log_key, None))
    return key, log_key, tmp_path / "log"


def reproducible(folder: Path) -> str:
    return Bundle.open(folder / "evidence").manifest.reproducible


def test_one_call_leaves_a_decision_that_verifies(
    system: Path, laboratory: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    key, log_key, log = laboratory
    outcome = assess(system, output=tmp_path / "out", key=key, log=log, log_key=log_key, issuer="Test laboratory")
    verdicts = {finding.control: finding.verdict for finding in outcome.assessment.findings}
    assert verdicts["MI-09"] is Verdict.PASS  # 540 of 600 right, 0.85 claimed
    assert verdicts["SR-01"] is Verdict.NOT_TESTED  # precomputed predictions cannot be attacked
    assert not outcome.passed
    assert outcome.decision == tmp_path / "out" / "refusal.dsse.json"
    for name in ("report.en.html", "report.zh.html", "report.json", "junit.xml"):
        assert (tmp_path / "out" / name).stat().st_size > 1000
    verification = verify(tmp_path / "out", key=f"{key}.pub", log_key=f"{log_key}.pub", system=system.parent)
    assert verification.ok, [step for step in verification.steps if step.status == "failed"]
    names = ("plan", "assessment", "refusal")
    envelopes = [(tmp_path / "out" / f"{name}.dsse.json").read_bytes() for name in names]
    public = load_public_key(Path(f"{key}.pub"))
    assert list(Log.open(log).entries()) == [leaf_of(Envelope.from_bytes(data, "file"), public) for data in envelopes]


def test_two_runs_leave_the_same_bytes_except_declared_times(system: Path, tmp_path: Path) -> None:
    first = assess(system, output=tmp_path / "first", jobs=1)
    second = assess(system, output=tmp_path / "second", jobs=2)
    assert first.assessment == second.assessment
    assert reproducible(first.folder) == reproducible(second.folder)


def test_a_folder_with_something_in_it_is_not_touched(system: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("data")
    with pytest.raises(UserError, match="holds something already"):
        assess(system, output=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_resuming_a_finished_assessment_runs_nothing(system: Path, tmp_path: Path) -> None:
    before = assess(system, output=tmp_path / "out")
    watcher = Counting()
    after = assess(system, output=tmp_path / "out", resume=True, watcher=watcher)
    assert watcher.started == []
    assert after.assessment == before.assessment


def test_resuming_with_other_instructions_is_refused(system: Path, tmp_path: Path) -> None:
    assess(system, output=tmp_path / "out")
    with pytest.raises(UserError, match="another plan"):
        assess(system, output=tmp_path / "out", resume=True, budget="full")


@pytest.mark.parametrize("moment", [0.3, 1.2, 1.6, 2.2])
def test_killed_at_any_moment_it_resumes_to_the_same_evidence(
    system: Path, laboratory: tuple[Path, Path, Path], tmp_path: Path, moment: float
) -> None:
    key, log_key, log = laboratory
    undisturbed = assess(system, output=tmp_path / "undisturbed")
    output = tmp_path / "out"
    command = [sys.executable, "-m", "touchstone", "assess", str(system), "--output", str(output)]
    command += ["--key", str(key), "--log", str(log), "--log-key", str(log_key)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
    finished = subprocess.run([*command, "--resume"], stdout=subprocess.DEVNULL, check=False)
    assert finished.returncode == 1
    assert reproducible(output) == reproducible(undisturbed.folder)
    assert verify(output, key=f"{key}.pub", log_key=f"{log_key}.pub").ok


def test_evidence_is_judged_again_without_testing(system: Path, tmp_path: Path) -> None:
    outcome = assess(system, output=tmp_path / "out")
    recorded_profile, same = judge_again(find_bundle(tmp_path / "out"))
    assert (recorded_profile, same) == (outcome.profile, outcome.assessment)
    _, whole = judge_again(find_bundle(tmp_path / "out"), load_standard().profile("baseline"))
    assert len(whole.findings) > len(same.findings)
    verdicts = {finding.control: finding.verdict for finding in whole.findings}
    assert verdicts["MI-09"] is Verdict.PASS
    assert verdicts["MI-05"] is Verdict.NOT_TESTED


def test_what_was_skipped_is_not_tested_and_never_passes(system: Path, tmp_path: Path) -> None:
    outcome = assess(system, output=tmp_path / "out", skip=["model.performance"])
    finding = next(finding for finding in outcome.assessment.findings if finding.control == "MI-09")
    assert finding.verdict is Verdict.NOT_TESTED
    assert not outcome.passed


def test_names_that_mean_nothing_are_refused(system: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="neither a check nor a control"):
        assess(system, output=tmp_path / "a", only=["model.preformance"])
    with pytest.raises(StandardError):
        assess(system, "no-such-profile", output=tmp_path / "b")


def test_reports_are_derived_from_the_bundle_alone(system: Path, tmp_path: Path) -> None:
    outcome = assess(system, output=tmp_path / "out")
    command = [sys.executable, "-m", "touchstone", "report", str(tmp_path / "out"), "--output", str(tmp_path / "again")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    rendered, first = ((tmp_path / name / "report.json").read_text() for name in ("again", "out"))
    assert json.loads(rendered)["assessment"] == json.loads(first)["assessment"] == outcome.assessment.to_json()


def test_an_assessment_needs_no_network(system: Path, tmp_path: Path) -> None:
    if subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets an ordinary process remove no network")
    command = ["unshare", "--net", sys.executable, "-m", "touchstone", "assess", str(system)]
    finished = subprocess.run(
        [*command, "--output", str(tmp_path / "out")], check=False, capture_output=True, text=True
    )
    assert finished.returncode == 1, finished.stderr
    assert (tmp_path / "out" / "report.en.html").exists()


def test_opening_a_system_executes_nothing_of_it(tmp_path: Path) -> None:
    path = prediction_system(tmp_path / "system")
    payload = b"cos\nsystem\n(S'touch " + str(tmp_path / "executed").encode() + b"'\ntR."
    (tmp_path / "system" / "test.csv").write_bytes(payload)
    open_system(path)
    with pytest.raises(UserError, match="no column"):
        assess(path, output=tmp_path / "out")
    assert not (tmp_path / "executed").exists()


def test_wrong_data_are_refused_before_any_test_runs(tmp_path: Path) -> None:
    path = prediction_system(tmp_path / "system")
    table = tmp_path / "system" / "test.csv"
    table.write_text(table.read_text().replace("case-7,", "case-6,"))
    watcher = Counting()
    with pytest.raises(UserError, match="case-6"):
        assess(path, output=tmp_path / "out", watcher=watcher)
    assert watcher.started == []
    assert not (tmp_path / "out").exists()


def test_a_refused_system_leaves_the_folder_as_it_was(
    system: Path, laboratory: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    key, log_key, log = laboratory
    (tmp_path / "empty").mkdir()
    shutil.copytree(system.parent, tmp_path / "broken")
    (tmp_path / "broken" / "test.csv").write_text("id\n")
    with pytest.raises(UserError, match="no column"):
        assess(tmp_path / "broken", output=tmp_path / "empty", key=key, log=log, log_key=log_key)
    assert list((tmp_path / "empty").iterdir()) == []
    assert Log.open(log).checkpoint.size == 0
    assess(system, output=tmp_path / "empty", key=key, log=log, log_key=log_key)
    assert Log.open(log).checkpoint.size == 3


def test_what_is_no_log_is_noticed_before_anything_is_written(
    system: Path, laboratory: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    key, log_key, log = laboratory
    generate(tmp_path / "other", None)
    generate_log_key(tmp_path / "other-log", None)
    for given, signs_log, wrong, said in (
        (key, log_key, tmp_path, "no transparency log"),
        (key, tmp_path / "other-log", log, "not signed by the key"),
        (None, log_key, log, "statements that are signed"),
    ):
        with pytest.raises(UserError, match=said):
            assess(system, output=tmp_path / "out", key=given, log=wrong, log_key=signs_log)
    assert not (tmp_path / "out").exists()


def test_an_unsigned_assessment_is_signed_later_but_by_one_key_only(
    system: Path, laboratory: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    key, log_key, log = laboratory
    generate(tmp_path / "other", None)
    assess(system, output=tmp_path / "out")
    assess(system, output=tmp_path / "out", resume=True, key=key, log=log, log_key=log_key)
    assert verify(tmp_path / "out", key=f"{key}.pub", log_key=f"{log_key}.pub").ok
    with pytest.raises(UserError, match="signed plan of another assessment"):
        assess(system, output=tmp_path / "out", resume=True, key=tmp_path / "other")
    assert verify(tmp_path / "out", key=f"{key}.pub", log_key=f"{log_key}.pub").ok


def test_another_plan_is_not_signed_into_a_finished_folder(
    system: Path, laboratory: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    assess(system, output=tmp_path / "out")
    with pytest.raises(UserError, match="another plan"):
        assess(system, output=tmp_path / "out", resume=True, budget="full", key=laboratory[0])
    assert not (tmp_path / "out" / "plan.dsse.json").exists()


def test_every_signature_is_stamped_the_plan_s_before_the_test(
    system: Path, laboratory: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, log_key, log = laboratory
    monkeypatch.setenv("LAB_KEY", key.read_text())
    moments = iter(datetime(2026, 11, 23, hour, tzinfo=UTC) for hour in range(3))
    authority = TimestampAuthority.create(tmp_path / "tsa", "Example", None, datetime(2026, 11, 1, tzinfo=UTC))
    stamper = OwnAuthority(authority, lambda: next(moments))
    assess(system, output=tmp_path / "out", key="env:LAB_KEY", log=log, log_key=log_key, tsa=stamper)
    stamps = {
        name: stamp_of(
            (tmp_path / "out" / f"receipts/{name}.tsr").read_bytes(),
            stamped_bytes(Envelope.from_bytes((tmp_path / "out" / f"{name}.dsse.json").read_bytes(), name)),
            Authority(authority.certificates),
            name,
        ).at.hour
        for name in ("plan", "assessment", "refusal")
    }
    assert stamps == {"plan": 0, "assessment": 1, "refusal": 2}
    verification = verify(tmp_path / "out", key=f"{key}.pub", log_key=f"{log_key}.pub")
    assert verification.ok
    assert verification.passed("sigstore")
    renew_receipts(tmp_path / "out", Log.open(log))
    assert verify(tmp_path / "out", key=f"{key}.pub", log_key=f"{log_key}.pub").passed("sigstore")


def test_a_log_without_its_key_is_refused(system: Path, laboratory: tuple[Path, Path, Path], tmp_path: Path) -> None:
    key, log_key, log = laboratory
    for given in ({"log": log}, {"log_key": log_key}, {"log": log, "log_key": log_key}):
        signing = {} if len(given) == 2 else {"key": key}
        with pytest.raises(UserError, match="a log needs its own key"):
            assess(system, output=tmp_path / "out", **signing, **given)
