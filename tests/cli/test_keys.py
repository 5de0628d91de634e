"""`touchstone keys`: a pair is made, shown and never overwritten."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from touchstone.cli.keys import command
from touchstone.errors import EvidenceError
from touchstone.signatures.keys import (
    LogVerifyingKey,
    load_any_public_key,
    load_log_signing_key,
    load_public_key,
    load_signing_key,
)


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(command, arguments, input=typed)


def test_a_typed_passphrase_locks_the_key(tmp_path: Path) -> None:
    result = run("generate", str(tmp_path / "key"), typed="correct horse\ncorrect horse\n")
    assert result.exit_code == 0
    assert "correct horse" not in result.output
    public = load_public_key(tmp_path / "key.pub")
    assert public.id in result.output
    assert load_signing_key(tmp_path / "key", b"correct horse").public == public


def test_a_passphrase_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "phrase").write_text("correct horse\n")
    assert run("generate", str(tmp_path / "key"), "--passphrase-file", str(tmp_path / "phrase")).exit_code == 0
    assert load_signing_key(tmp_path / "key", b"correct horse")


def test_an_open_key_is_said_to_be_open(tmp_path: Path) -> None:
    result = run("generate", str(tmp_path / "key"), "--without-passphrase")
    assert result.exit_code == 0
    assert "not encrypted" in result.stderr
    assert load_signing_key(tmp_path / "key", None)


def test_contradicting_options_are_refused(tmp_path: Path) -> None:
    result = run("generate", str(tmp_path / "key"), "--without-passphrase", "--passphrase-file", "x")
    assert result.exit_code == 2
    assert not (tmp_path / "key").exists()


def test_an_existing_key_is_kept_and_no_passphrase_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("precious")
    result = run("generate", str(tmp_path / "key"))
    assert isinstance(result.exception, EvidenceError)
    assert (tmp_path / "key").read_text() == "precious"


def test_show_names_the_key(tmp_path: Path) -> None:
    run("generate", str(tmp_path / "key"), "--without-passphrase")
    result = run("show", str(tmp_path / "key.pub"))
    assert result.exit_code == 0
    assert load_public_key(tmp_path / "key.pub").id in result.output
    assert "BEGIN PUBLIC KEY" in result.output
    assert "ECDSA P-256" in result.output


@pytest.mark.parametrize("purpose", ["log", "witness"])
def test_a_log_or_witness_gets_a_key_of_its_own_kind(tmp_path: Path, purpose: str) -> None:
    assert run("generate", str(tmp_path / "key"), "--for", purpose, "--without-passphrase").exit_code == 0
    public = load_any_public_key(tmp_path / "key.pub")
    assert isinstance(public, LogVerifyingKey)
    assert load_log_signing_key(tmp_path / "key", None).public == public
    assert "Ed25519" in run("show", str(tmp_path / "key.pub")).output
