"""`touchstone verify`: exit codes, names of changed files, both languages, no network needed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.evidence.made import Laboratory
from touchstone.cli.verify import command
from touchstone.errors import UserError
from touchstone.evidence.bundle import Bundle

AT = ("--at", "2026-12-01")


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    return Laboratory.in_folder(tmp_path_factory.mktemp("laboratory"))


@pytest.fixture
def out(laboratory: Laboratory, tmp_path: Path) -> Path:
    return laboratory.assess(tmp_path / "out")


def run(laboratory: Laboratory, path: Path, *options: str) -> Result:
    keys = ("--key", str(laboratory.folder / "lab.key.pub"), "--log-key", str(laboratory.folder / "log.key.pub"))
    return CliRunner().invoke(command, [str(path), *keys, *options])


def test_good_evidence_exits_with_0_and_says_what_that_means(laboratory: Laboratory, out: Path) -> None:
    result = run(laboratory, out, *AT)
    assert result.exit_code == 0
    assert "VALID. This proves:" in result.output
    assert "It does not prove:" in result.output
    assert "! no signature covers: report.en.html" in result.output


def test_a_changed_blob_exits_with_1_and_is_named(laboratory: Laboratory, out: Path) -> None:
    entry = Bundle.open(out / "evidence").entry("observation/accuracy.json")
    blob = out / "evidence" / entry.blob
    blob.write_bytes(blob.read_bytes()[:-1] + b"]")
    result = run(laboratory, out, *AT)
    assert result.exit_code == 1
    assert f"✗ evidence/{entry.blob} (observation/accuracy.json): was changed" in result.output
    assert "NOT VALID" in result.output
    assert "This proves" not in result.output


def test_an_expired_certificate_exits_with_1(laboratory: Laboratory, out: Path) -> None:
    result = run(laboratory, out, "--at", "2030-01-01T00:00:00Z")
    assert result.exit_code == 1
    assert "expired on 2027-11-23T09:00:00Z" in result.output


def test_json_for_programs(laboratory: Laboratory, out: Path) -> None:
    result = run(laboratory, out, "--format", "json", *AT)
    value = json.loads(result.output)
    assert (value["ok"], value["kind"]) == (True, "certificate")
    (out / "checkpoint").write_bytes(b"")
    spoilt = run(laboratory, out, "--format", "json", *AT)
    assert spoilt.exit_code == 1
    failed = [step["file"] for step in json.loads(spoilt.output)["steps"] if step["status"] == "failed"]
    assert "checkpoint" in failed


def test_nothing_in_a_folder_can_steer_the_terminal(laboratory: Laboratory, out: Path) -> None:
    (out / "\x1b[2Jnotes").touch()
    result = run(laboratory, out, *AT)
    assert result.exit_code == 0
    assert "\x1b" not in result.output
    assert "[2Jnotes" in result.output


def test_wrong_input_is_a_user_error(laboratory: Laboratory, tmp_path: Path) -> None:
    result = run(laboratory, tmp_path / "nowhere")
    assert isinstance(result.exception, UserError)
    assert result.exception.exit_code == 2


def program(*arguments: str, language: str = "en") -> subprocess.CompletedProcess[str]:
    """The installed program, as a shell starts it."""
    return subprocess.run(
        [sys.executable, "-c", "from touchstone.cli import main; main()", *arguments],
        env={**os.environ, "TOUCHSTONE_LANG": language, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


def test_exit_codes_of_the_program_in_chinese(laboratory: Laboratory, out: Path) -> None:
    keys = ("--key", str(laboratory.folder / "lab.key.pub"), "--log-key", str(laboratory.folder / "log.key.pub"))
    good = program("verify", str(out), *keys, *AT, language="zh")
    assert good.returncode == 0
    assert "有效。由此可证：" in good.stdout
    (out / "plan.dsse.json").write_text("{}")
    bad = program("verify", str(out), *keys, *AT, language="zh")
    assert bad.returncode == 1
    assert "✗ plan.dsse.json" in bad.stdout
    wrong = program("verify", str(out), "--key", str(laboratory.folder / "lab.key"), language="zh")
    assert wrong.returncode == 2
    assert "不是 PEM 格式的公钥" in wrong.stderr
    assert "Traceback" not in wrong.stderr


def test_neither_numpy_nor_the_network_is_touched(laboratory: Laboratory, out: Path) -> None:
    """Runs with sockets forbidden by an audit hook, and looks at what was imported."""
    script = """
import sys
def forbid(event, arguments):
    if event.startswith("socket."):
        raise SystemExit("the network was touched: " + event)
sys.addaudithook(forbid)
from touchstone.cli.verify import command
command.main(sys.argv[1:], standalone_mode=False)
heavy = {"numpy", "scipy", "sklearn", "onnxruntime", "skops", "torch", "PIL", "pyarrow"} & set(sys.modules)
assert not heavy, heavy
"""
    arguments = [str(out), "--key", str(laboratory.folder / "lab.key.pub"), *AT]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
