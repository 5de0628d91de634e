"""`touchstone certificate`, `trust` and `replicate`, and what `verify` makes of what they write."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.building import prediction_system
from tests.cli.program import Finished, run
from tests.evidence.made import Laboratory
from touchstone.api import assess
from touchstone.cli.verify import grouped

AT = ("--at", "2026-12-01")
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def laboratory(tmp_path: Path) -> Laboratory:
    return Laboratory.in_folder(tmp_path / "lab")


@pytest.fixture
def out(laboratory: Laboratory, tmp_path: Path) -> Path:
    return laboratory.assess(tmp_path / "out")


def change(capsys: Capture, laboratory: Laboratory, action: str, out: Path, *more: object) -> Finished:
    reason = ("--reason", "a trigger was found", "--effective", "2026-11-25")
    return run(capsys, "certificate", action, out, "--key", laboratory.folder / "lab.key", *reason, *more)


def verified(capsys: Capture, laboratory: Laboratory, out: Path, *more: object) -> Finished:
    return run(capsys, "verify", out, "--key", laboratory.folder / "lab.key.pub", *AT, *more)


def test_the_life_of_a_certificate(laboratory: Laboratory, out: Path, capsys: Capture, tmp_path: Path) -> None:
    public = laboratory.folder / "lab.key.pub"
    logged = ("--log", laboratory.folder / "log", "--log-key", laboratory.folder / "log.key")
    assert change(capsys, laboratory, "suspend", out, *logged).code == 0
    assert (out / "receipts" / "status" / "0001.tlog-proof").exists()
    suspended = verified(capsys, laboratory, out, "--log-key", laboratory.folder / "log.key.pub")
    assert suspended.code == 1
    assert "the certificate is suspended since 2026-11-25T00:00:00Z: a trigger was found" in suspended.out
    shown = json.loads(run(capsys, "certificate", "show", out, "--key", public, "--format", "json").out)
    assert (shown["standing"], [each["action"] for each in shown["changes"]]) == ("suspended", ["suspend"])
    assert change(capsys, laboratory, "reinstate", out, *logged).code == 0
    assert verified(capsys, laboratory, out, "--log-key", laboratory.folder / "log.key.pub").code == 0
    assert (
        "1. 2026-11-25T00:00:00Z  suspend: a trigger was found"
        in run(capsys, "certificate", "show", out, "--key", public).out
    )
    assert change(capsys, laboratory, "withdraw", out).code == 0
    again = change(capsys, laboratory, "reinstate", out)
    assert again.code == 2
    assert "cannot be changed" in again.err
    assert "withdrawn" in run(capsys, "certificate", "list", out, "--key", public).out
    assert "已撤销" in run(capsys, "--lang", "zh", "certificate", "list", out, "--key", public).out


def test_a_snapshot_for_those_who_verify_offline(
    laboratory: Laboratory, out: Path, capsys: Capture, tmp_path: Path
) -> None:
    snapshot = tmp_path / "snapshot.dsse.json"
    written = run(
        capsys,
        *("certificate", "snapshot", out, "--output", snapshot, "--key", laboratory.folder / "lab.key"),
        *("--log", laboratory.folder / "log", "--valid-days", 7),
    )
    assert written.code == 0
    keys = ("--key", laboratory.folder / "lab.key.pub", "--status", snapshot)
    good = run(capsys, "verify", out, *keys)
    assert good.code == 0
    assert "status good as of " in good.out
    stale = run(capsys, "verify", out, *keys, "--max-age", 0, "--format", "json", "--at", "2027-10-01")
    value = json.loads(stale.out)
    assert (stale.code, value["exit_code"], value["ok"]) == (3, 3, False)
    assert "STALE" in run(capsys, "verify", out, *keys, "--at", "2027-10-01").out


def test_without_a_status_the_line_says_not_known(laboratory: Laboratory, out: Path, capsys: Capture) -> None:
    finished = verified(capsys, laboratory, out)
    assert finished.code == 0
    assert "– certificate.dsse.json: the certificate's status is not known" in finished.out
    assert "0 independent witnesses" in finished.out


def test_a_policy_decides_with_reasons(laboratory: Laboratory, out: Path, capsys: Capture, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    text = f"""
schema: touchstone.policy/v1
name: Ministry
trust:
- {{name: Lab A, key: "{laboratory.public.id}", roles: [assessor, certifier]}}
"""
    policy.write_text(text)
    refused = verified(capsys, laboratory, out, "--policy", policy)
    assert refused.code == 4
    assert "✗ certificate.dsse.json: does not accept a system that is made up" in refused.out
    assert "NOT ACCEPTED" in refused.out
    policy.write_text(text + "require: {synthetic: true}\n")
    accepted = verified(capsys, laboratory, out, "--policy", policy)
    assert accepted.code == 0
    assert "meets the policy Ministry" in accepted.out
    policy.write_text(text + "require: {syntetic: true}\n")
    wrong = verified(capsys, laboratory, out, "--policy", policy)
    assert wrong.code == 2
    assert "syntetic" in wrong.err


def test_a_trust_root_from_list_to_verification(
    laboratory: Laboratory, out: Path, capsys: Capture, tmp_path: Path
) -> None:
    names = ("alice", "bob", "carol")
    for name in names:
        assert run(capsys, "keys", "generate", tmp_path / name, "--without-passphrase").code == 0
    (tmp_path / "parties.yaml").write_text(
        f"""
