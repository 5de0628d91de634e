"""`touchstone init`, from the outside."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import run
from touchstone.documents import read_yaml

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.onnx").write_bytes(b"\x08\x08")
    (tmp_path / "test.csv").write_text("age,sex,ill\n1,F,no\n2,M,yes\n")
    return tmp_path


@pytest.mark.parametrize(("language", "said"), [("en", "7 places to fill in"), ("zh", "还有 7 处待填写")])
def test_it_says_how_much_is_left_and_check_system_says_where(
    folder: Path, capsys: Capture, language: str, said: str
) -> None:
    files = ["--from", folder / "model.onnx", "--from", folder / "test.csv"]
    finished = run(capsys, "--lang", language, "init", folder, *files, "--yes")
    assert finished.code == 0
    assert said in finished.out
    checked = run(capsys, "--lang", language, "check-system", folder)
    assert checked.code == 2
    assert checked.err.count(f"{folder}/system.yaml:") == 7


def test_it_never_overwrites(folder: Path, capsys: Capture) -> None:
    (folder / "system.yaml").write_text("mine")
    finished = run(capsys, "init", folder, "--yes")
    assert finished.code == 2
    assert "exists and is not overwritten" in finished.err
    assert (folder / "system.yaml").read_text() == "mine"
    assert run(capsys, "init", folder, "--yes", "--output", "other.yaml").code == 0
    assert read_yaml(folder / "other.yaml").value["schema"] == "touchstone.system/v1"


def test_a_file_it_does_not_know_and_a_folder_that_is_not_there(folder: Path, capsys: Capture) -> None:
    (folder / "notes.txt").write_text("hello")
    finished = run(capsys, "init", folder, "--from", folder / "notes.txt")
    assert finished.code == 2
    assert "no known kind" in finished.err
    assert run(capsys, "init", folder / "absent").code == 2
    assert run(capsys, "init", folder, "--output", "no/where.yaml", "--yes").code == 2
    assert not (folder / "system.yaml").exists()


def test_on_a_terminal_it_asks_and_an_empty_answer_leaves_the_placeholder(folder: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "touchstone", "init", str(folder)]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as asked:
        os.close(theirs)
        os.write(ours, "泵站监测\n1.10\nExample\n\nhealthcare\n".encode())
        out, err = asked.communicate(timeout=30)
        os.close(ours)
    assert asked.returncode == 0, err
    assert "places to fill in" in out
    system = read_yaml(folder / "system.yaml").value["system"]
    assert (system["name"], system["version"], system["supplier"]["name"]) == ("泵站监测", "1.10", "Example")
    assert system["intended_use"].startswith("<fill in: ")
    assert system["sector"] == "healthcare"
