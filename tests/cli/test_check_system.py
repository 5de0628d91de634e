"""`touchstone check-system`, from the outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import run
from tests.system.described import write_system
from touchstone.system.subject import open_system

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize(("language", "said"), [("en", "OK  pump-watch 1.0"), ("zh", "通过  pump-watch 1.0")])
def test_a_good_system_is_named_by_its_digest(tmp_path: Path, capsys: Capture, language: str, said: str) -> None:
    path = write_system(tmp_path)
    finished = run(capsys, "--lang", language, "check-system", tmp_path)
    assert finished.code == 0
    assert finished.out.startswith(f"{said}  {open_system(path).digest}\n")
    assert "model.onnx" in finished.out
    assert "model.task" in finished.out
    assert "data.train" in finished.out
    assert "facts.deploy.cii" in finished.out
    assert "facts.data.personal" not in finished.out


def test_json(tmp_path: Path, capsys: Capture) -> None:
    subject = open_system(write_system(tmp_path))
    finished = run(capsys, "check-system", tmp_path / "system.yaml", "--format", "json")
    summary = json.loads(finished.out)
    assert summary["digest"] == subject.digest
    assert {file["path"]: file["digest"] for file in summary["files"]} == {f.path: f.digest for f in subject.files}
    assert summary["facts"] == {
        "data.personal": False,
        "input.modality": "tabular",
        "model.task": "classification",
    }
    assert all(question["en"] and question["zh"] for question in summary["questions"])


RISK = "- {id: R-1, title: a risk, identified: 2026-03-02, owner: P-1, treatment: reduce, residual: low}\n"


def with_risks(folder: Path, risks: str) -> Path:
    (folder / "risks.yaml").write_text(risks, "utf-8")
    path = write_system(folder)
    path.write_text(path.read_text("utf-8") + "\nregisters: {risks: risks.yaml}\n", "utf-8")
    return path


def test_registers_are_counted_and_say_how_far_they_reach(tmp_path: Path, capsys: Capture) -> None:
    path = with_risks(tmp_path, RISK)
    assert "1 entry  up to 2026-03-02" in run(capsys, "check-system", path).out
    assert "1 条  截至 2026-03-02" in run(capsys, "--lang", "zh", "check-system", path).out
    summary = json.loads(run(capsys, "check-system", path, "--format", "json").out)
    assert summary["registers"] == [{"name": "risks", "entries": 1, "newest_day": "2026-03-02"}]


def test_a_register_that_is_wrong_is_named_with_its_line(tmp_path: Path, capsys: Capture) -> None:
    path = with_risks(tmp_path, RISK + RISK.replace("reduce", "ignore"))
    finished = run(capsys, "check-system", path)
    assert (finished.code, finished.out) == (2, "")
    assert "risks.yaml:2" in finished.err
    assert "treatment" in finished.err


@pytest.mark.parametrize(("language", "said"), [("en", "error: "), ("zh", "错误：")])
def test_all_problems_are_printed_with_exit_code_2(tmp_path: Path, capsys: Capture, language: str, said: str) -> None:
    path = write_system(tmp_path, ("model.onnx", "../model.onnx"), ("low: 0", "low: 9"))
    finished = run(capsys, "--lang", language, "check-system", tmp_path)
    assert (finished.code, finished.out) == (2, "")
    assert finished.err.startswith(said)
    assert f"{path}:14: " in finished.err
    assert f"{path}:18: " in finished.err
    assert "Traceback" not in finished.err


def test_a_fact_that_no_control_knows(tmp_path: Path, capsys: Capture) -> None:
    path = write_system(tmp_path, ("data.personal: false", "data.personel: false\n  deploy.cii: maybe"))
    finished = run(capsys, "check-system", path)
    assert finished.code == 2
    assert f"{path}:10: " in finished.err
    assert f"{path}:11: " in finished.err


@pytest.mark.parametrize("name", ["absent", "pipe", "loop", "x" * 300, "file/below"])
def test_paths_that_lead_nowhere(tmp_path: Path, capsys: Capture, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    finished = run(capsys, "check-system", f"{tmp_path}/{name}")
    assert finished.code == 2
    assert finished.err.startswith(f"error: {tmp_path}/{name}: ")


@pytest.mark.parametrize("content", [b"[" * 10**6, b"a: &x [*x]", b"\xff\xfe\x00", b"a: !!python/object:os.system ls"])
def test_hostile_files_end_the_program_in_order(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "system.yaml").write_bytes(content)
    command = [sys.executable, "-m", "touchstone", "check-system", str(tmp_path)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert finished.returncode == 2, finished.stderr
    assert finished.stderr.startswith(f"error: {tmp_path}/system.yaml:1: ")
    assert len(finished.stderr) < 400