schema: touchstone.parties/v1
parties:
- {{name: Lab A, roles: [assessor, certifier], key_file: {laboratory.folder.name}/lab.key.pub}}
- {{name: log.example.org, roles: [log], key_file: {laboratory.folder.name}/log.key.pub}}
"""
    )
    root = tmp_path / "root.json"
    keys = [word for name in names for word in ("--root-key", tmp_path / f"{name}.pub")]
    begun = run(
        capsys,
        *("trust", "init", tmp_path / "parties.yaml", *keys, "--threshold", 2),
        *("--expires", "2040-01-01", "--output", root),
    )
    assert begun.code == 0, begun.err
    assert run(capsys, "trust", "sign", root, "--key", tmp_path / "alice").code == 0
    early = run(capsys, "verify", out, "--trust", root, *AT)
    assert early.code == 2
    assert "signed by 1 of the 2 keys" in early.err
    assert run(capsys, "trust", "sign", root, "--key", tmp_path / "carol").code == 0
    assert "signed by 2, 2 needed" in run(capsys, "trust", "verify", root).out
    assert "Lab A  assessor, certifier" in run(capsys, "trust", "show", root).out
    good = run(capsys, "verify", out, "--trust", root, *AT)
    assert good.code == 0
    assert "is signed by Lab A" in good.out
    assert "is signed by the log log.example.org" in good.out


def test_recognition_on_the_command_line(laboratory: Laboratory, out: Path, capsys: Capture, tmp_path: Path) -> None:
    assert run(capsys, "keys", "generate", tmp_path / "regulator", "--without-passphrase").code == 0
    finished = run(
        capsys,
        *("trust", "recognise", laboratory.folder / "lab.key.pub", "--issuer", "Lab A", "--recogniser", "Regulator"),
        *("--profile", "test-profile", "--level", "basic", "--until", "2040-01-01"),
        *("--key", tmp_path / "regulator", "--output", tmp_path / "recognition.dsse.json"),
    )
    assert finished.code == 0, finished.err
    certificate = out / "certificate.dsse.json"
    regulator = ("--key", tmp_path / "regulator.pub")
    assert run(capsys, "verify", certificate, *regulator).code == 1
    recognised = run(capsys, "verify", certificate, *regulator, "--recognition", tmp_path / "recognition.dsse.json")
    assert recognised.code == 0, recognised.out
    assert "recognises Lab A until 2040-01-01T00:00:00Z" in recognised.out


def test_a_second_laboratory_repeats_the_tests(laboratory: Laboratory, capsys: Capture, tmp_path: Path) -> None:
    facts = {"deploy.affects_individuals": True, "data.personal": False}
    system = prediction_system(tmp_path / "system", rows=600, facts=facts)
    assess(system, output=tmp_path / "first", key=laboratory.folder / "lab.key")
    assert run(capsys, "keys", "generate", tmp_path / "second", "--without-passphrase").code == 0
    repeated = run(
        capsys,
        *("replicate", tmp_path / "first", "--system", system, "--key", tmp_path / "second"),
        *("--laboratory", "Lab B"),
    )
    assert repeated.code == 0, repeated.err
    assert "the same bytes" in repeated.out
    keys = ("--key", laboratory.folder / "lab.key.pub", "--key", tmp_path / "second.pub")
    assert "repeated the tests: the same bytes" in run(capsys, "verify", tmp_path / "first", *keys).out
    other = prediction_system(tmp_path / "other", rows=601, facts=facts)
    wrong = run(capsys, "replicate", tmp_path / "first", "--system", other, "--key", tmp_path / "second")
    assert wrong.code == 2
    assert "is another system" in wrong.err


def test_files_without_a_signature_share_one_line() -> None:
    files = ["deep/er/note.txt", "junit.xml", "report.en.html", "report.json", "report.zh.html"]
    assert grouped(files) == ["deep/er/note.txt", "junit.xml", "report.*"]


def test_nobody_to_trust_is_misuse(out: Path, capsys: Capture) -> None:
    finished = run(capsys, "verify", out)
    assert finished.code == 2
    assert "whom do you trust" in finished.err


def test_verify_starts_quickly_and_imports_only_the_core(laboratory: Laboratory, out: Path) -> None:
    script = """
import sys
from touchstone.cli.verify import command
command.main(sys.argv[1:], standalone_mode=False)
unwanted = {"numpy", "scipy", "onnxruntime", "sklearn", "skops", "torch", "PIL", "pyarrow", "rich", "jinja2",
            "rfc3161_client", "tuf", "securesystemslib", "pkcs11", "gmssl", "cbor2", "urllib.request", "http.client"}
assert not unwanted & set(sys.modules), unwanted & set(sys.modules)
"""
    arguments = [str(out), "--key", str(laboratory.folder / "lab.key.pub"), *AT]
    seconds = []
    for _ in range(3):
        before = os.times()
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False, timeout=120
        )
        after = os.times()
        assert done.returncode == 0, done.stderr
        seconds.append(after.children_user + after.children_system - before.children_user - before.children_system)
    assert min(seconds) <= 0.8, seconds  # processor time: 0.5 s alone, and room for a busy machine
