"""`touchstone harden`, from the outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import run
from tests.hardening.systems import weak_system

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize(("language", "said"), [("en", "samples withstand"), ("zh", "样本")])
def test_a_system_and_what_became_of_it(tmp_path: Path, capsys: Capture, language: str, said: str) -> None:
    system = weak_system(tmp_path / "old").root
    new = tmp_path / "new"
    finished = run(capsys, "--lang", language, "harden", system, "-o", new, "--eps", "0.05", "--epochs", "60")
    assert finished.code == 0
    assert said in finished.out
    assert "60/60" in finished.err or "/60" in finished.err
    assert str(new / "hardening.json") in finished.out


def test_nothing_gained_is_no_error(tmp_path: Path, capsys: Capture) -> None:
    system = weak_system(tmp_path / "old").root
    finished = run(capsys, "harden", system, "-o", tmp_path / "new", "--eps", "1/2", "--epochs", "1")
    assert finished.code == 0
    assert "No gain in robustness is shown" in finished.out


@pytest.mark.parametrize("wrong", ["0", "-1", "4/0", "many"])
def test_a_radius_that_is_none(tmp_path: Path, capsys: Capture, wrong: str) -> None:
    finished = run(capsys, "harden", tmp_path, "-o", tmp_path / "new", f"--eps={wrong}")
    assert finished.code == 2
    assert "not a positive number" in finished.err


def test_a_folder_in_use_is_left_alone(tmp_path: Path, capsys: Capture) -> None:
    system = weak_system(tmp_path / "old").root
    finished = run(capsys, "harden", system, "-o", system)
    assert finished.code == 2
    assert "holds something already" in finished.err
    assert "Traceback" not in finished.err
