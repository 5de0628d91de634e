"""`touchstone timestamp`: an authority of one's own, and one that others ask."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from touchstone.cli.timestamp import command
from touchstone.errors import EvidenceError
from touchstone.evidence.timestamp import Authority, stamp_of
from touchstone.laboratory.timestamp_authority import CERTIFICATES, TimestampAuthority
from touchstone.laboratory.timestamping import RemoteAuthority


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_an_authority_is_made_and_says_how_little_it_proves(tmp_path: Path) -> None:
    result = run("create", tmp_path / "tsa", "--name", "Lab", "--without-passphrase")
    assert result.exit_code == 0
    assert "proves little" in result.stderr
    assert TimestampAuthority.open(tmp_path / "tsa", None).certificates[0].subject.rfc4514_string() == "CN=Lab"
    again = run("create", tmp_path / "tsa", "--name", "Lab", "--without-passphrase")
    assert isinstance(again.exception, EvidenceError)


@pytest.mark.parametrize("options", [("--policy", "x"), ("--policy", "0.99.1"), ("--policy", "1.2.3", "--listen", "x")])
def test_a_server_needs_a_policy_and_an_address(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert run("serve", tmp_path, *options).exit_code == 2


def test_others_can_ask_a_served_authority(tmp_path: Path) -> None:
    run("create", tmp_path / "tsa", "--name", "Lab", "--without-passphrase")
    process = subprocess.Popen(
        [
            *[sys.executable, "-m", "touchstone", "timestamp", "serve", str(tmp_path / "tsa")],
            *["--policy", "1.3.6.1.4.1.99999.1", "--listen", "127.0.0.1:0"],
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        pinned = Authority.of_pem((tmp_path / "tsa" / CERTIFICATES).read_bytes(), "certificates")
        token = RemoteAuthority(address, pinned).stamp(b"signature")
        assert stamp_of(token, b"signature", pinned, "token").policy == "1.3.6.1.4.1.99999.1"
    finally:
        process.terminate()
        process.wait()
