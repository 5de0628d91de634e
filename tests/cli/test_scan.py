"""`touchstone scan`, as its user runs it: exit codes, formats, what is handed in, and every kind of wrong input."""

from __future__ import annotations

import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli import small_systems as good
from tests.cli.program import Finished, run
from tests.scan.made import every_kind, file, finding, gap, result
from touchstone.cli.scan import exit_code
from touchstone.scan.findings import Severity, at_or_above
from touchstone.signatures.keys import SigningKey, generate, load_signing_key
from touchstone.system.model_signing import sign_model

Capture = pytest.CaptureFixture[str]
CHINESE = re.compile("[\u4e00-\u9fff]")


class Planted:
    """Pickles as a call of `os.getpid`, which nothing here ever makes."""

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        return os.getpid, ()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "docs").mkdir(parents=True)
    (folder / "README.txt").write_text("A model.\n")
    (folder / "docs" / "notes.txt").write_text("Notes.\n")
    return folder


@pytest.fixture
def planted(model: Path) -> Path:
    (model / "evil.pkl").write_bytes(pickle.dumps(Planted()))
    return model


def signing_key(path: Path) -> SigningKey:
    """A new key at `path`, with its public half beside it."""
    generate(path, None)
    return load_signing_key(path, None)


def refused(finished: Finished, said: str) -> None:
    """One clear message, exit code 2, no traceback, nothing on standard output."""
    assert finished.code == 2, finished
    assert said in finished.err
    assert "Traceback" not in finished.err
    assert finished.out == ""


# ---- what it finds


def test_clean_files_exit_with_0(model: Path, capsys: Capture) -> None:
    finished = run(capsys, "scan", model)
    assert (finished.code, finished.err) == (0, "")
    assert "✓ clean  docs/notes.txt" in finished.out
    assert "2 files, 16 B, all read to the last byte" in finished.out


def test_a_call_in_a_pickle_exits_with_1(planted: Path, capsys: Capture) -> None:
    finished = run(capsys, "scan", planted)
    assert finished.code == 1
    assert "✗ unsafe  evil.pkl" in finished.out
    assert "posix.getpid" in finished.out


def test_what_was_not_read_exits_with_3(model: Path, capsys: Capture) -> None:
    os.mkfifo(model / "pipe")
    finished = run(capsys, "scan", model)
    assert finished.code == 3
    assert "is a named pipe, not a file" in finished.out


def test_a_finding_wins_over_what_was_not_read(planted: Path, capsys: Capture) -> None:
    os.mkfifo(planted / "pipe")
    assert run(capsys, "scan", planted).code == 1


@pytest.mark.parametrize("limit", ["critical", "high", "medium", "low"])
@pytest.mark.parametrize("severity", ["critical", "high", "medium", "low"])
def test_the_exit_code_follows_the_severity(severity: Severity, limit: Severity) -> None:
    scanned = result(file("x", findings=(finding("x", severity=severity),)))
    assert exit_code(scanned, limit) == (1 if at_or_above(severity, limit) else 0)
    incomplete = result(*scanned.files, file("y", gaps=(gap("y"),)))
    assert exit_code(incomplete, limit) == (1 if at_or_above(severity, limit) else 3)


def test_neither_information_nor_what_is_accepted_counts() -> None:
    information = finding("x", severity="high", nature="information")
    assert exit_code(result(file("x", findings=(information,))), "low") == 0
    assert exit_code(result(every_kind().files[3]), "low") == 0


def test_links_below_the_limit_leave_the_exit_code_to_what_was_not_read(model: Path, capsys: Capture) -> None:
    (model / "out").symlink_to("/etc/passwd")
    assert run(capsys, "scan", model).code == 3
    assert run(capsys, "scan", model, "--fail-on", "medium").code == 1


