"""`touchstone log`: entries, receipts, and a history that cannot be rewritten."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.evidence.made import Laboratory
from touchstone.cli.log import command
from touchstone.errors import UserError
from touchstone.evidence.log import Receipt


@pytest.fixture
def laboratory(tmp_path: Path) -> Laboratory:
    laboratory = Laboratory.in_folder(tmp_path / "laboratory")
    laboratory.assess(tmp_path / "out")
    return laboratory


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_show_lists_the_entries(laboratory: Laboratory) -> None:
    result = run("show", laboratory.folder / "log")
    assert result.exit_code == 0
    assert "log.example.org" in result.output
    for index, name in enumerate(("plan", "assessment", "certificate")):
        assert f"{index}  urn:touchstone:predicate:{name}:v1" in result.output


def test_prove_prints_a_receipt_that_holds(laboratory: Laboratory) -> None:
    result = run("prove", laboratory.folder / "log", 1)
    receipt = Receipt.from_bytes(result.output.encode(), "receipt")
    assert receipt.index == 1
    assert receipt.proves_inclusion("receipt")
    wrong = run("prove", laboratory.folder / "log", 3)
    assert isinstance(wrong.exception, UserError)
    assert "has no entry 3" in str(wrong.exception)


def test_check_follows_a_log_over_time(laboratory: Laboratory, tmp_path: Path) -> None:
    key = laboratory.folder / "log.key.pub"
    kept = shutil.copy(laboratory.folder / "log" / "checkpoint", tmp_path / "kept")
    laboratory.assess(tmp_path / "more", accuracy="0.5")
    result = run("check", laboratory.folder / "log", "--log-key", key, "--since", kept)
    assert result.exit_code == 0, result.output
    assert "all covered by the signed checkpoint" in result.output


def test_check_notices_another_key_and_another_history(laboratory: Laboratory, tmp_path: Path) -> None:
    key = laboratory.folder / "log.key.pub"
    wrong_key = run("check", laboratory.folder / "log", "--log-key", laboratory.folder / "lab.key.pub")
    assert wrong_key.exit_code == 1
    assert "not signed by this key" in wrong_key.output
    kept = shutil.copy(laboratory.folder / "log" / "checkpoint", tmp_path / "kept")
    (tmp_path / "again").mkdir()
    shutil.rmtree(laboratory.folder / "log")
    begun_again = laboratory.log.create(laboratory.folder / "log", "log.example.org", laboratory.log_key)
    rewritten = Laboratory(laboratory.folder, laboratory.key, laboratory.log_key, begun_again)
    rewritten.assess(tmp_path / "again" / "out", accuracy="0.5", started="again")
    result = run("check", laboratory.folder / "log", "--log-key", key, "--since", kept)
    assert result.exit_code == 1
    assert "its history was rewritten" in result.output


def test_a_damaged_log_is_a_user_error(laboratory: Laboratory) -> None:
    leaves = laboratory.folder / "log" / "leaves.jsonl"
    leaves.write_bytes(leaves.read_bytes().replace(b"plan", b"plam"))
    result = run("show", laboratory.folder / "log")
    assert isinstance(result.exception, UserError)
    assert "leaves.jsonl" in str(result.exception)
