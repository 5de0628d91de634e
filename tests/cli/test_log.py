"""`touchstone log`: entries, receipts, witnesses, and a history that cannot be rewritten."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.evidence.made import Laboratory
from touchstone.cli.log import command
from touchstone.errors import UserError
from touchstone.signatures.keys import generate_log_key
from touchstone.tlog.log import Log
from touchstone.tlog.note import VerifierKey
from touchstone.tlog.policy import Policy
from touchstone.tlog.proof import TlogProof


@pytest.fixture
def laboratory(tmp_path: Path) -> Laboratory:
    laboratory = Laboratory.in_folder(tmp_path / "laboratory")
    laboratory.assess(tmp_path / "out")
    return laboratory


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_create_prints_the_key_that_verifiers_want(tmp_path: Path) -> None:
    public = generate_log_key(tmp_path / "key", None)
    result = run("create", tmp_path / "log", "--origin", "log.example.net", "--key", tmp_path / "key")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[1] == VerifierKey.of("log.example.net", public).line
    assert Log.open(tmp_path / "log").checkpoint.size == 0
    again = run("create", tmp_path / "log", "--origin", "log.example.net", "--key", tmp_path / "key")
    assert isinstance(again.exception, UserError)
    assert again.exception.what.zh == "已存在日志"


def test_show_lists_the_entries(laboratory: Laboratory) -> None:
    result = run("show", laboratory.folder / "log")
    assert result.exit_code == 0
    assert "log.example.org" in result.output
    lines = re.findall(r"^(\d)  sha256:[0-9a-f]{64}  signed by (sha256:[0-9a-f]{64})$", result.output, re.MULTILINE)
    assert lines == [(str(index), laboratory.public.id) for index in range(3)]


def test_prove_prints_a_receipt_that_holds(laboratory: Laboratory, tmp_path: Path) -> None:
    result = run("prove", laboratory.folder / "log", 1)
    proof = TlogProof.parse(result.output.encode(), "receipt")
    assert proof.index == 1
    assert proof.holds(laboratory.leaf((tmp_path / "out" / "assessment.dsse.json").read_bytes()))
    wrong = run("prove", laboratory.folder / "log", 3)
    assert isinstance(wrong.exception, UserError)
    assert "has no entry 3" in str(wrong.exception)


def test_check_follows_a_log_over_time(laboratory: Laboratory, tmp_path: Path) -> None:
    key = laboratory.folder / "log.key.pub"
    kept = shutil.copy(laboratory.folder / "log" / "checkpoint", tmp_path / "kept")
    laboratory.assess(tmp_path / "more", accuracy="0.5")  # under the same plan, which keeps its entry
    result = run("check", laboratory.folder / "log", "--log-key", key, "--since", kept)
    assert result.exit_code == 0, result.output
    assert "5 entries, all covered by the signed checkpoint" in result.output


def test_check_notices_another_key_and_another_history(laboratory: Laboratory, tmp_path: Path) -> None:
    key = laboratory.folder / "log.key.pub"
    other = Laboratory.in_folder(tmp_path / "other")
    wrong_key = run("check", laboratory.folder / "log", "--log-key", other.folder / "log.key.pub")
    assert wrong_key.exit_code == 1
    assert "not signed by this key" in wrong_key.output
    kept = shutil.copy(laboratory.folder / "log" / "checkpoint", tmp_path / "kept")
    shutil.rmtree(laboratory.folder / "log")
    begun_again = Log.create(laboratory.folder / "log", "log.example.org", laboratory.log_key)
    begun_again.append_many([b"%d" % number for number in range(5)])
    result = run("check", laboratory.folder / "log", "--log-key", key, "--since", kept)
    assert result.exit_code == 1
    assert "its history was rewritten" in result.output


def test_a_damaged_log_is_a_user_error_and_can_be_rebuilt(laboratory: Laboratory) -> None:
    bundle = laboratory.folder / "log" / "tile" / "entries" / "000.p" / "3"
    whole = bundle.read_bytes()
    bundle.write_bytes(whole.replace(b"hashedrekord", b"hashedrecord"))
    for arguments in (("show",), ("check", "--log-key", laboratory.folder / "log.key.pub")):
        result = run(arguments[0], laboratory.folder / "log", *arguments[1:])
        assert isinstance(result.exception, UserError)
        assert "does not add up" in str(result.exception)
    result = run("rebuild", laboratory.folder / "log", "--key", laboratory.folder / "log.key")
    assert result.exit_code == 0, result.output
    assert "3 entries rebuilt" in result.output
    assert bundle.read_bytes() == whole


@pytest.fixture
def witness(laboratory: Laboratory, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A witness in a process of its own: its verifier key and address."""
    generate_log_key(tmp_path / "witness.key", None)
    arguments = ["--listen", "127.0.0.1:0", "--key", tmp_path / "witness.key", "--name", "witness.example.net/w1"]
    arguments += ["--state", tmp_path / "witness", "--log", f"log.example.org={laboratory.folder / 'log.key.pub'}"]
    with subprocess.Popen(
        [sys.executable, "-m", "touchstone", "log", "witness", *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        key = process.stdout.readline().strip()
        address = process.stdout.readline().split()[-1]
        yield key, address
        process.terminate()


def test_a_log_is_cosigned_and_its_receipts_say_so(
    laboratory: Laboratory, witness: tuple[str, str], tmp_path: Path
) -> None:
    key, address = witness
    log, own_key = laboratory.folder / "log", laboratory.folder / "log.key"
    log_line = VerifierKey.of("log.example.org", laboratory.log_public).line
    text = f"log {log_line}\nwitness w1 {key} {address}\nquorum w1\n"
    (tmp_path / "policy").write_text(text)
    for ask in (("--witness", f"{address}={key}"), ("--policy", tmp_path / "policy")):
        result = run("cosign", log, "--key", own_key, *ask)
        assert result.exit_code == 0, result.output
        assert "✓ witness.example.net/w1" in result.output
    renewed = run("receipts", log, tmp_path / "out")
    assert renewed.output.split() == [f"receipts/{name}.tlog-proof" for name in ("assessment", "certificate", "plan")]
    proof = TlogProof.parse((tmp_path / "out" / "receipts" / "plan.tlog-proof").read_bytes(), "receipt")
    assert Policy.parse(text.encode(), "policy").judge(proof.note, "receipt").accepted
    shutil.rmtree(log)
    begun_again = Log.create(log, "log.example.org", laboratory.log_key)
    begun_again.append_many([b"%d" % number for number in range(4)])
    refused = run("cosign", log, "--key", own_key, "--policy", tmp_path / "policy")
    assert refused.exit_code == 1
    assert "refuses to cosign" in refused.output


def test_cosign_needs_somebody_to_ask(laboratory: Laboratory) -> None:
    result = run("cosign", laboratory.folder / "log", "--key", laboratory.folder / "log.key")
    assert result.exit_code == 2
    assert "name a witness" in result.output
    wrong = run("cosign", laboratory.folder / "log", "--key", laboratory.folder / "log.key", "--witness", "http://x")
    assert isinstance(wrong.exception, UserError)


@pytest.mark.parametrize("address", ["here", "1.2.3.4", ":80", "host:99999", "host:x"])
def test_where_to_listen_must_be_said_clearly(laboratory: Laboratory, tmp_path: Path, address: str) -> None:
    arguments = ("--listen", address, "--key", laboratory.folder / "log.key", "--name", "w", "--state", tmp_path / "w")
    line = VerifierKey.of("log.example.org", laboratory.log_public).line
    result = run("witness", *arguments, "--log", line)
    assert result.exit_code == 2
    assert "is not HOST:PORT" in result.output