def test_a_fault_of_ours_exits_with_4(model: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("touchstone.scan.scanning.walk", fail)
    finished = run(capsys, "scan", model)
    assert (finished.code, "internal error: ZeroDivisionError" in finished.err) == (4, True)


# ---- what it writes


def test_every_format_is_printed_or_written(planted: Path, tmp_path: Path, capsys: Capture) -> None:
    for form, beginning in {
        "text": "✗ unsafe",
        "json": '{"advisories_sha256"',
        "sarif": '{"$schema"',
        "cyclonedx": '{"$schema"',
        "html": "<!doctype html>",
    }.items():
        printed = run(capsys, "scan", planted, "--format", form)
        assert printed.out.lstrip().startswith(beginning)
        target = tmp_path / f"out.{form}"
        written = run(capsys, "scan", planted, "--format", form, "--output", target)
        assert (printed.code, written.code) == (1, 1)
        assert target.read_text("utf-8") == printed.out
        assert f"written to {target}" in written.out
        assert "1 unsafe, 2 clean" in written.out


def test_both_languages(planted: Path, capsys: Capture) -> None:
    for form in ("text", "sarif", "html"):
        assert not CHINESE.search(run(capsys, "scan", planted, "--format", form).out.replace("试金石", ""))
        assert CHINESE.search(run(capsys, "scan", planted, "--format", form, "--lang", "zh").out)


def test_paths_in_sarif_are_seen_from_the_current_folder(
    model: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model.parent)
    for path, uri in (
        ("model", "model/README.txt"),
        ("model/README.txt", "model/README.txt"),
        (".", "model/README.txt"),
    ):
        log = json.loads(run(capsys, "scan", path, "--format", "sarif").out)
        assert log["runs"][0]["artifacts"][0]["location"]["uri"] == uri
    monkeypatch.chdir("/")
    log = json.loads(run(capsys, "scan", model, "--format", "sarif").out)
    assert log["runs"][0]["artifacts"][0]["location"]["uri"] == f"{str(model)[1:]}/README.txt"


def test_unreviewed_names_are_printed_alone_with_their_counts(model: Path, capsys: Capture) -> None:
    for name in ("a.pkl", "b.pkl"):
        (model / name).write_bytes(b"cnobody.knows\nThing\n.")
    (model / "c.pkl").write_bytes(b"canother.library\nOther\n.")
    finished = run(capsys, "scan", model, "--unknown-symbols")
    assert finished.out == "2\tnobody.knows.Thing\n1\tanother.library.Other\n"


def test_suppliers_come_from_the_description_of_the_system(model: Path, tmp_path: Path, capsys: Capture) -> None:
    system = tmp_path / "system"
    system.mkdir()
    good.predictions(system)
    finished = run(capsys, "scan", model, "--format", "cyclonedx", "--system", system)
    whole = json.loads(finished.out)["metadata"]["component"]
    assert whole["supplier"]["name"]
    assert whole["bom-ref"] == "scanned"


def test_packages_are_looked_up_in_the_advisories_that_are_given(model: Path, tmp_path: Path, capsys: Capture) -> None:
    (model / "requirements.txt").write_text("ourlib==1.0\n")
    record = {
        "id": "GHSA-2222-3333-4444",
        "summary": "Does harm",
        "affected": [{"package": {"ecosystem": "PyPI", "name": "ourlib"}, "versions": ["1.0"]}],
        "database_specific": {"severity": "CRITICAL"},
    }
    osv = tmp_path / "osv"
    osv.mkdir()
    (osv / "one.json").write_text(json.dumps(record))
    assert run(capsys, "scan", model).code == 0
    finished = run(capsys, "scan", model, "--advisories", osv, "--fail-on", "medium")
    assert (finished.code, "GHSA-2222-3333-4444 Does harm" in finished.out) == (1, True)
    refused(run(capsys, "scan", model, "--advisories", tmp_path / "gone"), "gone")


# ---- allow file and signature


def test_a_baseline_lets_the_same_files_pass_once_its_reasons_are_given(
    planted: Path, tmp_path: Path, capsys: Capture
) -> None:
    baseline = tmp_path / "baseline.yaml"
    written = run(capsys, "scan", planted, "--write-baseline", baseline)
    assert (written.code, "fill in its reasons" in written.err) == (1, True)
    refused(run(capsys, "scan", planted, "--allow", baseline), "gives no reason")
    baseline.write_text(baseline.read_text("utf-8").replace('reason: ""', "reason: inert"), "utf-8")
    accepted = run(capsys, "scan", planted, "--allow", baseline)
    assert accepted.code == 0
    assert "= accepted  evil.pkl" in accepted.out
    assert "– inert (until " in accepted.out
    (planted / "evil.pkl").write_bytes(pickle.dumps([Planted()]))
    assert run(capsys, "scan", planted, "--allow", baseline).code == 1


def test_an_expired_entry_counts_no_longer(planted: Path, tmp_path: Path, capsys: Capture) -> None:
    allow = tmp_path / "allow.yaml"
    allow.write_text(
        "schema: touchstone.allow/v1\nallow:\n- {rule: link/leads-out, reason: old, expires: 2020-01-01}\n", "utf-8"
    )
    finished = run(capsys, "scan", planted, "--allow", allow)
    assert finished.code == 1
    assert "allow.yaml:3: expired on 2020-01-01" in finished.out


def test_files_must_be_as_signed(model: Path, tmp_path: Path, capsys: Capture) -> None:
    key = signing_key(tmp_path / "key")
    (model / ".gitignore").write_text("*.tmp\n")
    (model / "model.sig").write_bytes(sign_model(model, key, [".gitignore", "model.sig"]))
    signed = ("scan", model, "--signature", model / "model.sig", "--key", tmp_path / "key.pub", "--verbose")
    clean = run(capsys, *signed)
    assert clean.code in {0, 3}
    assert "signature/changed" not in clean.out
    assert "Was left out by the signer" in clean.out
    (model / "README.txt").write_text("Another model.\n")
    (model / "docs" / "notes.txt").rename(model / "docs" / "other.txt")
    changed = run(capsys, *signed)
    assert changed.code == 1
    for rule in ("signature/changed", "signature/missing", "signature/not-signed"):
        assert f"[{rule}]" in changed.out


# ---- wrong input


def test_wrong_options(model: Path, tmp_path: Path, capsys: Capture) -> None:
    refused(run(capsys, "scan"), "Missing argument 'PATH...'")
    refused(run(capsys, "scan", model, "--format", "pdf"), "'pdf' is not one of")
    refused(run(capsys, "scan", model, "--jobs", 0), "0 is not in the range")
    refused(run(capsys, "scan", model, "--limit-seconds", 0), "0 is not in the range")
    refused(run(capsys, "scan", model, "--fail-on", "information"), "is not one of")
    refused(run(capsys, "scan", model, "--key", tmp_path / "k"), "--signature and --key together")
    refused(run(capsys, "scan", model, "--signature", tmp_path / "s"), "--signature and --key together")
    refused(run(capsys, "scan", model, model, "--signature", "s", "--key", "k"), "a signature is about one PATH")


def test_wrong_paths(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    refused(run(capsys, "scan", tmp_path / "gone"), "does not exist")
    refused(run(capsys, "scan", tmp_path / "empty"), "holds no files to scan")
    refused(run(capsys, "scan", tmp_path / "pipe"), "is a named pipe, not a file")
    refused(run(capsys, "scan", "/dev/null"), "is a device, not a file")
    refused(run(capsys, "scan", tmp_path / "\x1b[31mred\ngone"), "\\x1b[31mred\\x0agone")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read anything")
def test_a_file_that_may_not_be_read_is_incomplete(model: Path, capsys: Capture) -> None:
    (model / "README.txt").chmod(0)
    assert run(capsys, "scan", model).code == 3


def test_names_never_steer_the_terminal(model: Path, capsys: Capture) -> None:
    os.mkfifo(model / "\x1b[2J\r\u202e.pkl")
    out = run(capsys, "scan", model).out
    assert "\\x1b[2J\\x0d\\u202e.pkl" in out
    assert "\x1b" not in out


def test_wrong_targets(model: Path, tmp_path: Path, capsys: Capture) -> None:
    readme = model / "README.txt"
    refused(run(capsys, "scan", model, "--output", tmp_path / "no" / "out"), "lies in a folder that does not exist")
    refused(run(capsys, "scan", model, "--output", readme), "is one of the files to be scanned")
    refused(run(capsys, "scan", readme, "--output", readme), "is one of the files to be scanned")
    refused(run(capsys, "scan", model, "--output", tmp_path), "is not a regular file")
    refused(run(capsys, "scan", model, "--output", "/dev/full"), "is not a regular file")
    refused(run(capsys, "scan", model, "--write-baseline", readme), "exists already and is not overwritten")
    assert readme.read_text() == "A model.\n"


def test_wrong_files_beside(model: Path, tmp_path: Path, capsys: Capture) -> None:
    broken = tmp_path / "broken"
    broken.write_text("schema: [\n")
    key = tmp_path / "key.pub"
    signing_key(tmp_path / "key")
    refused(run(capsys, "scan", model, "--allow", tmp_path / "gone"), "does not exist")
    refused(run(capsys, "scan", model, "--allow", broken), f"{broken}:")
    refused(run(capsys, "scan", model, "--system", tmp_path / "gone"), "does not exist")
    refused(run(capsys, "scan", model, "--signature", broken, "--key", key), f"{broken}")
    refused(run(capsys, "scan", model, "--signature", broken, "--key", broken), f"{broken}")
    other = sign_model(model, signing_key(tmp_path / "other"), [])
    (tmp_path / "other.sig").write_bytes(other)
    refused(run(capsys, "scan", model, "--signature", tmp_path / "other.sig", "--key", key), "signed by another key")


def test_an_interrupted_scan_ends_at_once_and_leaves_no_worker(tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom touchstone.scan import worker\nfrom touchstone.cli import main\n"
        "worker.scan_file = lambda *_: time.sleep(60)\nmain()"
    )
    (tmp_path / "a.txt").write_text("a")
    with subprocess.Popen(
        [sys.executable, "-c", program, "scan", str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
        deadline = time.monotonic() + 20
        while not children.read_text() and time.monotonic() < deadline:
            time.sleep(0.02)
        workers = children.read_text().split()
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=10)
    assert workers
    assert (running.returncode, err.strip()) == (2, "stopped")
    deadline = time.monotonic() + 5  # what has ended stays listed until whoever inherits it looks
    while any(Path(f"/proc/{worker}").exists() for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]


def test_help_and_a_small_file_import_nothing_heavy(model: Path) -> None:
    program = (
        "import sys\nfrom touchstone.cli import main\ntry:\n    main()\nfinally:\n"
        "    print(sorted({'pydantic', 'yaml', 'jinja2', 'cryptography', 'numpy', 'rich'} & set(sys.modules)))"
    )
    for arguments in (["scan", "--help"], ["scan", str(model / "README.txt")]):
        finished = subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
        )
        assert finished.stdout.splitlines()[-1] == "[]"
